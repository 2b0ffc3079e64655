/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options as a table. One engine parses it, suggests what was
 * meant, and prints it as --help, man page and shell completions, so that none
 * of them can say something the program does not do.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum option_kind {
	OPTION_FLAG,   /* bool *; --no-NAME is not a thing, --NAME=false is */
	OPTION_SWITCH, /* int *; a flag that tells "not given" (0) from true (1) and false (-1) */
	OPTION_TEXT,   /* char **; the last one wins */
	OPTION_LIST,   /* struct strings *; each one is added */
	OPTION_CHOICE, /* char **; one of `choices` */
	OPTION_SIZE,   /* uint64_t *, bytes; 64m, 1g, 512k, plain bytes (docker's suffixes) */
	OPTION_NUMBER, /* uint64_t * */
};

struct option_row {
	const char *name; /* "memory" for --memory */
	char letter;      /* 'm' for -m, 0 for none */
	enum option_kind kind;
	const char *argument; /* "SIZE", for help; NULL for flags */
	const char *help;     /* a phrase, lower case, no full stop */
	const char *choices;  /* "auto|kvm|tcg" for OPTION_CHOICE */
	size_t offset;        /* of the member in the struct that is filled */
};

#define OPTION_END                                                                                 \
	{                                                                                              \
		0                                                                                          \
	}

/*
 * Parses argv[0..] (without the verb) into `target`. Letters may be bundled
 * (-it), values attached (-m64m, --memory=64m) or apart. Parsing ends at "--" or
 * at the first operand when `stop_at_operand`, as docker run does, so that the
 * application's own options are left alone. Operands are added to `operands`.
 * Returns 0, or -EINVAL with "unknown option --memroy" and the hint "did you mean --memory?".
 */
int options_parse(const struct option_row *table, char *const argv[], bool stop_at_operand,
				  void *target, struct strings *operands, struct error *err);

/* Frees what options_parse() put into `target`. */
void options_free(const struct option_row *table, void *target);

/* Adds the options to `ret`: two columns for --help, or tagged paragraphs for a man page. */
void options_help(const struct option_row *table, struct buf *ret);
void options_man(const struct option_row *table, struct buf *ret);
/* What stands for an option's value in help: its choices, or its argument; NULL for flags. */
const char *option_value_name(const struct option_row *row);

/* Adds `text`, broken at spaces so that lines end before `width`; `indent` spaces go before all
 * lines but the first. */
void text_wrap(const char *text, size_t column, size_t indent, size_t width, struct buf *ret);
/* Adds `text` as it has to be written in a man page (groff_man(7)). */
void text_roff(const char *text, struct buf *ret);

/* The word of `words` (NULL-terminated) nearest to `wrong`, or NULL when none is near. */
const char *did_you_mean(const char *wrong, const char *const words[]);

/* "64m" -> 67108864. */
int parse_size(const char *text, uint64_t *ret, struct error *err);
int parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret,
				 struct error *err);
