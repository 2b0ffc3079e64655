// SPDX-License-Identifier: Apache-2.0
/* Paths in a tree, resolved as a process chrooted into it would see them. */
#include "image/tree.h"

#include <string.h>
#include <sys/stat.h>

/* The directories from the root to where the walk is, so that ".." finds its way back. */
struct trail {
	struct inode **items;
	size_t count;
};

static void trail_push(struct trail *trail, struct inode *directory)
{
	trail->items = xrealloc(trail->items, trail->count + 1, sizeof(struct inode *));
	trail->items[trail->count++] = directory;
}

static void trail_free(struct trail *trail)
{
	free(trail->items);
}

/* Puts a link's target in front of what is left of the path. */
static void prepend(char **rest, const char *target, const char *behind)
{
	char *joined = xasprintf("%s/%s", target, behind);

	free(*rest);
	*rest = joined;
}

struct inode *tree_lookup(const struct tree *tree, const char *path, bool follow)
{
	_cleanup_(trail_free) struct trail trail = {0};
	_cleanup_free_ char *rest = xstrdup(path);
	unsigned links = 0;

	trail_push(&trail, tree->root);
	for (const char *at = rest;;) {
		at += strspn(at, "/");
		size_t length = strcspn(at, "/");
		const char *behind = at + length + strspn(at + length, "/");
		struct inode *directory = trail.items[trail.count - 1];
		if (!length)
			return directory;
		if (length == 2 && at[0] == '.' && at[1] == '.')
			trail.count -= trail.count > 1;
		if (at[0] == '.' && (length == 1 || (length == 2 && at[1] == '.'))) {
			at = behind;
			continue;
		}
		const struct entry *entry = directory_find(directory, at, length);
		if (!entry)
			return NULL;
		if (S_ISLNK(entry->inode->mode) && (*behind || follow)) {
			if (++links > TREE_SYMLINK_LIMIT)
				return NULL;
			if (entry->inode->target[0] == '/')
				trail.count = 1;
			prepend(&rest, entry->inode->target, behind);
			at = rest;
			continue;
		}
		if (!*behind)
			return entry->inode;
		if (!S_ISDIR(entry->inode->mode))
			return NULL;
		trail_push(&trail, entry->inode);
		at = behind;
	}
}
