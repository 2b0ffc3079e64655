// SPDX-License-Identifier: Apache-2.0
#include "image/hard_links.h"
#include "base/mem.h"

#include <search.h>

struct link {
	dev_t device;
	ino_t number;
	void *value;
};

static int by_number(const void *left, const void *right)
{
	const struct link *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

void *hard_links_find(const struct hard_links *links, const struct stat *status)
{
	const struct link key = {.device = status->st_dev, .number = status->st_ino};
	struct link **found = tfind(&key, &links->tree, by_number);

	return found ? (*found)->value : NULL;
}

void hard_links_add(struct hard_links *links, const struct stat *status, void *value)
{
	struct link *link = xmalloc(sizeof(*link));

	*link = (struct link){status->st_dev, status->st_ino, value};
	if (!tsearch(link, &links->tree, by_number))
		abort(); /* out of memory, as in the x-functions */
}

void hard_links_free(struct hard_links *links)
{
	tdestroy(links->tree, free);
	links->tree = NULL;
}
