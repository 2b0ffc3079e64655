/* SPDX-License-Identifier: Apache-2.0 */
/* What --help and the man pages both say. */
#pragma once

#include "cli/cli.h"

struct term {
	const char *term, *meaning;
};

extern const char help_about[]; /* a paragraph */

/* Each ends with a NULL term. */
extern const struct term help_references[], help_statuses[], help_variables[];

/* The verbs of a table and their summaries. The caller frees the array. */
struct term *help_verb_terms(const struct verb *const *table);
