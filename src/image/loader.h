/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways of getting an image share. Internal to the image stage. */
#pragma once

#include "image/config.h"
#include "image/image.h"
#include "image/layer.h"

enum {
	LAYER_LIMIT = 500,                /* Docker makes at most 127 */
	DOCUMENT_LIMIT = 8 * 1024 * 1024, /* bytes of a manifest, index or configuration */
};

/* By the part of a reference behind its transport ("oci:"). Each fills in what it can of
 * `image`; `reference` is already set. */
int open_oci(const char *rest, const struct image_options *options, struct image *image,
			 struct error *err);
int open_oci_archive(const char *rest, const struct image_options *options, struct image *image,
					 struct error *err);
int open_docker_archive(const char *rest, const struct image_options *options, struct image *image,
						struct error *err);
/* A tar of either kind, to be told by its content. */
int open_archive(const char *rest, const struct image_options *options, struct image *image,
				 struct error *err);
int open_directory(const char *rest, const struct image_options *options, struct image *image,
				   struct error *err);
int open_program(const char *rest, const struct image_options *options, struct image *image,
				 struct error *err);

/* Fill in the image from what `store` holds, which is of that format. `tag` NULL: the only image;
 * for OCI layouts also "sha256:...". */
struct store;
int oci_load(const struct store *store, const char *tag, const struct image_options *options,
			 struct image *image, struct error *err);
int docker_load(const struct store *store, const char *tag, const struct image_options *options,
				struct image *image, struct error *err);

/* Splits "PATH:TAG" at the first colon before which something exists; *ret_tag is NULL without. */
void reference_split(const char *text, char **ret_path, char **ret_tag);
/* Most bytes of uncompressed layers. */
uint64_t size_limit(const struct image_options *options);
/* The architecture asked for by `options`, in Go's names. */
int wanted_architecture(const struct image_options *options, const char **ret, struct error *err);
/* "registry.example/library/redis:7" -> "redis", "/tmp/my image.tar" -> "my-image": letters,
 * digits,
 * '-', '_' and '.' in lower case. Never empty. */
char *short_name(const char *text);

/* One layer after another into image->tree. `open_layer` opens the blob of the layer `index`. */
typedef int (*layer_opener)(void *data, size_t index, struct blob *ret, struct error *err);
int stack_layers(struct image *image, const struct image_options *options, layer_opener open_layer,
				 void *data, struct error *err);
