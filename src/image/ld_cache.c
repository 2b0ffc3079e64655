// SPDX-License-Identifier: Apache-2.0
#include "image/ld_cache.h"

#include <stdint.h>
#include <string.h>

/* The format since glibc 2.2, in the byte order of the machine (sysdeps/generic/dl-cache.h
 * describes it). Offsets of texts count from the header. */
#define MAGIC "glibc-ld.so.cache1.1"

struct header {
	char magic[20];
	uint32_t count;
	uint32_t texts_length;
	uint32_t unused[5];
};

struct record {
	int32_t flags;
	uint32_t name, path;
	uint32_t os_version;
	uint64_t processor; /* hwcap: not 0 for a variant */
};

static const char *text_at(const struct buf *cache, size_t start, uint32_t offset)
{
	size_t at = start + offset;

	if (at >= cache->length || !memchr(cache->data + at, '\0', cache->length - at))
		return NULL;
	return cache->data + at;
}

void ld_cache_find(const struct buf *cache, const char *name, struct strings *ret)
{
	struct header header;
	/* An older format may stand in front. */
	const char *magic =
		cache->length ? memmem(cache->data, cache->length, MAGIC, strlen(MAGIC)) : NULL;
	size_t start = magic ? (size_t)(magic - cache->data) : 0;

	if (!magic || cache->length - start < sizeof(header))
		return;
	memcpy(&header, magic, sizeof(header));
	size_t room = (cache->length - start - sizeof(header)) / sizeof(struct record);
	for (size_t i = 0; i < header.count && i < room; i++) {
		struct record record;
		memcpy(&record, magic + sizeof(header) + i * sizeof(record), sizeof(record));
		const char *found = text_at(cache, start, record.name);
		const char *path = text_at(cache, start, record.path);
		if (found && path && !record.processor && strcmp(found, name) == 0)
			strings_add(ret, path);
	}
}
