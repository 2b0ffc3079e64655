// SPDX-License-Identifier: Apache-2.0
/* What a file system cannot hold is found before anything is written. */
#include "rootfs/ext.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	TARGET_MAX = EXT_BLOCK - 1, /* bytes of a symbolic link's target: PATH_MAX with its NUL */
	MAJOR_MAX = 0xfff,          /* 12 bits (include/linux/kdev_t.h) */
	MINOR_MAX = 0xfffff,
};

/* Says what other type of file system has no such limit, if there is one. */
static int other_format(const struct ext_format *format, struct error *err)
{
	const struct ext_format *ext4 = ext_format(ROOTFS_EXT4);

	return format == ext4 ? -err->code : error_hint(err, "%s allows more", ext4->name);
}

static int check_directory(const struct ext_format *format, const struct node *node,
						   struct error *err)
{
	uint32_t limit = format->link_limit - 2; /* its own "." and its name count, too */

	if (node->subdirectories <= limit || format->many_subdirectories)
		return 0;
	error_set(err, EMLINK, "it has %u subdirectories, %s allows %u", node->subdirectories,
			  format->name, limit);
	return other_format(format, err);
}

static int check_file(const struct ext_format *format, const struct node *node, struct error *err)
{
	uint64_t size = node->inode->size;

	if (size <= format->file_limit)
		return 0;
	error_set(err, EFBIG, "it has %llu bytes, %s allows %llu", (unsigned long long)size,
			  format->name, (unsigned long long)format->file_limit);
	return other_format(format, err);
}

static int check_symlink(const struct node *node, struct error *err)
{
	size_t length = node->inode->target ? strlen(node->inode->target) : 0;

	if (length && length <= TARGET_MAX)
		return 0;
	return error_set(err, ENAMETOOLONG, "the target of a symbolic link has %zu bytes, not 1 to %d",
					 length, TARGET_MAX);
}

static int check_device(const struct node *node, struct error *err)
{
	const struct inode *inode = node->inode;

	if (inode->device_major <= MAJOR_MAX && inode->device_minor <= MINOR_MAX)
		return 0;
	return error_set(err, EOVERFLOW, "Linux has no device number %u:%u", inode->device_major,
					 inode->device_minor);
}

int node_check(const struct ext_format *format, const struct node *node, struct error *err)
{
	const struct inode *inode = node->inode;

	if (!S_ISDIR(inode->mode) && inode->links > format->link_limit) {
		error_set(err, EMLINK, "it has %u hard links, %s allows %u", inode->links, format->name,
				  format->link_limit);
		return other_format(format, err);
	}
	switch (ext_file_type(inode->mode)) {
	case EXT2_FT_UNKNOWN:
		return error_set(err, EINVAL, "a file of unknown type (mode %o)", inode->mode);
	case EXT2_FT_DIR:
		return check_directory(format, node, err);
	case EXT2_FT_REG_FILE:
		return check_file(format, node, err);
	case EXT2_FT_SYMLINK:
		return check_symlink(node, err);
	case EXT2_FT_CHRDEV:
	case EXT2_FT_BLKDEV:
		return check_device(node, err);
	default:
		return 0;
	}
}
