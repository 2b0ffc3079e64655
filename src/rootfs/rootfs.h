/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree becomes a disk image or an initramfs: no root, no mount, no temporary tree.
 *
 * The same tree and options give the same bytes.
 */
#pragma once

#include "base/error.h"
#include "image/image.h"
#include "image/tree.h"

enum rootfs_type {
	ROOTFS_EXT2, /* no journal: the least code in the kernel */
	ROOTFS_EXT4, /* extents and a journal */
	/* No disk at all: an archive that the kernel unpacks into memory at each boot. It has no
	 * extended attributes, and what is written to it is gone with the machine. */
	ROOTFS_INITRAMFS,
};

#define ROOTFS_INITRAMFS_NAME "initramfs"
/* "ext2", "ext4", "initramfs". */
int rootfs_type_parse(const char *text, enum rootfs_type *ret, struct error *err);
const char *rootfs_type_name(enum rootfs_type type);

struct rootfs_options {
	enum rootfs_type type;
	uint64_t size; /* of the disk in bytes, rounded up to 4096; 0: what the tree needs and 1 GiB
					  of free space. An initramfs has only the size that it needs: 0 */
};

struct rootfs_stats {
	uint64_t size;   /* of the file system, bytes */
	uint64_t used;   /* bytes that are allocated in it */
	uint64_t inodes; /* in use */
	double seconds;  /* it took to write */
};

/*
 * Writes the tree as a file system into `fd` (an empty file opened read-write,
 * which it sizes and leaves sparse); on failure the file is empty.
 * Extended attributes of other systems than Linux are left out; no lost+found is made.
 * Errors: -ENOSPC with the size that is needed when `size` is too small, or when the host's disk is
 * full; -EMLINK, -EFBIG, -E2BIG for more links, larger files or attributes than the type allows;
 * -EINVAL, -ENAMETOOLONG, -EOVERFLOW for what no Linux has; -EEXIST for an initramfs of a tree
 * with a GUEST_DIRECTORY (guest/protocol.h) of its own. The path is in the message.
 */
int rootfs_write(const struct tree *tree, const struct rootfs_options *options, int fd,
				 struct rootfs_stats *ret, struct error *err);

/*
 * The image's disk from the cache, written there if absent (keyed by the image's digest,
 * the options and the writer's version). -ENOTSUP when the image has no digest.
 */
int rootfs_cached(const struct image *image, const struct rootfs_options *options, char **ret_path,
				  struct error *err);

/* Writes the tree as a "newc" cpio archive, uncompressed
 * (Documentation/driver-api/early-userspace/buffer-format.rst), which has no extended attributes.
 * `fd` may be a pipe. -EFBIG for files of 4 GiB and more. */
int initramfs_write(const struct tree *tree, int fd, struct error *err);
/* The memory that the files of such archives, one behind another, take once they are unpacked: in
 * bytes, of whole pages. What cannot be read counts as nothing. */
uint64_t initramfs_unpacked(int fd);
