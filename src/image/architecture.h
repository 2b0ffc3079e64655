/* SPDX-License-Identifier: Apache-2.0 */
/* The processors by their names: Go's (OCI images), the kernel's (uname) and ELF's. */
#pragma once

#include <stdint.h>

struct architecture {
	const char *name;     /* "amd64" */
	const char *machine;  /* "x86_64" */
	uint16_t elf_machine; /* EM_X86_64 */
	const char *variant;  /* what an image without a variant means: "v8" on arm64 */
};

/* By either name; NULL: the one we run on. NULL when there is none of that name. */
const struct architecture *architecture_find(const char *name);
/* By the number in an ELF header; NULL when it is not in the table. */
const struct architecture *architecture_of_elf(uint16_t elf_machine);
