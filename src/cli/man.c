// SPDX-License-Identifier: Apache-2.0
/* Man pages, in the macros of groff_man(7): printed from the table of verbs. */
#include "cli/help.h"

#include <ctype.h>
#include <string.h>

static void terms_man(const struct term *terms, struct buf *ret)
{
	for (size_t i = 0; terms[i].term; i++) {
		buf_puts(ret, ".TP\n.B ");
		text_roff(terms[i].term, ret);
		buf_puts(ret, "\n");
		text_roff(terms[i].meaning, ret);
		buf_puts(ret, "\n");
	}
}

static void roff_line(const char *macro, const char *text, struct buf *ret)
{
	buf_printf(ret, "%s ", macro);
	text_roff(text, ret);
	buf_puts(ret, "\n");
}

static void man_header(const char *name, const char *summary, struct buf *ret)
{
	_cleanup_free_ char *upper = xstrdup(name), *lower = xstrdup(summary);

	for (char *letter = upper; *letter; letter++)
		*letter = (char)toupper((unsigned char)*letter);
	*lower = (char)tolower((unsigned char)*lower);
	buf_puts(ret, ".TH ");
	text_roff(upper, ret);
	buf_puts(ret, " 1 \"\" \"lupine " LUPINE_VERSION "\" \"User Commands\"\n.SH NAME\n");
	text_roff(name, ret);
	buf_puts(ret, " \\- ");
	text_roff(lower, ret);
	buf_puts(ret, "\n.SH SYNOPSIS\n");
}

/* Each line of `text` as a paragraph, with `end` behind it. */
static void man_paragraphs(const char *text, const char *end, struct buf *ret)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		_cleanup_free_ char *line = xasprintf("%.*s%s", (int)length, text, end);
		buf_puts(ret, ".PP\n");
		text_roff(line, ret);
		buf_puts(ret, "\n");
		text += length + (text[length] == '\n');
	}
}

static void man_synopsis(const struct verb *verb, struct buf *ret)
{
	buf_puts(ret, "\\fBlupine ");
	text_roff(verb->name, ret);
	buf_puts(ret, "\\fR [\\fIOPTIONS\\fR]");
	if (verb->operands) {
		buf_puts(ret, " \\fI");
		text_roff(verb->operands, ret);
		buf_puts(ret, "\\fR");
	}
	buf_puts(ret, "\n");
}

static void man_examples(const struct example *examples, struct buf *ret)
{
	if (examples)
		buf_puts(ret, ".SH EXAMPLES\n");
	for (; examples && examples->command; examples++) {
		buf_puts(ret, ".TP\n.B ");
		text_roff(examples->command, ret);
		buf_puts(ret, "\n");
		text_roff(examples->meaning, ret);
		buf_puts(ret, "\n");
	}
}

static void man_verb_body(const struct verb *verb, struct buf *ret)
{
	if (verb->options) {
		buf_puts(ret, ".SH OPTIONS\n");
		options_man(verb->options, ret);
	}
	man_examples(verb->examples, ret);
}

/* A group's page holds all its verbs, each in a section of its own. */
static void man_group_body(const struct verb *verb, struct buf *ret)
{
	for (size_t i = 0; verb->verbs[i]; i++) {
		const struct verb *inner = verb->verbs[i];
		_cleanup_free_ char *title = xasprintf("lupine %s", inner->name);
		roff_line(".SH", title, ret);
		man_synopsis(inner, ret);
		man_paragraphs(inner->summary, ".", ret);
		if (inner->description)
			man_paragraphs(inner->description, "", ret);
		options_man(inner->options, ret);
	}
	for (size_t i = 0; verb->verbs[i]; i++)
		man_examples(verb->verbs[i]->examples, ret);
}

static void man_overview_body(struct buf *ret)
{
	_cleanup_free_ struct term *verbs = help_verb_terms(verb_table);

	buf_puts(ret, ".SH VERBS\n");
	terms_man(verbs, ret);
	buf_puts(ret, ".SH REFERENCES\n");
	terms_man(help_references, ret);
	buf_puts(ret, ".SH ENVIRONMENT\n");
	terms_man(help_variables, ret);
}

static void man_see_also(const struct verb *verb, struct buf *ret)
{
	const char *separator = verb ? ",\n" : "";

	buf_puts(ret, ".SH SEE ALSO\n");
	if (verb)
		buf_puts(ret, ".BR lupine (1)");
	for (size_t i = 0; verb_table[i]; i++) {
		if (verb_table[i] == verb || verb_table[i]->hidden)
			continue;
		buf_printf(ret, "%s.BR lupine\\-%s (1)", separator, verb_table[i]->name);
		separator = ",\n";
	}
	buf_puts(ret, "\n");
}

void help_man(const struct verb *verb, struct buf *ret)
{
	_cleanup_free_ char *name = verb ? xasprintf("lupine-%s", verb->name) : xstrdup("lupine");

	man_header(name, verb ? verb->summary : "Run containers and programs as unikernels", ret);
	if (verb && !verb->verbs)
		man_synopsis(verb, ret);
	else if (verb)
		for (size_t i = 0; verb->verbs[i]; i++) {
			man_synopsis(verb->verbs[i], ret);
			buf_puts(ret, verb->verbs[i + 1] ? ".br\n" : "");
		}
	else
		buf_puts(ret, "\\fBlupine\\fR \\fIVERB\\fR [\\fIOPTIONS\\fR] \\&...\n");
	buf_puts(ret, ".SH DESCRIPTION\n");
	text_roff(verb ? verb->summary : help_about, ret);
	buf_puts(ret, verb ? ".\n" : "\n");
	if (verb && verb->description)
		man_paragraphs(verb->description, "", ret);
	if (!verb)
		man_overview_body(ret);
	else if (verb->verbs)
		man_group_body(verb, ret);
	else
		man_verb_body(verb, ret);
	buf_puts(ret, ".SH EXIT STATUS\n");
	terms_man(help_statuses, ret);
	man_see_also(verb, ret);
}
