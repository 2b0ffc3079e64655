/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system tree in memory: what the layers of an image come to.
 *
 * Names are bytes, not text. Contents stay where they are (a layer's
 * uncompressed tar, a host file, or memory) and are copied when a root file
 * system is written. Memory is proportional to the number of files, never to
 * their size.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A run of bytes of a file; what no extent covers is a hole. */
struct extent {
	uint64_t offset; /* in the file */
	uint64_t length;
	uint64_t source; /* in the descriptor that holds it */
};

/* A shared, reference-counted descriptor (a layer, a directory). */
struct source {
	int fd;
	unsigned references;
};
struct source *source_new(int fd); /* takes the descriptor; one reference */
struct source *source_ref(struct source *source);
void source_unref(struct source *source);

enum content_kind {
	CONTENT_NONE,    /* empty, or no regular file */
	CONTENT_EXTENTS, /* `extents` of `source` */
	CONTENT_PATH,    /* the file `path` beneath the directory `source`; opened without following
						symbolic links, and it must still have the size that was recorded */
	CONTENT_BYTES,   /* `bytes`, in memory */
};

struct content {
	enum content_kind kind;
	struct source *source;
	struct extent *extents; /* sorted by offset, not overlapping */
	size_t extent_count;
	char *path;
	char *bytes;
};

struct xattr {
	char *name; /* with its prefix: "security.capability" */
	void *value;
	size_t length;
};

struct entry;

struct inode {
	mode_t mode; /* type and permissions */
	uint32_t uid, gid;
	int64_t mtime; /* seconds since 1970 */
	uint32_t mtime_nsec;
	uint32_t device_major, device_minor;
	uint64_t size;        /* regular files: bytes; symbolic links: length of target */
	unsigned links;       /* entries that name it (directories: 1) */
	char *target;         /* symbolic links */
	struct xattr *xattrs; /* sorted by name */
	size_t xattr_count;
	struct content content;
	struct entry *entries; /* directories: sorted by name as unsigned bytes */
	size_t entry_count, entry_capacity;
	size_t unsorted;  /* the tree's own: see directory.h; 0 outside of layers */
	uint32_t cleared; /* the tree's own: the last layer that hid what was here */
	uint32_t number;  /* scratch for whoever walks the tree (inode number on disk); 0 at first */
};

struct entry {
	char *name; /* one path component, never "", "." or ".." */
	struct inode *inode;
	uint32_t layer; /* the last layer that put it, or something beneath it */
};

struct tree {
	struct inode *root;
	uint64_t inode_count; /* distinct inodes, the root among them */
	uint64_t entry_count;
	uint64_t data_bytes; /* sum of the sizes of regular files, each inode once */
	uint32_t layer;      /* the tree's own: which layer is being put, from 1; 0: none was */
	bool in_layers;      /* between tree_layer_begin() and tree_layers_end() */
};

enum {
	TREE_ENTRY_LIMIT = 4 * 1024 * 1024, /* a large image has 200,000 */
	TREE_PATH_LIMIT = 4096,             /* bytes of a path; Linux's PATH_MAX */
	TREE_NAME_LIMIT = 255,              /* bytes of a name; NAME_MAX */
	TREE_SYMLINK_LIMIT = 40,            /* links followed in one lookup; MAXSYMLINKS */
};

/* A tree with an empty root, 0755 root:root, time 0. */
struct tree *tree_new(void);
void tree_free(struct tree **tree);
#define _cleanup_tree_ _cleanup_(tree_free)

/* A fresh inode with no links. It is freed when its last entry goes, or by inode_free(). */
struct inode *inode_new(mode_t mode);
void inode_free(struct inode *inode);
void inode_cleanup_(struct inode **inode);
#define _cleanup_inode_ _cleanup_(inode_cleanup_)
/* Adds or replaces; takes the value's memory. */
void inode_set_xattr(struct inode *inode, const char *name, void *value, size_t length);

/* The entry of that name in a directory, or NULL. Binary search. */
struct entry *directory_find(const struct inode *directory, const char *name, size_t length);

/*
 * The inode at `path` ("/etc/passwd", "etc/passwd"); NULL when there is none.
 * Symbolic links in the path are followed inside the tree, as a chroot would, at
 * most 40; the last component's only when `follow`.
 */
struct inode *tree_lookup(const struct tree *tree, const char *path, bool follow);

/*
 * Puts `inode` at `path` (one more link). Missing parents become 0755 root:root directories.
 * `path` must be clean: relative, no "." or "..", no empty component; "" is the root, where only
 * a directory may go. A symbolic link in the place of a parent directory is an error (-ELOOP),
 * never followed; so is a non-directory (-ENOTDIR), and a second entry for a directory (-EPERM).
 * A directory over a directory keeps the entries and takes the metadata (the old inode object
 * stays and `inode` is freed); anything else replaces what was there. -E2BIG past the tree's
 * limits. On failure `inode` is still the caller's.
 */
int tree_put(struct tree *tree, const char *path, struct inode *inode, struct error *err);
/* Like tree_put(), made from the arguments: a regular file, root-owned, whose bytes are copied. */
int tree_put_file(struct tree *tree, const char *path, mode_t permissions, const void *bytes,
				  size_t length, struct error *err);
/* Removes what `path` names, with all beneath it. Absent is no error. */
void tree_remove(struct tree *tree, const char *path);
/* Removes all beneath the directory `path`, which stays. */
void tree_clear(struct tree *tree, const char *path);

/*
 * Layers (OCI image-spec layer.md). tree_layer_begin() starts one on top of what is there; what
 * hides then hides only what the layers below put, in whatever order a layer has its entries.
 * Until tree_layers_end() directories are in no order that a reader may rely on.
 */
void tree_layer_begin(struct tree *tree);
/* A whiteout: hides `path`, with all beneath it. Absent is no error. */
void tree_hide(struct tree *tree, const char *path);
/* An opaque directory: hides all beneath `path`, which stays. */
void tree_hide_beneath(struct tree *tree, const char *path);
void tree_layers_end(struct tree *tree);

/* Reads a regular file's content into memory; -EFBIG past `limit`, -ENOENT, -EISDIR. */
int tree_read_file(const struct tree *tree, const char *path, size_t limit, struct buf *ret,
				   struct error *err);

/*
 * Hands the file's data to `sink`, in order, in pieces; holes are left out. Used by whoever
 * writes a file system. A sink's negative return ends it.
 */
typedef int (*content_sink)(uint64_t offset, const void *bytes, size_t length, void *data,
							struct error *err);
int content_read(const struct inode *file, content_sink sink, void *data, struct error *err);
