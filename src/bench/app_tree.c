// SPDX-License-Identifier: Apache-2.0
#include "bench/app_tree.h"
#include "base/files.h"
#include "base/paths.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

enum { DATABASE_LIMIT = 64 * 1024 };

static int fail_as_missing(const json_t *description, const char *name, const char *what,
						   struct error *err)
{
	const char *package = json_string_value(json_object_get(description, "package"));

	error_set(err, ENOENT, "%s is not on this machine, and %s is made of it", what, name);
	return error_hint(err, "install it: apt-get install %s", package ? package : what);
}

/* The last path that the pattern fits, or NULL. */
static char *last_match(const char *pattern)
{
	glob_t found = {0};
	char *path = NULL;

	if (glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc)
		path = xstrdup(found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	return path;
}

/* Where a program is: servers are often where only root looks. */
static char *find_program(const char *name)
{
	static const char *const others[] = {"/usr/sbin", "/sbin", "/usr/local/sbin"};

	if (*name == '/')
		return last_match(name);
	char *path = path_find_program(name);
	for (size_t i = 0; !path && i < ARRAY_SIZE(others); i++) {
		_cleanup_free_ char *candidate = xasprintf("%s/%s", others[i], name);
		path = path_find_program(candidate);
	}
	return path;
}

static int get_list(const json_t *description, const char *name, const char *member,
					struct strings *ret, struct error *err)
{
	return json_get_strings(description, name, member, JSON_OPTIONAL, ret, err);
}

int app_words(const json_t *description, const char *name, const struct strings *words,
			  struct strings *ret, struct error *err)
{
	_cleanup_strings_ struct strings programs = {0};

	if (get_list(description, name, "programs", &programs, err) < 0)
		return -err->code;
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		bool program = i == 0 && strings_contain(&programs, word);
		/* A shell line has its patterns expanded by the shell. */
		bool pattern = *word == '/' && strchr(word, '*') && !strchr(word, ' ');
		if (!program && !pattern) {
			strings_add(ret, word);
			continue;
		}
		char *path = find_program(word);
		if (!path)
			return fail_as_missing(description, name, word, err);
		strings_take(ret, path);
	}
	return 0;
}

static int add_programs(const json_t *description, const char *name, struct tree *tree,
						struct error *err)
{
	_cleanup_strings_ struct strings programs = {0};

	if (get_list(description, name, "programs", &programs, err) < 0)
		return -err->code;
	for (size_t i = 0; i < programs.count; i++) {
		_cleanup_free_ char *path = find_program(programs.items[i]);
		if (!path)
			return fail_as_missing(description, name, programs.items[i], err);
		if (tree_add_program(tree, path, path, err) < 0)
			return -err->code;
	}
	return 0;
}

static int add_bench(const json_t *description, const char *name, struct tree *tree,
					 struct error *err)
{
	_cleanup_strings_ struct strings programs = {0};

	if (get_list(description, name, "bench", &programs, err) < 0)
		return -err->code;
	for (size_t i = 0; i < programs.count; i++) {
		_cleanup_free_ char *data = xasprintf("guest/bench/%s", programs.items[i]);
		_cleanup_free_ char *guest = xasprintf("/bench/%s", programs.items[i]);
		_cleanup_free_ char *path = NULL;
		if (path_data(data, &path, err) < 0 || tree_add_program(tree, path, guest, err) < 0)
			return -err->code;
	}
	return 0;
}

static int add_copies(const json_t *description, const char *name, struct tree *tree,
					  struct error *err)
{
	_cleanup_strings_ struct strings copies = {0};

	if (get_list(description, name, "copies", &copies, err) < 0)
		return -err->code;
	for (size_t i = 0; i < copies.count; i++) {
		_cleanup_free_ char *path = last_match(copies.items[i]);
		if (!path)
			return fail_as_missing(description, name, copies.items[i], err);
		if (tree_add_path(tree, path, path, err) < 0)
			return -err->code;
	}
	return 0;
}

static int append_to_file(struct tree *tree, const char *path, const char *line, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};

	if (tree_read_file(tree, path, DATABASE_LIMIT, &text, err) < 0)
		return -err->code;
	buf_puts(&text, line);
	return tree_put_file(tree, path, 0644, text.data, text.length, err);
}

static int add_user(struct tree *tree, const char *name, const char *user, struct error *err)
{
	int end = 0;
	unsigned gid;
	char login[33];
	_cleanup_free_ char *line = xasprintf("%s\n", user);

	/* NOLINTNEXTLINE(cert-err34-c): our own text, and tests read it */
	if (sscanf(user, "%32[^:]:x:%*u:%u:%n", login, &gid, &end) != 2 || !end)
		return error_set(err, EINVAL, "%s: \"%s\" is no line of /etc/passwd", name, user);
	_cleanup_free_ char *group = xasprintf("%s:x:%u:\n", login, gid);
	if (append_to_file(tree, "etc/passwd", line, err) < 0)
		return -err->code;
	return append_to_file(tree, "etc/group", group, err);
}

static int add_users(const json_t *description, const char *name, struct tree *tree,
					 struct error *err)
{
	_cleanup_strings_ struct strings users = {0};

	if (get_list(description, name, "users", &users, err) < 0)
		return -err->code;
	for (size_t i = 0; i < users.count; i++)
		if (add_user(tree, name, users.items[i], err) < 0)
			return -err->code;
	return 0;
}

static int set_owner_and_mode(const json_t *item, const char *name, struct inode *inode,
							  struct error *err)
{
	_cleanup_free_ char *mode = NULL;
	int64_t owner = 0;
	char *end = NULL;

	if (json_get_string(item, name, "mode", JSON_OPTIONAL, &mode, err) < 0 ||
		json_get_integer(item, name, "owner", JSON_OPTIONAL, 0, UINT32_MAX - 1, &owner, err) < 0)
		return -err->code;
	inode->uid = inode->gid = (uint32_t)owner;
	if (!mode)
		return 0;
	unsigned long bits = strtoul(mode, &end, 8);
	if (*end || end == mode || bits > 07777)
		return error_set(err, EINVAL, "%s: the mode \"%s\" is not octal", name, mode);
	inode->mode = (inode->mode & S_IFMT) | (mode_t)bits;
	return 0;
}

static int add_directory(const json_t *item, const char *name, const char *path, struct tree *tree,
						 struct error *err)
{
	_cleanup_inode_ struct inode *inode = inode_new(S_IFDIR | 0755);

	if (set_owner_and_mode(item, name, inode, err) < 0 || tree_put(tree, path + 1, inode, err) < 0)
		return -err->code;
	steal(&inode);
	return 0;
}

static int add_file(const json_t *item, const char *name, const char *path, struct tree *tree,
					struct error *err)
{
	_cleanup_strings_ struct strings lines = {0};
	_cleanup_buf_ struct buf text = {0};

	if (json_get_strings(item, name, "lines", JSON_REQUIRED, &lines, err) < 0)
		return -err->code;
	for (size_t i = 0; i < lines.count; i++)
		buf_printf(&text, "%s\n", lines.items[i]);
	if (tree_put_file(tree, path + 1, 0644, text.length ? text.data : "", text.length, err) < 0)
		return -err->code;
	return set_owner_and_mode(item, name, tree_lookup(tree, path, false), err);
}

static int add_items(const json_t *description, const char *name, const char *member,
					 int (*add)(const json_t *item, const char *name, const char *path,
								struct tree *tree, struct error *err),
					 struct tree *tree, struct error *err)
{
	json_t *items = NULL;
	const json_t *item;
	size_t i;

	if (json_get_array(description, name, member, JSON_OPTIONAL, &items, err) < 0)
		return -err->code;
	json_array_foreach(items, i, item)
	{
		_cleanup_free_ char *path = NULL;
		if (json_get_string(item, name, "path", JSON_REQUIRED, &path, err) < 0)
			return -err->code;
		if (*path != '/')
			return error_set(err, EINVAL, "%s: the path %s is not absolute", name, path);
		if (add(item, name, path, tree, err) < 0)
			return -err->code;
	}
	return 0;
}

int app_tree(const json_t *description, const char *name, struct tree **ret, struct error *err)
{
	_cleanup_tree_ struct tree *tree = tree_new();

	if (tree_add_system(tree, err) < 0 || add_programs(description, name, tree, err) < 0 ||
		add_bench(description, name, tree, err) < 0 ||
		add_copies(description, name, tree, err) < 0 ||
		add_users(description, name, tree, err) < 0 ||
		add_items(description, name, "directories", add_directory, tree, err) < 0 ||
		add_items(description, name, "files", add_file, tree, err) < 0)
		return -err->code;
	*ret = steal(&tree);
	return 0;
}
