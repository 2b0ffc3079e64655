// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 1, 0))) static char *format_text(const char *format,
															   va_list arguments)
{
	char *text = NULL;

	return vasprintf(&text, format, arguments) < 0 ? xstrdup(format) : text;
}

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *message = format_text(format, arguments);
	va_end(arguments);
	error_clear(err);
	err->code = code ? code : EIO;
	err->message = message;
	return -err->code;
}

int error_errno(struct error *err, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	_cleanup_free_ char *text = format_text(format, arguments);
	va_end(arguments);
	return error_set(err, code, "%s: %s", text, strerror(code ? code : EIO));
}

int error_wrap(struct error *err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	_cleanup_free_ char *context = format_text(format, arguments);
	va_end(arguments);
	char *message = xasprintf("%s: %s", context, err->message ? err->message : "failed");
	free(err->message);
	err->message = message;
	if (!err->code)
		err->code = EIO;
	return -err->code;
}

int error_hint(struct error *err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *hint = format_text(format, arguments);
	va_end(arguments);
	free(err->hint);
	err->hint = hint;
	return -err->code;
}

static void print_escaped(const char *text)
{
	for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
		if (*byte == '\n')
			fputs("\n  ", stderr);
		else if (iscntrl(*byte))
			fprintf(stderr, "\\x%02x", *byte);
		else
			fputc(*byte, stderr);
	}
	fputc('\n', stderr);
}

void error_print(const struct error *err)
{
	fputs("lupine: ", stderr);
	print_escaped(err->message ? err->message : "failed");
	if (err->hint) {
		fputs("  ", stderr);
		print_escaped(err->hint);
	}
}

void error_clear(struct error *err)
{
	free(err->message);
	free(err->hint);
	*err = (struct error){0};
}
