/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jansson with errors that name the place: every getter takes the object's own
 * name ("manifest", "config.json") and says which member is wrong and how.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Parses one JSON value of at most 16 MiB and a depth of 64, with no duplicate
 * members. `name` is what the text is called in errors. */
int json_parse(const char *text, size_t length, const char *name, json_t **ret, struct error *err);

enum json_need { JSON_OPTIONAL, JSON_REQUIRED };

/* Each leaves *ret alone when the member is absent (or null) and optional. Strings are
 * copies the caller owns; json_get_object/array are borrowed. */
int json_get_string(const json_t *object, const char *name, const char *member, enum json_need need,
					char **ret, struct error *err);
int json_get_integer(const json_t *object, const char *name, const char *member,
					 enum json_need need, int64_t minimum, int64_t maximum, int64_t *ret,
					 struct error *err);
int json_get_bool(const json_t *object, const char *name, const char *member, enum json_need need,
				  bool *ret, struct error *err);
int json_get_strings(const json_t *object, const char *name, const char *member,
					 enum json_need need, struct strings *ret, struct error *err);
int json_get_object(const json_t *object, const char *name, const char *member, enum json_need need,
					json_t **ret, struct error *err);
int json_get_array(const json_t *object, const char *name, const char *member, enum json_need need,
				   json_t **ret, struct error *err);

/* A new array of the strings. Bytes that are not UTF-8 become U+FFFD. */
json_t *json_from_strings(const struct strings *list);
/* Like json_string(), for any bytes. Never NULL. */
json_t *json_from_text(const char *text);

void json_cleanup_(json_t **value);
#define _cleanup_json_ _cleanup_(json_cleanup_)
