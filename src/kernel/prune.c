// SPDX-License-Identifier: Apache-2.0
#include "kernel/prune.h"
#include "base/files.h"
#include "kernel/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { PRUNE_SIZE_LIMIT = 64 << 10 };

static int parse_row(const char *line, struct prune *prune, struct error *err)
{
	_cleanup_strings_ struct strings words = {0};

	text_words(line, &words);
	if (words.count == 0 || *words.items[0] == '#')
		return 0;
	bool keep = strcmp(words.items[0], "+") == 0;
	if ((!keep && strcmp(words.items[0], "-") != 0) || words.count < 2)
		return error_set(err, EINVAL, "\"%s\" is not \"+ PATH\" or \"- PATH [OPTION...]\"", line);
	prune->rows = xrealloc(prune->rows, prune->count + 1, sizeof(*prune->rows));
	struct prune_row *row = &prune->rows[prune->count++];
	*row = (struct prune_row){.path = xstrdup(words.items[1]), .keep = keep};
	for (size_t i = 2; i < words.count; i++)
		strings_add(&row->options, words.items[i]);
	return 0;
}

int prune_read(const char *path, struct prune *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};

	if (file_read(AT_FDCWD, path, PRUNE_SIZE_LIMIT, &text, err) < 0)
		return -err->code;
	for (char *line = text.data, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (parse_row(line, ret, err) < 0)
			return error_wrap(err, "%s", path);
	}
	return 0;
}

/* How much of `file` a row's path covers: the length of the directory that it lies beneath. */
static size_t covered(const char *pattern, const char *file)
{
	const char *at = file;

	for (; *pattern; pattern++) {
		if (*pattern == '*')
			at += strcspn(at, "/");
		else if (*pattern == *at)
			at++;
		else
			return 0;
	}
	return *at == '/' ? (size_t)(at - file) : 0;
}

/* Read by every configuration (Documentation/kbuild/makefiles.rst). */
static bool is_build_file(const char *file)
{
	static const char *const names[] = {"Kconfig", "Makefile", "Kbuild"};
	const char *slash = strrchr(file, '/');

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (starts_with(slash ? slash + 1 : file, names[i]))
			return true;
	return false;
}

char *prune_part(const struct prune *prune, const char *file)
{
	if (is_build_file(file))
		return NULL;
	for (size_t i = 0; i < prune->count; i++) {
		size_t length = covered(prune->rows[i].path, file);
		if (length)
			return prune->rows[i].keep ? NULL : xstrndup(file, length);
	}
	return NULL;
}

void prune_needed(const struct prune *prune, const struct kbuild *kbuild,
				  const struct config *config, struct strings *ret)
{
	for (size_t i = 0; i < kbuild->objects.count; i++) {
		char *part = prune_part(prune, kbuild->objects.items[i]);
		if (part && !strings_contain(ret, part))
			strings_take(ret, part);
		else
			free(part);
	}
	for (size_t i = 0; i < prune->count; i++) {
		const struct prune_row *row = &prune->rows[i];
		for (size_t j = 0; j < row->options.count; j++)
			if (strcmp(config_value(config, row->options.items[j]), "n") != 0 &&
				!strings_contain(ret, row->path))
				strings_add(ret, row->path);
	}
}

void prune_free(struct prune *prune)
{
	for (size_t i = 0; i < prune->count; i++) {
		free(prune->rows[i].path);
		strings_free(&prune->rows[i].options);
	}
	free(prune->rows);
	*prune = (struct prune){0};
}
