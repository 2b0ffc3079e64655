// SPDX-License-Identifier: Apache-2.0
/*
 * How large the file system has to be, before anything is written.
 *
 * Everything is counted from above, by a little: a disk that is large enough by this count never
 * fills while it is written, and the size that an error names is one that does.
 */
#include "rootfs/ext.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	BYTES_PER_INODE = 16384,       /* of free space; mke2fs.conf's inode_ratio */
	SLACK = (1 << 30) + (1 << 25), /* bytes, when no size was asked for; inodes take the odd part */
	SMALL_JOURNAL = 1024,          /* blocks: jbd2's least (JBD2_MIN_JOURNAL_BLOCKS) */
	JOURNAL = 4096,                /* blocks, where there is room */
	INODES_PER_GROUP = 30000,      /* at most, of used ones; there can be 32768 */
	PLENTY = 16 * JOURNAL,         /* blocks of free space: that much room */
	MIB = (1 << 20) / EXT_BLOCK,   /* blocks */
	GIB = (1 << 30) / EXT_BLOCK,
	PROBE_SIZE = 1 << 20, /* bytes from which on a host's file is looked at for holes */
};

/* Block numbers have 32 bits. */
static const uint64_t BLOCKS_MAX = UINT32_MAX;

static uint64_t divide_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

/* Adds the data [offset, offset + length). */
static void count_data(struct extents_count *count, uint64_t *passed, uint64_t offset,
					   uint64_t length)
{
	uint64_t first = offset / EXT_BLOCK, end = divide_up(offset + length, EXT_BLOCK);

	if (length == 0 || end <= *passed)
		return;
	if (first < *passed)
		first = *passed;
	else if (first > *passed || first == 0)
		count->segments++;
	count->blocks += end - first;
	*passed = end;
}

struct probe {
	struct extents_count *count;
	uint64_t passed;
};

static int probe_data(uint64_t offset, const void *bytes, size_t length, void *data,
					  struct error *err)
{
	struct probe *probe = data;

	(void)bytes;
	(void)err;
	count_data(probe->count, &probe->passed, offset, length);
	return 0;
}

/* True when a file of the host takes less room than its size. Then it is read once more, to
 * find its holes: /var/log/lastlog can have hundreds of gigabytes of them. */
static bool may_have_holes(const struct inode *file)
{
	const struct content *content = &file->content;
	struct stat status;

	return content->kind == CONTENT_PATH && file->size >= PROBE_SIZE &&
		   fstatat(content->source->fd, content->path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		   (uint64_t)status.st_blocks * 512 < file->size;
}

static int count_file(const struct inode *file, struct extents_count *count, struct error *err)
{
	const struct content *content = &file->content;
	struct probe probe = {.count = count};

	count->end = divide_up(file->size, EXT_BLOCK);
	if (may_have_holes(file))
		return content_read(file, probe_data, &probe, err);
	if (content->kind == CONTENT_EXTENTS)
		for (size_t i = 0; i < content->extent_count; i++)
			count_data(count, &probe.passed, content->extents[i].offset,
					   content->extents[i].length);
	else if (content->kind != CONTENT_NONE)
		count_data(count, &probe.passed, 0, file->size);
	return 0;
}

/* Adds the blocks that a node takes beside its inode. */
static int count_node(const struct ext_format *format, const struct node *node, uint64_t *blocks,
					  struct error *err)
{
	const struct inode *inode = node->inode;
	struct extents_count count = {0};

	if (node_check(format, node, err) < 0)
		return -err->code;
	if (S_ISREG(inode->mode)) {
		if (count_file(inode, &count, err) < 0)
			return -err->code;
	} else if (S_ISDIR(inode->mode) || S_ISLNK(inode->mode)) {
		count.blocks = S_ISDIR(inode->mode) ? directory_bound(format, inode) : 1;
		count.end = count.blocks;
		count.segments = 1;
	}
	*blocks += count.blocks + format->map_bound(&count);
	if (inode->xattr_count) {
		struct xattr_areas areas;
		if (xattrs_layout(format, inode, &areas, err) < 0)
			return -err->code;
		*blocks += areas.in_block;
	}
	return 0;
}

/* The most blocks that superblocks, descriptors, bitmaps and inode tables take on a disk of
 * `blocks`: as if each group had a copy of the first two. */
static uint64_t frame_bound(uint64_t blocks, uint64_t inodes)
{
	uint64_t groups = divide_up(blocks, EXT_GROUP);
	uint64_t descriptors = divide_up(groups, EXT_BLOCK / EXT2_MIN_DESC_SIZE);
	uint64_t table = divide_up(divide_up(inodes, groups), EXT_BLOCK / EXT_INODE);
	uint64_t group = 1 + descriptors + 2 + table;

	/* The last group is left out when little fits behind its own frame (ext2fs_initialize()). And
	 * each gap between groups can take one more block of a file's map. */
	return groups * (group + 4) + group + 50;
}

/* The blocks of a disk that holds so many blocks of files and inodes, and no more. */
static uint64_t needed_blocks(uint64_t content, uint64_t inodes)
{
	uint64_t groups = divide_up(inodes, INODES_PER_GROUP);
	uint64_t blocks = groups > 1 ? groups * EXT_GROUP : 1;

	while (blocks <= BLOCKS_MAX) {
		uint64_t needed = content + frame_bound(blocks, inodes);
		if (needed <= blocks)
			break;
		blocks = needed;
	}
	return blocks;
}

static int count_nodes(const struct ext_format *format, const struct nodes *nodes,
					   uint64_t *ret_blocks, struct error *err)
{
	*ret_blocks = 0;
	for (size_t i = 0; i < nodes->count; i++) {
		if (count_node(format, &nodes->items[i], ret_blocks, err) == 0)
			continue;
		_cleanup_free_ char *path = nodes_path(nodes, i);
		return error_wrap(err, "%s", path);
	}
	return 0;
}

int plan_make(const struct ext_format *format, const struct nodes *nodes, uint64_t size,
			  struct plan *ret, struct error *err)
{
	uint64_t content, inodes = nodes->count - 1 + EXT_FIRST_INODE;

	if (count_nodes(format, nodes, &content, err) < 0)
		return -err->code;
	if (format->journal)
		content += SMALL_JOURNAL;
	uint64_t needed = needed_blocks(content, inodes);
	uint64_t blocks = size ? divide_up(size, EXT_BLOCK) : needed + SLACK / EXT_BLOCK;
	if (blocks > BLOCKS_MAX)
		return error_set(err, EFBIG, "a disk of %llu GiB is too large: %s holds 16 TiB",
						 (unsigned long long)(blocks / GIB), format->name);
	if (blocks < needed) {
		error_set(err, ENOSPC, "the files need a disk of %llu MiB, not of %llu MiB",
				  (unsigned long long)divide_up(needed, MIB), (unsigned long long)(blocks / MIB));
		return error_hint(err, "make it larger: --disk-size %llum",
						  (unsigned long long)divide_up(needed, MIB));
	}
	*ret = (struct plan){
		.blocks = blocks,
		.inodes = inodes + (blocks - needed) / (BYTES_PER_INODE / EXT_BLOCK),
	};
	if (format->journal)
		ret->journal_blocks = blocks - needed >= PLENTY ? JOURNAL : SMALL_JOURNAL;
	return 0;
}
