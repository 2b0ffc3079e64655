/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: what is loaded of a kernel's ELF file. */
#pragma once

#include "kernel/kernel.h"

/* A section that takes memory. */
struct loaded_section {
	char *name;
	uint64_t address, size;
	enum kernel_bytes kind;
	uint64_t gap; /* loaded bytes behind it that are in no section, up to the next one or the end of
					 the last page */
};

struct loaded_sections {
	struct loaded_section *items; /* in the order in which they lie in memory */
	size_t count;
	uint64_t loaded; /* pages that are touched, in bytes: the sum of all sizes and gaps */
};

int segments_read(const char *vmlinux, struct loaded_sections *ret, struct error *err);
void segments_free(struct loaded_sections *sections);
#define _cleanup_segments_ _cleanup_(segments_free)
