/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer, and a growing list of strings. Both own their memory. */
#pragma once

#include "base/mem.h"

#include <stdbool.h>

struct buf {
	char *data; /* NUL behind the last byte once anything was added */
	size_t length;
	size_t capacity;
};

void buf_append(struct buf *buf, const void *bytes, size_t length);
void buf_puts(struct buf *buf, const char *text);
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *buf, const char *format, ...);
/* Drops `count` bytes from the front. */
void buf_consume(struct buf *buf, size_t count);
/* The text so far, never NULL; the caller owns it and the buffer is empty again. */
char *buf_steal(struct buf *buf);
void buf_free(struct buf *buf);

#define _cleanup_buf_ _cleanup_(buf_free)

struct strings {
	char **items; /* NULL behind the last item, so that it can be an argv; NULL when empty */
	size_t count;
};

/* Adds a copy. */
void strings_add(struct strings *list, const char *text);
/* Adds the memory itself. */
void strings_take(struct strings *list, char *text);
__attribute__((format(printf, 2, 3))) void strings_addf(struct strings *list, const char *format,
														...);
void strings_extend(struct strings *list, const struct strings *more);
bool strings_contain(const struct strings *list, const char *text);
/* Sets NAME=VALUE, replacing an earlier NAME=. `assignment` must hold a '='. */
void strings_set_env(struct strings *environment, const char *assignment);
/* Removes NAME=VALUE, if it is there. */
void strings_unset_env(struct strings *environment, const char *name);
/* The value of NAME, or NULL. Borrowed. */
const char *strings_get_env(const struct strings *environment, const char *name);
void strings_free(struct strings *list);

#define _cleanup_strings_ _cleanup_(strings_free)

bool starts_with(const char *text, const char *prefix);
bool ends_with(const char *text, const char *suffix);
