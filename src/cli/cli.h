/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: a table of verbs, from which main() parses, and from which help, man pages
 * and completions are printed. A verb parses, calls the stages and prints; it is thin.
 */
#pragma once

#include "base/error.h"
#include "base/options.h"

#define STATUS_FAILED 125 /* lupine itself failed; the same number as docker's */

/* What a verb's own struct of options begins with. */
struct common_options {
	bool help;
	bool quiet;
	char *format;
};

#define HELP_ROW                                                                                   \
	{                                                                                              \
		"help", 0, OPTION_FLAG, NULL, "print this help and exit", NULL,                            \
			offsetof(struct common_options, help)                                                  \
	}
#define FORMAT_ROW                                                                                 \
	{                                                                                              \
		"format", 0, OPTION_CHOICE, NULL, "how to print; json is for programs", "text|json",       \
			offsetof(struct common_options, format)                                                \
	}
#define QUIET_ROW(help)                                                                            \
	{                                                                                              \
		"quiet", 'q', OPTION_FLAG, NULL, help, NULL, offsetof(struct common_options, quiet)        \
	}

struct example {
	const char *command, *meaning;
};

struct verb {
	const char *name;    /* "run"; of a group's "kernel build" */
	const char *summary; /* a phrase with a capital and no full stop */
	/* "REF [ARG...]": how many there may be, and by their names what completions offer. */
	const char *operands;
	const char *description; /* paragraphs, one a line; NULL: the summary says it all */
	const struct option_row *options;
	size_t options_size;            /* of the struct that they fill */
	bool stop_at_operand;           /* what follows the first operand is not for us */
	const struct example *examples; /* up to one without a command; NULL: none */
	/* Returns an exit status, or a negative errno with the error filled. */
	int (*run)(void *options, const struct strings *operands, struct error *err);
	const struct verb *const *verbs; /* of a group, which has no run() */
	bool hidden;                     /* from the list of verbs, not from help */
};

extern const struct verb *const verb_table[]; /* NULL-terminated */

/* The verb that the words begin with, and how many of them name it; NULL when there is none. */
const struct verb *verb_find(const struct verb *const *table, char *const words[],
							 size_t *ret_used);
/* Says which verb does not exist in the table, with what may have been meant. */
int verb_unknown(const struct verb *const *table, const char *wrong, struct error *err);

/* The last word of a verb's name: what is typed after its group's. */
const char *verb_own_name(const struct verb *verb);
/* How many operands a verb takes, as its `operands` text says. */
void verb_operand_counts(const struct verb *verb, size_t *ret_minimum, size_t *ret_maximum);
/* The name of operand `index` without brackets and dots ("MACHINE"); NULL past the last one. */
char *verb_operand_name(const struct verb *verb, size_t index);

/* Help and man pages; a NULL verb stands for lupine itself. */
void help_text(const struct verb *verb, struct buf *ret);
void help_man(const struct verb *verb, struct buf *ret);

/*
 * Completions for `words` (without "lupine"), the last of which is being typed: lines of
 * "WORD<TAB>MEANING", or the single line ":files" or ":directories", which are the shell's to list.
 */
void complete_words(char *const words[], struct buf *ret);
