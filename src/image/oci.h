/* SPDX-License-Identifier: Apache-2.0 */
/* OCI image layouts (OCI image-spec image-layout.md). Internal to the image stage. */
#pragma once

#include "image/loader.h"
#include "image/store.h"

/* A descriptor (OCI image-spec descriptor.md), with what of it is used. */
struct descriptor {
	char *media_type;
	char *digest;
	uint64_t size;
	char *os, *architecture, *variant; /* NULL when there is no platform */
	char *tag;                         /* org.opencontainers.image.ref.name */
	char *name; /* io.containerd.image.name: the whole name, where the tag alone is above */
};

struct descriptors {
	struct descriptor *items;
	size_t count;
};

/* `owner` is what the descriptor stands in, for errors. */
int descriptor_parse(const struct json_t *json, const char *owner, struct descriptor *ret,
					 struct error *err);
/* The array `member` of `object`, at most `limit` of them. */
int descriptors_parse(const struct json_t *object, const char *owner, const char *member,
					  size_t limit, struct descriptors *ret, struct error *err);
void descriptor_free(struct descriptor *descriptor);
void descriptors_free(struct descriptors *list);
#define _cleanup_descriptor_ _cleanup_(descriptor_free)
#define _cleanup_descriptors_ _cleanup_(descriptors_free)

/* The blob of that digest, opened, and of the size that the descriptor says. */
int oci_open_blob(const struct store *store, const struct descriptor *descriptor, struct blob *ret,
				  struct error *err);
/* A JSON blob, checked against its digest. `name` is what it is called in errors. */
int oci_read_json(const struct store *store, const struct descriptor *descriptor, const char *name,
				  struct json_t **ret, struct error *err);

/* The manifest of `tag` (NULL: the only one), or the one with the digest `tag` ("sha256:..."),
 * for `architecture`. */
int oci_select(const struct store *store, const char *tag, const char *architecture,
			   struct descriptor *ret, struct error *err);
