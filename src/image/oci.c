// SPDX-License-Identifier: Apache-2.0
#include "image/oci.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"

#include <errno.h>
#include <string.h>

int oci_open_blob(const struct store *store, const struct descriptor *descriptor, struct blob *ret,
				  struct error *err)
{
	_cleanup_free_ char *path = xasprintf("blobs/sha256/%s", strchr(descriptor->digest, ':') + 1);
	_cleanup_blob_ struct blob blob = BLOB_NONE;

	if (store_get(store, path, &blob, err) < 0)
		return -err->code;
	if (blob.length != descriptor->size)
		return error_set(err, EBADMSG, "%s has %llu bytes, and should have %llu", path,
						 (unsigned long long)blob.length, (unsigned long long)descriptor->size);
	*ret = blob;
	blob = BLOB_NONE;
	return 0;
}

int oci_read_json(const struct store *store, const struct descriptor *descriptor, const char *name,
				  struct json_t **ret, struct error *err)
{
	_cleanup_blob_ struct blob blob = BLOB_NONE;
	_cleanup_digest_ struct digest *digest = digest_new();
	_cleanup_buf_ struct buf text = {0};
	char found[DIGEST_SIZE];

	if (oci_open_blob(store, descriptor, &blob, err) < 0 ||
		blob_read(&blob, DOCUMENT_LIMIT, &text, err) < 0)
		return error_wrap(err, "%s", name);
	digest_update(digest, text.data, text.length);
	digest_final(digest, found);
	if (strcmp(found, descriptor->digest) != 0) {
		error_set(err, EBADMSG, "%s: wrong digest: it is %s, and should be %s", name, found,
				  descriptor->digest);
		return error_hint(err, "the image is damaged: fetch or save it again");
	}
	return json_parse(text.data, text.length, name, ret, err);
}

/* Media types of layers; a suffix "+gzip" or "+zstd" may follow. */
static const char *const layer_types[] = {
	"application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

static const char *const config_types[] = {
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json",
};

static int check_layer_type(const char *type, size_t index, struct error *err)
{
	if (type && strstr(type, "+encrypted")) {
		error_set(err, ENOTSUP, "layer %zu is encrypted", index + 1);
		return error_hint(err, "decrypt it first: skopeo copy --decryption-key KEY ...");
	}
	for (size_t i = 0; type && i < ARRAY_SIZE(layer_types); i++) {
		if (!starts_with(type, layer_types[i]))
			continue;
		const char *suffix = type + strlen(layer_types[i]);
		if (!*suffix || strcmp(suffix, "+gzip") == 0 || strcmp(suffix, "+zstd") == 0)
			return 0;
	}
	return error_set(err, EINVAL, "not a container image: layer %zu is of the type \"%.100s\"",
					 index + 1, type ? type : "");
}

static int check_config_type(const char *type, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(config_types); i++)
		if (type && strcmp(type, config_types[i]) == 0)
			return 0;
	return error_set(err, EINVAL,
					 "not a container image: its configuration is of the type \"%.100s\"",
					 type ? type : "");
}

static int read_config(const struct store *store, const struct descriptor *descriptor,
					   const char *architecture, struct image *image, struct strings *diff_ids,
					   struct error *err)
{
	_cleanup_json_ json_t *config = NULL;

	if (check_config_type(descriptor->media_type, err) < 0 ||
		oci_read_json(store, descriptor, "image configuration", &config, err) < 0)
		return -err->code;
	return image_config_parse(config, "image configuration", architecture, &image->config, diff_ids,
							  err);
}

/* Pairs the manifest's layers with the configuration's diff_ids. */
static int fill_layers(struct image *image, struct descriptors *layers,
					   const struct strings *diff_ids, struct error *err)
{
	if (layers->count != diff_ids->count)
		return error_set(err, EINVAL, "the manifest has %zu layers and the image configuration %zu",
						 layers->count, diff_ids->count);
	image->layers = xcalloc(layers->count + 1, sizeof(*image->layers));
	image->layer_count = layers->count;
	for (size_t i = 0; i < layers->count; i++) {
		if (check_layer_type(layers->items[i].media_type, i, err) < 0)
			return -err->code;
		image->layers[i] = (struct image_layer){
			.digest = xstrdup(layers->items[i].digest),
			.diff_id = xstrdup(diff_ids->items[i]),
			.media_type = xstrdup(layers->items[i].media_type),
			.size = layers->items[i].size,
		};
	}
	return 0;
}

struct layer_source {
	const struct store *store;
	const struct descriptors *layers;
};

static int open_layer(void *data, size_t index, struct blob *ret, struct error *err)
{
	const struct layer_source *source = data;

	return oci_open_blob(source->store, &source->layers->items[index], ret, err);
}

static int load_manifest(const struct store *store, const json_t *manifest,
						 const struct image_options *options, const char *architecture,
						 struct image *image, struct error *err)
{
	_cleanup_descriptor_ struct descriptor config = {0};
	_cleanup_descriptors_ struct descriptors layers = {0};
	_cleanup_strings_ struct strings diff_ids = {0};
	json_t *json = NULL;

	if (json_get_object(manifest, "manifest", "config", JSON_REQUIRED, &json, err) < 0 ||
		descriptor_parse(json, "manifest: config", &config, err) < 0 ||
		descriptors_parse(manifest, "manifest", "layers", LAYER_LIMIT, &layers, err) < 0 ||
		read_config(store, &config, architecture, image, &diff_ids, err) < 0 ||
		fill_layers(image, &layers, &diff_ids, err) < 0)
		return -err->code;
	struct layer_source source = {store, &layers};
	return stack_layers(image, options, open_layer, &source, err);
}

static int check_layout(const struct store *store, struct error *err)
{
	_cleanup_blob_ struct blob blob = BLOB_NONE;
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *layout = NULL;
	_cleanup_free_ char *version = NULL;

	if (store_get(store, "oci-layout", &blob, err) < 0)
		return error_wrap(err, "not an OCI layout");
	if (blob_read(&blob, DOCUMENT_LIMIT, &text, err) < 0)
		return error_wrap(err, "oci-layout");
	if (json_parse(text.data, text.length, "oci-layout", &layout, err) < 0 ||
		json_get_string(layout, "oci-layout", "imageLayoutVersion", JSON_REQUIRED, &version, err) <
			0)
		return -err->code;
	if (!starts_with(version, "1."))
		return error_set(err, ENOTSUP, "OCI layouts of version %.32s are not supported", version);
	return 0;
}

int oci_load(const struct store *store, const char *tag, const struct image_options *options,
			 struct image *image, struct error *err)
{
	_cleanup_descriptor_ struct descriptor descriptor = {0};
	_cleanup_json_ json_t *manifest = NULL;
	const char *architecture;

	if (wanted_architecture(options, &architecture, err) < 0 || check_layout(store, err) < 0 ||
		oci_select(store, tag, architecture, &descriptor, err) < 0 ||
		oci_read_json(store, &descriptor, "manifest", &manifest, err) < 0)
		return -err->code;
	image->digest = xstrdup(descriptor.digest);
	return load_manifest(store, manifest, options, architecture, image, err);
}
