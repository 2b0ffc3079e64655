// SPDX-License-Identifier: Apache-2.0
/*
 * The blocks of a directory: a list of entries (ext2, and what fits in one block), or a hash
 * tree (ext4), so that a name among a hundred thousand is found by reading three blocks.
 * https://www.kernel.org/doc/html/latest/filesystems/ext4/directory.html
 */
#include "rootfs/ext.h"

#include <endian.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HEADER = 8, /* of an entry, before its name */
	ENTRY_MAX = HEADER + 256,
	INFO = 24, /* where struct ext2_dx_root_info lies in the root: behind "." and ".." */
	ROOT_INDEX = INFO + 8,
	ROOT_LIMIT = (EXT_BLOCK - ROOT_INDEX) / 8,
	NODE_LIMIT = (EXT_BLOCK - HEADER) / 8,
};

/* A directory on its way to the disk, one block after the other. */
struct listing {
	struct stream *stream;
	uint32_t blocks;
	size_t used;                     /* bytes of `block` */
	struct ext2_dir_entry_2 *latest; /* in `block` */
	_Alignas(8) char block[EXT_BLOCK];
};

static size_t record_length(size_t name_length)
{
	return (HEADER + name_length + 3) & ~(size_t)3;
}

static int put_block(struct listing *listing, const void *block, struct error *err)
{
	digest_update(listing->stream->writer->identity, block, EXT_BLOCK);
	return stream_write((uint64_t)listing->blocks++ * EXT_BLOCK, block, EXT_BLOCK, listing->stream,
						err);
}

/* The block's last entry reaches to its end. */
static int finish_block(struct listing *listing, struct error *err)
{
	size_t last = (size_t)((char *)listing->latest - listing->block);

	listing->latest->rec_len = htole16((uint16_t)(EXT_BLOCK - last));
	if (put_block(listing, listing->block, err) < 0)
		return -err->code;
	memset(listing->block, 0, sizeof(listing->block));
	listing->used = 0;
	return 0;
}

static int put_entry(struct listing *listing, const char *name, const struct inode *inode,
					 struct error *err)
{
	size_t length = strlen(name), record = record_length(length);

	if (listing->used + record > EXT_BLOCK && finish_block(listing, err) < 0)
		return -err->code;
	struct ext2_dir_entry_2 *entry = (void *)(listing->block + listing->used);
	entry->inode = htole32(disk_number(inode));
	entry->rec_len = htole16((uint16_t)record);
	entry->name_len = (uint8_t)length;
	entry->file_type = (uint8_t)ext_file_type(inode->mode);
	memcpy(entry->name, name, length);
	listing->latest = entry;
	listing->used += record;
	return 0;
}

static int write_list(struct listing *listing, const struct inode *directory,
					  const struct inode *parent, struct error *err)
{
	if (put_entry(listing, ".", directory, err) < 0 || put_entry(listing, "..", parent, err) < 0)
		return -err->code;
	for (size_t i = 0; i < directory->entry_count; i++)
		if (put_entry(listing, directory->entries[i].name, directory->entries[i].inode, err) < 0)
			return -err->code;
	return finish_block(listing, err);
}

/* Blocks of the list, and *bytes of its entries without "." and "..". */
static uint64_t measure_list(const struct inode *directory, uint64_t *bytes)
{
	uint64_t blocks = 1;
	size_t used = record_length(1) + record_length(2);

	*bytes = 0;
	for (size_t i = 0; i < directory->entry_count; i++) {
		size_t record = record_length(strlen(directory->entries[i].name));
		*bytes += record;
		if (used + record > EXT_BLOCK) {
			blocks++;
			used = 0;
		}
		used += record;
	}
	return blocks;
}

uint64_t directory_bound(const struct ext_format *format, const struct inode *directory)
{
	uint64_t bytes, blocks = measure_list(directory, &bytes);

	if (!format->indexed || blocks == 1)
		return blocks;
	/* No leaf but the last has room for a longest entry. */
	uint64_t leaves = bytes / (EXT_BLOCK - ENTRY_MAX) + 1;
	return 1 + leaves / NODE_LIMIT + 1 + leaves;
}

/* An entry and its place in the order of the tree. */
struct hashed {
	uint32_t hash, minor;
	const struct entry *entry;
};

static int compare_hashed(const void *left, const void *right)
{
	const struct hashed *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return strcmp(a->entry->name, b->entry->name);
}

/* The entries in the order of their hashes. The caller owns it. */
static struct hashed *sort_by_hash(const ext2_filsys fs, const struct inode *directory)
{
	struct hashed *sorted = xcalloc(directory->entry_count, sizeof(*sorted));

	for (size_t i = 0; i < directory->entry_count; i++) {
		const char *name = directory->entries[i].name;
		sorted[i].entry = &directory->entries[i];
		ext2fs_dirhash2(EXT2_HASH_HALF_MD4_UNSIGNED, name, (int)strlen(name), NULL, 0,
						fs->super->s_hash_seed, &sorted[i].hash, &sorted[i].minor);
	}
	qsort(sorted, directory->entry_count, sizeof(*sorted), compare_hashed);
	return sorted;
}

/* A leaf: its first entry in the sorted list, and the hash from which on names are in it. */
struct leaf {
	size_t first;
	uint32_t hash;
};

/* Distributes the entries, and ends the leaves with one past the last. The caller owns it. */
static struct leaf *make_leaves(const struct hashed *sorted, size_t count, size_t *ret_count)
{
	size_t used = EXT_BLOCK, made = 0, capacity = 64;
	struct leaf *leaves = xcalloc(capacity, sizeof(*leaves));

	for (size_t i = 0; i < count; i++) {
		size_t record = record_length(strlen(sorted[i].entry->name));
		if (used + record > EXT_BLOCK) {
			if (made + 1 == capacity) {
				capacity *= 2;
				leaves = xrealloc(leaves, capacity, sizeof(*leaves));
			}
			/* The lowest bit says that the leaf before ends in the same hash. */
			bool continued = i && sorted[i - 1].hash == sorted[i].hash;
			leaves[made++] = (struct leaf){.first = i, .hash = sorted[i].hash | continued};
			used = 0;
		}
		used += record;
	}
	leaves[made].first = count;
	*ret_count = made;
	return leaves;
}

/* The index at `at` of every `step`th leaf, whose blocks are numbered from `block` on. The place
 * of the first one's hash, which nothing needs, tells the count. */
static void put_index(char *at, const struct leaf *leaves, size_t leaf_count, size_t step,
					  uint32_t block, size_t limit)
{
	struct ext2_dx_entry *index = (void *)at;
	struct ext2_dx_countlimit head = {.limit = htole16((uint16_t)limit)};
	size_t count = 0;

	for (size_t i = 0; i < leaf_count; i += step) {
		index[count].hash = htole32(leaves[i].hash);
		index[count++].block = htole32(block++);
	}
	head.count = htole16((uint16_t)count);
	memcpy(&index[0].hash, &head, sizeof(head));
}

static int write_root(struct listing *listing, const struct inode *directory,
					  const struct inode *parent, const struct leaf *leaves, size_t leaf_count,
					  size_t nodes, struct error *err)
{
	struct ext2_dx_root_info info = {.hash_version = EXT2_HASH_HALF_MD4,
									 .info_length = sizeof(info),
									 .indirect_levels = nodes > 0};

	if (put_entry(listing, ".", directory, err) < 0 || put_entry(listing, "..", parent, err) < 0)
		return -err->code;
	memcpy(listing->block + INFO, &info, sizeof(info));
	put_index(listing->block + ROOT_INDEX, leaves, leaf_count, nodes ? NODE_LIMIT : 1, 1,
			  ROOT_LIMIT);
	return finish_block(listing, err); /* ".." covers the index for those who read a list */
}

/* The level between root and leaves, when there are too many leaves for the root. */
static int write_nodes(struct listing *listing, const struct leaf *leaves, size_t leaf_count,
					   size_t nodes, struct error *err)
{
	for (size_t node = 0; node < nodes; node++) {
		size_t from = node * NODE_LIMIT, rest = leaf_count - from;
		_Alignas(8) char block[EXT_BLOCK] = {0};
		struct ext2_dir_entry_2 *cover = (void *)block;
		cover->rec_len = htole16(EXT_BLOCK);
		put_index(block + HEADER, leaves + from, rest < NODE_LIMIT ? rest : NODE_LIMIT, 1,
				  (uint32_t)(1 + nodes + from), NODE_LIMIT);
		if (put_block(listing, block, err) < 0)
			return -err->code;
	}
	return 0;
}

static int write_leaves(struct listing *listing, const struct hashed *sorted,
						const struct leaf *leaves, size_t leaf_count, struct error *err)
{
	for (size_t leaf = 0; leaf < leaf_count; leaf++) {
		for (size_t i = leaves[leaf].first; i < leaves[leaf + 1].first; i++)
			if (put_entry(listing, sorted[i].entry->name, sorted[i].entry->inode, err) < 0)
				return -err->code;
		if (finish_block(listing, err) < 0)
			return -err->code;
	}
	return 0;
}

int directory_write(struct writer *writer, const struct node *node, struct stream *stream,
					uint32_t *ret_flags, struct error *err)
{
	const struct inode *directory = node->inode;
	const struct inode *parent = writer->nodes.items[node->parent].inode;
	struct listing listing = {.stream = stream};
	uint64_t bytes;

	if (!writer->format->indexed || measure_list(directory, &bytes) == 1)
		return write_list(&listing, directory, parent, err);

	size_t leaf_count;
	_cleanup_free_ struct hashed *sorted = sort_by_hash(writer->fs, directory);
	_cleanup_free_ struct leaf *leaves = make_leaves(sorted, directory->entry_count, &leaf_count);
	size_t nodes = leaf_count > ROOT_LIMIT ? (leaf_count + NODE_LIMIT - 1) / NODE_LIMIT : 0;
	if (nodes > ROOT_LIMIT) /* more than two levels hold; a list works for any number */
		return write_list(&listing, directory, parent, err);
	*ret_flags |= EXT2_INDEX_FL;
	if (write_root(&listing, directory, parent, leaves, leaf_count, nodes, err) < 0 ||
		write_nodes(&listing, leaves, leaf_count, nodes, err) < 0)
		return -err->code;
	return write_leaves(&listing, sorted, leaves, leaf_count, err);
}
