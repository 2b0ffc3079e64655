// SPDX-License-Identifier: Apache-2.0
#include "image/tree.h"
#include "image/directory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct tree *tree_new(void)
{
	struct tree *tree = xcalloc(1, sizeof(*tree));

	tree->root = inode_new(S_IFDIR | 0755);
	tree->root->links = 1;
	tree->inode_count = 1;
	return tree;
}

static void count_link(struct tree *tree, struct inode *inode)
{
	if (inode->links++)
		return;
	tree->inode_count++;
	if (S_ISREG(inode->mode))
		tree->data_bytes += inode->size;
}

/* Takes one link away, and with the last one the inode and all beneath it. */
static void release(struct tree *tree, struct inode *inode)
{
	if (--inode->links)
		return;
	for (size_t i = 0; i < inode->entry_count + inode->unsorted; i++) {
		if (inode->entries[i].inode) {
			tree->entry_count--;
			release(tree, inode->entries[i].inode);
		}
		free(inode->entries[i].name);
	}
	tree->inode_count--;
	if (S_ISREG(inode->mode))
		tree->data_bytes -= inode->size;
	inode_free(inode);
}

void tree_free(struct tree **tree)
{
	if (!*tree)
		return;
	release(*tree, (*tree)->root);
	free(*tree);
	*tree = NULL;
}

/* Leaves a vacancy; the caller settles the directory when it has to be whole. */
static void vacate(struct tree *tree, struct entry *entry)
{
	struct inode *inode = entry->inode;

	entry->inode = NULL;
	tree->entry_count--;
	release(tree, inode);
}

static int link_inode(struct tree *tree, struct inode *directory, const char *name, size_t length,
					  struct inode *inode, struct error *err)
{
	struct entry *slot = directory_slot(directory, name, length);

	if (length > TREE_NAME_LIMIT)
		return error_set(err, E2BIG, "a name of %zu bytes, more than %d", length, TREE_NAME_LIMIT);
	if (tree->entry_count >= TREE_ENTRY_LIMIT)
		return error_set(err, E2BIG, "more than %d files", TREE_ENTRY_LIMIT);
	tree->entry_count++;
	count_link(tree, inode);
	if (slot) {
		slot->inode = inode;
		slot->layer = tree->layer;
		return 0;
	}
	struct entry entry = {.name = xstrndup(name, length), .inode = inode, .layer = tree->layer};
	directory_add(directory, entry, tree->in_layers);
	return 0;
}

/* The directory that is the component `name` of `path`, made when absent. */
static int enter(struct tree *tree, struct inode **directory, const char *path, const char *name,
				 size_t length, struct error *err)
{
	struct entry *entry = directory_find(*directory, name, length);
	int through = (int)(name + length - path);

	if (!entry) {
		_cleanup_inode_ struct inode *made = inode_new(S_IFDIR | 0755);
		if (link_inode(tree, *directory, name, length, made, err) < 0)
			return error_wrap(err, "%s", path);
		*directory = steal(&made);
		return 0;
	}
	if (S_ISLNK(entry->inode->mode))
		return error_set(err, ELOOP, "%s: %.*s is a symbolic link, not a directory", path, through,
						 path);
	if (!S_ISDIR(entry->inode->mode))
		return error_set(err, ENOTDIR, "%s: %.*s is not a directory", path, through, path);
	entry->layer = tree->layer;
	*directory = entry->inode;
	return 0;
}

static bool is_clean_component(const char *name, size_t length)
{
	return length && !(length == 1 && name[0] == '.') &&
		   !(length == 2 && name[0] == '.' && name[1] == '.');
}

static int check_path(const char *path, struct error *err)
{
	if (strnlen(path, TREE_PATH_LIMIT + 1) > TREE_PATH_LIMIT)
		return error_set(err, E2BIG, "%.64s...: a path of more than %d bytes", path,
						 TREE_PATH_LIMIT);
	for (const char *name = path; *path;) {
		size_t length = strcspn(name, "/");
		if (!is_clean_component(name, length))
			return error_set(err, EINVAL, "%s: not a clean path", path);
		if (!name[length])
			break;
		name += length + 1;
	}
	return 0;
}

/* Moves the metadata of `from`, which is freed, to the directory `to`. */
static void replace_metadata(struct inode *to, struct inode *from)
{
	struct xattr *xattrs = to->xattrs;
	size_t xattr_count = to->xattr_count;

	to->mode = from->mode;
	to->uid = from->uid;
	to->gid = from->gid;
	to->mtime = from->mtime;
	to->mtime_nsec = from->mtime_nsec;
	to->xattrs = from->xattrs;
	to->xattr_count = from->xattr_count;
	from->xattrs = xattrs;
	from->xattr_count = xattr_count;
	inode_free(from);
}

int tree_put(struct tree *tree, const char *path, struct inode *inode, struct error *err)
{
	struct inode *directory = tree->root;
	const char *name = path;
	size_t length;

	if (check_path(path, err) < 0)
		return -err->code;
	if (S_ISDIR(inode->mode) && inode->links)
		return error_set(err, EPERM, "%s: a hard link to a directory", path);
	if (!*path) {
		if (!S_ISDIR(inode->mode))
			return error_set(err, EISDIR, "the root can only be a directory");
		replace_metadata(tree->root, inode);
		return 0;
	}
	for (; length = strcspn(name, "/"), name[length]; name += length + 1)
		if (enter(tree, &directory, path, name, length, err) < 0)
			return -err->code;

	struct entry *old = directory_find(directory, name, length);
	if (old)
		old->layer = tree->layer;
	if (old && old->inode == inode)
		return 0;
	if (old && S_ISDIR(old->inode->mode) && S_ISDIR(inode->mode)) {
		replace_metadata(old->inode, inode);
		return 0;
	}
	if (old) {
		/* The new one first: it may be what the old one alone keeps alive. */
		count_link(tree, inode);
		struct inode *gone = old->inode;
		old->inode = inode;
		release(tree, gone);
		return 0;
	}
	return link_inode(tree, directory, name, length, inode, err) < 0 ? error_wrap(err, "%s", path)
																	 : 0;
}

int tree_put_file(struct tree *tree, const char *path, mode_t permissions, const void *bytes,
				  size_t length, struct error *err)
{
	_cleanup_inode_ struct inode *file = inode_new(S_IFREG | (permissions & 07777));

	file->size = length;
	if (length) {
		file->content.kind = CONTENT_BYTES;
		file->content.bytes = xmalloc(length);
		memcpy(file->content.bytes, bytes, length);
	}
	if (tree_put(tree, path, file, err) < 0)
		return -err->code;
	steal(&file);
	return 0;
}

/* The entry at the clean `path` without following links; its directory in *directory. */
static struct entry *find_entry(const struct tree *tree, const char *path, struct inode **directory)
{
	*directory = tree->root;
	for (;;) {
		size_t length = strcspn(path, "/");
		struct entry *entry =
			S_ISDIR((*directory)->mode) ? directory_find(*directory, path, length) : NULL;
		if (!entry || !path[length])
			return entry;
		*directory = entry->inode;
		path += length + 1;
	}
}

void tree_remove(struct tree *tree, const char *path)
{
	struct inode *directory;
	struct entry *entry = find_entry(tree, path, &directory);

	if (!entry)
		return;
	vacate(tree, entry);
	if (!tree->in_layers)
		directory_settle(directory);
}

/* What the layers below left in the directory goes, if it has not gone already. */
static void hide_beneath(struct tree *tree, struct inode *directory)
{
	if (directory->cleared == tree->layer)
		return;
	directory->cleared = tree->layer;
	for (size_t i = 0; i < directory->entry_count + directory->unsorted; i++) {
		struct entry *entry = &directory->entries[i];
		if (!entry->inode)
			continue;
		if (entry->layer != tree->layer)
			vacate(tree, entry);
		else if (S_ISDIR(entry->inode->mode))
			hide_beneath(tree, entry->inode);
	}
}

/* The directory at `path`, or NULL. */
static struct inode *find_directory(const struct tree *tree, const char *path)
{
	struct inode *parent;
	const struct entry *entry = *path ? find_entry(tree, path, &parent) : NULL;
	struct inode *inode = *path ? (entry ? entry->inode : NULL) : tree->root;

	return inode && S_ISDIR(inode->mode) ? inode : NULL;
}

void tree_clear(struct tree *tree, const char *path)
{
	struct inode *directory = find_directory(tree, path);

	if (!directory)
		return;
	for (size_t i = 0; i < directory->entry_count + directory->unsorted; i++)
		if (directory->entries[i].inode)
			vacate(tree, &directory->entries[i]);
	if (!tree->in_layers)
		directory_settle(directory);
}

void tree_layer_begin(struct tree *tree)
{
	tree->layer++;
	tree->in_layers = true;
}

void tree_hide(struct tree *tree, const char *path)
{
	struct inode *directory;
	struct entry *entry = find_entry(tree, path, &directory);

	if (!entry)
		return;
	if (entry->layer != tree->layer)
		vacate(tree, entry);
	else if (S_ISDIR(entry->inode->mode))
		hide_beneath(tree, entry->inode);
}

void tree_hide_beneath(struct tree *tree, const char *path)
{
	struct inode *directory = find_directory(tree, path);

	if (directory)
		hide_beneath(tree, directory);
}

static void settle_beneath(struct inode *directory)
{
	directory_settle(directory);
	for (size_t i = 0; i < directory->entry_count; i++)
		if (S_ISDIR(directory->entries[i].inode->mode))
			settle_beneath(directory->entries[i].inode);
}

void tree_layers_end(struct tree *tree)
{
	tree->in_layers = false;
	settle_beneath(tree->root);
}
