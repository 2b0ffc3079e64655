/* SPDX-License-Identifier: Apache-2.0 */
/* Reads ext2 and ext4 images back with libext2fs and e2fsck, for tests of what writes them. */
#pragma once

#include "base/process.h"
#include "rootfs/rootfs.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <ext2fs/ext2fs.h>

static inline void keep_line(const char *line, void *lines)
{
	buf_printf(lines, "%s\n", line);
}

/* e2fsck finds nothing to repair; -n makes sure that it changes nothing either. */
static inline void assert_clean(const char *path)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf lines = {0};
	_cleanup_free_ char *copy = xstrdup(path);
	char *argv[] = {"/sbin/e2fsck", "-fn", copy, NULL};
	struct process process = {.argv = argv, .log = -1, .on_line = keep_line, .data = &lines};

	if (process_run(&process, &err) < 0)
		fail_msg("%s: %s", err.message, lines.data ? lines.data : "");
}

static inline ext2_filsys open_image(const char *path)
{
	ext2_filsys fs;

	assert_int_equal(ext2fs_open(path, EXT2_FLAG_64BITS, 0, 4096, unix_io_manager, &fs), 0);
	assert_int_equal(ext2fs_read_bitmaps(fs), 0);
	return fs;
}

struct found {
	char name[256];
	uint32_t number;
	int type;
};

struct listing {
	struct found *items;
	size_t count, capacity;
};

static inline int add_found(ext2_ino_t directory, int kind, struct ext2_dir_entry *entry,
							int offset, int block_size, char *block, void *data)
{
	struct listing *listing = data;

	(void)directory, (void)offset, (void)block_size, (void)block;
	if (kind != DIRENT_OTHER_FILE)
		return 0;
	if (listing->count == listing->capacity) {
		listing->capacity = listing->capacity ? listing->capacity * 2 : 64;
		listing->items = xrealloc(listing->items, listing->capacity, sizeof(*listing->items));
	}
	struct found *found = &listing->items[listing->count++];
	memset(found, 0, sizeof(*found));
	memcpy(found->name, entry->name, (size_t)ext2fs_dirent_name_len(entry));
	found->number = entry->inode;
	found->type = ext2fs_dirent_file_type(entry);
	return 0;
}

static inline int compare_found(const void *left, const void *right)
{
	return strcmp(((const struct found *)left)->name, ((const struct found *)right)->name);
}

/* An expected file's bytes, piece by piece, are those of the image. */
struct expected {
	ext2_file_t file;
	uint64_t position;
	char *chunk;
	size_t chunk_size;
};

static inline void assert_bytes(struct expected *expected, const char *bytes, size_t length)
{
	unsigned got;

	while (length) {
		size_t want = length < expected->chunk_size ? length : expected->chunk_size;
		assert_int_equal(ext2fs_file_read(expected->file, expected->chunk, (unsigned)want, &got),
						 0);
		assert_int_equal(got, want);
		if (bytes)
			assert_memory_equal(expected->chunk, bytes, want);
		else
			for (size_t i = 0; i < want; i++)
				assert_int_equal(expected->chunk[i], 0);
		bytes = bytes ? bytes + want : NULL;
		length -= want;
	}
}

static inline int expect_piece(uint64_t offset, const void *bytes, size_t length, void *data,
							   struct error *err)
{
	enum { CHECKED_HOLE = 1 << 20 };
	struct expected *expected = data;
	uint64_t hole = offset - expected->position;

	(void)err;
	/* Of a long hole, the last part: all of a terabyte takes too long. */
	if (hole > CHECKED_HOLE) {
		hole = CHECKED_HOLE;
		assert_int_equal(ext2fs_file_llseek(expected->file, offset - hole, EXT2_SEEK_SET, NULL), 0);
	}
	assert_bytes(expected, NULL, hole);
	assert_bytes(expected, bytes, length);
	expected->position = offset + length;
	return 0;
}

static inline void assert_data(ext2_filsys fs, uint32_t number, const struct inode *file)
{
	_cleanup_error_ struct error err = {0};
	struct expected expected = {.chunk_size = 1 << 16, .chunk = xmalloc(1 << 16)};

	assert_int_equal(ext2fs_file_open(fs, number, 0, &expected.file), 0);
	assert_int_equal(content_read(file, expect_piece, &expected, &err), 0);
	assert_int_equal(ext2fs_file_close(expected.file), 0);
	free(expected.chunk);
}

static inline void assert_target(ext2_filsys fs, uint32_t number, const struct ext2_inode *disk,
								 const char *target)
{
	char block[4096];
	size_t length = strlen(target);

	assert_int_equal(disk->i_size, length);
	if (length < sizeof(disk->i_block)) {
		assert_memory_equal(disk->i_block, target, length);
		return;
	}
	blk64_t where;
	assert_int_equal(ext2fs_bmap2(fs, number, NULL, NULL, 0, 0, NULL, &where), 0);
	assert_int_equal(io_channel_read_blk64(fs->io, where, 1, block), 0);
	assert_memory_equal(block, target, length);
}

static inline void assert_device(const struct ext2_inode *disk, const struct inode *inode)
{
	uint32_t old = disk->i_block[0], wide = disk->i_block[1];
	uint32_t major = old ? old >> 8 & 0xff : wide >> 8 & 0xfff;
	uint32_t minor = old ? old & 0xff : (wide & 0xff) | (wide >> 12 & 0xfff00);

	assert_int_equal(major, inode->device_major);
	assert_int_equal(minor, inode->device_minor);
}

static inline int count_xattr(char *name, char *value, size_t length, void *data)
{
	(void)name, (void)value, (void)length;
	++*(size_t *)data;
	return 0;
}

/* The kernel gives all ones for the id of an entry that has none, libext2fs zeros. */
static inline void forget_missing_ids(const char *name, char *value, size_t length)
{
	if (!starts_with(name, "system.posix_acl_"))
		return;
	for (size_t at = 4; at + 8 <= length; at += 8)
		if (value[at] != 2 && value[at] != 8)
			memset(value + at + 4, 0, 4);
}

/* All attributes are there, but those of other systems. */
static inline void assert_xattrs(ext2_filsys fs, uint32_t number, const struct inode *inode)
{
	struct ext2_xattr_handle *handle;
	size_t expected = 0, found = 0;

	assert_int_equal(ext2fs_xattrs_open(fs, number, &handle), 0);
	assert_int_equal(ext2fs_xattrs_read(handle), 0);
	for (size_t i = 0; i < inode->xattr_count; i++) {
		const struct xattr *xattr = &inode->xattrs[i];
		void *value;
		size_t length;
		if (starts_with(xattr->name, "com.apple."))
			continue;
		expected++;
		assert_int_equal(ext2fs_xattr_get(handle, xattr->name, &value, &length), 0);
		assert_int_equal(length, xattr->length);
		forget_missing_ids(xattr->name, xattr->value, length);
		assert_memory_equal(value, xattr->value, length);
		ext2fs_free_mem(&value);
	}
	ext2fs_xattrs_iterate(handle, count_xattr, &found);
	assert_int_equal(found, expected);
	ext2fs_xattrs_close(&handle);
}

static inline void assert_time(uint32_t seconds, uint32_t extra, const struct inode *inode)
{
	assert_true((int32_t)seconds + ((int64_t)(extra & 3) << 32) == inode->mtime);
	assert_int_equal(extra >> 2, inode->mtime_nsec);
}

static inline void assert_inode(ext2_filsys fs, uint32_t number, const struct inode *inode,
								uint32_t links)
{
	struct ext2_inode_large disk;
	struct ext2_inode *small = EXT2_INODE(&disk);

	assert_int_equal(ext2fs_read_inode_full(fs, number, small, sizeof(disk)), 0);
	assert_int_equal(disk.i_mode, inode->mode);
	assert_int_equal(inode_uid(disk), inode->uid);
	assert_int_equal(inode_gid(disk), inode->gid);
	assert_int_equal(disk.i_links_count, links);
	assert_time(disk.i_mtime, disk.i_mtime_extra, inode);
	assert_time(disk.i_ctime, disk.i_ctime_extra, inode);
	assert_xattrs(fs, number, inode);
	if (S_ISREG(inode->mode)) {
		assert_true(EXT2_I_SIZE(&disk) == inode->size);
		assert_data(fs, number, inode);
	} else if (S_ISLNK(inode->mode)) {
		assert_target(fs, number, small, inode->target);
	} else if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) {
		assert_device(small, inode);
	}
}

/* The directory `number` of the image has the entries of `directory`, all the way down. Hard
 * links are one inode: `inode->number` is what it was met as first. */
static inline void assert_directory(ext2_filsys fs, uint32_t number, struct inode *directory)
{
	static const int types[] = {
		[S_IFREG >> 12] = EXT2_FT_REG_FILE, [S_IFDIR >> 12] = EXT2_FT_DIR,
		[S_IFLNK >> 12] = EXT2_FT_SYMLINK,  [S_IFCHR >> 12] = EXT2_FT_CHRDEV,
		[S_IFBLK >> 12] = EXT2_FT_BLKDEV,   [S_IFIFO >> 12] = EXT2_FT_FIFO,
		[S_IFSOCK >> 12] = EXT2_FT_SOCK};
	struct listing listing = {0};
	uint32_t links = 2;

	assert_int_equal(ext2fs_dir_iterate2(fs, number, 0, NULL, add_found, &listing), 0);
	if (listing.count)
		qsort(listing.items, listing.count, sizeof(*listing.items), compare_found);
	assert_int_equal(listing.count, directory->entry_count);
	for (size_t i = 0; i < listing.count; i++) {
		struct inode *inode = directory->entries[i].inode;
		assert_string_equal(listing.items[i].name, directory->entries[i].name);
		assert_int_equal(listing.items[i].type, types[(inode->mode & S_IFMT) >> 12]);
		links += S_ISDIR(inode->mode);
		if (S_ISDIR(inode->mode)) {
			assert_directory(fs, listing.items[i].number, inode);
		} else if (inode->number) {
			assert_int_equal(inode->number, listing.items[i].number);
		} else {
			inode->number = listing.items[i].number;
			assert_inode(fs, inode->number, inode, inode->links);
		}
	}
	free(listing.items);
	assert_inode(fs, number, directory, links > 65000 ? 1 : links);
}

static inline void forget_numbers(struct inode *directory)
{
	for (size_t i = 0; i < directory->entry_count; i++) {
		directory->entries[i].inode->number = 0;
		if (S_ISDIR(directory->entries[i].inode->mode))
			forget_numbers(directory->entries[i].inode);
	}
}

/* The image at `path` is clean and holds the tree, no more and no less. */
static inline void assert_image(const char *path, struct tree *tree)
{
	assert_clean(path);
	ext2_filsys fs = open_image(path);
	assert_directory(fs, EXT2_ROOT_INO, tree->root);
	forget_numbers(tree->root);
	assert_int_equal(ext2fs_close(fs), 0);
}
