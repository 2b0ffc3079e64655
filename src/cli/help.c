// SPDX-License-Identifier: Apache-2.0
/* `lupine help`, and --help of every verb: printed from the table of verbs. */
#include "cli/help.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 80 };

/* Indented "term  meaning" lines, meanings aligned. */
static void terms_text(const struct term *terms, struct buf *ret)
{
	size_t column = 0;

	for (size_t i = 0; terms[i].term; i++)
		if (strlen(terms[i].term) > column)
			column = strlen(terms[i].term);
	for (size_t i = 0; terms[i].term; i++) {
		buf_printf(ret, "  %-*s  ", (int)column, terms[i].term);
		text_wrap(terms[i].meaning, column + 4, column + 4, WIDTH, ret);
		buf_puts(ret, "\n");
	}
}

static void usage(const struct verb *verb, struct buf *ret)
{
	buf_printf(ret, "lupine %s", verb->name);
	if (verb->verbs)
		buf_puts(ret, " VERB");
	buf_puts(ret, " [OPTIONS]");
	if (verb->operands)
		buf_printf(ret, " %s", verb->operands);
}

/* Each line of `text` as a paragraph. */
static void paragraphs(const char *text, struct buf *ret)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		_cleanup_free_ char *line = xstrndup(text, length);
		buf_puts(ret, "\n");
		text_wrap(line, 0, 0, WIDTH, ret);
		buf_puts(ret, "\n");
		text += length + (text[length] == '\n');
	}
}

static void overview_text(struct buf *ret)
{
	_cleanup_free_ struct term *verbs = help_verb_terms(verb_table);

	buf_puts(ret, "Usage: lupine VERB [OPTIONS] ...\n");
	paragraphs(help_about, ret);
	buf_puts(ret, "\nVerbs:\n");
	terms_text(verbs, ret);
	buf_puts(ret, "\nReferences to what is run (REF):\n");
	terms_text(help_references, ret);
	buf_puts(ret, "\n`lupine help VERB` says more.\n");
}

void help_text(const struct verb *verb, struct buf *ret)
{
	if (!verb) {
		overview_text(ret);
		return;
	}
	buf_puts(ret, "Usage: ");
	usage(verb, ret);
	buf_printf(ret, "\n\n%s.\n", verb->summary);
	if (verb->description)
		paragraphs(verb->description, ret);
	if (verb->verbs) {
		_cleanup_free_ struct term *verbs = help_verb_terms(verb->verbs);
		buf_puts(ret, "\nVerbs:\n");
		terms_text(verbs, ret);
	}
	if (verb->options) {
		buf_puts(ret, "\nOptions:\n");
		options_help(verb->options, ret);
	}
	if (verb->examples)
		buf_puts(ret, "\nExamples:\n");
	for (const struct example *example = verb->examples; example && example->command; example++)
		buf_printf(ret, "  %s\n      %s\n", example->command, example->meaning);
}

struct help_options {
	struct common_options common;
	bool man;
};

static const struct option_row options[] = {
	{"man", 0, OPTION_FLAG, NULL, "print it as a man page, in roff", NULL,
	 offsetof(struct help_options, man)},
	HELP_ROW,
	OPTION_END,
};

static int run(void *given, const struct strings *operands, struct error *err)
{
	const struct help_options *help = given;
	_cleanup_buf_ struct buf text = {0};
	const struct verb *verb = NULL;

	if (operands->count) {
		size_t used = 0;
		verb = verb_find(verb_table, operands->items, &used);
		if (!verb)
			return verb_unknown(verb_table, operands->items[0], err);
		if (used < operands->count && verb->verbs)
			return verb_unknown(verb->verbs, operands->items[used], err);
	}
	if (help->man)
		help_man(verb, &text);
	else
		help_text(verb, &text);
	fputs(text.data, stdout);
	return 0;
}

static const struct example examples[] = {
	{"lupine help run", "what run does, and its options"},
	{"lupine help --man run | man -l -", "the same as a man page"},
	{NULL, NULL},
};

const struct verb verb_help = {
	.name = "help",
	.summary = "Explain lupine or one of its verbs",
	.operands = "[VERB...]",
	.options = options,
	.options_size = sizeof(struct help_options),
	.examples = examples,
	.run = run,
};
