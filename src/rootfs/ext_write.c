// SPDX-License-Identifier: Apache-2.0
#include "rootfs/ext.h"

#include <errno.h>
#include <unistd.h>

static void writer_free(struct writer *writer)
{
	ext2fs_free(writer->fs);
	free(writer->data.buffer);
	free(writer->table.buffer);
	digest_free(&writer->identity);
	nodes_free(&writer->nodes);
}

/* An empty file of that size: what is not written reads as zeros, and takes no room. */
static int set_size(int fd, uint64_t size, struct error *err)
{
	if (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)size) < 0)
		return error_errno(err, errno, "cannot make a disk image of %llu MiB",
						   (unsigned long long)(size >> 20));
	return 0;
}

static int write_nodes(struct writer *writer, struct error *err)
{
	for (size_t i = 0; i < writer->nodes.count; i++)
		if (node_write(writer, i, err) < 0)
			return -err->code;
	if (output_flush(&writer->data, err) < 0 || output_flush(&writer->table, err) < 0)
		return -err->code;
	return 0;
}

int ext_write(const struct tree *tree, const struct rootfs_options *options, int fd,
			  struct rootfs_stats *ret, struct error *err)
{
	_cleanup_(writer_free) struct writer writer = {.format = ext_format(options->type)};
	struct plan plan;

	if (nodes_collect(tree, &writer.nodes, err) < 0 ||
		plan_make(writer.format, &writer.nodes, options->size, &plan, err) < 0 ||
		set_size(fd, plan.blocks * EXT_BLOCK, err) < 0 || frame_open(&writer, &plan, fd, err) < 0)
		return -err->code;
	writer.identity = digest_new();
	output_init(&writer.data, fd, 1 << 20, EXT_BLOCK);
	output_init(&writer.table, fd, 1 << 16, 0);
	if (write_nodes(&writer, err) < 0)
		return -err->code;
	space_settle(&writer.space);
	uint64_t blocks = ext2fs_blocks_count(writer.fs->super);
	*ret = (struct rootfs_stats){
		.size = blocks * EXT_BLOCK,
		.used = (blocks - ext2fs_free_blocks_count(writer.fs->super)) * EXT_BLOCK,
		.inodes = writer.fs->super->s_inodes_count - writer.fs->super->s_free_inodes_count,
	};
	return frame_close(&writer, err);
}
