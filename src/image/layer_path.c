// SPDX-License-Identifier: Apache-2.0
#include "image/layer_path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool is_dots(const char *name, size_t length)
{
	return length == 2 && name[0] == '.' && name[1] == '.';
}

int layer_path_clean(const char *name, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf path = {0};

	for (const char *at = name; *at; at += strspn(at, "/")) {
		size_t length = strcspn(at, "/");
		if (is_dots(at, length))
			return error_set(err, EINVAL, "the path has \"..\" in it");
		if (length && !(length == 1 && *at == '.')) {
			if (path.length)
				buf_puts(&path, "/");
			buf_append(&path, at, length);
		}
		at += length;
	}
	*ret = buf_steal(&path);
	return 0;
}

/* Cuts the last component off; false when there is none. */
static bool go_up(struct buf *path)
{
	if (!path->length)
		return false;
	const char *slash = memrchr(path->data, '/', path->length);
	path->length = slash ? (size_t)(slash - path->data) : 0;
	path->data[path->length] = '\0';
	return true;
}

/* The entry at `done`/`name`; `done` has no symbolic links any more. */
static const struct entry *entry_at(const struct tree *tree, const struct buf *done,
									const char *name, size_t length)
{
	const struct inode *directory =
		done->length ? tree_lookup(tree, done->data, false) : tree->root;

	return directory && S_ISDIR(directory->mode) ? directory_find(directory, name, length) : NULL;
}

int layer_path_resolve(const struct tree *tree, const char *path, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf done = {0};
	_cleanup_free_ char *rest = xstrdup(path);
	unsigned links = 0;

	for (const char *at = rest;;) {
		at += strspn(at, "/");
		size_t length = strcspn(at, "/");
		const char *behind = at + length;
		if (!length)
			break;
		if (is_dots(at, length) && !go_up(&done))
			return error_set(err, ELOOP, "%s: a symbolic link in it leads out of the tree", path);
		if (is_dots(at, length) || (length == 1 && *at == '.')) {
			at = behind;
			continue;
		}
		const struct entry *entry = *behind ? entry_at(tree, &done, at, length) : NULL;
		if (!entry || !S_ISLNK(entry->inode->mode)) {
			buf_printf(&done, "%s%.*s", done.length ? "/" : "", (int)length, at);
			at = behind;
			continue;
		}
		if (entry->layer == tree->layer)
			return error_set(err, ELOOP, "%s: %.*s is a symbolic link of the same layer", path,
							 (int)length, at);
		if (++links > TREE_SYMLINK_LIMIT)
			return error_set(err, ELOOP, "%s: too many symbolic links", path);
		if (entry->inode->target[0] == '/')
			done.length = 0;
		char *joined = xasprintf("%s%s", entry->inode->target, behind);
		free(rest);
		rest = joined;
		at = rest;
	}
	*ret = buf_steal(&done);
	return 0;
}
