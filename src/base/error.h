/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as values.
 *
 * A function that can fail returns 0 or a negative errno and takes a
 * `struct error *` last. On failure it has filled that object: what failed, on
 * what, and why in `message`; what to do about it in `hint` (may be NULL).
 * On success the object is untouched. Each stage's public functions wrap once,
 * so that a message reads from the general to the particular. Libraries never
 * print: main and the verbs do, with error_print().
 *
 * The object is never NULL; make one with `_cleanup_error_ struct error err = {0};`.
 */
#pragma once

#include "base/mem.h"

struct error {
	int code;      /* positive errno, 0 while nothing failed */
	char *message; /* one line, no newline, no "lupine:" in front */
	char *hint;    /* what the user can do, or NULL */
};

/* Fills `err`, replacing what it held. Returns -code, for `return error_set(...)`. */
__attribute__((format(printf, 3, 4))) int error_set(struct error *err, int code, const char *format,
													...);

/* Like error_set() with ": strerror(code)" behind the text. */
__attribute__((format(printf, 3, 4))) int error_errno(struct error *err, int code,
													  const char *format, ...);

/* Puts "context: " before the message. Returns -err->code. */
__attribute__((format(printf, 2, 3))) int error_wrap(struct error *err, const char *format, ...);

/* Says what to do about it. Returns -err->code. */
__attribute__((format(printf, 2, 3))) int error_hint(struct error *err, const char *format, ...);

/* Prints "lupine: MESSAGE" and, if there is one, "  HINT" to stderr. Control
 * bytes in the text are shown escaped: names may come from hostile images. */
void error_print(const struct error *err);

void error_clear(struct error *err);

#define _cleanup_error_ _cleanup_(error_clear)
