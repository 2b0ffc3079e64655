// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"
#include "base/json.h"
#include "image/oci.h"

#include <errno.h>
#include <string.h>

static int parse_platform(const json_t *json, const char *owner, struct descriptor *ret,
						  struct error *err)
{
	json_t *platform = NULL;

	if (json_get_object(json, owner, "platform", JSON_OPTIONAL, &platform, err) < 0)
		return -err->code;
	if (platform &&
		(json_get_string(platform, owner, "os", JSON_OPTIONAL, &ret->os, err) < 0 ||
		 json_get_string(platform, owner, "architecture", JSON_OPTIONAL, &ret->architecture, err) <
			 0 ||
		 json_get_string(platform, owner, "variant", JSON_OPTIONAL, &ret->variant, err) < 0))
		return -err->code;
	return 0;
}

static int parse_annotations(const json_t *json, const char *owner, struct descriptor *ret,
							 struct error *err)
{
	json_t *annotations = NULL;

	if (json_get_object(json, owner, "annotations", JSON_OPTIONAL, &annotations, err) < 0)
		return -err->code;
	if (annotations && (json_get_string(annotations, owner, "org.opencontainers.image.ref.name",
										JSON_OPTIONAL, &ret->tag, err) < 0 ||
						json_get_string(annotations, owner, "io.containerd.image.name",
										JSON_OPTIONAL, &ret->name, err) < 0))
		return -err->code;
	return 0;
}

static int parse_fields(const json_t *json, const char *owner, struct descriptor *ret,
						struct error *err)
{
	int64_t size = 0;

	if (json_get_string(json, owner, "mediaType", JSON_OPTIONAL, &ret->media_type, err) < 0 ||
		json_get_string(json, owner, "digest", JSON_REQUIRED, &ret->digest, err) < 0 ||
		json_get_integer(json, owner, "size", JSON_REQUIRED, 0, INT64_MAX, &size, err) < 0 ||
		parse_platform(json, owner, ret, err) < 0 || parse_annotations(json, owner, ret, err) < 0)
		return -err->code;
	ret->size = (uint64_t)size;
	if (!digest_is_valid(ret->digest))
		return error_set(err, EINVAL, "%s: \"%.100s\" is not a SHA-256 digest", owner, ret->digest);
	return 0;
}

int descriptor_parse(const struct json_t *json, const char *owner, struct descriptor *ret,
					 struct error *err)
{
	_cleanup_descriptor_ struct descriptor parsed = {0};

	if (parse_fields(json, owner, &parsed, err) < 0)
		return -err->code;
	*ret = parsed;
	parsed = (struct descriptor){0};
	return 0;
}

int descriptors_parse(const struct json_t *object, const char *owner, const char *member,
					  size_t limit, struct descriptors *ret, struct error *err)
{
	_cleanup_descriptors_ struct descriptors list = {0};
	json_t *array = NULL;

	if (json_get_array(object, owner, member, JSON_REQUIRED, &array, err) < 0)
		return -err->code;
	size_t count = json_array_size(array);
	if (count > limit)
		return error_set(err, E2BIG, "%s: \"%s\" has %zu items, more than %zu", owner, member,
						 count, limit);
	list.items = xcalloc(count + 1, sizeof(*list.items));
	for (; list.count < count; list.count++) {
		_cleanup_free_ char *place = xasprintf("%s: %s[%zu]", owner, member, list.count);
		if (descriptor_parse(json_array_get(array, list.count), place, &list.items[list.count],
							 err) < 0)
			return -err->code;
	}
	*ret = list;
	list = (struct descriptors){0};
	return 0;
}

void descriptor_free(struct descriptor *descriptor)
{
	free(descriptor->media_type);
	free(descriptor->digest);
	free(descriptor->os);
	free(descriptor->architecture);
	free(descriptor->variant);
	free(descriptor->tag);
	free(descriptor->name);
	*descriptor = (struct descriptor){0};
}

void descriptors_free(struct descriptors *list)
{
	for (size_t i = 0; i < list->count; i++)
		descriptor_free(&list->items[i]);
	free(list->items);
	*list = (struct descriptors){0};
}
