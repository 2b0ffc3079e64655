// SPDX-License-Identifier: Apache-2.0
/* --env and --env-file, with docker's rules. */
#include "base/files.h"
#include "cli/compose.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { FILE_LIMIT = 16 * 1024 * 1024 };

/* "NAME=VALUE", or "NAME" for the value it has here; one that is not set here is unset there. */
static int assign(struct strings *environment, const char *assignment, struct error *err)
{
	if (*assignment == '=' || !*assignment) {
		error_set(err, EINVAL, "\"%s\" has no name before the '='", assignment);
		return error_hint(err, "write NAME=VALUE, or NAME to pass on its value here");
	}
	if (strchr(assignment, '=')) {
		strings_set_env(environment, assignment);
		return 0;
	}
	const char *value = getenv(assignment);
	if (value) {
		_cleanup_free_ char *complete = xasprintf("%s=%s", assignment, value);
		strings_set_env(environment, complete);
	} else {
		strings_unset_env(environment, assignment);
	}
	return 0;
}

static int assign_line(struct strings *environment, char *line, struct error *err)
{
	static const char blanks[] = " \t\r\v\f";

	line += strspn(line, blanks);
	if (!*line || *line == '#')
		return 0;
	/* Blanks within a name, or between it and the '=', are mistakes; in a value they count. */
	size_t name = strcspn(line, "=");
	if (strcspn(line, blanks) < name)
		return error_set(err, EINVAL, "the name in \"%.*s\" has blanks", (int)name, line);
	return assign(environment, line, err);
}

static int assign_file(struct strings *environment, const char *path, struct error *err)
{
	_cleanup_buf_ struct buf content = {0};
	unsigned number = 0;

	if (file_read(AT_FDCWD, path, FILE_LIMIT, &content, err) < 0)
		return error_wrap(err, "--env-file");
	if (memchr(content.data, '\0', content.length))
		return error_set(err, EINVAL, "--env-file %s: there is a NUL byte in it", path);
	for (char *rest = content.data, *line; (line = strsep(&rest, "\n"));) {
		number++;
		size_t length = strlen(line);
		if (length && line[length - 1] == '\r')
			line[length - 1] = '\0';
		if (assign_line(environment, line, err) < 0)
			return error_wrap(err, "--env-file %s, line %u", path, number);
	}
	return 0;
}

int compose_environment(const struct strings *files, const struct strings *assignments,
						struct strings *environment, struct error *err)
{
	for (size_t i = 0; i < files->count; i++)
		if (assign_file(environment, files->items[i], err) < 0)
			return -err->code;
	for (size_t i = 0; i < assignments->count; i++)
		if (assign(environment, assignments->items[i], err) < 0)
			return error_wrap(err, "option --env");
	return 0;
}
