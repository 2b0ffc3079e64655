// SPDX-License-Identifier: Apache-2.0
/* Evaluation of makefiles line by line: assignments, conditionals, includes. */
#include "kernel/makefile.h"
#include "base/files.h"
#include "kernel/text.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAKEFILE_SIZE_LIMIT = 1 << 20,
	INCLUDE_DEPTH_LIMIT = 8,
	CONDITION_DEPTH_LIMIT = 32,
};

struct evaluator {
	struct makefile *makefile;
	/* Open conditionals: whether their present branch is read, and whether one was. */
	struct {
		bool active, taken;
	} conditions[CONDITION_DEPTH_LIMIT];
	int depth;
	bool in_rule;   /* lines that begin with a tab are its recipe */
	bool in_define; /* between define and endef */
};

static struct make_variable *find_variable(const struct makefile *makefile, const char *name)
{
	for (size_t i = 0; i < makefile->count; i++)
		if (strcmp(makefile->variables[i].name, name) == 0)
			return &makefile->variables[i];
	return NULL;
}

/* Takes `value`. */
static void put_variable(struct makefile *makefile, const char *name, char *value, bool simple)
{
	struct make_variable *variable = find_variable(makefile, name);

	if (!variable) {
		makefile->variables =
			xrealloc(makefile->variables, makefile->count + 1, sizeof(*makefile->variables));
		variable = &makefile->variables[makefile->count++];
		*variable = (struct make_variable){.name = xstrdup(name)};
	}
	free(variable->value);
	variable->value = value;
	variable->simple = simple;
}

void makefile_set(struct makefile *makefile, const char *name, const char *value)
{
	put_variable(makefile, name, xstrdup(value), true);
}

static char *expanded(const struct makefile *makefile, const char *text)
{
	struct buf result = {0};

	makefile_expand(makefile, text, &result);
	return buf_steal(&result);
}

static void assign(struct makefile *makefile, char *name_text, char operator, char * value)
{
	_cleanup_free_ char *expanded_name = expanded(makefile, text_trim(name_text));
	const char *name = text_trim(expanded_name);
	struct make_variable *old = find_variable(makefile, name);

	value = text_trim(value);
	if (*name == '\0' || strpbrk(name, " \t") || (operator== '?' && old))
		return;
	if (operator== ':') {
		put_variable(makefile, name, expanded(makefile, value), true);
	} else if (operator== '+' && old) {
		_cleanup_free_ char *more = old->simple ? expanded(makefile, value) : xstrdup(value);
		put_variable(makefile, name, xasprintf("%s %s", old->value, more), old->simple);
	} else {
		put_variable(makefile, name, xstrdup(value), false);
	}
}

/* Finds the assignment in a line: the '=' in front of any ':' of a rule. Returns the operator's
 * first character (':', '+', '?', '!' or '=') and where name and value part, 0 if there is none. */
static char find_assignment(char *line, char **ret_operator, char **ret_value)
{
	int nesting = 0;

	for (char *at = line; *at; at++) {
		nesting += strchr("({", *at) ? 1 : strchr(")}", *at) ? -1 : 0;
		if (nesting)
			continue;
		if (*at == ':' && at[1] != '=' && !(at[1] == ':' && at[2] == '='))
			return 0;
		size_t length = strspn(at, ":");
		length += length == 0 && *at != '=' && strchr("+?!", *at) && at[1] == '=';
		if (*at == '=' || length) {
			*ret_operator = at;
			*ret_value = at + length + 1;
			return *at;
		}
	}
	return 0;
}

/* The two sides of "(A,B)" or "'A' 'B'", cut in place. */
static bool split_sides(char *text, char **left, char **right)
{
	size_t length = strlen(text);

	if (*text == '"' || *text == '\'') {
		char *end = strchr(text + 1, *text);
		char *second = end ? end + 1 + strspn(end + 1, " \t") : NULL;
		if (!second || length < 4 || (*second != '"' && *second != '\''))
			return false;
		*end = text[length - 1] = '\0';
		*left = text + 1;
		*right = second + 1;
		return true;
	}
	if (*text != '(' || text[length - 1] != ')')
		return false;
	text[length - 1] = '\0';
	int nesting = 0;
	for (char *at = text + 1; *at; at++) {
		nesting += strchr("({", *at) ? 1 : strchr(")}", *at) ? -1 : 0;
		if (*at == ',' && nesting == 0) {
			*at = '\0';
			*left = text + 1;
			*right = at + 1;
			return true;
		}
	}
	return false;
}

static bool is_equal(const struct makefile *makefile, char *text)
{
	char *left, *right;

	if (!split_sides(text, &left, &right))
		return false;
	_cleanup_free_ char *a = expanded(makefile, left), *b = expanded(makefile, right);
	return strcmp(text_trim(a), text_trim(b)) == 0;
}

static bool is_defined(const struct makefile *makefile, char *text)
{
	_cleanup_free_ char *reference = xasprintf("$(%s)", text);
	_cleanup_free_ char *value = expanded(makefile, reference);

	return *text_trim(value) != '\0';
}

static const struct {
	const char *word;
	bool (*test)(const struct makefile *makefile, char *text);
	bool wanted;
} tests[] = {
	{"ifeq", is_equal, true},
	{"ifneq", is_equal, false},
	{"ifdef", is_defined, true},
	{"ifndef", is_defined, false},
};

static bool is_reading(const struct evaluator *evaluator)
{
	for (int i = 0; i < evaluator->depth; i++)
		if (!evaluator->conditions[i].active)
			return false;
	return true;
}

/* The text behind a keyword, or NULL when the line does not begin with it. */
static char *after_word(char *line, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(line, word, length) != 0 || (line[length] && !strchr(" \t(", line[length])))
		return NULL;
	return text_trim(line + length);
}

static bool open_branch(struct evaluator *evaluator, char *line, bool nested)
{
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		char *text = after_word(line, tests[i].word);
		if (!text)
			continue;
		if (!nested && evaluator->depth == CONDITION_DEPTH_LIMIT)
			return true;
		if (!nested)
			evaluator->depth++;
		int top = evaluator->depth - 1;
		bool taken = nested && evaluator->conditions[top].taken;
		bool active = !taken && tests[i].test(evaluator->makefile, text) == tests[i].wanted;
		evaluator->conditions[top].active = active;
		evaluator->conditions[top].taken = taken || active;
		return true;
	}
	return false;
}

/* True when the line was a conditional directive. */
static bool handle_condition(struct evaluator *evaluator, char *line)
{
	if (after_word(line, "endif")) {
		evaluator->depth -= evaluator->depth > 0;
		return true;
	}
	char *rest = after_word(line, "else");
	if (!rest)
		return open_branch(evaluator, line, false);
	if (evaluator->depth && !open_branch(evaluator, rest, true)) {
		int top = evaluator->depth - 1;
		evaluator->conditions[top].active = !evaluator->conditions[top].taken;
		evaluator->conditions[top].taken = true;
	}
	return true;
}

static bool handle_include(struct evaluator *evaluator, char *line)
{
	static const char *const words[] = {"include", "-include", "sinclude"};
	_cleanup_strings_ struct strings paths = {0};
	char *rest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(words) && !rest; i++)
		rest = after_word(line, words[i]);
	if (!rest)
		return false;
	_cleanup_free_ char *text = expanded(evaluator->makefile, rest);
	text_words(text, &paths);
	for (size_t i = 0; i < paths.count; i++)
		makefile_read(evaluator->makefile, paths.items[i]);
	return true;
}

static void handle_line(struct evaluator *evaluator, char *text)
{
	char *line = text_trim(text), *operator, * value;
	bool recipe = *text == '\t' && evaluator->in_rule;

	if (evaluator->in_define || after_word(line, "define")) {
		evaluator->in_define = !after_word(line, "endef");
		return;
	}
	if (*line == '\0' || recipe || handle_condition(evaluator, line) || !is_reading(evaluator))
		return;
	if (handle_include(evaluator, line))
		return;
	for (char *rest; (rest = after_word(line, "export")) || (rest = after_word(line, "override"));)
		line = rest;
	char kind = find_assignment(line, &operator, & value);
	evaluator->in_rule = kind == 0;
	if (kind) {
		*operator= '\0';
		assign(evaluator->makefile, line, kind, value);
	}
}

/* Cuts a comment off; "\#" is not one. */
static void cut_comment(char *text)
{
	for (char *at = text; (at = strchr(at, '#')); at++)
		if (at == text || at[-1] != '\\') {
			*at = '\0';
			return;
		}
}

static void evaluate(struct evaluator *evaluator, char *text)
{
	_cleanup_buf_ struct buf whole = {0};

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		size_t length = strlen(line);
		bool continues = length && line[length - 1] == '\\' && next;
		if (continues)
			line[length - 1] = ' ';
		buf_append(&whole, line, length);
		if (continues)
			continue;
		cut_comment(whole.data);
		handle_line(evaluator, whole.data);
		buf_free(&whole);
	}
}

bool makefile_read(struct makefile *makefile, const char *path)
{
	_cleanup_free_ char *absolute = xasprintf("%s/%s", makefile->tree, path);
	_cleanup_error_ struct error ignored = {0};
	_cleanup_buf_ struct buf text = {0};
	struct evaluator evaluator = {.makefile = makefile};

	if (makefile->depth >= INCLUDE_DEPTH_LIMIT ||
		file_read(AT_FDCWD, absolute, MAKEFILE_SIZE_LIMIT, &text, &ignored) < 0)
		return false;
	makefile->depth++;
	if (text.length)
		evaluate(&evaluator, text.data);
	makefile->depth--;
	return true;
}

void makefile_free(struct makefile *makefile)
{
	for (size_t i = 0; i < makefile->count; i++) {
		free(makefile->variables[i].name);
		free(makefile->variables[i].value);
	}
	free(makefile->variables);
	makefile->variables = NULL;
	makefile->count = 0;
}
