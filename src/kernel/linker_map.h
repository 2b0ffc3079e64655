/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/kernel: GNU ld's map of a link (-Map; "ld: Options" in its manual), which tells
 * from which object each piece of the result came. It is the only record of that which needs no
 * debugging information and does not change what is linked.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* An input section, where it came to lie. */
struct map_piece {
	uint64_t address, size;
	char *output; /* the section of the result, ".text" */
	char *input;  /* the section of the object, ".text.unlikely"; "*fill*" for alignment */
	char *object; /* "kernel/fork.o", "lib/lib.a(string.o)"; "" when the linker made it */
};

/* In the order of the map, which within an output section is that of the addresses. */
struct linker_map {
	struct map_piece *pieces;
	size_t count, capacity;
};

int linker_map_read(const char *path, struct linker_map *ret, struct error *err);
/* The same from a text in memory. */
void linker_map_parse(const char *text, size_t length, struct linker_map *ret);
void linker_map_free(struct linker_map *map);
#define _cleanup_linker_map_ _cleanup_(linker_map_free)
