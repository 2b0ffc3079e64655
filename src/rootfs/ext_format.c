// SPDX-License-Identifier: Apache-2.0
/* The types of file system, and what they can hold. */
#include "rootfs/ext.h"

#include <sys/stat.h>

/*
 * ext2 has just what Linux's ext2 driver knows (fs/ext2/ext2.h, EXT2_FEATURE_*_SUPP), so that
 * either driver mounts it. That driver reads no attributes from inodes, so they go to blocks.
 *
 * ext4 goes without metadata_csum, 64bit and flex_bg: they save a kernel nothing (it has the code
 * in any case), checksums cost each write of a guest a CRC in software, and 64bit is for
 * disks of more than 16 TiB.
 */
static const struct ext_format formats[] = {
	[ROOTFS_EXT2] =
		{
			.name = "ext2",
			.compat = EXT2_FEATURE_COMPAT_EXT_ATTR,
			.incompat = EXT2_FEATURE_INCOMPAT_FILETYPE,
			.ro_compat = EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE,
			.link_limit = 32000, /* fs/ext2: EXT2_LINK_MAX */
			/* i_blocks counts 2^32 - 1 sectors, those of indirect blocks too: fs/ext2's
			 * ext2_max_size(), rounded down. */
			.file_limit = (UINT64_C(2) << 40) - (UINT64_C(4) << 30),
			.map_bound = indirect_bound,
			.map_write = indirect_write,
		},
	[ROOTFS_EXT4] =
		{
			.name = "ext4",
			.compat = EXT2_FEATURE_COMPAT_EXT_ATTR | EXT2_FEATURE_COMPAT_DIR_INDEX,
			.incompat = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS,
			.ro_compat = EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |
						 EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_DIR_NLINK |
						 EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE,
			.link_limit = 65000, /* fs/ext4: EXT4_LINK_MAX */
			.many_subdirectories = true,
			.file_limit = ((UINT64_C(1) << 32) - 1) * EXT_BLOCK, /* 32 bits of logical block */
			.indexed = true,
			.inode_xattrs = true,
			.journal = true,
			.map_bound = extents_bound,
			.map_write = extents_write,
			.inode_flags = EXT4_EXTENTS_FL,
		},
};

const struct ext_format *ext_format(enum rootfs_type type)
{
	return &formats[type];
}

unsigned ext_file_type(mode_t mode)
{
	static const struct {
		mode_t mode;
		unsigned type;
	} types[] = {
		{S_IFREG, EXT2_FT_REG_FILE}, {S_IFDIR, EXT2_FT_DIR},    {S_IFLNK, EXT2_FT_SYMLINK},
		{S_IFCHR, EXT2_FT_CHRDEV},   {S_IFBLK, EXT2_FT_BLKDEV}, {S_IFIFO, EXT2_FT_FIFO},
		{S_IFSOCK, EXT2_FT_SOCK},
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & S_IFMT) == types[i].mode)
			return types[i].type;
	return EXT2_FT_UNKNOWN;
}
