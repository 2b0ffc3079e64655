// SPDX-License-Identifier: Apache-2.0
/* The file system around the files, which libext2fs makes: superblock, group descriptors,
 * bitmaps, inode tables, journal. */
#include "rootfs/ext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Any fixed numbers would do: a time that is not in the future of any clock (0 means "now" to
 * libext2fs), and the seed of the directories' hashes, which in a file system whose bytes are
 * reproducible can be no secret.
 */
static const time_t MADE = 1;
static const uint32_t HASH_SEED[4] = {0x6c757069, 0x6e65726f, 0x6f746673, 0x68617368};

static int frame_error(struct error *err, errcode_t code)
{
	if (code > 0 && code < 256)
		return error_errno(err, (int)code, "cannot write the disk image");
	initialize_ext2_error_table();
	return error_set(err, EIO, "libext2fs: %s", error_message(code));
}

static errcode_t initialize(const struct ext_format *format, const struct plan *plan,
							const char *descriptor, ext2_filsys *ret)
{
	struct ext2_super_block parameters = {
		.s_rev_level = EXT2_DYNAMIC_REV,
		.s_log_block_size = 2, /* 1024 << 2 */
		.s_inode_size = EXT_INODE,
		.s_blocks_count = (uint32_t)plan->blocks,
		.s_inodes_count = (uint32_t)plan->inodes,
		.s_max_mnt_count = -1, /* no check is due after so many mounts */
		.s_feature_compat = format->compat,
		.s_feature_incompat = format->incompat,
		.s_feature_ro_compat = format->ro_compat,
		.s_default_mount_opts = EXT2_DEFM_XATTR_USER | EXT2_DEFM_ACL,
	};
	errcode_t error =
		ext2fs_initialize(descriptor, EXT2_FLAG_64BITS, &parameters, unixfd_io_manager, ret);
	if (error)
		return error;

	ext2_filsys fs = *ret;
	fs->now = fs->super->s_mkfs_time = fs->super->s_lastcheck = MADE;
	memcpy(fs->super->s_hash_seed, HASH_SEED, sizeof(HASH_SEED));
	fs->super->s_def_hash_version = EXT2_HASH_HALF_MD4;
	/* Whether char has a sign depends on the host's processor. */
	fs->super->s_flags = EXT2_FLAGS_UNSIGNED_HASH;
	/* We write inode tables past libext2fs: it must have no blocks of them in memory. */
	error = io_channel_set_options(fs->io, "cache=off");
	return error ? error : ext2fs_allocate_tables(fs);
}

static errcode_t reserve_inodes(ext2_filsys fs, const struct plan *plan)
{
	for (ext2_ino_t inode = 1; inode < EXT_FIRST_INODE; inode++)
		if (inode != EXT2_ROOT_INO)
			ext2fs_inode_alloc_stats2(fs, inode, +1, 0);
	if (!plan->journal_blocks)
		return 0;
	/* At the front, so that files and free space are not split by it. Its blocks are holes of
	 * the image, which read as the zeros that they should be. */
	return ext2fs_add_journal_inode2(fs, plan->journal_blocks, fs->super->s_first_data_block + 1,
									 EXT2_MKJOURNAL_LAZYINIT | EXT2_MKJOURNAL_NO_MNT_CHECK);
}

int frame_open(struct writer *writer, const struct plan *plan, int fd, struct error *err)
{
	char descriptor[16];
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* libext2fs closes it */

	if (copy < 0)
		return error_errno(err, errno, "cannot write the disk image");
	snprintf(descriptor, sizeof(descriptor), "%d", copy);
	errcode_t error = initialize(writer->format, plan, descriptor, &writer->fs);
	if (!error)
		error = reserve_inodes(writer->fs, plan);
	if (error)
		return frame_error(err, error);
	writer->space.fs = writer->fs;
	return 0;
}

/* The UUID is one of what was written, so that different disks have different ones. */
static void set_uuid(struct writer *writer)
{
	char text[DIGEST_SIZE];

	digest_final(writer->identity, text);
	for (size_t i = 0; i < sizeof(writer->fs->super->s_uuid); i++) {
		const char *digits = text + strlen("sha256:") + 2 * i;
		char byte[] = {digits[0], digits[1], '\0'};
		writer->fs->super->s_uuid[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	/* RFC 9562, version 8: made in a way of one's own. */
	writer->fs->super->s_uuid[6] = (writer->fs->super->s_uuid[6] & 0x0f) | 0x80;
	writer->fs->super->s_uuid[8] = (writer->fs->super->s_uuid[8] & 0x3f) | 0x80;
}

int frame_close(struct writer *writer, struct error *err)
{
	space_settle(&writer->space);
	set_uuid(writer);
	/* Whether the image must be on the disk before it has its name is the caller's matter. */
	errcode_t error = ext2fs_close2(writer->fs, EXT2_FLAG_FLUSH_NO_SYNC);
	if (error)
		return frame_error(err, error);
	writer->fs = NULL;
	return 0;
}
