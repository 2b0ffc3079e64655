// SPDX-License-Identifier: Apache-2.0
/*
 * The "newc" cpio archive that Linux unpacks as its first root file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * The format has no place for extended attributes, nor for parts of a second.
 */
#include "base/files.h"
#include "rootfs/nodes.h"
#include "rootfs/rootfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	FLUSH = 1 << 20,
	NAME_MAX_BYTES = 4096, /* with its NUL: the kernel skips what has a longer one (PATH_MAX) */
};

struct archive {
	int fd;
	struct buf pending; /* not yet written */
	uint64_t length;    /* of the archive so far */
	struct nodes nodes;
	uint32_t *left; /* entries of each node that are still to come */
};

static void archive_free(struct archive *archive)
{
	buf_free(&archive->pending);
	nodes_free(&archive->nodes);
	free(archive->left);
}

static int flush(struct archive *archive, struct error *err)
{
	if (fd_write_all(archive->fd, archive->pending.data, archive->pending.length, err) < 0)
		return error_wrap(err, "cannot write the initramfs");
	archive->pending.length = 0;
	return 0;
}

static int put(struct archive *archive, const void *bytes, size_t length, struct error *err)
{
	buf_append(&archive->pending, bytes, length);
	archive->length += length;
	return archive->pending.length < FLUSH ? 0 : flush(archive, err);
}

static int put_zeros(struct archive *archive, uint64_t count, struct error *err)
{
	static const char zeros[1 << 16];

	for (; count > sizeof(zeros); count -= sizeof(zeros))
		if (put(archive, zeros, sizeof(zeros), err) < 0)
			return -err->code;
	return put(archive, zeros, (size_t)count, err);
}

/* Headers and data begin at multiples of four bytes. */
static int pad(struct archive *archive, struct error *err)
{
	return put_zeros(archive, -archive->length % 4, err);
}

struct header {
	uint32_t number, mode, uid, gid, links, mtime, size, major, minor;
};

static int put_header(struct archive *archive, const struct header *header, const char *name,
					  struct error *err)
{
	size_t name_length = strlen(name) + 1;
	char text[6 + 13 * 8 + 1];

	if (name_length > NAME_MAX_BYTES)
		return error_set(err, ENAMETOOLONG, "%s: a path of more than %d bytes", name,
						 NAME_MAX_BYTES - 1);
	/* The device that it was on is 0:0 for all; a checksum is not part of this variant. */
	snprintf(text, sizeof(text), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			 header->number, header->mode, header->uid, header->gid, header->links, header->mtime,
			 header->size, 0, 0, header->major, header->minor, (unsigned)name_length, 0);
	if (put(archive, text, sizeof(text) - 1, err) < 0 || put(archive, name, name_length, err) < 0)
		return -err->code;
	return pad(archive, err);
}

/* A file's data on its way into the archive, which has no holes. */
struct data {
	struct archive *archive;
	uint64_t position;
};

static int put_data(uint64_t offset, const void *bytes, size_t length, void *user,
					struct error *err)
{
	struct data *data = user;

	if (offset < data->position)
		return error_set(err, EBADMSG, "its data is out of order");
	if (put_zeros(data->archive, offset - data->position, err) < 0)
		return -err->code;
	data->position = offset + length;
	return put(data->archive, bytes, length, err);
}

static int put_file(struct archive *archive, const struct inode *file, struct error *err)
{
	struct data data = {.archive = archive};

	if (content_read(file, put_data, &data, err) < 0)
		return -err->code;
	if (data.position > file->size)
		return error_set(err, EBADMSG, "it has more data than its size of %llu bytes",
						 (unsigned long long)file->size);
	return put_zeros(archive, file->size - data.position, err);
}

static int put_body(struct archive *archive, const struct inode *inode, size_t size,
					struct error *err)
{
	int error = S_ISLNK(inode->mode) ? put(archive, inode->target, size, err)
				: size               ? put_file(archive, inode, err)
									 : 0;
	return error < 0 ? error : pad(archive, err);
}

static uint32_t clamp(int64_t seconds)
{
	return seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

static int put_inode(struct archive *archive, size_t index, const char *path, struct error *err)
{
	const struct node *node = &archive->nodes.items[index];
	const struct inode *inode = node->inode;
	bool directory = S_ISDIR(inode->mode);
	uint64_t size = S_ISLNK(inode->mode)                            ? strlen(inode->target)
					: S_ISREG(inode->mode) && !archive->left[index] ? inode->size
																	: 0;

	if (size > UINT32_MAX)
		return error_set(err, EFBIG, "%s: an initramfs holds files of less than 4 GiB", path);
	struct header header = {
		.number = inode->number,
		.mode = inode->mode,
		.uid = inode->uid,
		.gid = inode->gid,
		.links = directory ? 2 + node->subdirectories : inode->links,
		.mtime = clamp(inode->mtime),
		.size = (uint32_t)size,
		.major = inode->device_major,
		.minor = inode->device_minor,
	};
	/* At the top, that name would end the archive. */
	const char *name = strcmp(path, "TRAILER!!!") == 0 ? "./TRAILER!!!" : path;
	if (put_header(archive, &header, name, err) < 0)
		return -err->code;
	return put_body(archive, inode, (size_t)size, err) < 0 ? error_wrap(err, "%s", path) : 0;
}

static int put_directory(struct archive *archive, size_t index, struct error *err)
{
	const struct inode *directory = archive->nodes.items[index].inode;
	_cleanup_free_ char *path = nodes_path(&archive->nodes, index);

	for (size_t i = 0; i < directory->entry_count; i++) {
		const struct entry *entry = &directory->entries[i];
		uint32_t number = entry->inode->number - 1;
		_cleanup_free_ char *name =
			index ? xasprintf("%s/%s", path, entry->name) : xstrdup(entry->name);
		/* The last of a file's links has its data; cpio waits for it. */
		if (!archive->left[number])
			archive->left[number] = entry->inode->links;
		archive->left[number]--;
		if (put_inode(archive, number, name, err) < 0)
			return -err->code;
	}
	return 0;
}

static int put_tree(struct archive *archive, struct error *err)
{
	static const struct header trailer = {.links = 1};

	if (put_inode(archive, 0, ".", err) < 0)
		return -err->code;
	for (size_t i = 0; i < archive->nodes.count; i++)
		if (put_directory(archive, i, err) < 0)
			return -err->code;
	if (put_header(archive, &trailer, "TRAILER!!!", err) < 0)
		return -err->code;
	return flush(archive, err);
}

int initramfs_write(const struct tree *tree, int fd, struct error *err)
{
	_cleanup_(archive_free) struct archive archive = {.fd = fd};

	if (nodes_collect(tree, &archive.nodes, err) < 0)
		return -err->code;
	archive.left = xcalloc(archive.nodes.count, sizeof(*archive.left));
	return put_tree(&archive, err);
}
