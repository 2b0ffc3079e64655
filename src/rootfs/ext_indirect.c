// SPDX-License-Identifier: Apache-2.0
/*
 * Where a file's blocks are, the way of ext2: 12 block numbers in the inode, then trees of
 * indirect blocks of one, two and three levels.
 */
#include "rootfs/ext.h"

#include <endian.h>
#include <string.h>

/* File blocks beneath one block number of that level: 1, 1024, 1024^2, ... */
static uint64_t span(unsigned level)
{
	uint64_t blocks = 1;

	while (level--)
		blocks *= EXT_POINTERS;
	return blocks;
}

uint64_t indirect_bound(const struct extents_count *count)
{
	/* A file without holes takes no more than this; nor do many short segments, each of which
	 * touches at most one block of each level more than it fills. */
	uint64_t whole = count->end <= EXT2_NDIR_BLOCKS
						 ? 0
						 : count->end / span(1) + count->end / span(2) + count->end / span(3) + 6;
	uint64_t scattered =
		count->blocks / span(1) + count->blocks / span(2) + 3 + 4 * count->segments;

	return whole < scattered ? whole : scattered;
}

struct walk {
	struct writer *writer;
	const struct run *run, *end; /* the first run that does not lie before where we are */
	uint64_t blocks;             /* written */
};

/* Writes what maps the file's blocks from `first` on, and makes *ret the block number for it, 0
 * for a hole. */
static int fill(struct walk *walk, unsigned level, uint64_t first, uint32_t *ret, struct error *err)
{
	uint32_t table[EXT_POINTERS], block, count;

	*ret = 0;
	while (walk->run < walk->end && (uint64_t)walk->run->logical + walk->run->length <= first)
		walk->run++;
	if (walk->run == walk->end || walk->run->logical >= first + span(level))
		return 0;
	if (level == 0) {
		*ret = htole32(walk->run->physical + (uint32_t)(first - walk->run->logical));
		return 0;
	}
	for (uint32_t i = 0; i < EXT_POINTERS; i++)
		if (fill(walk, level - 1, first + i * span(level - 1), &table[i], err) < 0)
			return -err->code;
	if (space_take(&walk->writer->space, 1, &block, &count, err) < 0)
		return -err->code;
	walk->blocks++;
	*ret = htole32(block);
	return output_write(&walk->writer->data, (uint64_t)block * EXT_BLOCK, table, sizeof(table),
						err);
}

int indirect_write(struct writer *writer, const struct runs *runs, uint32_t i_block[EXT2_N_BLOCKS],
				   uint64_t *blocks, struct error *err)
{
	struct walk walk = {.writer = writer, .run = runs->items, .end = runs->items + runs->count};
	uint64_t first = 0;

	for (unsigned i = 0; i < EXT2_N_BLOCKS; i++) {
		unsigned level = i < EXT2_NDIR_BLOCKS ? 0 : i - EXT2_NDIR_BLOCKS + 1;
		if (fill(&walk, level, first, &i_block[i], err) < 0)
			return -err->code;
		first += span(level);
	}
	*blocks += walk.blocks;
	return 0;
}
