/* SPDX-License-Identifier: Apache-2.0 */
/* The image configuration (OCI image-spec config.md; Docker's is the same). */
#pragma once

#include "image/image.h"

struct json_t;

/*
 * Reads a configuration document; `name` is what it is called in errors. *ret_diff_ids gets the
 * digests of the uncompressed layers, bottom first. -ENOEXEC when it is for another system
 * than Linux or another architecture than `architecture` (NULL: any).
 */
int image_config_parse(const struct json_t *json, const char *name, const char *architecture,
					   struct image_config *ret, struct strings *ret_diff_ids, struct error *err);
void image_config_free(struct image_config *config);
