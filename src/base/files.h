/* SPDX-License-Identifier: Apache-2.0 */
/* Files and directories: whole reads, atomic writes, staging, locks, sparse copies. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads a whole file of at most `limit` bytes, relative to `dirfd` (AT_FDCWD allowed). */
int file_read(int dirfd, const char *path, size_t limit, struct buf *ret, struct error *err);
/* Reads what is left of `fd`, at most `limit` bytes (else EFBIG). */
int fd_read_all(int fd, size_t limit, struct buf *ret, struct error *err);
/* Writes everything, through short writes and EINTR. */
int fd_write_all(int fd, const void *bytes, size_t length, struct error *err);
/* Makes or replaces a file in one step: written beside its place, then renamed into it. */
int file_write_atomic(const char *path, const void *bytes, size_t length, mode_t mode,
					  struct error *err);

/* mkdir -p with mode 0755. */
int directory_make(const char *path, struct error *err);
/* rm -rf; what is already gone is no error. Never follows a symbolic link. */
int directory_remove(const char *path, struct error *err);

/*
 * A directory or file that is made beside its place and appears there whole or
 * not at all. What a killed process leaves is removed by the next
 * staging_begin() under the same parent: its name carries a lock that dies with
 * its owner.
 */
struct staging {
	char *parent;
	char *path; /* where to build: a fresh directory */
	int lock;   /* held while we live */
};
int staging_begin(const char *parent, struct staging *ret, struct error *err);
/* Renames `path`/`from` (or `path` itself when `from` is NULL) to `parent`/`name`; when that
 * exists already, made by someone else from the same input, ours is thrown away. */
int staging_commit(struct staging *staging, const char *from, const char *name, struct error *err);
/* Removes what was not committed. For _cleanup_; initialise with STAGING_NONE. */
void staging_end(struct staging *staging);
#define STAGING_NONE                                                                               \
	(struct staging)                                                                               \
	{                                                                                              \
		.lock = -1                                                                                 \
	}
#define _cleanup_staging_ _cleanup_(staging_end)

/* Opens (makes) `path` and takes an exclusive flock on it, waiting for others;
 * `wait` false gives -EWOULDBLOCK instead. Returns the descriptor; closing it unlocks. */
int file_lock(const char *path, bool wait, struct error *err);

/* Copies a file's data and holes, by reflink where the file system can. Returns 0. */
int file_copy_sparse(int from, int to, struct error *err);

/* Bytes a file takes on disk, 0 when it cannot be read. */
uint64_t file_disk_usage(const char *path);
bool path_exists(const char *path);
