// SPDX-License-Identifier: Apache-2.0
/* From a layout's index and a tag to the one manifest for this architecture. */
#include "base/json.h"
#include "image/architecture.h"
#include "image/oci.h"

#include <errno.h>
#include <string.h>

enum {
	INDEX_LIMIT = 10000,    /* manifests in one index */
	NESTING_LIMIT = 4,      /* indexes in indexes */
	INDEX_COUNT_LIMIT = 64, /* indexes that are read in all */
	SHOWN_LIMIT = 20,       /* tags or platforms in an error */
};

static bool is_index(const char *media_type)
{
	static const char *const types[] = {
		"application/vnd.oci.image.index.v1+json",
		"application/vnd.docker.distribution.manifest.list.v2+json",
	};

	for (size_t i = 0; media_type && i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], media_type) == 0)
			return true;
	return false;
}

static bool goes_by(const struct descriptor *descriptor, const char *tag)
{
	const char *const names[] = {descriptor->digest, descriptor->tag, descriptor->name};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] && strcmp(names[i], tag) == 0)
			return true;
	return false;
}

/* "a, b, c", each once. */
static char *join(const struct strings *list)
{
	_cleanup_buf_ struct buf text = {0};

	for (size_t i = 0; i < list->count && i < SHOWN_LIMIT; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", list->items[i]);
	if (list->count > SHOWN_LIMIT)
		buf_printf(&text, " and %zu more", list->count - SHOWN_LIMIT);
	return buf_steal(&text);
}

static char *list_tags(const struct descriptors *index)
{
	_cleanup_strings_ struct strings tags = {0};

	for (size_t i = 0; i < index->count; i++)
		if (index->items[i].tag && !strings_contain(&tags, index->items[i].tag))
			strings_add(&tags, index->items[i].tag);
	return tags.count ? join(&tags) : NULL;
}

/* Do all of them name the same manifest, or are they one image for several platforms? */
static bool is_one_image(const struct descriptors *index)
{
	bool same = true, platforms = true;

	for (size_t i = 0; i < index->count; i++) {
		same &= strcmp(index->items[i].digest, index->items[0].digest) == 0;
		platforms &= index->items[i].architecture && !index->items[i].tag;
	}
	return same || platforms;
}

/* What a search through nested indexes has come to. */
struct search {
	const struct store *store;
	const char *architecture;
	unsigned indexes; /* read so far */
	bool found;
	int rank; /* of `best`; the lower the better */
	struct descriptor best;
	struct strings platforms; /* those that were there and not right */
};

static void search_free(struct search *search)
{
	descriptor_free(&search->best);
	strings_free(&search->platforms);
}

/* 0: just this variant; 1: not said, as for most; 2: another; -1: another platform. */
static int rank_platform(const struct search *search, const struct descriptor *descriptor)
{
	const struct architecture *architecture = architecture_find(search->architecture);

	if (!descriptor->architecture)
		return 1;
	if ((descriptor->os && strcmp(descriptor->os, "linux") != 0) ||
		strcmp(descriptor->architecture, search->architecture) != 0)
		return -1;
	if (!descriptor->variant)
		return 1;
	return architecture && architecture->variant &&
				   strcmp(architecture->variant, descriptor->variant) == 0
			   ? 0
			   : 2;
}

static void consider(struct search *search, struct descriptor *descriptor)
{
	int rank = rank_platform(search, descriptor);

	if (rank < 0) {
		_cleanup_free_ char *platform = xasprintf(
			"%s/%s%s%s", descriptor->os ? descriptor->os : "linux", descriptor->architecture,
			descriptor->variant ? "/" : "", descriptor->variant ? descriptor->variant : "");
		/* What BuildKit says of its attestations, which are no images. */
		if (strcmp(descriptor->architecture, "unknown") != 0 &&
			!strings_contain(&search->platforms, platform))
			strings_take(&search->platforms, steal(&platform));
		return;
	}
	if (search->found && search->rank <= rank)
		return;
	descriptor_free(&search->best);
	search->best = *descriptor;
	*descriptor = (struct descriptor){0};
	search->rank = rank;
	search->found = true;
}

static int search_list(struct search *search, struct descriptors *list, const char *tag,
					   unsigned depth, struct error *err);

static int search_index(struct search *search, const struct descriptor *descriptor, unsigned depth,
						struct error *err)
{
	_cleanup_json_ json_t *index = NULL;
	_cleanup_descriptors_ struct descriptors list = {0};

	if (depth > NESTING_LIMIT)
		return error_set(err, EINVAL, "indexes nested deeper than %d", NESTING_LIMIT);
	if (++search->indexes > INDEX_COUNT_LIMIT)
		return error_set(err, E2BIG, "more than %d indexes", INDEX_COUNT_LIMIT);
	if (oci_read_json(search->store, descriptor, "index", &index, err) < 0 ||
		descriptors_parse(index, "index", "manifests", INDEX_LIMIT, &list, err) < 0)
		return -err->code;
	return search_list(search, &list, NULL, depth, err);
}

/* `tag` NULL: all of them. */
static int search_list(struct search *search, struct descriptors *list, const char *tag,
					   unsigned depth, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		struct descriptor *descriptor = &list->items[i];
		if (tag && !goes_by(descriptor, tag))
			continue;
		if (!is_index(descriptor->media_type))
			consider(search, descriptor);
		else if (search_index(search, descriptor, depth + 1, err) < 0)
			return -err->code;
	}
	return 0;
}

/* Is there anything of that tag? If not, says what there is. */
static int check_tag(const struct descriptors *index, const char *tag, struct error *err)
{
	_cleanup_free_ char *tags = list_tags(index);
	bool found = false;

	if (!index->count)
		return error_set(err, ENOENT, "the layout holds no image");
	for (size_t i = 0; tag && i < index->count && !found; i++)
		found = goes_by(&index->items[i], tag);
	if (found || (!tag && is_one_image(index)))
		return 0;
	if (tag)
		error_set(err, ENOENT, "no image is tagged \"%s\"", tag);
	else
		error_set(err, EINVAL, "the layout holds %zu images", index->count);
	if (tags)
		return error_hint(err, "add one of its tags, as in oci:DIR:TAG: %s", tags);
	return error_hint(err, "none has a tag: name one by digest, as in oci:DIR@%s",
					  index->items[0].digest);
}

static int read_index(const struct store *store, struct descriptors *ret, struct error *err)
{
	_cleanup_blob_ struct blob blob = BLOB_NONE;
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *index = NULL;

	if (store_get(store, "index.json", &blob, err) < 0)
		return -err->code;
	if (blob_read(&blob, DOCUMENT_LIMIT, &text, err) < 0)
		return error_wrap(err, "index.json");
	if (json_parse(text.data, text.length, "index.json", &index, err) < 0)
		return -err->code;
	return descriptors_parse(index, "index.json", "manifests", INDEX_LIMIT, ret, err);
}

int oci_select(const struct store *store, const char *tag, const char *architecture,
			   struct descriptor *ret, struct error *err)
{
	_cleanup_descriptors_ struct descriptors index = {0};
	_cleanup_(search_free) struct search search = {.store = store, .architecture = architecture};

	if (read_index(store, &index, err) < 0 || check_tag(&index, tag, err) < 0 ||
		search_list(&search, &index, tag, 0, err) < 0)
		return -err->code;
	if (!search.found) {
		_cleanup_free_ char *platforms = join(&search.platforms);
		return error_set(err, ENOEXEC, "no image for linux/%s, only for %s", architecture,
						 *platforms ? platforms : "nothing");
	}
	*ret = search.best;
	search.best = (struct descriptor){0};
	return 0;
}
