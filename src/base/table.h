/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and figures as people read them. */
#pragma once

#include "base/buf.h"

#include <stdint.h>
#include <stdio.h>

/* Rows of cells, printed with aligned columns. */
struct text_table {
	size_t columns;
	struct strings cells;
};
__attribute__((format(printf, 2, 3))) void table_cell(struct text_table *table, const char *format,
													  ...);
/* Control bytes show as "?": names may come from foreign images. */
void table_print(const struct text_table *table, FILE *to);
void table_free(struct text_table *table);
#define _cleanup_table_ _cleanup_(table_free)

/* "4.2 MiB". */
void format_bytes(uint64_t bytes, char ret[16]);
/* "5 seconds", "3 hours"; for what was `seconds` ago. */
void format_duration(int64_t seconds, char ret[32]);
/* Adds a word as a shell has to read it. */
void format_quoted(const char *word, struct buf *ret);
