// SPDX-License-Identifier: Apache-2.0
#include "kernel/sizes.h"
#include "base/buf.h"
#include "kernel/segments.h"

#include <stdlib.h>
#include <string.h>

#define ALIGNMENT "alignment"
#define LINKER_MADE "linker-made"
#define KALLSYMS "kallsyms"
#define FILL "*fill*"
#define RELOCATABLE "vmlinux.o" /* all objects in one */

struct attribution {
	const struct linker_map *map, *objects;
	struct kernel_sizes *sizes;
};

static int compare_names(const void *name, const void *part)
{
	return strcmp(name, ((const struct kernel_part *)part)->name);
}

static void add(struct kernel_parts *parts, const char *name, enum kernel_bytes kind,
				uint64_t bytes)
{
	struct kernel_part *part = parts->count ? bsearch(name, parts->items, parts->count,
													  sizeof(*parts->items), compare_names)
											: NULL;

	if (!part) {
		parts->items = xrealloc(parts->items, parts->count + 1, sizeof(*parts->items));
		size_t place = parts->count++;
		for (; place > 0 && strcmp(parts->items[place - 1].name, name) > 0; place--)
			parts->items[place] = parts->items[place - 1];
		part = &parts->items[place];
		*part = (struct kernel_part){.name = xstrdup(name)};
	}
	part->bytes[kind] += bytes;
}

/* The text up to the `count`th slash; all of it when there are not that many. */
static char *components(const char *path, size_t count)
{
	size_t length = 0;

	for (; path[length]; length++)
		if (path[length] == '/' && --count == 0)
			break;
	return xstrndup(path, length);
}

char *sizes_part(const char *object, char **ret_detail)
{
	static const char *const detailed[] = {"drivers", "fs", "net"};

	*ret_detail = NULL;
	while (starts_with(object, "./"))
		object += 2;
	if (strstr(object, "kallsyms"))
		if (!strchr(object, '/')) /* .tmp_vmlinux2.kallsyms.o */
			return xstrdup(KALLSYMS);
	const char *slash = strrchr(object, '/');
	if (*object == '/' || !slash || (!ends_with(object, ".o") && !ends_with(object, ".o)")))
		return xstrdup(LINKER_MADE);
	char *part = components(object, starts_with(object, "arch/") ? 2 : 1);
	_cleanup_free_ char *directory = xstrndup(object, (size_t)(slash - object));
	for (size_t i = 0; i < ARRAY_SIZE(detailed); i++)
		if (strcmp(part, detailed[i]) == 0)
			*ret_detail = components(directory, 2);
	return part;
}

static void add_object(struct kernel_sizes *sizes, const char *object, enum kernel_bytes kind,
					   uint64_t bytes)
{
	_cleanup_free_ char *detail = NULL;
	_cleanup_free_ char *part = sizes_part(object, &detail);

	if (!bytes)
		return;
	add(&sizes->parts, part, kind, bytes);
	if (detail)
		add(&sizes->details, detail, kind, bytes);
}

/* value * numerator / denominator, rounded down; numerator <= denominator. */
static uint64_t scale(uint64_t value, uint64_t numerator, uint64_t denominator)
{
	return (uint64_t)((__uint128_t)value * numerator / denominator);
}

/*
 * A section of vmlinux.o, shared out as the map of that has it. When its size has changed since, by
 * merging equal strings, each object has its part of what is left. Sections that only came into
 * being after that link, by objtool, are nobody's.
 */
static void add_relocatable(const struct attribution *attribution, const struct map_piece *piece,
							enum kernel_bytes kind, uint64_t bytes)
{
	const struct linker_map *objects = attribution->objects;
	uint64_t size = 0, done = 0;

	for (size_t i = 0; i < objects->count; i++)
		if (strcmp(objects->pieces[i].output, piece->input) == 0) {
			uint64_t end = objects->pieces[i].address + objects->pieces[i].size;
			size = end > size ? end : size;
		}
	for (size_t i = 0; i < objects->count && size; i++) {
		const struct map_piece *part = &objects->pieces[i];
		if (strcmp(part->output, piece->input) != 0 || strcmp(part->input, FILL) == 0)
			continue;
		uint64_t start = scale(bytes, part->address, size);
		uint64_t end = scale(bytes, part->address + part->size, size);
		if (start > done)
			add(&attribution->sizes->parts, ALIGNMENT, kind, start - done);
		start = start > done ? start : done;
		if (end <= start)
			continue;
		add_object(attribution->sizes, part->object, kind, end - start);
		done = end;
	}
	if (done < bytes)
		add(&attribution->sizes->parts, size ? ALIGNMENT : LINKER_MADE, kind, bytes - done);
}

static void add_piece(const struct attribution *attribution, const struct map_piece *piece,
					  enum kernel_bytes kind, uint64_t bytes)
{
	if (strcmp(piece->input, FILL) == 0)
		add(&attribution->sizes->parts, ALIGNMENT, kind, bytes);
	else if (strcmp(piece->object, RELOCATABLE) == 0)
		add_relocatable(attribution, piece, kind, bytes);
	else
		add_object(attribution->sizes, piece->object, kind, bytes);
}

/* No byte is counted twice, even when pieces overlap, and what no piece covers is alignment: the
 * sum is the section's size. */
static void add_section(const struct attribution *attribution, const struct loaded_section *section)
{
	uint64_t position = section->address, end = section->address + section->size;
	uint64_t uncovered = section->gap;

	for (size_t i = 0; i < attribution->map->count; i++) {
		const struct map_piece *piece = &attribution->map->pieces[i];
		if (strcmp(piece->output, section->name) != 0 || piece->address >= end ||
			piece->size > UINT64_MAX - piece->address || piece->address + piece->size <= position)
			continue;
		uint64_t start = piece->address > position ? piece->address : position;
		uint64_t stop = piece->address + piece->size < end ? piece->address + piece->size : end;
		uncovered += start - position;
		add_piece(attribution, piece, section->kind, stop - start);
		position = stop;
	}
	uncovered += end - position;
	if (uncovered)
		add(&attribution->sizes->parts, ALIGNMENT, section->kind, uncovered);
}

int sizes_attribute(const char *vmlinux, const struct linker_map *map,
					const struct linker_map *objects, struct kernel_sizes *ret, struct error *err)
{
	_cleanup_segments_ struct loaded_sections sections = {0};
	const struct attribution attribution = {map, objects, ret};

	if (segments_read(vmlinux, &sections, err) < 0)
		return -err->code;
	for (size_t i = 0; i < sections.count; i++)
		add_section(&attribution, &sections.items[i]);
	ret->loaded = sections.loaded;
	return 0;
}

int sizes_loaded(const char *vmlinux, uint64_t *ret, struct error *err)
{
	_cleanup_segments_ struct loaded_sections sections = {0};

	if (segments_read(vmlinux, &sections, err) < 0)
		return -err->code;
	*ret = sections.loaded;
	return 0;
}
