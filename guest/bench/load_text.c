// SPDX-License-Identifier: Apache-2.0
#include "guest/bench/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char reason[512] = "no reason is known";

int complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	return -1;
}

const char *complaint(void)
{
	return reason;
}

const char *excerpt(const char *bytes, size_t length)
{
	static char shown[81];
	size_t count = length < sizeof(shown) - 1 ? length : sizeof(shown) - 1;

	for (size_t i = 0; i < count; i++)
		shown[i] = (char)(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
	shown[count] = '\0';
	return shown;
}

void text_reserve(struct text *text, size_t more)
{
	size_t capacity = text->capacity ? text->capacity : 4096;

	if (text->length + more <= text->capacity)
		return;
	while (capacity < text->length + more)
		capacity *= 2;
	char *bytes = realloc(text->bytes, capacity);
	if (!bytes) {
		fputs("load: out of memory\n", stderr);
		exit(1);
	}
	text->bytes = bytes;
	text->capacity = capacity;
}

void text_add(struct text *text, const void *bytes, size_t length)
{
	text_reserve(text, length);
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

void text_printf(struct text *text, const char *format, ...)
{
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	text_add(text, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}
