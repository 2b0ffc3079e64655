// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void reserve(struct buf *buf, size_t more)
{
	size_t needed = buf->length + more + 1;

	if (needed <= buf->capacity)
		return;
	size_t capacity = buf->capacity ? buf->capacity : 64;
	while (capacity < needed)
		capacity *= 2;
	buf->data = xrealloc(buf->data, capacity, 1);
	buf->capacity = capacity;
}

void buf_append(struct buf *buf, const void *bytes, size_t length)
{
	reserve(buf, length);
	if (length)
		memcpy(buf->data + buf->length, bytes, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void buf_puts(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments, again;

	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length > 0) {
		reserve(buf, (size_t)length);
		vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
		buf->length += (size_t)length;
	}
	va_end(again);
}

void buf_consume(struct buf *buf, size_t count)
{
	if (!count)
		return;
	memmove(buf->data, buf->data + count, buf->length - count + 1);
	buf->length -= count;
}

char *buf_steal(struct buf *buf)
{
	reserve(buf, 0);
	buf->data[buf->length] = '\0';
	char *data = buf->data;
	*buf = (struct buf){0};
	return data;
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){0};
}

void strings_take(struct strings *list, char *text)
{
	list->items = xrealloc(list->items, list->count + 2, sizeof(char *));
	list->items[list->count++] = text;
	list->items[list->count] = NULL;
}

void strings_add(struct strings *list, const char *text)
{
	strings_take(list, xstrdup(text));
}

void strings_addf(struct strings *list, const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	strings_take(list, length < 0 ? xstrdup(format) : text);
}

void strings_extend(struct strings *list, const struct strings *more)
{
	for (size_t i = 0; i < more->count; i++)
		strings_add(list, more->items[i]);
}

bool strings_contain(const struct strings *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static char **find_env(const struct strings *environment, const char *name, size_t length)
{
	for (size_t i = 0; i < environment->count; i++)
		if (strncmp(environment->items[i], name, length) == 0 &&
			environment->items[i][length] == '=')
			return &environment->items[i];
	return NULL;
}

void strings_set_env(struct strings *environment, const char *assignment)
{
	char **old = find_env(environment, assignment, strcspn(assignment, "="));

	if (old) {
		char *copy = xstrdup(assignment);
		free(*old);
		*old = copy;
	} else {
		strings_add(environment, assignment);
	}
}

void strings_unset_env(struct strings *environment, const char *name)
{
	char **old = find_env(environment, name, strlen(name));

	if (!old)
		return;
	free(*old);
	/* The NULL behind the last item moves along. */
	memmove(old, old + 1, (size_t)(environment->items + environment->count - old) * sizeof(char *));
	environment->count--;
}

const char *strings_get_env(const struct strings *environment, const char *name)
{
	size_t length = strlen(name);
	char **found = find_env(environment, name, length);

	return found ? *found + length + 1 : NULL;
}

void strings_free(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strings){0};
}

bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool ends_with(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && strcmp(text + length - tail, suffix) == 0;
}
