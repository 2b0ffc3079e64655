// SPDX-License-Identifier: Apache-2.0
/* Expansion of make's $(variables) and $(functions). */
#include "kernel/makefile.h"
#include "kernel/text.h"

#include <ctype.h>
#include <string.h>

enum {
	DEPTH_LIMIT = 32, /* a variable that refers to itself */
	ARGUMENTS_MAX = 3,
};

static void expand(const struct makefile *makefile, const char *text, size_t length, int depth,
				   struct buf *ret);

static void add_word(struct buf *ret, const char *word, size_t length)
{
	if (ret->length && !isspace((unsigned char)ret->data[ret->length - 1]))
		buf_puts(ret, " ");
	buf_append(ret, word, length);
}

/* Matches a word with a pattern that may hold one '%'; the stem is what '%' stands for. */
static bool match(const char *pattern, const char *word, const char **stem, size_t *stem_length)
{
	const char *percent = strchr(pattern, '%');
	size_t length = strlen(word);

	if (!percent)
		return strcmp(pattern, word) == 0;
	size_t head = (size_t)(percent - pattern), tail = strlen(percent + 1);
	if (length < head + tail || strncmp(word, pattern, head) != 0 ||
		strcmp(word + length - tail, percent + 1) != 0)
		return false;
	*stem = word + head;
	*stem_length = length - head - tail;
	return true;
}

static void substitute_word(const char *pattern, const char *replacement, const char *word,
							struct buf *ret)
{
	const char *stem = NULL, *percent = strchr(replacement, '%');
	size_t length = 0;

	if (!match(pattern, word, &stem, &length)) {
		add_word(ret, word, strlen(word));
	} else if (!stem || !percent) {
		add_word(ret, replacement, strlen(replacement));
	} else {
		add_word(ret, replacement, (size_t)(percent - replacement));
		buf_append(ret, stem, length);
		buf_puts(ret, percent + 1);
	}
}

static void do_patsubst(char *const arguments[], struct buf *ret)
{
	_cleanup_strings_ struct strings words = {0};

	text_words(arguments[2], &words);
	for (size_t i = 0; i < words.count; i++)
		substitute_word(arguments[0], arguments[1], words.items[i], ret);
}

static void do_subst(char *const arguments[], struct buf *ret)
{
	const char *from = arguments[0], *text = arguments[2], *found;

	while (*from && (found = strstr(text, from))) {
		buf_append(ret, text, (size_t)(found - text));
		buf_puts(ret, arguments[1]);
		text = found + strlen(from);
	}
	buf_puts(ret, text);
}

static void filter(char *const arguments[], bool keep, struct buf *ret)
{
	_cleanup_strings_ struct strings patterns = {0}, words = {0};

	text_words(arguments[0], &patterns);
	text_words(arguments[1], &words);
	for (size_t i = 0; i < words.count; i++) {
		bool matches = false;
		const char *stem;
		size_t length;
		for (size_t j = 0; j < patterns.count && !matches; j++)
			matches = match(patterns.items[j], words.items[i], &stem, &length);
		if (matches == keep)
			add_word(ret, words.items[i], strlen(words.items[i]));
	}
}

static void do_filter(char *const arguments[], struct buf *ret)
{
	filter(arguments, true, ret);
}

static void do_filter_out(char *const arguments[], struct buf *ret)
{
	filter(arguments, false, ret);
}

static void do_addprefix(char *const arguments[], struct buf *ret)
{
	_cleanup_free_ char *replacement = xasprintf("%s%%", arguments[0]);

	do_patsubst((char *[]){(char *)"%", replacement, arguments[1]}, ret);
}

static void do_addsuffix(char *const arguments[], struct buf *ret)
{
	_cleanup_free_ char *replacement = xasprintf("%%%s", arguments[0]);

	do_patsubst((char *[]){(char *)"%", replacement, arguments[1]}, ret);
}

static void do_strip(char *const arguments[], struct buf *ret)
{
	do_patsubst((char *[]){(char *)"%", (char *)"%", arguments[0]}, ret);
}

static void do_if(char *const arguments[], struct buf *ret)
{
	bool condition = arguments[0][strspn(arguments[0], " \t")] != '\0';

	buf_puts(ret, arguments[condition ? 1 : 2]);
}

static const struct {
	const char *name;
	void (*run)(char *const arguments[], struct buf *ret);
	int arguments;
} functions[] = {
	{"subst", do_subst, 3},
	{"patsubst", do_patsubst, 3},
	{"filter", do_filter, 2},
	{"filter-out", do_filter_out, 2},
	{"addprefix", do_addprefix, 2},
	{"addsuffix", do_addsuffix, 2},
	{"strip", do_strip, 1},
	{"sort", do_strip, 1},
	{"if", do_if, 3},
};

/* The parenthesis that closes what `text` begins with, or the end of the text. */
static const char *closing(const char *text, const char *end, char close)
{
	char open = close == ')' ? '(' : '{';
	int depth = 0;

	for (; text < end; text++) {
		depth += (*text == open) - (*text == close);
		if (depth < 0)
			return text;
	}
	return end;
}

/* Runs a function on its arguments: text up to `end`, cut at commas. */
static void call(const struct makefile *makefile, size_t function, const char *text,
				 const char *end, int depth, struct buf *ret)
{
	struct buf arguments[ARGUMENTS_MAX] = {0};
	char *values[ARGUMENTS_MAX];
	int wanted = functions[function].arguments;

	for (int i = 0; i < ARGUMENTS_MAX; i++) {
		const char *stop = text;
		int nesting = 0;
		for (; stop < end && (i == wanted - 1 || nesting || *stop != ','); stop++)
			nesting += strchr("({", *stop) ? 1 : strchr(")}", *stop) ? -1 : 0;
		expand(makefile, text, (size_t)(stop - text), depth + 1, &arguments[i]);
		buf_puts(&arguments[i], "");
		values[i] = arguments[i].data;
		text = stop < end ? stop + 1 : end;
	}
	functions[function].run(values, ret);
	for (int i = 0; i < ARGUMENTS_MAX; i++)
		buf_free(&arguments[i]);
}

static void expand_config(const struct makefile *makefile, const char *name, struct buf *ret)
{
	const char *value = config_value(makefile->config, name);
	size_t length = strlen(value);

	/* auto.conf has texts without their quotes, and nothing for what is not set. */
	if (length >= 2 && *value == '"')
		buf_append(ret, value + 1, length - 2);
	else if (strcmp(value, "n") != 0)
		buf_append(ret, value, length);
}

static void expand_variable(const struct makefile *makefile, const char *name, int depth,
							struct buf *ret)
{
	static const char prefix[] = "CONFIG_";

	if (starts_with(name, prefix)) {
		expand_config(makefile, name + strlen(prefix), ret);
		return;
	}
	for (size_t i = 0; i < makefile->count; i++) {
		const struct make_variable *variable = &makefile->variables[i];
		if (strcmp(variable->name, name) != 0)
			continue;
		if (variable->simple)
			buf_puts(ret, variable->value);
		else
			expand(makefile, variable->value, strlen(variable->value), depth + 1, ret);
		return;
	}
}

/* $(name:FROM=TO), where FROM and TO without '%' are ends of words. */
static void expand_substituted(const struct makefile *makefile, const char *name, char *colon,
							   char *equals, int depth, struct buf *ret)
{
	_cleanup_buf_ struct buf words = {0};

	*colon = *equals = '\0';
	const char *mark = strchr(colon + 1, '%') ? "" : "%";
	_cleanup_free_ char *from = xasprintf("%s%s", mark, colon + 1);
	_cleanup_free_ char *to = xasprintf("%s%s", mark, equals + 1);
	buf_puts(&words, "");
	expand_variable(makefile, name, depth, &words);
	do_patsubst((char *[]){from, to, words.data}, ret);
}

/* What stands between the parentheses of $(...). */
static void expand_reference(const struct makefile *makefile, const char *text, const char *end,
							 int depth, struct buf *ret)
{
	_cleanup_buf_ struct buf name = {0};
	size_t word = 0;

	while (text + word < end && !isspace((unsigned char)text[word]) && text[word] != '$')
		word++;
	if (text + word < end && isspace((unsigned char)text[word])) {
		for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
			if (strlen(functions[i].name) == word && strncmp(functions[i].name, text, word) == 0)
				call(makefile, i, text + word + 1, end, depth, ret);
		return;
	}
	expand(makefile, text, (size_t)(end - text), depth + 1, &name);
	buf_puts(&name, "");
	char *colon = strchr(name.data, ':'), *equals = colon ? strchr(colon, '=') : NULL;
	if (equals)
		expand_substituted(makefile, name.data, colon, equals, depth, ret);
	else
		expand_variable(makefile, name.data, depth, ret);
}

static void expand(const struct makefile *makefile, const char *text, size_t length, int depth,
				   struct buf *ret)
{
	const char *end = text + length;

	if (depth > DEPTH_LIMIT)
		return;
	while (text < end) {
		const char *dollar = memchr(text, '$', (size_t)(end - text));
		buf_append(ret, text, (size_t)((dollar ? dollar : end) - text));
		if (!dollar || dollar + 1 >= end)
			return;
		text = dollar + 1;
		if (*text != '(' && *text != '{') {
			/* "$$" is a dollar; automatic variables such as $@ have no place in lists. */
			buf_append(ret, "$", *text == '$');
			text++;
			continue;
		}
		const char *close = closing(text + 1, end, *text == '(' ? ')' : '}');
		expand_reference(makefile, text + 1, close, depth, ret);
		text = close < end ? close + 1 : end;
	}
}

void makefile_expand(const struct makefile *makefile, const char *text, struct buf *ret)
{
	expand(makefile, text, strlen(text), 0, ret);
}

void makefile_get(const struct makefile *makefile, const char *name, struct strings *ret)
{
	_cleanup_buf_ struct buf value = {0};

	expand_variable(makefile, name, 0, &value);
	if (value.length)
		text_words(value.data, ret);
}
