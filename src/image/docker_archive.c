// SPDX-License-Identifier: Apache-2.0
/* What `docker save` and `podman save` write: a tar with manifest.json, which names the image's
 * configuration and its layers by their paths in the tar. */
#include "base/digest.h"
#include "base/json.h"
#include "image/loader.h"
#include "image/store.h"

#include <errno.h>
#include <string.h>

enum { IMAGE_LIMIT = 1000, DIGITS = 64 };

/* One item of manifest.json. */
struct saved_image {
	char *config;
	struct strings tags;
	struct strings layers;
};

static void saved_image_free(struct saved_image *saved)
{
	free(saved->config);
	strings_free(&saved->tags);
	strings_free(&saved->layers);
}

/* The digest in names such as HEX.json and blobs/sha256/HEX, or NULL. */
static char *digest_in_name(const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	bool blob = starts_with(name, "blobs/sha256/");
	_cleanup_free_ char *digest = xasprintf("sha256:%.*s", DIGITS, base);

	if (strlen(base) < DIGITS || !digest_is_valid(digest) ||
		(strcmp(base + DIGITS, ".json") != 0 && !(blob && !base[DIGITS])))
		return NULL;
	return steal(&digest);
}

static bool has_tag(const struct strings *tags, const char *wanted)
{
	/* "redis" means "redis:latest"; podman writes "localhost/redis:latest" for it. */
	const char *slash = strrchr(wanted, '/');
	_cleanup_free_ char *full =
		strchr(slash ? slash : wanted, ':') ? xstrdup(wanted) : xasprintf("%s:latest", wanted);
	_cleanup_free_ char *tail = xasprintf("/%s", full);

	for (size_t i = 0; i < tags->count; i++)
		if (strcmp(tags->items[i], full) == 0 || ends_with(tags->items[i], tail))
			return true;
	return false;
}

static int parse_saved(const json_t *json, struct saved_image *ret, struct error *err)
{
	const char *name = "manifest.json";

	if (json_get_string(json, name, "Config", JSON_REQUIRED, &ret->config, err) < 0 ||
		json_get_strings(json, name, "RepoTags", JSON_OPTIONAL, &ret->tags, err) < 0 ||
		json_get_strings(json, name, "Layers", JSON_OPTIONAL, &ret->layers, err) < 0)
		return -err->code;
	if (!ret->config || !*ret->config)
		return error_set(err, EINVAL, "%s: \"Config\" is empty", name);
	if (ret->layers.count > LAYER_LIMIT)
		return error_set(err, E2BIG, "%s: \"Layers\" has %zu items, more than %d", name,
						 ret->layers.count, LAYER_LIMIT);
	return 0;
}

/* The image of `tag`, or the only one. */
static int select_image(const json_t *list, const char *tag, struct saved_image *ret,
						struct error *err)
{
	_cleanup_buf_ struct buf seen = {0};
	size_t count = json_array_size(list);

	if (!json_is_array(list) || !count || count > IMAGE_LIMIT)
		return error_set(err, EINVAL, "manifest.json: not a list of 1 to %d images", IMAGE_LIMIT);
	for (size_t i = 0; i < count; i++) {
		_cleanup_(saved_image_free) struct saved_image saved = {0};
		if (parse_saved(json_array_get(list, i), &saved, err) < 0)
			return -err->code;
		if (tag ? has_tag(&saved.tags, tag) : count == 1) {
			*ret = saved;
			saved = (struct saved_image){0};
			return 0;
		}
		for (size_t k = 0; k < saved.tags.count && seen.length < 1000; k++)
			buf_printf(&seen, "%s%s", seen.length ? ", " : "", saved.tags.items[k]);
	}
	if (tag)
		error_set(err, ENOENT, "the archive has no image \"%s\"", tag);
	else
		error_set(err, EINVAL, "the archive has %zu images", count);
	return error_hint(err, "add one of its names, as in docker-archive:FILE:NAME:TAG: %s",
					  seen.length ? seen.data : "(none has one)");
}

static int read_document(const struct store *store, const char *name, struct buf *ret,
						 struct error *err)
{
	_cleanup_blob_ struct blob blob = BLOB_NONE;

	if (store_get(store, name, &blob, err) < 0)
		return -err->code;
	return blob_read(&blob, DOCUMENT_LIMIT, ret, err) < 0 ? error_wrap(err, "%s", name) : 0;
}

static int read_config(const struct store *store, const struct saved_image *saved,
					   const char *architecture, struct image *image, struct strings *diff_ids,
					   struct error *err)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *config = NULL;
	_cleanup_digest_ struct digest *digest = digest_new();
	_cleanup_free_ char *promised = digest_in_name(saved->config);
	char found[DIGEST_SIZE];

	if (read_document(store, saved->config, &text, err) < 0)
		return -err->code;
	digest_update(digest, text.data, text.length);
	digest_final(digest, found);
	if (promised && strcmp(promised, found) != 0)
		return error_set(err, EBADMSG, "%s: wrong digest: it is %s", saved->config, found);
	image->digest = xstrdup(found);
	if (json_parse(text.data, text.length, saved->config, &config, err) < 0)
		return -err->code;
	return image_config_parse(config, saved->config, architecture, &image->config, diff_ids, err);
}

struct layer_source {
	const struct store *store;
	const struct strings *names;
};

static int open_layer(void *data, size_t index, struct blob *ret, struct error *err)
{
	const struct layer_source *source = data;

	return store_get(source->store, source->names->items[index], ret, err);
}

static int fill_layers(struct image *image, const struct layer_source *source,
					   const struct strings *diff_ids, struct error *err)
{
	const struct strings *names = source->names;

	if (names->count != diff_ids->count)
		return error_set(err, EINVAL,
						 "manifest.json has %zu layers and the image configuration %zu",
						 names->count, diff_ids->count);
	image->layers = xcalloc(names->count + 1, sizeof(*image->layers));
	image->layer_count = names->count;
	for (size_t i = 0; i < names->count; i++) {
		_cleanup_blob_ struct blob blob = BLOB_NONE;
		if (open_layer((void *)source, i, &blob, err) < 0)
			return error_wrap(err, "layer %zu", i + 1);
		image->layers[i] = (struct image_layer){
			.digest = digest_in_name(names->items[i]),
			.diff_id = xstrdup(diff_ids->items[i]),
			.size = blob.length,
		};
	}
	return 0;
}

int docker_load(const struct store *store, const char *tag, const struct image_options *options,
				struct image *image, struct error *err)
{
	_cleanup_(saved_image_free) struct saved_image saved = {0};
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *list = NULL;
	_cleanup_strings_ struct strings diff_ids = {0};
	const char *architecture;

	if (wanted_architecture(options, &architecture, err) < 0 ||
		read_document(store, "manifest.json", &text, err) < 0 ||
		json_parse(text.data, text.length, "manifest.json", &list, err) < 0 ||
		select_image(list, tag, &saved, err) < 0 || !saved.config)
		return -err->code;
	if (saved.tags.count) {
		free(image->name);
		image->name = short_name(saved.tags.items[0]);
	}
	struct layer_source source = {store, &saved.layers};
	if (read_config(store, &saved, architecture, image, &diff_ids, err) < 0 ||
		fill_layers(image, &source, &diff_ids, err) < 0)
		return -err->code;
	return stack_layers(image, options, open_layer, &source, err);
}
