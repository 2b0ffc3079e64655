/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: the architectures that kernels are built for. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

struct kernel_architecture {
	const char *name;   /* as uname -m has it: "x86_64" */
	const char *make;   /* the build's ARCH */
	const char *source; /* the directory in arch/ */
	int machine;        /* e_machine of its ELF files */
	bool pvh;           /* monitors enter it by the PVH note */
};

/* `name` NULL is the host's. -ENOTSUP with the names there are. */
int kernel_architecture_find(const char *name, const struct kernel_architecture **ret,
							 struct error *err);
/* By the machine of an ELF file; NULL when there is none. */
const struct kernel_architecture *kernel_architecture_of(int machine);
