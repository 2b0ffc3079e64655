/* SPDX-License-Identifier: Apache-2.0 */
/* Files by name, in a directory (an OCI layout) or in a tar archive (docker save, oci-archive). */
#pragma once

#include "image/blob.h"

#include <stdbool.h>

struct store;

/* Symbolic links in the directory are not followed: it may come from anyone. */
int store_open_directory(const char *path, struct store **ret, struct error *err);
/*
 * A tar archive, plain or compressed with gzip, zstd, xz or bzip2; then it is uncompressed first,
 * to at most `limit` bytes, into an unnamed file in the cache. Links between members are followed
 * (docker save writes them for layers that two images share).
 */
int store_open_archive(const char *path, uint64_t limit, struct store **ret, struct error *err);
void store_close(struct store **store);
#define _cleanup_store_ _cleanup_(store_close)

bool store_has(const struct store *store, const char *name);
/* -ENOENT when there is no such file. The caller closes *ret, which outlives the store. */
int store_get(const struct store *store, const char *name, struct blob *ret, struct error *err);
