/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: a plan becomes the files of a kernel. */
#pragma once

#include "kernel/plan.h"

/* The files of a kernel, by name in its directory. */
#define KERNEL_VMLINUX "vmlinux"
#define KERNEL_DEBUG "vmlinux.debug"
#define KERNEL_CONFIG "config"
#define KERNEL_SYMBOLS "System.map"
#define KERNEL_JSON "kernel.json"
#define KERNEL_SIZES "sizes.json"
#define KERNEL_MODULES "modules"

struct build_result {
	char *release;
	uint64_t options;
	uint64_t vmlinux_size;
	double seconds; /* without the unpacking of the source */
};

void build_result_free(struct build_result *result);

/* Configures and compiles, and puts the kernel's files into `directory`. */
int build_kernel(struct plan *plan, bool verbose, const char *directory, struct build_result *ret,
				 struct error *err);
