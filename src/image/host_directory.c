// SPDX-License-Identifier: Apache-2.0
/*
 * dir:ROOT, a root directory on the host; and directories of the host beneath another root.
 *
 * Directories are opened one at a time from ROOT, with no symbolic link followed, so that
 * nobody who can change them meanwhile can lead us out. What is mounted beneath ROOT (its /proc)
 * stays out; sockets, which mean nothing without their process, too.
 */
#include "image/beneath.h"
#include "image/hard_links.h"
#include "image/loader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { XATTR_LIST_LIMIT = 64 * 1024 };

struct walk {
	struct tree *tree;
	const char *place; /* of the directory in the tree, clean; "" is the root */
	struct source *root;
	dev_t device;
	struct strings pending;  /* directories whose entries are still to be read */
	struct hard_links links; /* inodes of files that have more than one name */
};

static void walk_free(struct walk *walk)
{
	hard_links_free(&walk->links);
	strings_free(&walk->pending);
	source_unref(walk->root);
}

/* The host's labels mean nothing to the guest. */
static bool is_for_host(const char *name)
{
	static const char *const names[] = {"security.selinux", "security.ima", "security.evm"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int read_xattr(const char *file, const char *name, struct inode *inode)
{
	ssize_t length = lgetxattr(file, name, NULL, 0);

	if (length < 0)
		return -errno;
	_cleanup_free_ char *value = xmalloc((size_t)length + 1);
	length = lgetxattr(file, name, value, (size_t)length);
	if (length < 0)
		return -errno;
	inode_set_xattr(inode, name, steal(&value), (size_t)length);
	return 0;
}

/* `file` is a path whose last component is not followed. */
static int read_xattrs(const char *file, struct inode *inode)
{
	char none[1];
	ssize_t length = llistxattr(file, none, 0);

	if (length == 0 || (length < 0 && (errno == ENOTSUP || errno == ENOSYS)))
		return 0;
	if (length < 0)
		return -errno;
	_cleanup_free_ char *names = xcalloc(1, XATTR_LIST_LIMIT + 1);
	length = llistxattr(file, names, XATTR_LIST_LIMIT);
	if (length < 0)
		return -errno;
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		int error = is_for_host(name) ? 0 : read_xattr(file, name, inode);
		/* It went since the list was read. */
		if (error < 0 && error != -ENODATA)
			return error;
	}
	return 0;
}

static int read_target(int directory, const char *name, struct inode *inode)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(directory, name, target, sizeof(target));

	if (length < 0)
		return -errno;
	if (length == 0 || length == sizeof(target))
		return -ENAMETOOLONG;
	inode->target = xstrndup(target, (size_t)length);
	inode->size = (uint64_t)length;
	return 0;
}

static struct inode *inode_of(const struct stat *status)
{
	struct inode *inode = inode_new(status->st_mode);

	inode->uid = status->st_uid;
	inode->gid = status->st_gid;
	inode->mtime = status->st_mtim.tv_sec;
	inode->mtime_nsec = (uint32_t)status->st_mtim.tv_nsec;
	if (S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode)) {
		inode->device_major = major(status->st_rdev);
		inode->device_minor = minor(status->st_rdev);
	}
	return inode;
}

/* The inode of `name` in the open directory, whose path in the tree is `path`. */
static int read_inode(const struct walk *walk, int directory, const char *name, const char *path,
					  const struct stat *status, struct inode **ret)
{
	_cleanup_inode_ struct inode *inode = inode_of(status);
	_cleanup_free_ char *file = xasprintf("/proc/self/fd/%d/%s", directory, name);
	int error = S_ISLNK(status->st_mode) ? read_target(directory, name, inode) : 0;

	if (error == 0)
		error = read_xattrs(file, inode);
	if (error < 0)
		return error;
	if (S_ISREG(status->st_mode)) {
		inode->size = (uint64_t)status->st_size;
		inode->content = (struct content){
			.kind = CONTENT_PATH, .source = source_ref(walk->root), .path = xstrdup(path)};
	}
	*ret = steal(&inode);
	return 0;
}

/* Puts the inode at the path beneath the directory's place. */
static int put(struct walk *walk, const char *path, struct inode *inode, struct error *err)
{
	_cleanup_free_ char *full =
		xasprintf("%s%s%s", walk->place, *walk->place && *path ? "/" : "", path);

	return tree_put(walk->tree, full, inode, err);
}

static int add_entry(struct walk *walk, int directory, const char *name, const char *path,
					 struct error *err)
{
	_cleanup_inode_ struct inode *inode = NULL;
	struct stat status;

	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, errno, "%s changed while it was read", path);
	if (S_ISSOCK(status.st_mode))
		return 0;
	bool many = !S_ISDIR(status.st_mode) && status.st_nlink > 1;
	struct inode *earlier = many ? hard_links_find(&walk->links, &status) : NULL;
	if (earlier)
		return put(walk, path, earlier, err);
	int error = read_inode(walk, directory, name, path, &status, &inode);
	if (error < 0)
		return error_errno(err, -error, "cannot read %s", path);
	if (put(walk, path, inode, err) < 0)
		return -err->code;
	if (many)
		hard_links_add(&walk->links, &status, inode);
	steal(&inode);
	if (S_ISDIR(status.st_mode) && status.st_dev == walk->device)
		strings_add(&walk->pending, path);
	return 0;
}

static int read_entries(struct walk *walk, DIR *directory, const char *parent, struct error *err)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (!entry)
			return errno ? error_errno(err, errno, "cannot read the directory %s", parent) : 0;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		_cleanup_free_ char *path = xasprintf("%s%s%s", parent, *parent ? "/" : "", entry->d_name);
		if (add_entry(walk, dirfd(directory), entry->d_name, path, err) < 0)
			return -err->code;
	}
}

static int read_directory(struct walk *walk, const char *path, struct error *err)
{
	int fd = open_beneath(walk->root->fd, *path ? path : ".", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return error_errno(err, -fd, "cannot read the directory %s", path);
	DIR *directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return error_set(err, ENOMEM, "cannot read the directory %s", path);
	}
	int error = read_entries(walk, directory, path, err);
	closedir(directory);
	return error;
}

static int read_root(struct walk *walk, struct error *err)
{
	struct stat status;

	if (fstat(walk->root->fd, &status) < 0)
		return error_errno(err, errno, "cannot read it");
	walk->device = status.st_dev;
	_cleanup_inode_ struct inode *inode = inode_of(&status);
	_cleanup_free_ char *file = xasprintf("/proc/self/fd/%d/.", walk->root->fd);
	int error = read_xattrs(file, inode);
	if (error < 0)
		return error_errno(err, -error, "cannot read it");
	if (put(walk, "", inode, err) < 0)
		return -err->code;
	steal(&inode);
	strings_add(&walk->pending, "");
	return 0;
}

static int walk_all(struct walk *walk, struct error *err)
{
	if (read_root(walk, err) < 0)
		return -err->code;
	while (walk->pending.count) {
		_cleanup_free_ char *path = walk->pending.items[--walk->pending.count];
		if (read_directory(walk, path, err) < 0)
			return -err->code;
	}
	return 0;
}

int open_directory(const char *rest, const struct image_options *options, struct image *image,
				   struct error *err)
{
	_cleanup_free_ char *real = realpath(rest, NULL);
	int fd = open(*rest ? rest : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot open the directory %s", rest);
	_cleanup_(walk_free) struct walk walk = {.place = "", .root = source_new(fd)};
	image->kind = xstrdup("dir");
	image->name = short_name(real ? real : rest);
	if (options->config_only)
		return 0;
	walk.tree = image->tree = tree_new();
	tree_layer_begin(image->tree);
	int error = walk_all(&walk, err);
	tree_layers_end(image->tree);
	return error;
}

static int add_single(struct tree *tree, const char *host, const char *guest, struct error *err)
{
	const char *name = strrchr(host, '/') + 1;
	_cleanup_free_ char *parent = xstrndup(host, (size_t)(name - host));
	_cleanup_free_ char *place = xstrndup(guest + 1, (size_t)(strrchr(guest, '/') - guest));
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot open the directory %s", parent);
	if (*place)
		place[strlen(place) - 1] = '\0';
	_cleanup_(walk_free) struct walk walk = {.tree = tree, .place = place, .root = source_new(fd)};
	return add_entry(&walk, fd, name, name, err);
}

int tree_add_path(struct tree *tree, const char *host, const char *guest, struct error *err)
{
	_cleanup_free_ char *real = realpath(host, NULL);
	struct stat status;

	if (!real || stat(real, &status) < 0)
		return error_errno(err, errno, "cannot open %s", host);
	if (!S_ISDIR(status.st_mode))
		return add_single(tree, real, guest, err);
	int fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "cannot open the directory %s", host);
	_cleanup_(walk_free) struct walk walk = {
		.tree = tree, .place = guest + 1, .root = source_new(fd)};
	return walk_all(&walk, err);
}
