/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of an uncompressed tar, and where in it the files' bytes lie.
 *
 * Names are the bytes that are in the tar: the locale has no say.
 */
#pragma once

#include "image/blob.h"
#include "image/tree.h"

#include <archive_entry.h>

struct tar;

/* Reads the tar that `blob`, which stays the caller's and open, holds. */
int tar_open(const struct blob *blob, struct tar **ret, struct error *err);
void tar_close(struct tar **tar);
#define _cleanup_tar_ _cleanup_(tar_close)

/* The next header. Returns 1, 0 at the end, or a negative errno. *ret is valid until the next
 * call. */
int tar_next(struct tar *tar, struct archive_entry **ret, struct error *err);

/* Where the bytes of the regular file lie that tar_next() gave last, from the blob's first byte;
 * sorted and inside the file's size. Sparse files (GNU's old format; PAX 0.0, 0.1 and 1.0) have
 * holes between them. The caller frees *ret. */
int tar_extents(struct tar *tar, struct extent **ret, size_t *ret_count, struct error *err);
