/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: kernels in Debian packages (deb(5): an ar archive with a data.tar). */
#pragma once

#include "kernel/kernel.h"

/* Whether a file begins as such a package does. */
bool package_is(const char *path);
/* The package's kernel, unpacked into the cache unless it is there. */
int package_kernel(const char *path, struct kernel **ret, struct error *err);
/* Unpacks the kernel into `directory`: vmlinux, its configuration, modules/NAME.ko. Fills release,
 * version, architecture, vmlinux_size, options and the names of the modules of `ret`. */
int package_unpack(int package, const char *directory, struct kernel *ret, struct error *err);
