/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/kernel: a kernel's source, unpacked as far as needed, with our patches, in the
 * cache. It is never changed by a build, which has a directory of its own, so that any number of
 * kernels are built from one source at once.
 *
 * The place is named after the content of the archive, the patches and the table of parts.
 * It appears there whole or not at all; parts that are unpacked later count only once their
 * names are in the file "parts".
 */
#pragma once

#include "base/digest.h"
#include "base/error.h"
#include "kernel/prune.h"
#include "kernel/series.h"

struct kernel_source {
	char *version;
	char *origin;               /* the archive or directory that it comes from */
	char identity[DIGEST_SIZE]; /* of its content */
	struct series series;
	struct prune prune;
	char *name; /* in the cache's directory of sources */
	char *tree; /* set by source_prepare() */
};

/* Debian's archive of a version, "/usr/src/linux-source-6.12.tar.xz". The caller owns it. */
char *source_archive(const char *version);

/* The digest of an archive's content, or of the names, sizes and times in a directory. */
int source_identify(const char *path, char text[DIGEST_SIZE], struct error *err);

/* Tells what the source is. `origin` NULL is Debian's archive. */
int source_describe(const char *version, const char *origin, struct kernel_source *ret,
					struct error *err);
/* Unpacks and patches it, unless it is there. */
int source_prepare(struct kernel_source *source, struct error *err);
/* Unpacks what else a configuration needs; `parts` NULL: all that is missing. *ret_added (may be
 * NULL) tells whether anything was. */
int source_add_parts(const struct kernel_source *source, const struct strings *parts,
					 bool *ret_added, struct error *err);
void source_free(struct kernel_source *source);
#define _cleanup_source_ _cleanup_(source_free)

/* Locks one of the kernel stage's resources, saying so when another process has it. Returns the
 * descriptor. */
int kernel_lock(const char *kind, const char *name, const char *waiting_for, struct error *err);
