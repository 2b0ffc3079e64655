// SPDX-License-Identifier: Apache-2.0
/*
 * Where a file's blocks are, the way of ext4: a tree of extents whose root, with room for four
 * entries, is in the inode. It is built from its leaves up.
 */
#include "rootfs/ext.h"

#include <endian.h>
#include <string.h>

enum {
	ROOT_ENTRIES = 4,
	NODE_ENTRIES = (EXT_BLOCK - sizeof(struct ext3_extent_header)) / sizeof(struct ext3_extent),
};

uint64_t extents_bound(const struct extents_count *count)
{
	/* The ends of extents, and of the free space between groups, split long segments. */
	uint64_t entries = count->segments + count->blocks / (EXT_GROUP / 2), blocks = 0;

	while (entries > ROOT_ENTRIES) {
		entries = (entries + NODE_ENTRIES - 1) / NODE_ENTRIES;
		blocks += entries;
	}
	return blocks;
}

/* Both kinds of entry are 12 bytes and begin with the file block from which on they hold. */
union extent_entry {
	uint32_t block;
	struct ext3_extent extent;
	struct ext3_extent_idx index;
};
_Static_assert(sizeof(union extent_entry) == sizeof(struct ext3_extent), "entries of one size");

/* A node of the tree: its header and entries, at `node`, which has room for `room` entries. */
static void put_node(void *node, const union extent_entry *entries, size_t count, size_t room,
					 unsigned depth)
{
	struct ext3_extent_header header = {
		.eh_magic = htole16(EXT3_EXT_MAGIC),
		.eh_entries = htole16((uint16_t)count),
		.eh_max = htole16((uint16_t)room),
		.eh_depth = htole16((uint16_t)depth),
	};

	memcpy(node, &header, sizeof(header));
	if (count)
		memcpy((char *)node + sizeof(header), entries, count * sizeof(*entries));
}

/* The leaves' entries; longer runs than an extent may be are split. The caller owns it. */
static union extent_entry *make_extents(const struct runs *runs, size_t *ret_count)
{
	union extent_entry *entries = NULL;
	size_t count = 0, capacity = 0;

	for (size_t i = 0; i < runs->count; i++) {
		struct run run = runs->items[i];
		while (run.length) {
			uint32_t length = run.length < EXT_INIT_MAX_LEN ? run.length : EXT_INIT_MAX_LEN;
			if (count == capacity) {
				capacity = capacity ? capacity * 2 : runs->count;
				entries = xrealloc(entries, capacity, sizeof(*entries));
			}
			entries[count++].extent = (struct ext3_extent){
				.ee_block = htole32(run.logical),
				.ee_len = htole16((uint16_t)length),
				.ee_start = htole32(run.physical),
			};
			run.logical += length;
			run.physical += length;
			run.length -= length;
		}
	}
	*ret_count = count;
	return entries;
}

/* Writes the entries as nodes of `depth`, and puts the entries of the level above, which refer to
 * them, in their place. */
static int raise(struct writer *writer, union extent_entry *entries, size_t *count, unsigned depth,
				 uint64_t *blocks, struct error *err)
{
	size_t above = 0;

	for (size_t from = 0; from < *count; from += NODE_ENTRIES) {
		size_t part = *count - from < NODE_ENTRIES ? *count - from : NODE_ENTRIES;
		char node[EXT_BLOCK] = {0};
		uint32_t block, taken;
		put_node(node, entries + from, part, NODE_ENTRIES, depth);
		if (space_take(&writer->space, 1, &block, &taken, err) < 0)
			return -err->code;
		++*blocks;
		entries[above++].index =
			(struct ext3_extent_idx){.ei_block = entries[from].block, .ei_leaf = htole32(block)};
		if (output_write(&writer->data, (uint64_t)block * EXT_BLOCK, node, sizeof(node), err) < 0)
			return -err->code;
	}
	*count = above;
	return 0;
}

int extents_write(struct writer *writer, const struct runs *runs, uint32_t i_block[EXT2_N_BLOCKS],
				  uint64_t *blocks, struct error *err)
{
	size_t count;
	_cleanup_free_ union extent_entry *entries = make_extents(runs, &count);
	unsigned depth = 0;

	for (; count > ROOT_ENTRIES; depth++)
		if (raise(writer, entries, &count, depth, blocks, err) < 0)
			return -err->code;
	put_node(i_block, entries, count, ROOT_ENTRIES, depth);
	return 0;
}
