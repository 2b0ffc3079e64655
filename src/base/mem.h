/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is never NULL, and the cleanup attributes that free it.
 *
 * Lupine is a short-lived tool: when memory runs out there is nothing better
 * to do than say so and stop, so the x-functions end the process with status
 * 125. Sizes that come from foreign input must be bounded before they get here.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t count, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);
__attribute__((format(printf, 1, 2))) char *xasprintf(const char *format, ...);

/* Takes what a variable holds away from its cleanup: `*ret = steal(&value);` */
#define steal(variable)                                                                            \
	({                                                                                             \
		__typeof__(variable) steal_from_ = (variable);                                             \
		__typeof__(*(variable)) steal_value_ = *steal_from_;                                       \
		*steal_from_ = NULL;                                                                       \
		steal_value_;                                                                              \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

void cleanup_free_(void *variable);
void cleanup_close_(const int *fd);
void cleanup_file_(void *file);

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_ _cleanup_(cleanup_free_)
/* For file descriptors; initialise with -1. */
#define _cleanup_close_ _cleanup_(cleanup_close_)
/* For FILE *; initialise with NULL. */
#define _cleanup_file_ _cleanup_(cleanup_file_)
