/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: copies the wanted part of a kernel source into a directory. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

/* Whether a file or symbolic link (a path relative to the top of the source) is wanted. */
typedef bool (*unpack_filter)(const char *path, void *data);

/*
 * Copies what `wanted` chooses from a tar archive (compressed or not; its single top directory is
 * left out of the paths) or from a directory into the existing directory `to`. Files that are
 * there already are replaced. Nothing is written outside of `to`, whatever the archive says.
 */
int unpack_source(const char *from, unpack_filter wanted, void *data, const char *to,
				  struct error *err);
