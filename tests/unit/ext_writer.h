/* SPDX-License-Identifier: Apache-2.0 */
/* Makes trees, and images of them, for tests of what writes ext2 and ext4. */
#pragma once

#include "ext_reader.h"

#include "base/files.h"

static char top[] = "/tmp/lupine-test-XXXXXX";
static char image[64], other[64];

static inline int set_up(void **state)
{
	(void)state;
	strcpy(top, "/tmp/lupine-test-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(image, sizeof(image), "%s/disk.img", top);
	snprintf(other, sizeof(other), "%s/other.img", top);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	return directory_remove(top, &err);
}

/* 0, or the error; an image that could not be written is empty. */
static inline int try_write(const struct tree *tree, enum rootfs_type type, uint64_t size,
							const char *path, struct rootfs_stats *stats, struct error *err)
{
	struct rootfs_options options = {.type = type, .size = size};
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat status;

	assert_true(fd >= 0);
	int error = rootfs_write(tree, &options, fd, stats, err);
	assert_int_equal(fstat(fd, &status), 0);
	if (error < 0)
		assert_int_equal(status.st_size, 0);
	return error;
}

static inline struct rootfs_stats write_image(const struct tree *tree, enum rootfs_type type,
											  uint64_t size, const char *path)
{
	_cleanup_error_ struct error err = {0};
	struct rootfs_stats stats = {0};

	if (try_write(tree, type, size, path, &stats, &err) < 0)
		fail_msg("%s", err.message);
	return stats;
}

static inline struct inode *put(struct tree *tree, const char *path, mode_t mode)
{
	_cleanup_error_ struct error err = {0};
	struct inode *inode = inode_new(mode);

	if (tree_put(tree, path, inode, &err) < 0)
		fail_msg("%s", err.message);
	return inode;
}

static inline void put_link(struct tree *tree, const char *path, struct inode *inode)
{
	_cleanup_error_ struct error err = {0};

	if (tree_put(tree, path, inode, &err) < 0)
		fail_msg("%s", err.message);
}

static inline void put_file(struct tree *tree, const char *path, const void *bytes, size_t length)
{
	_cleanup_error_ struct error err = {0};

	if (tree_put_file(tree, path, 0644, bytes, length, &err) < 0)
		fail_msg("%s", err.message);
}

/* `size` bytes of which no two blocks are alike. The caller owns them. */
static inline char *make_bytes(size_t size)
{
	char *bytes = xcalloc(1, size + 8);

	for (size_t i = 0; i < size; i += 8)
		snprintf(bytes + i, 9, "%08zx", i);
	return bytes;
}

/* A file with data in the given places, the rest of it holes. */
static inline struct inode *put_sparse(struct tree *tree, const char *path, uint64_t size,
									   const struct extent *extents, size_t count)
{
	struct inode *file = put(tree, path, S_IFREG | 0644);
	_cleanup_free_ char *source = xasprintf("%s/source", top);
	_cleanup_free_ char *bytes = make_bytes(1 << 20);
	int fd = open(source, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, 1 << 20), 1 << 20);
	/* What is behind the bytes reads as zeros. */
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	file->size = size;
	file->content.kind = CONTENT_EXTENTS;
	file->content.source = source_new(fd);
	file->content.extents = xcalloc(count, sizeof(*extents));
	if (count)
		memcpy(file->content.extents, extents, count * sizeof(*extents));
	file->content.extent_count = count;
	return file;
}

__attribute__((unused)) static enum rootfs_type ext2 = ROOTFS_EXT2, ext4 = ROOTFS_EXT4;

#define BOTH(test)                                                                                 \
	{#test " ext2", test, set_up, tear_down, &ext2},                                               \
	{                                                                                              \
#test " ext4", test, set_up, tear_down, &ext4                                              \
	}
