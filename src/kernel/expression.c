// SPDX-License-Identifier: Apache-2.0
/* Kconfig's expressions: evaluated, and shown with the value of each symbol. */
#include "kernel/kconfig.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Deeper nesting than any Kconfig file has; keeps recursion bounded. */
enum { DEPTH_LIMIT = 64 };

struct parser {
	const char *at;
	const struct config *config;
	struct buf *shown;
	int depth;
};

static void show(struct parser *parser, const char *text, size_t length)
{
	buf_append(parser->shown, text, length);
}

static void skip_space(struct parser *parser)
{
	while (isspace((unsigned char)*parser->at))
		parser->at++;
}

/* Takes an operator, showing it with a space on either side. */
static bool take_operator(struct parser *parser, const char *operator)
{
	skip_space(parser);
	if (!starts_with(parser->at, operator))
		return false;
	parser->at += strlen(operator);
	buf_printf(parser->shown, " %s ", operator);
	return true;
}

/* The end of a word: a name, a number, a quoted text or a $(macro). */
static const char *word_end(const char *text)
{
	if (*text == '"' || *text == '\'') {
		const char *end = strchr(text + 1, *text);
		return end ? end + 1 : text + strlen(text);
	}
	if (starts_with(text, "$(")) {
		int depth = 0;
		for (text++; *text; text++) {
			depth += (*text == '(') - (*text == ')');
			if (depth == 0)
				return text + 1;
		}
		return text;
	}
	while (isalnum((unsigned char)*text) || (*text && strchr("_.-/", *text)))
		text++;
	return text;
}

/* Whether a word that names no option of the configuration stands for itself. */
static bool is_literal(const char *word)
{
	char *end;

	strtoull(word, &end, 0);
	/* Option names may begin with a digit ("64BIT"). */
	return *end == '\0' || !(isalnum((unsigned char)*word) || *word == '_') ||
		   islower((unsigned char)*word);
}

/* The value of a word without quotes; the caller owns it. */
static char *word_value(const struct parser *parser, const char *word)
{
	const struct config_option *option = config_find(parser->config, word);
	const char *value = option ? option->value : is_literal(word) ? word : "n";
	size_t length = strlen(value);

	if (starts_with(word, "$("))
		value = "y", length = 1; /* a macro: unknown here, so never what stands in the way */
	if (length >= 2 && (*value == '"' || *value == '\''))
		return xstrndup(value + 1, length - 2);
	return xstrndup(value, length);
}

static char *take_word(struct parser *parser)
{
	skip_space(parser);
	const char *end = word_end(parser->at);
	_cleanup_free_ char *word = xstrndup(parser->at, (size_t)(end - parser->at));
	char *value = word_value(parser, word);

	show(parser, word, strlen(word));
	if (*word && (config_find(parser->config, word) || !is_literal(word)))
		buf_printf(parser->shown, " [=%s]", value);
	parser->at = end;
	return value;
}

static enum tristate tristate_of(const char *value)
{
	if (strcmp(value, "y") == 0)
		return TRISTATE_YES;
	return strcmp(value, "m") == 0 ? TRISTATE_MODULE : TRISTATE_NO;
}

static bool compare_values(const char *left, const char *operator, const char * right)
{
	if (*operator== '=')
		return strcmp(left, right) == 0;
	if (*operator== '!')
		return strcmp(left, right) != 0;
	long long a = strtoll(left, NULL, 0), b = strtoll(right, NULL, 0);
	bool orequal = operator[1] == '=';
	return (*operator== '<' ? a < b : a> b) || (orequal && a == b);
}

static enum tristate parse_comparison(struct parser *parser)
{
	static const char *const operators[] = {"!=", "<=", ">=", "=", "<", ">"};
	_cleanup_free_ char *left = take_word(parser);

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (!take_operator(parser, operators[i]))
			continue;
		_cleanup_free_ char *right = take_word(parser);
		return compare_values(left, operators[i], right) ? TRISTATE_YES : TRISTATE_NO;
	}
	return tristate_of(left);
}

static enum tristate parse_or(struct parser *parser);

static enum tristate parse_unary(struct parser *parser)
{
	enum tristate value;

	skip_space(parser);
	if (++parser->depth > DEPTH_LIMIT) {
		parser->at += strlen(parser->at);
		value = TRISTATE_NO;
	} else if (*parser->at == '!') {
		parser->at++;
		show(parser, "!", 1);
		value = TRISTATE_YES - parse_unary(parser);
	} else if (*parser->at == '(') {
		parser->at++;
		show(parser, "(", 1);
		value = parse_or(parser);
		skip_space(parser);
		parser->at += *parser->at == ')';
		show(parser, ")", 1);
	} else {
		value = parse_comparison(parser);
	}
	parser->depth--;
	return value;
}

static enum tristate parse_and(struct parser *parser)
{
	enum tristate value = parse_unary(parser);

	while (take_operator(parser, "&&")) {
		enum tristate right = parse_unary(parser);
		value = right < value ? right : value;
	}
	return value;
}

static enum tristate parse_or(struct parser *parser)
{
	enum tristate value = parse_and(parser);

	while (take_operator(parser, "||")) {
		enum tristate right = parse_and(parser);
		value = right > value ? right : value;
	}
	return value;
}

enum tristate expression_evaluate(const char *expression, const struct config *config,
								  struct buf *shown)
{
	_cleanup_buf_ struct buf unwanted = {0};
	struct parser parser = {.at = expression, .config = config, .shown = shown ? shown : &unwanted};

	return parse_or(&parser);
}

/* Where `operator` stands outside of parentheses and quotes, or NULL. */
static const char *find_outside(const char *text, const char *operator)
{
	int depth = 0;

	while (*text) {
		if (depth == 0 && starts_with(text, operator))
			return text;
		depth += (*text == '(') - (*text == ')');
		const char *end = *text == '"' || *text == '\'' ? word_end(text) : text + 1;
		text = end;
	}
	return NULL;
}

/* True for a text that one pair of parentheses encloses. */
static bool is_enclosed(const char *text, size_t length)
{
	int depth = 0;

	if (length < 2 || *text != '(')
		return false;
	for (size_t i = 0; i + 1 < length; i++) {
		depth += (text[i] == '(') - (text[i] == ')');
		if (depth == 0)
			return false;
	}
	return text[length - 1] == ')';
}

static void add_unmet(const char *part, size_t length, const struct config *config,
					  struct strings *ret)
{
	while (length && isspace((unsigned char)*part))
		part++, length--;
	while (length && isspace((unsigned char)part[length - 1]))
		length--;
	bool enclosed = is_enclosed(part, length);
	_cleanup_free_ char *text = enclosed ? xstrndup(part + 1, length - 2) : xstrndup(part, length);
	if (enclosed) {
		expression_unmet(text, config, ret);
		return;
	}
	_cleanup_buf_ struct buf shown = {0};
	if (expression_evaluate(text, config, &shown) == TRISTATE_NO && shown.length &&
		!strings_contain(ret, shown.data))
		strings_add(ret, shown.data);
}

void expression_unmet(const char *expression, const struct config *config, struct strings *ret)
{
	bool conjunction = !find_outside(expression, "||");

	for (const char *end; conjunction && (end = find_outside(expression, "&&"));) {
		add_unmet(expression, (size_t)(end - expression), config, ret);
		expression = end + 2;
	}
	add_unmet(expression, strlen(expression), config, ret);
}
