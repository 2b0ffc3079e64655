/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/kernel: as much of GNU make's language as the kernel's Kbuild files need to
 * tell which objects a configuration has (Documentation/kbuild/makefiles.rst): assignments,
 * conditionals, includes, and the text functions that lists of objects use. Rules and recipes
 * are passed over, and functions that are not known here expand to nothing.
 */
#pragma once

#include "base/buf.h"
#include "kernel/config.h"

struct make_variable {
	char *name;
	char *value; /* not yet expanded, unless `simple` */
	bool simple; /* assigned with := */
};

struct makefile {
	const char *tree;            /* where includes are looked up */
	const struct config *config; /* what $(CONFIG_...) is */
	struct make_variable *variables;
	size_t count;
	int depth; /* of includes */
};

/* NAME := VALUE */
void makefile_set(struct makefile *makefile, const char *name, const char *value);
/* Evaluates a file of the tree. False when it cannot be read. */
bool makefile_read(struct makefile *makefile, const char *path);
/* The words of a variable, expanded. */
void makefile_get(const struct makefile *makefile, const char *name, struct strings *ret);
/* Adds the expansion of a text. */
void makefile_expand(const struct makefile *makefile, const char *text, struct buf *ret);
void makefile_free(struct makefile *makefile);
#define _cleanup_makefile_ _cleanup_(makefile_free)
