/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: what a monitor needs of a kernel's ELF file. */
#pragma once

#include "base/error.h"
#include "kernel/architecture.h"

#include <stdint.h>

/*
 * Checks that a file is a 64-bit ELF kernel for an architecture we know, with the note that
 * monitors enter it by (on x86: XEN_ELFNOTE_PHYS32_ENTRY, type 18 of owner "Xen", PVH boot
 * ABI). Otherwise -ENOEXEC with the reason. *ret_size is the file's size.
 */
int vmlinux_check(const char *path, const struct kernel_architecture **ret, uint64_t *ret_size,
				  struct error *err);

/* Whether it finds the devices of QEMU's microvm by ACPI only (see config_needs_acpi()), which the
 * texts in it tell when its configuration is not known. */
int vmlinux_needs_acpi(const char *path, bool *ret, struct error *err);
