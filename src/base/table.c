// SPDX-License-Identifier: Apache-2.0
#include "base/table.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

void table_cell(struct text_table *table, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		text = xstrdup("");
	for (char *byte = text; *byte; byte++)
		if (iscntrl((unsigned char)*byte))
			*byte = '?';
	strings_take(&table->cells, text);
}

/* Columns of a terminal that a UTF-8 text takes, as long as all its characters are narrow. */
static size_t text_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static size_t column_width(const struct text_table *table, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < table->cells.count; i += table->columns) {
		size_t width = text_width(table->cells.items[i]);
		if (width > widest)
			widest = width;
	}
	return widest;
}

void table_print(const struct text_table *table, FILE *to)
{
	_cleanup_free_ size_t *widths = xcalloc(table->columns, sizeof(*widths));

	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t i = 0, column = 0; i < table->cells.count; i++) {
		const char *cell = table->cells.items[i];
		int gap = (int)(widths[column] - text_width(cell)) + 3;
		column = column + 1 < table->columns ? column + 1 : 0;
		if (column == 0)
			fprintf(to, "%s\n", cell);
		else
			fprintf(to, "%s%*s", cell, gap, "");
	}
}

void table_free(struct text_table *table)
{
	strings_free(&table->cells);
}

void format_bytes(uint64_t bytes, char ret[16])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
		value /= 1024;
		unit++;
	}
	/* Whole bytes have no fraction, and three digits tell enough. */
	snprintf(ret, 16, "%.*f %s", unit && value < 100 ? 1 : 0, value, units[unit]);
}

void format_duration(int64_t seconds, char ret[32])
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {
		{"year", 365ll * 86400}, {"month", 30ll * 86400}, {"week", 7ll * 86400}, {"day", 86400},
		{"hour", 3600},          {"minute", 60},          {"second", 1},
	};
	size_t unit = 0;

	if (seconds < 0)
		seconds = 0;
	while (unit + 1 < ARRAY_SIZE(units) && seconds < units[unit].seconds)
		unit++;
	long long count = seconds / units[unit].seconds;
	snprintf(ret, 32, "%lld %s%s", count, units[unit].name, count == 1 ? "" : "s");
}

void format_quoted(const char *word, struct buf *ret)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
								"%+,-./:=@_";

	if (*word && word[strspn(word, plain)] == '\0') {
		buf_puts(ret, word);
		return;
	}
	buf_puts(ret, "'");
	for (; *word; word++) {
		if (*word == '\'')
			buf_puts(ret, "'\\''");
		else
			buf_append(ret, word, 1);
	}
	buf_puts(ret, "'");
}
