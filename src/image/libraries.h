/* SPDX-License-Identifier: Apache-2.0 */
/* Which libraries a program needs, found as the dynamic loader would (ld.so(8)). */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* A file that goes from the host into the image. */
struct host_file {
	char *host;  /* where it is */
	char *guest; /* where the loader will look for it; absolute, no "." or ".." */
};

struct host_files {
	struct host_file *items;
	size_t count;
};

/*
 * Adds the ELF program or library at `host`, which will be at `guest`, its interpreter, and all
 * libraries that these need, to `files`. -ENOENT with the name of a library that is not there.
 */
int libraries_collect(const char *host, const char *guest, struct host_files *files,
					  struct error *err);

/* Copies both; a second file for the same place is ignored. */
void host_files_add(struct host_files *files, const char *host, const char *guest);
void host_files_free(struct host_files *files);
