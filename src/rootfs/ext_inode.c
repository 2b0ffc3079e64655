// SPDX-License-Identifier: Apache-2.0
/* One inode, with its data, its map and its attributes. */
#include "rootfs/ext.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* An inode as it lies on the disk. */
union record {
	struct ext2_inode_large inode;
	uint8_t bytes[EXT_INODE];
};

/* What is known of an inode while its data is written. */
struct body {
	const struct node *node;
	struct ext2_inode_large *disk;
	struct stream stream;
	bool named;      /* in the error: content_read() says what it could not read on the host */
	uint64_t blocks; /* that it takes, of all kinds */
	uint32_t flags;
};

static void body_free(struct body *body)
{
	runs_free(&body->stream.runs);
}

static int write_mapped(struct writer *writer, struct body *body, struct error *err)
{
	const struct runs *runs = &body->stream.runs;

	body->flags |= writer->format->inode_flags;
	for (size_t i = 0; i < runs->count; i++)
		body->blocks += runs->items[i].length;
	return writer->format->map_write(writer, runs, body->disk->i_block, &body->blocks, err);
}

static void set_size(struct ext2_inode_large *disk, uint64_t size)
{
	disk->i_size = htole32((uint32_t)size);
	disk->i_size_high = htole32((uint32_t)(size >> 32));
}

static int write_file(struct writer *writer, struct body *body, struct error *err)
{
	const struct inode *inode = body->node->inode;

	body->stream.size = inode->size;
	if (content_read(inode, stream_write, &body->stream, err) < 0) {
		body->named = inode->content.kind == CONTENT_PATH;
		return -err->code;
	}
	set_size(body->disk, inode->size);
	return write_mapped(writer, body, err);
}

static int write_directory(struct writer *writer, struct body *body, struct error *err)
{
	body->stream.size = UINT32_MAX;
	if (directory_write(writer, body->node, &body->stream, &body->flags, err) < 0 ||
		write_mapped(writer, body, err) < 0)
		return -err->code;
	const struct run *last = &body->stream.runs.items[body->stream.runs.count - 1];
	set_size(body->disk, (uint64_t)(last->logical + last->length) * EXT_BLOCK);
	return 0;
}

static int write_symlink(struct writer *writer, struct body *body, struct error *err)
{
	const char *target = body->node->inode->target;
	size_t length = strlen(target);

	set_size(body->disk, length);
	if (length < sizeof(body->disk->i_block)) { /* "fast": in the place of the map */
		memcpy(body->disk->i_block, target, length);
		return 0;
	}
	body->stream.size = length;
	if (stream_write(0, target, length, &body->stream, err) < 0)
		return -err->code;
	return write_mapped(writer, body, err);
}

/* In Linux's old encoding of device numbers where it has room for both, else in the new one
 * (include/linux/kdev_t.h). */
static int write_device(struct writer *writer, struct body *body, struct error *err)
{
	uint32_t major = body->node->inode->device_major, minor = body->node->inode->device_minor;

	(void)writer;
	(void)err;
	if (major < 256 && minor < 256)
		body->disk->i_block[0] = htole32(major << 8 | minor);
	else
		body->disk->i_block[1] = htole32((minor & 0xff) | major << 8 | (minor & ~0xffu) << 12);
	return 0;
}

static int write_nothing(struct writer *writer, struct body *body, struct error *err)
{
	(void)writer;
	(void)body;
	(void)err;
	return 0;
}

static int (*const write_body[EXT2_FT_MAX])(struct writer *, struct body *, struct error *) = {
	[EXT2_FT_REG_FILE] = write_file,   [EXT2_FT_DIR] = write_directory,
	[EXT2_FT_SYMLINK] = write_symlink, [EXT2_FT_CHRDEV] = write_device,
	[EXT2_FT_BLKDEV] = write_device,   [EXT2_FT_FIFO] = write_nothing,
	[EXT2_FT_SOCK] = write_nothing,
};

/* Four times of an inode, all of them the file's time of change: an image knows no other. The
 * upper word has nanoseconds and, in two bits, what 32 bits of seconds leave out. */
static void set_times(struct ext2_inode_large *disk, const struct inode *inode)
{
	static const int64_t earliest = INT32_MIN, latest = INT32_MIN + (INT64_C(1) << 34) - 1;
	int64_t time = inode->mtime < earliest ? earliest
				   : inode->mtime > latest ? latest
										   : inode->mtime;
	uint32_t nanoseconds = inode->mtime_nsec < 1000000000 ? inode->mtime_nsec : 999999999;
	uint32_t epoch = (uint32_t)((time - (int32_t)time) >> 32);

	disk->i_atime = disk->i_ctime = disk->i_mtime = disk->i_crtime = htole32((uint32_t)time);
	disk->i_atime_extra = disk->i_ctime_extra = disk->i_mtime_extra = disk->i_crtime_extra =
		htole32(nanoseconds << EXT4_EPOCH_BITS | epoch);
}

static void set_metadata(struct ext2_inode_large *disk, const struct ext_format *format,
						 const struct node *node)
{
	const struct inode *inode = node->inode;
	uint32_t links = S_ISDIR(inode->mode) ? 2 + node->subdirectories : inode->links;

	disk->i_mode = htole16((uint16_t)inode->mode);
	disk->i_uid = htole16((uint16_t)inode->uid);
	disk->i_gid = htole16((uint16_t)inode->gid);
	disk->osd2.linux2.l_i_uid_high = htole16((uint16_t)(inode->uid >> 16));
	disk->osd2.linux2.l_i_gid_high = htole16((uint16_t)(inode->gid >> 16));
	disk->i_links_count = htole16((uint16_t)(links > format->link_limit ? 1 : links));
	disk->i_extra_isize = htole16(sizeof(*disk) - EXT2_GOOD_OLD_INODE_SIZE);
	set_times(disk, inode);
}

static int write_xattrs(struct writer *writer, struct body *body, union record *record,
						struct error *err)
{
	struct xattr_areas areas;
	uint32_t block, count;

	if (xattrs_layout(writer->format, body->node->inode, &areas, err) < 0)
		return -err->code;
	if (areas.in_inode)
		memcpy(record->bytes + sizeof(record->inode), areas.inode, sizeof(areas.inode));
	if (!areas.in_block)
		return 0;
	if (space_take(&writer->space, 1, &block, &count, err) < 0)
		return -err->code;
	record->inode.i_file_acl = htole32(block);
	body->blocks++;
	digest_update(writer->identity, areas.block, sizeof(areas.block));
	return output_write(&writer->data, (uint64_t)block * EXT_BLOCK, areas.block,
						sizeof(areas.block), err);
}

/* Where the inode lies, in bytes. */
static uint64_t record_offset(const ext2_filsys fs, uint32_t number)
{
	dgrp_t group = (number - 1) / fs->super->s_inodes_per_group;
	uint64_t index = (number - 1) % fs->super->s_inodes_per_group;

	return ext2fs_inode_table_loc(fs, group) * EXT_BLOCK + index * EXT_INODE;
}

/* Writes the record, which is whole, and counts it. */
static int put_record(struct writer *writer, const struct body *body, union record *record,
					  struct error *err)
{
	uint32_t number = disk_number(body->node->inode);
	uint64_t sectors = body->blocks * (EXT_BLOCK / 512);

	record->inode.i_flags = htole32(body->flags);
	record->inode.i_blocks = htole32((uint32_t)sectors);
	record->inode.osd2.linux2.l_i_blocks_hi = htole16((uint16_t)(sectors >> 32));
	digest_update(writer->identity, record->bytes, sizeof(record->bytes));
	ext2fs_inode_alloc_stats2(writer->fs, number, +1, S_ISDIR(body->node->inode->mode));
	return output_write(&writer->table, record_offset(writer->fs, number), record->bytes,
						sizeof(record->bytes), err);
}

int node_write(struct writer *writer, size_t index, struct error *err)
{
	const struct node *node = &writer->nodes.items[index];
	union record record = {0};
	_cleanup_(body_free) struct body body = {
		.node = node, .disk = &record.inode, .stream.writer = writer};

	set_metadata(&record.inode, writer->format, node);
	if (write_body[ext_file_type(node->inode->mode)](writer, &body, err) == 0 &&
		write_xattrs(writer, &body, &record, err) == 0 &&
		put_record(writer, &body, &record, err) == 0)
		return 0;
	_cleanup_free_ char *path = nodes_path(&writer->nodes, index);
	return body.named ? -err->code : error_wrap(err, "%s", path);
}
