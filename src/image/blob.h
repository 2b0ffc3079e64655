/* SPDX-License-Identifier: Apache-2.0 */
/* A run of bytes in a file: a blob of a layout, or a member of an archive, where it lies. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

struct blob {
	int fd; /* owned; its offset is never used */
	uint64_t offset;
	uint64_t length;
};

#define BLOB_NONE                                                                                  \
	(struct blob)                                                                                  \
	{                                                                                              \
		.fd = -1                                                                                   \
	}

/* Reads at most `length` bytes at `position` in the blob, through EINTR; fewer only at its end.
 * Returns the count or a negative errno. */
ssize_t blob_pread(const struct blob *blob, void *bytes, size_t length, uint64_t position);
/* The whole blob; -EFBIG past `limit`. */
int blob_read(const struct blob *blob, size_t limit, struct buf *ret, struct error *err);
void blob_close(struct blob *blob);
#define _cleanup_blob_ _cleanup_(blob_close)
