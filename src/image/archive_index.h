/* SPDX-License-Identifier: Apache-2.0 */
/* Where the members of a tar archive lie. Internal to store.h. */
#pragma once

#include "image/blob.h"

struct archive_index;

int archive_index_open(const char *path, uint64_t limit, struct archive_index **ret,
					   struct error *err);
int archive_index_get(const struct archive_index *index, const char *name, struct blob *ret,
					  struct error *err);
void archive_index_close(struct archive_index **index);
#define _cleanup_archive_index_ _cleanup_(archive_index_close)
