/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the ext2/ext4 writer share. Nothing outside of rootfs includes it.
 *
 * The whole tree is known before the first byte is written, so nothing is ever looked up,
 * moved or written twice: inodes are numbered in one walk (nodes.h), then each is written with
 * its data in that order, blocks being handed out from the front of the disk to its end.
 * libext2fs makes and keeps the frame: superblock, group descriptors, bitmaps, journal.
 *
 * The layout on disk: https://www.kernel.org/doc/html/latest/filesystems/ext4/
 */
#pragma once

#include "base/digest.h"
#include "rootfs/nodes.h"
#include "rootfs/rootfs.h"

#include <ext2fs/ext2fs.h>

enum {
	EXT_BLOCK = 4096,
	EXT_INODE = 256,
	EXT_GROUP = 32768, /* blocks of a group, and the most inodes of one: a bitmap is a block */
	EXT_FIRST_INODE = 11,
	EXT_POINTERS = EXT_BLOCK / 4, /* block numbers in an indirect block */
};

/* Blocks of a file that lie together on the disk; all in blocks. */
struct run {
	uint32_t logical, physical, length;
};

struct runs {
	struct run *items; /* sorted by `logical` */
	size_t count, capacity;
};
void runs_free(struct runs *runs);

/* How much of a file's data there is, for planning. */
struct extents_count {
	uint64_t blocks;   /* that hold data */
	uint64_t segments; /* of neighbouring blocks */
	uint64_t end;      /* the file's size in blocks */
};

struct writer;

/* One type of file system: a row of a table. */
struct ext_format {
	const char *name;
	uint32_t compat, incompat, ro_compat; /* features */
	uint32_t link_limit;                  /* names of a file; 2 + subdirectories of a directory */
	uint64_t file_limit;                  /* bytes of a file */
	/* The most blocks that mapping the file can take. */
	uint64_t (*map_bound)(const struct extents_count *count);
	/* Writes the map of `runs` into `i_block` and, if need be, into blocks; adds how many to
	 * *blocks. */
	int (*map_write)(struct writer *writer, const struct runs *runs,
					 uint32_t i_block[EXT2_N_BLOCKS], uint64_t *blocks, struct error *err);
	uint32_t inode_flags;     /* of an inode with such a map */
	bool many_subdirectories; /* dir_nlink: more of them are written as a link count of 1 */
	bool indexed;             /* directories of more than a block get a hash tree */
	bool inode_xattrs;        /* attributes may lie behind the inode's fields */
	bool journal;
};
const struct ext_format *ext_format(enum rootfs_type type);

/* rootfs_write() for these types; fills all of *ret but the time. */
int ext_write(const struct tree *tree, const struct rootfs_options *options, int fd,
			  struct rootfs_stats *ret, struct error *err);

/* A file that is written from front to back through one buffer. */
struct output {
	int fd;
	size_t capacity;
	size_t gap; /* gaps of less than this many bytes are filled with zeros */
	uint64_t offset;
	size_t length;
	char *buffer;
};
void output_init(struct output *output, int fd, size_t capacity, size_t gap);
int output_write(struct output *output, uint64_t offset, const void *bytes, size_t length,
				 struct error *err);
int output_flush(struct output *output, struct error *err);

/* The free blocks of the disk, handed out in ascending order. */
struct space {
	ext2_filsys fs;
	uint64_t taken; /* start of what was handed out but not yet marked in the bitmap */
	uint64_t next, end;
};
/* At most `want` blocks that lie together. -ENOSPC. */
int space_take(struct space *space, uint64_t want, uint32_t *ret_start, uint32_t *ret_count,
			   struct error *err);
/* Marks what was handed out in the bitmap. */
void space_settle(struct space *space);

struct writer {
	const struct ext_format *format;
	struct nodes nodes;
	ext2_filsys fs;
	struct space space;
	struct output data, table; /* blocks; inodes */
	struct digest *identity;   /* of all that was written but the files' contents */
};

/* An inode's place on the disk. */
static inline uint32_t disk_number(const struct inode *inode)
{
	return inode->number == 1 ? EXT2_ROOT_INO : inode->number - 2 + EXT_FIRST_INODE;
}

/* EXT2_FT_..., or 0 for a mode of no known type. */
unsigned ext_file_type(mode_t mode);

/* A file's data on its way to the disk. */
struct stream {
	struct writer *writer;
	uint64_t size; /* nothing may be written behind it */
	struct runs runs;
};
/* A content_sink: offsets must ascend; what is left out between them becomes holes and zeros. */
int stream_write(uint64_t offset, const void *bytes, size_t length, void *stream,
				 struct error *err);

/* ext_indirect.c */
uint64_t indirect_bound(const struct extents_count *count);
int indirect_write(struct writer *writer, const struct runs *runs, uint32_t i_block[EXT2_N_BLOCKS],
				   uint64_t *blocks, struct error *err);
/* ext_extents.c */
uint64_t extents_bound(const struct extents_count *count);
int extents_write(struct writer *writer, const struct runs *runs, uint32_t i_block[EXT2_N_BLOCKS],
				  uint64_t *blocks, struct error *err);

/* ext_directory.c: the entries of a directory; *ret_flags gets EXT2_INDEX_FL when it is a hash
 * tree. */
int directory_write(struct writer *writer, const struct node *node, struct stream *stream,
					uint32_t *ret_flags, struct error *err);
/* The most blocks that it can take. */
uint64_t directory_bound(const struct ext_format *format, const struct inode *directory);

/* ext_xattr.c: the attributes of an inode, as they lie on the disk. */
struct xattr_areas {
	_Alignas(8) uint8_t block[EXT_BLOCK];
	uint8_t inode[EXT_INODE - sizeof(struct ext2_inode_large)]; /* behind the inode's fields */
	bool in_inode, in_block;                                    /* which of the two are used */
};
int xattrs_layout(const struct ext_format *format, const struct inode *inode,
				  struct xattr_areas *ret, struct error *err);

/* ext_plan.c: what the disk has to hold. */
struct plan {
	uint64_t blocks; /* of the whole file system */
	uint64_t inodes; /* in use and free */
	uint32_t journal_blocks;
};
/* -ENOSPC with the size that is needed when `size` (bytes, 0: what is needed and 1 GiB) is less. */
int plan_make(const struct ext_format *format, const struct nodes *nodes, uint64_t size,
			  struct plan *ret, struct error *err);

/* ext_check.c: -EMLINK, -EFBIG, -EINVAL for what the format cannot hold. */
int node_check(const struct ext_format *format, const struct node *node, struct error *err);

/* ext_inode.c: writes one inode with all that belongs to it. */
int node_write(struct writer *writer, size_t index, struct error *err);

/* ext_frame.c: the file system around the files. */
int frame_open(struct writer *writer, const struct plan *plan, int fd, struct error *err);
int frame_close(struct writer *writer, struct error *err);
