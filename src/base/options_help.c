// SPDX-License-Identifier: Apache-2.0
/* Options as text: for --help and for man pages. */
#include "base/options.h"

#include <string.h>

enum { HELP_COLUMN = 28, HELP_WIDTH = 80 };

const char *option_value_name(const struct option_row *row)
{
	return row->kind == OPTION_CHOICE ? row->choices : row->argument;
}

void text_wrap(const char *text, size_t column, size_t indent, size_t width, struct buf *ret)
{
	bool first = true;

	while (*text) {
		size_t length = strcspn(text, " ");
		if (!first && column + 1 + length >= width) {
			buf_printf(ret, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			buf_puts(ret, " ");
			column++;
		}
		buf_append(ret, text, length);
		column += length;
		text += length + strspn(text + length, " ");
		first = false;
	}
}

void options_help(const struct option_row *table, struct buf *ret)
{
	for (const struct option_row *row = table; row->name; row++) {
		size_t start = ret->length;
		const char *value = option_value_name(row);
		if (row->letter)
			buf_printf(ret, "  -%c, --%s", row->letter, row->name);
		else
			buf_printf(ret, "      --%s", row->name);
		if (value)
			buf_printf(ret, " %s", value);
		size_t length = ret->length - start;
		if (length + 2 > HELP_COLUMN) {
			buf_puts(ret, "\n");
			length = 0;
		}
		buf_printf(ret, "%*s", (int)(HELP_COLUMN - length), "");
		text_wrap(row->help, HELP_COLUMN, HELP_COLUMN, HELP_WIDTH, ret);
		buf_puts(ret, "\n");
	}
}

void text_roff(const char *text, struct buf *ret)
{
	bool line_start = true;

	for (; *text; text++) {
		/* A dot or a quote at the start of a line would be a request. */
		if (line_start && (*text == '.' || *text == '\''))
			buf_puts(ret, "\\&");
		if (*text == '\\')
			buf_puts(ret, "\\e");
		else if (*text == '-')
			buf_puts(ret, "\\-"); /* a plain one may come out as a hyphen that cannot be copied */
		else if (*text == '~')
			buf_puts(ret, "\\(ti");
		else if (*text == '^')
			buf_puts(ret, "\\(ha");
		else if (*text == '`')
			buf_puts(ret, "\\(ga");
		else
			buf_append(ret, text, 1);
		line_start = *text == '\n';
	}
}

void options_man(const struct option_row *table, struct buf *ret)
{
	for (const struct option_row *row = table; row->name; row++) {
		const char *value = option_value_name(row);
		buf_puts(ret, ".TP\n");
		if (row->letter)
			buf_printf(ret, "\\fB\\-%c\\fR, ", row->letter);
		buf_puts(ret, "\\fB\\-\\-");
		text_roff(row->name, ret);
		buf_puts(ret, "\\fR");
		if (value) {
			buf_puts(ret, " \\fI");
			text_roff(value, ret);
			buf_puts(ret, "\\fR");
		}
		buf_puts(ret, "\n");
		text_roff(row->help, ret);
		buf_puts(ret, "\n");
	}
}
