/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* Does a machine with so much memory have room for the kernel (an ELF file) and the initramfs? A
 * monitor does not ask, and then the machine hangs or resets without a word. -ENOMEM. */
int loadable_check(int kernel, int initramfs, uint64_t memory, struct error *err);
