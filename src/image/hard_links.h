/* SPDX-License-Identifier: Apache-2.0 */
/* Files with several names, found again by their numbers. (A file of its own because <search.h>
 * has a struct entry, too.) */
#pragma once

#include <sys/stat.h>

struct hard_links {
	void *tree; /* NULL: empty */
};

/* What was added for that file, or NULL. */
void *hard_links_find(const struct hard_links *links, const struct stat *status);
/* `value` stays the caller's. */
void hard_links_add(struct hard_links *links, const struct stat *status, void *value);
void hard_links_free(struct hard_links *links);
