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

/* How far a path has been resolved. */
struct walk {
	struct buf path;            /* so far, without symbolic links */
	struct inode **directories; /* for each component of it, the root first; NULL: not there */
	size_t depth;               /* components of `path` */
	size_t capacity;
};

static void walk_free(struct walk *walk)
{
	buf_free(&walk->path);
	free(walk->directories);
}

static void walk_restart(struct walk *walk, struct inode *root)
{
	if (!walk->directories) {
		walk->capacity = 16;
		walk->directories = xcalloc(walk->capacity, sizeof(struct inode *));
	}
	walk->directories[0] = root;
	walk->depth = 0;
	walk->path.length = 0;
}

static const struct entry *find_here(const struct walk *walk, const char *name, size_t length)
{
	const struct inode *directory = walk->directories[walk->depth];

	return directory && S_ISDIR(directory->mode) ? directory_find(directory, name, length) : NULL;
}

static void walk_down(struct walk *walk, const char *name, size_t length, struct inode *inode)
{
	if (walk->depth + 1 == walk->capacity) {
		walk->capacity *= 2;
		walk->directories = xrealloc(walk->directories, walk->capacity, sizeof(struct inode *));
	}
	walk->directories[++walk->depth] = inode;
	buf_printf(&walk->path, "%s%.*s", walk->path.length ? "/" : "", (int)length, name);
}

/* False at the root. */
static bool walk_up(struct walk *walk)
{
	if (!walk->depth)
		return false;
	const char *slash = memrchr(walk->path.data, '/', walk->path.length);
	walk->path.length = slash ? (size_t)(slash - walk->path.data) : 0;
	walk->depth--;
	return true;
}

int layer_path_resolve(const struct tree *tree, const char *path, char **ret, struct error *err)
{
	_cleanup_(walk_free) struct walk walk = {0};
	_cleanup_free_ char *rest = xstrdup(path);
	unsigned links = 0;

	walk_restart(&walk, tree->root);
	for (const char *at = rest;;) {
		at += strspn(at, "/");
		size_t length = strcspn(at, "/");
		const char *behind = at + length;
		if (!length)
			break;
		if (is_dots(at, length) && !walk_up(&walk))
			return error_set(err, ELOOP, "%s: a symbolic link in it leads out of the tree", path);
		if (is_dots(at, length) || (length == 1 && *at == '.')) {
			at = behind;
			continue;
		}
		const struct entry *entry = find_here(&walk, at, length);
		if (!*behind || !entry || !S_ISLNK(entry->inode->mode)) {
			walk_down(&walk, at, length, entry ? entry->inode : NULL);
			at = behind;
			continue;
		}
		if (entry->layer == tree->layer)
			return error_set(err, ELOOP, "%s: %.*s is a symbolic link of the same layer", path,
							 (int)length, at);
		if (++links > TREE_SYMLINK_LIMIT)
			return error_set(err, ELOOP, "%s: too many symbolic links", path);
		if (entry->inode->target[0] == '/')
			walk_restart(&walk, tree->root);
		char *joined = xasprintf("%s%s", entry->inode->target, behind);
		free(rest);
		rest = joined;
		at = rest;
	}
	*ret = buf_steal(&walk.path);
	return 0;
}
