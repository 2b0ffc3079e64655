// SPDX-License-Identifier: Apache-2.0
/* Whom to run as, by the image's own /etc/passwd and /etc/group (passwd(5), group(5)). */
#include "base/options.h"
#include "image/image.h"

#include <errno.h>
#include <string.h>

enum { DATABASE_LIMIT = 16 * 1024 * 1024, FIELDS = 7 };
#define ID_LIMIT ((uint64_t)UINT32_MAX - 1) /* the last one means "no one" */

/* One line, cut at its colons. */
struct record {
	char *fields[FIELDS];
	size_t count;
};

/* The file's text; empty when there is none: numbers need no entries. */
static int read_database(const struct tree *tree, const char *path, char **ret, struct error *err)
{
	_cleanup_error_ struct error absent = {0};
	_cleanup_buf_ struct buf text = {0};

	if (tree_read_file(tree, path, DATABASE_LIMIT, &text, &absent) < 0 && absent.code != ENOENT)
		return error_set(err, absent.code, "%s", absent.message);
	*ret = buf_steal(&text);
	return 0;
}

/* Cuts the next record out of the text; false at the end. */
static bool next_record(char **text, struct record *ret)
{
	char *line;

	do {
		line = strsep(text, "\n");
		if (!line)
			return false;
	} while (!*line || *line == '#');
	ret->count = 0;
	while (line && ret->count < FIELDS)
		ret->fields[ret->count++] = strsep(&line, ":");
	return true;
}

static bool parse_id(const char *text, uint32_t *ret)
{
	_cleanup_error_ struct error ignored = {0};
	uint64_t number;

	if (parse_number(text, 0, ID_LIMIT, &number, &ignored) < 0)
		return false;
	*ret = (uint32_t)number;
	return true;
}

/* Does the record with this name and number go by `wanted`, a name or a number? */
static bool matches(const char *wanted, const char *name, uint32_t id)
{
	uint32_t number;

	return strcmp(wanted, name) == 0 || (parse_id(wanted, &number) && number == id);
}

/* Fills in what passwd says of the user; *ret_name is NULL when it says nothing. */
static int find_user(const struct tree *tree, const char *wanted, struct image_user *user,
					 char **ret_name, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct record record;
	uint32_t uid, gid;

	if (read_database(tree, "/etc/passwd", &text, err) < 0)
		return -err->code;
	for (char *rest = text; next_record(&rest, &record);) {
		if (record.count < 4 || !parse_id(record.fields[2], &uid) ||
			!parse_id(record.fields[3], &gid) || !matches(wanted, record.fields[0], uid))
			continue;
		user->uid = uid;
		user->gid = gid;
		user->home = record.count > 5 && *record.fields[5] ? xstrdup(record.fields[5]) : NULL;
		*ret_name = xstrdup(record.fields[0]);
		return 0;
	}
	if (parse_id(wanted, &user->uid))
		return 0;
	error_set(err, ENOENT, "the image has no user \"%s\" in its /etc/passwd", wanted);
	return error_hint(err, "give the user as a number, or one that is there");
}

static int find_group(const struct tree *tree, const char *wanted, struct image_user *user,
					  struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct record record;
	uint32_t gid;

	if (read_database(tree, "/etc/group", &text, err) < 0)
		return -err->code;
	for (char *rest = text; next_record(&rest, &record);) {
		if (record.count < 3 || !parse_id(record.fields[2], &gid) ||
			!matches(wanted, record.fields[0], gid))
			continue;
		user->gid = gid;
		return 0;
	}
	if (parse_id(wanted, &user->gid))
		return 0;
	error_set(err, ENOENT, "the image has no group \"%s\" in its /etc/group", wanted);
	return error_hint(err, "give the group as a number, or one that is there");
}

static bool is_member(char *members, const char *name)
{
	for (const char *member; (member = strsep(&members, ","));)
		if (strcmp(member, name) == 0)
			return true;
	return false;
}

/* The groups that list the user. */
static int find_supplementary(const struct tree *tree, const char *name, struct image_user *user,
							  struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct record record;
	uint32_t gid;

	if (read_database(tree, "/etc/group", &text, err) < 0)
		return -err->code;
	for (char *rest = text; next_record(&rest, &record);) {
		if (record.count < 4 || !parse_id(record.fields[2], &gid) ||
			!is_member(record.fields[3], name))
			continue;
		if (user->group_count == ARRAY_SIZE(user->groups))
			return error_set(err, E2BIG, "the user \"%s\" is in more than %zu groups", name,
							 ARRAY_SIZE(user->groups));
		user->groups[user->group_count++] = gid;
	}
	return 0;
}

int image_resolve_user(const struct tree *tree, const char *user, struct image_user *ret,
					   struct error *err)
{
	const char *text = user ? user : "", *colon = strchr(text, ':');
	_cleanup_free_ char *wanted = xstrndup(text, colon ? (size_t)(colon - text) : strlen(text));
	const char *group = colon ? colon + 1 : "";
	_cleanup_(image_user_free) struct image_user found = {0};
	_cleanup_free_ char *name = NULL;
	int error = find_user(tree, *wanted ? wanted : "0", &found, &name, err);

	if (error == 0 && *group)
		error = find_group(tree, group, &found, err);
	else if (error == 0 && name)
		error = find_supplementary(tree, name, &found, err);
	if (error < 0)
		return error;
	*ret = found;
	found.home = NULL;
	return 0;
}

void image_user_free(struct image_user *user)
{
	free(user->home);
	user->home = NULL;
}
