// SPDX-License-Identifier: Apache-2.0
#include "image/layer.h"
#include "image/layer_path.h"
#include "image/tar.h"

#include <archive.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_META                                                                              \
	".wh..wh." /* what AUFS kept for itself; only ".wh..wh..opq" has a meaning                     \
				*/
#define WHITEOUT_OPAQUE ".wh..wh..opq"

enum {
	XATTR_VALUE_LIMIT = 64 * 1024, /* XATTR_SIZE_MAX */
	XATTR_NAME_LIMIT = 255,        /* XATTR_NAME_MAX */
	XATTR_COUNT_LIMIT = 256,
	/* What fits into the kernel's dev_t. */
	MAJOR_LIMIT = (1 << 12) - 1,
	MINOR_LIMIT = (1 << 20) - 1,
};
#define FILE_SIZE_LIMIT (1ULL << 44) /* 16 TiB: what ext4 can hold */
#define DATA_LIMIT (1ULL << 46)

struct layer {
	struct layer_stack *stack;
	struct tree *tree;
	struct tar *tar;
	struct source *source;
};

static int spend(struct layer *layer, uint64_t bytes, struct error *err)
{
	if (bytes > layer->stack->metadata_left)
		return error_set(err, EFBIG,
						 "more than %llu MiB of names, attributes, link targets and maps of holes",
						 LAYER_METADATA_LIMIT >> 20);
	layer->stack->metadata_left -= bytes;
	return 0;
}

/* Linux's namespaces (xattr(7)). Others come from other systems; Docker drops them too. */
static bool is_linux_xattr(const char *name)
{
	static const char *const prefixes[] = {"security.", "system.", "trusted.", "user."};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (starts_with(name, prefixes[i]))
			return true;
	return false;
}

static int read_xattrs(struct layer *layer, struct archive_entry *entry, struct inode *inode,
					   struct error *err)
{
	int count = archive_entry_xattr_reset(entry);
	const char *name;
	const void *value;
	size_t length;

	if (count > XATTR_COUNT_LIMIT)
		return error_set(err, E2BIG, "%d extended attributes, more than %d", count,
						 XATTR_COUNT_LIMIT);
	while (archive_entry_xattr_next(entry, &name, &value, &length) == ARCHIVE_OK) {
		if (!name || !is_linux_xattr(name))
			continue;
		if (strlen(name) > XATTR_NAME_LIMIT)
			return error_set(err, E2BIG, "an extended attribute's name of more than %d bytes",
							 XATTR_NAME_LIMIT);
		if (length > XATTR_VALUE_LIMIT)
			return error_set(err, E2BIG, "the extended attribute %s has %zu bytes, more than %d",
							 name, length, XATTR_VALUE_LIMIT);
		if (spend(layer, length + strlen(name), err) < 0)
			return -err->code;
		char *copy = xmalloc(length + 1);
		if (length)
			memcpy(copy, value, length);
		inode_set_xattr(inode, name, copy, length);
	}
	return 0;
}

static int read_owner(struct archive_entry *entry, struct inode *inode, struct error *err)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	/* The last number means "no one" to the kernel's calls. */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return error_set(err, EINVAL, "owner %lld:%lld is not between 0 and %u", (long long)uid,
						 (long long)gid, UINT32_MAX - 1);
	inode->uid = (uint32_t)uid;
	inode->gid = (uint32_t)gid;
	return 0;
}

/* libarchive gives "-1.25" as -1 s and 250,000,000 ns, though nanoseconds count upwards. (Of
 * "-0.25" it loses the sign.) */
static void read_mtime(struct archive_entry *entry, struct inode *inode)
{
	inode->mtime = archive_entry_mtime(entry);
	inode->mtime_nsec = (uint32_t)archive_entry_mtime_nsec(entry);
	if (inode->mtime < 0 && inode->mtime > INT64_MIN && inode->mtime_nsec) {
		inode->mtime--;
		inode->mtime_nsec = 1000000000 - inode->mtime_nsec;
	}
}

static int read_regular(struct layer *layer, struct archive_entry *entry, struct inode *inode,
						struct error *err)
{
	struct content *content = &inode->content;

	inode->size = (uint64_t)archive_entry_size(entry);
	if (inode->size > FILE_SIZE_LIMIT || layer->tree->data_bytes > DATA_LIMIT)
		return error_set(err, EFBIG, "%llu bytes are more than a file system can hold",
						 (unsigned long long)inode->size);
	if (tar_extents(layer->tar, &content->extents, &content->extent_count, err) < 0)
		return -err->code;
	if (spend(layer, content->extent_count * sizeof(struct extent), err) < 0)
		return -err->code;
	content->kind = CONTENT_EXTENTS;
	content->source = source_ref(layer->source);
	return 0;
}

static int read_symlink(struct layer *layer, struct archive_entry *entry, struct inode *inode,
						struct error *err)
{
	const char *target = archive_entry_symlink(entry);

	if (!target || !*target || strlen(target) >= TREE_PATH_LIMIT)
		return error_set(err, EINVAL, "a symbolic link's target must have 1 to %d bytes",
						 TREE_PATH_LIMIT - 1);
	inode->size = strlen(target);
	inode->target = xstrdup(target);
	return spend(layer, inode->size, err);
}

static int read_device(struct archive_entry *entry, struct inode *inode, struct error *err)
{
	uint64_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);

	if (major > MAJOR_LIMIT || minor > MINOR_LIMIT)
		return error_set(err, EINVAL, "no device has the number %llu:%llu",
						 (unsigned long long)major, (unsigned long long)minor);
	inode->device_major = (uint32_t)major;
	inode->device_minor = (uint32_t)minor;
	return 0;
}

/* Everything but the name. */
static int read_inode(struct layer *layer, struct archive_entry *entry, struct inode **ret,
					  struct error *err)
{
	mode_t type = archive_entry_filetype(entry);
	_cleanup_inode_ struct inode *inode = inode_new(type | (archive_entry_perm(entry) & 07777));
	int error = 0;

	read_mtime(entry, inode);
	if (S_ISREG(type))
		error = read_regular(layer, entry, inode, err);
	else if (S_ISLNK(type))
		error = read_symlink(layer, entry, inode, err);
	else if (S_ISCHR(type) || S_ISBLK(type))
		error = read_device(entry, inode, err);
	else if (!S_ISDIR(type) && !S_ISFIFO(type))
		error = error_set(err, EINVAL, "a file of unknown type");
	if (error < 0 || read_owner(entry, inode, err) < 0 || read_xattrs(layer, entry, inode, err) < 0)
		return -err->code;
	*ret = steal(&inode);
	return 0;
}

/* tree_put(), and where a link of a lower layer is in the way, put to where it leads. */
static int put(struct layer *layer, const char *path, struct inode *inode, struct error *err)
{
	_cleanup_error_ struct error first = {0};

	if (tree_put(layer->tree, path, inode, &first) == 0)
		return 0;
	_cleanup_free_ char *resolved = NULL;
	if (first.code != ELOOP) {
		*err = first;
		first = (struct error){0};
		return -err->code;
	}
	if (layer_path_resolve(layer->tree, path, &resolved, err) < 0)
		return -err->code;
	return tree_put(layer->tree, resolved, inode, err);
}

/* The inode that a hard link names: of this layer, further up, or of one below. */
static int find_linked(struct layer *layer, const char *target, struct inode **ret,
					   struct error *err)
{
	_cleanup_free_ char *clean = NULL, *resolved = NULL;

	if (layer_path_clean(target, &clean, err) < 0 ||
		layer_path_resolve(layer->tree, clean, &resolved, err) < 0)
		return error_wrap(err, "hard link to %s", target);
	*ret = *resolved ? tree_lookup(layer->tree, resolved, false) : layer->tree->root;
	if (!*ret)
		return error_set(err, ENOENT, "hard link to %s, which is not there", target);
	return 0;
}

static int apply_whiteout(struct layer *layer, const char *path, const char *name,
						  struct error *err)
{
	const char *hidden = name + strlen(WHITEOUT_PREFIX);
	_cleanup_free_ char *directory = xstrndup(path, (size_t)(name - path)), *resolved = NULL;
	bool opaque = strcmp(name, WHITEOUT_OPAQUE) == 0;

	if (!opaque && starts_with(name, WHITEOUT_META))
		return 0;
	if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return error_set(err, EINVAL, "a whiteout of no name");
	_cleanup_free_ char *whole = xasprintf("%s%s", directory, hidden);
	if (layer_path_resolve(layer->tree, whole, &resolved, err) < 0)
		return -err->code;
	if (!opaque) {
		tree_hide(layer->tree, resolved);
		return 0;
	}
	char *slash = strrchr(resolved, '/');
	*(slash ? slash : resolved) = '\0';
	tree_hide_beneath(layer->tree, resolved);
	return 0;
}

static int apply_entry(struct layer *layer, struct archive_entry *entry, const char *path,
					   struct error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *linked = archive_entry_hardlink(entry);

	if (spend(layer, strlen(name), err) < 0)
		return -err->code;
	if (starts_with(name, WHITEOUT_PREFIX))
		return apply_whiteout(layer, path, name, err);
	if (starts_with(path, WHITEOUT_META))
		return 0;
	if (linked) {
		struct inode *inode = NULL;
		if (find_linked(layer, linked, &inode, err) < 0)
			return -err->code;
		return put(layer, path, inode, err);
	}
	_cleanup_inode_ struct inode *inode = NULL;
	if (read_inode(layer, entry, &inode, err) < 0 || put(layer, path, inode, err) < 0)
		return -err->code;
	steal(&inode);
	return 0;
}

static int apply_entries(struct layer *layer, struct error *err)
{
	struct archive_entry *entry;
	int more;

	while ((more = tar_next(layer->tar, &entry, err)) > 0) {
		const char *name = archive_entry_pathname(entry);
		_cleanup_free_ char *path = NULL;
		if (!name)
			return error_set(err, EINVAL, "a file without a name");
		if (layer_path_clean(name, &path, err) < 0)
			return error_wrap(err, "%.256s", name);
		if (apply_entry(layer, entry, path, err) < 0)
			return error_wrap(err, "%.256s", name);
	}
	return more;
}

int layer_apply(struct layer_stack *stack, struct blob *tar, struct error *err)
{
	_cleanup_tar_ struct tar *reader = NULL;

	if (!tar->length)
		return error_set(err, EINVAL, "the layer is empty, not even a tar");
	if (tar_open(tar, &reader, err) < 0)
		return -err->code;
	struct layer layer = {
		.stack = stack, .tree = stack->tree, .tar = reader, .source = source_new(tar->fd)};
	tar->fd = -1;
	tree_layer_begin(stack->tree);
	int error = apply_entries(&layer, err);
	source_unref(layer.source);
	return error;
}
