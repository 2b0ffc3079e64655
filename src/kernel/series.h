/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/kernel: what is added to the kernel's source: linux/patches/VERSION, applied in
 * the order of their names, and the new files of linux/files.
 */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"

#include <stdbool.h>

struct series {
	struct strings patches; /* absolute paths, in order */
	char *directory;        /* of the new files */
	struct strings files;   /* paths of the new files, relative to it and to the tree */
	struct strings touched; /* paths in the tree that patches or new files write, in any order */
	char digest[DIGEST_SIZE];
};

int series_read(const char *version, struct series *ret, struct error *err);
/* Patches a tree and adds the files. A patch must match its context exactly, though it may have
 * moved; a new file must not be there yet. */
int series_apply(const struct series *series, const char *tree, struct error *err);
void series_free(struct series *series);
#define _cleanup_series_ _cleanup_(series_free)
