/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of vmm_table, each in a file of its own. */
#pragma once

#include "vmm/vmm.h"

extern const struct vmm vmm_qemu;
