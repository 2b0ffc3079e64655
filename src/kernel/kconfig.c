// SPDX-License-Identifier: Apache-2.0
/* Reading Kconfig files: which blocks there are, and the conditions that each stands under. */
#include "kernel/kconfig.h"
#include "base/files.h"
#include "kernel/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	KCONFIG_SIZE_LIMIT = 1 << 20,
	SOURCE_DEPTH_LIMIT = 32, /* files that source files */
};

/* What the lines that follow belong to. */
enum subject { NOTHING, BLOCK, SCOPE };

struct reader {
	struct kconfig *kconfig;
	const char *tree;
	const char *source_arch;
	int depth;
	/* Conditions of all menus, ifs and choices that are open, the outermost first. */
	struct strings conditions;
	/* How many of them there were when each open scope began. */
	size_t *scopes;
	size_t scope_count;
	enum subject subject;
	unsigned choice; /* the number of the open choice, or 0 */
	unsigned choices;
	const char *file;
	unsigned line;
};

/* Cuts a comment off: a '#' outside of quotes. */
static void cut_comment(char *text)
{
	char quote = '\0';

	for (; *text; text++) {
		if (quote) {
			quote = *text == quote ? '\0' : quote;
		} else if (*text == '"' || *text == '\'') {
			quote = *text;
		} else if (*text == '#') {
			*text = '\0';
			return;
		}
	}
}

/* The condition behind " if " that is outside of quotes, or NULL. */
static const char *find_condition(const char *text)
{
	char quote = '\0';

	for (; *text; text++) {
		if (quote)
			quote = *text == quote ? '\0' : quote;
		else if (*text == '"' || *text == '\'')
			quote = *text;
		else if (isspace((unsigned char)*text) && starts_with(text + 1, "if") &&
				 strchr(" \t(!", text[3]) && text[3])
			return text + 3 + strspn(text + 3, " \t");
	}
	return NULL;
}

static struct kconfig_block *last_block(struct reader *reader)
{
	return &reader->kconfig->blocks[reader->kconfig->block_count - 1];
}

static void add_condition(struct reader *reader, const char *condition)
{
	if (reader->subject == BLOCK)
		strings_add(&last_block(reader)->depends, condition);
	else if (reader->subject == SCOPE)
		strings_add(&reader->conditions, condition);
}

static void open_scope(struct reader *reader)
{
	reader->scopes = xrealloc(reader->scopes, reader->scope_count + 1, sizeof(*reader->scopes));
	reader->scopes[reader->scope_count++] = reader->conditions.count;
	reader->subject = SCOPE;
}

static void close_scope(struct reader *reader)
{
	reader->subject = NOTHING;
	if (!reader->scope_count)
		return;
	size_t kept = reader->scopes[--reader->scope_count];
	while (reader->conditions.count > kept) {
		free(reader->conditions.items[--reader->conditions.count]);
		reader->conditions.items[reader->conditions.count] = NULL;
	}
}

static void on_config(struct reader *reader, const char *rest)
{
	struct kconfig *kconfig = reader->kconfig;

	kconfig->blocks = xrealloc(kconfig->blocks, kconfig->block_count + 1, sizeof(*kconfig->blocks));
	struct kconfig_block *block = &kconfig->blocks[kconfig->block_count++];
	*block = (struct kconfig_block){.name = xstrdup(rest),
									.file = xstrdup(reader->file),
									.line = reader->line,
									.choice = reader->choice};
	strings_extend(&block->depends, &reader->conditions);
	reader->subject = BLOCK;
}

static void on_scope(struct reader *reader, const char *rest)
{
	(void)rest;
	open_scope(reader);
}

static void on_if(struct reader *reader, const char *rest)
{
	open_scope(reader);
	add_condition(reader, rest);
	reader->subject = NOTHING;
}

static void on_choice(struct reader *reader, const char *rest)
{
	on_scope(reader, rest);
	reader->choice = ++reader->choices;
}

static void on_end(struct reader *reader, const char *rest)
{
	(void)rest;
	close_scope(reader);
}

static void on_endchoice(struct reader *reader, const char *rest)
{
	on_end(reader, rest);
	reader->choice = 0;
}

static void on_comment(struct reader *reader, const char *rest)
{
	(void)rest;
	reader->subject = NOTHING;
}

/* bool, tristate, string, int, hex and prompt: with a text it can be asked for. */
static void on_type(struct reader *reader, const char *rest)
{
	const char *condition = find_condition(rest);

	if (*rest != '"' && *rest != '\'')
		return;
	if (reader->subject == BLOCK)
		last_block(reader)->prompt = true;
	if (condition)
		add_condition(reader, condition);
}

static void on_depends(struct reader *reader, const char *rest)
{
	if (starts_with(rest, "on") && isspace((unsigned char)rest[2]))
		add_condition(reader, rest + 3 + strspn(rest + 3, " \t"));
}

static void on_visible(struct reader *reader, const char *rest)
{
	if (starts_with(rest, "if") && isspace((unsigned char)rest[2]))
		add_condition(reader, rest + 3 + strspn(rest + 3, " \t"));
}

static void on_select(struct reader *reader, const char *rest)
{
	struct kconfig *kconfig = reader->kconfig;
	const char *condition = find_condition(rest);

	if (reader->subject != BLOCK)
		return;
	kconfig->selects =
		xrealloc(kconfig->selects, kconfig->select_count + 1, sizeof(*kconfig->selects));
	kconfig->selects[kconfig->select_count++] =
		(struct kconfig_select){.target = xstrndup(rest, strcspn(rest, " \t")),
								.selector = xstrdup(last_block(reader)->name),
								.condition = condition ? xstrdup(condition) : NULL};
}

static void read_file(struct reader *reader, const char *path);

static void on_source(struct reader *reader, const char *rest)
{
	static const char macro[] = "$(SRCARCH)";
	_cleanup_buf_ struct buf path = {0};

	for (; *rest; rest++) {
		if (starts_with(rest, macro)) {
			buf_puts(&path, reader->source_arch);
			rest += strlen(macro) - 1;
		} else if (*rest != '"' && *rest != '\'') {
			buf_append(&path, rest, 1);
		}
	}
	reader->subject = NOTHING;
	if (path.length)
		read_file(reader, path.data);
}

static const struct {
	const char *word;
	void (*handle)(struct reader *reader, const char *rest);
} keywords[] = {
	{"config", on_config},   {"menuconfig", on_config},
	{"menu", on_scope},      {"choice", on_choice},
	{"if", on_if},           {"endmenu", on_end},
	{"endif", on_end},       {"endchoice", on_endchoice},
	{"comment", on_comment}, {"mainmenu", on_comment},
	{"source", on_source},   {"bool", on_type},
	{"tristate", on_type},   {"string", on_type},
	{"int", on_type},        {"hex", on_type},
	{"prompt", on_type},     {"depends", on_depends},
	{"visible", on_visible}, {"select", on_select},
};

static void handle_line(struct reader *reader, char *line)
{
	size_t length = strcspn(line, " \t(!\"'");
	char *rest = text_trim(line + length);

	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (strlen(keywords[i].word) == length && strncmp(line, keywords[i].word, length) == 0) {
			keywords[i].handle(reader, rest);
			return;
		}
}

/* Columns of white space in front of a line; a tab goes to the next multiple of 8. */
static size_t indentation(const char *line)
{
	size_t columns = 0;

	for (; *line == ' ' || *line == '\t'; line++)
		columns = *line == '\t' ? (columns | 7) + 1 : columns + 1;
	return columns;
}

/* The lines of a file, one after the other, cut in place. */
struct lines {
	char *next;
	unsigned number;
};

static char *take_line(struct lines *lines)
{
	char *line = lines->next;

	if (!line || !*line)
		return NULL;
	char *newline = strchr(line, '\n');
	if (newline)
		*newline = '\0';
	lines->next = newline ? newline + 1 : NULL;
	lines->number++;
	return line;
}

/* Skips a help text: it ends before the first line that is indented less than its first. */
static void skip_help(struct lines *lines)
{
	size_t first = 0;

	while (lines->next && *lines->next) {
		const char *line = lines->next;
		bool empty = line[strspn(line, " \t\r")] == '\n' || line[strspn(line, " \t\r")] == '\0';
		if (!empty && first == 0)
			first = indentation(line);
		if (!empty && (first == 0 || indentation(line) < first))
			return;
		take_line(lines);
	}
}

/* Reads a text, which it cuts up. */
static void read_text(struct reader *reader, struct buf *text)
{
	struct lines lines = {.next = text->data};
	_cleanup_buf_ struct buf whole = {0};

	for (char *line; (line = take_line(&lines));) {
		if (!whole.length)
			reader->line = lines.number;
		size_t length = strlen(line);
		bool continues = length && line[length - 1] == '\\';
		buf_append(&whole, line, length - continues);
		if (continues)
			continue;
		cut_comment(whole.data);
		char *statement = text_trim(whole.data);
		if (strcmp(statement, "help") == 0 || strcmp(statement, "---help---") == 0)
			skip_help(&lines);
		else
			handle_line(reader, statement);
		buf_free(&whole);
	}
}

/* A file that cannot be read is left out: the explanation is then less complete. */
static void read_file(struct reader *reader, const char *path)
{
	_cleanup_free_ char *absolute = xasprintf("%s/%s", reader->tree, path);
	_cleanup_error_ struct error ignored = {0};
	_cleanup_buf_ struct buf text = {0};
	const char *file = reader->file;
	unsigned line = reader->line;

	if (reader->depth >= SOURCE_DEPTH_LIMIT ||
		file_read(AT_FDCWD, absolute, KCONFIG_SIZE_LIMIT, &text, &ignored) < 0 || !text.length)
		return;
	reader->depth++;
	reader->file = path;
	read_text(reader, &text);
	reader->depth--;
	reader->file = file;
	reader->line = line;
}

int kconfig_read(const char *tree, const char *source_arch, struct kconfig *ret, struct error *err)
{
	_cleanup_free_ char *top = xasprintf("%s/Kconfig", tree);
	struct reader reader = {.kconfig = ret, .tree = tree, .source_arch = source_arch};

	if (!path_exists(top))
		return error_errno(err, ENOENT, "%s", top);
	read_file(&reader, "Kconfig");
	strings_free(&reader.conditions);
	free(reader.scopes);
	return 0;
}

void kconfig_free(struct kconfig *kconfig)
{
	for (size_t i = 0; i < kconfig->block_count; i++) {
		free(kconfig->blocks[i].name);
		free(kconfig->blocks[i].file);
		strings_free(&kconfig->blocks[i].depends);
	}
	for (size_t i = 0; i < kconfig->select_count; i++) {
		free(kconfig->selects[i].target);
		free(kconfig->selects[i].selector);
		free(kconfig->selects[i].condition);
	}
	free(kconfig->blocks);
	free(kconfig->selects);
	*kconfig = (struct kconfig){0};
}
