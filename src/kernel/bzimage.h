/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: x86's bootable image (Documentation/arch/x86/boot.rst). */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

enum { BZIMAGE_SIZE_LIMIT = 256 << 20, BZIMAGE_VMLINUX_LIMIT = 1 << 30 };

/* Whether these first bytes of a file are such an image's. */
bool bzimage_is(const void *bytes, size_t length);
/* Takes the kernel out of it, an ELF file. -EBADMSG when the image is damaged. */
int bzimage_unpack(const void *image, size_t length, struct buf *ret, struct error *err);
