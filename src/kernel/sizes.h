/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: which part of the source takes how much of a loaded kernel. */
#pragma once

#include "kernel/kernel.h"
#include "kernel/linker_map.h"

/*
 * Shares the loaded bytes of a vmlinux (which may be stripped) out among the parts of the source.
 * Fills loaded, parts and details. `objects` is the map of vmlinux.o, from which some kernels are
 * linked in one piece; empty when there is none.
 */
int sizes_attribute(const char *vmlinux, const struct linker_map *map,
					const struct linker_map *objects, struct kernel_sizes *ret, struct error *err);
/* Only `loaded`. */
int sizes_loaded(const char *vmlinux, uint64_t *ret, struct error *err);

/* The part of an object: "mm", "arch/x86", "kallsyms"; *ret_detail: "drivers/virtio", or NULL
 * where there is no finer one. The caller owns both. */
char *sizes_part(const char *object, char **ret_detail);

/* Writes parts and details into a kernel's directory, and reads them: 0 when there are none. */
int sizes_write(const struct kernel_sizes *sizes, const char *path, struct error *err);
int sizes_read(const char *path, struct kernel_sizes *ret, struct error *err);
