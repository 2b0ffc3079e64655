/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vmm/accel.h"

/* The kernel's command line under QEMU, the machine's own --append last. The caller owns it. */
char *cmdline_new(const struct machine *machine, const struct accel *accel);
