/* SPDX-License-Identifier: Apache-2.0 */
/* A blob, uncompressed while it is read. */
#pragma once

#include "base/digest.h"
#include "image/blob.h"

enum compression {
	COMPRESSION_NONE,
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_XZ,
	COMPRESSION_BZIP2,
};

/* By the first bytes. */
enum compression compression_of(const struct blob *blob);

struct stream;

/* Starts reading `blob`, which stays the caller's. `digest` (may be NULL) gets the bytes of the
 * blob as they are stored. NULL on failure. */
struct stream *stream_open(const struct blob *blob, struct digest *digest, struct error *err);
/* The next bytes, uncompressed, valid until the next call. Returns 1, 0 at the end, or a
 * negative errno. */
int stream_read(struct stream *stream, const void **bytes, size_t *length, struct error *err);
/* Reads what the decompressor left of the blob, so that the digest is that of all of it. */
int stream_drain(struct stream *stream, struct error *err);
void stream_close(struct stream **stream);
#define _cleanup_stream_ _cleanup_(stream_close)

/*
 * Writes the blob uncompressed to the empty file `fd`, where blocks of zeros become holes.
 * `stored` and `content` (may be NULL) get what is read and what is written. -EFBIG when it comes
 * to more than `limit` bytes, or to so many more than the blob has that it can only be meant
 * to fill the disk.
 */
int stream_copy(const struct blob *blob, uint64_t limit, struct digest *stored,
				struct digest *content, int fd, uint64_t *ret_length, struct error *err);
