/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A struct's members as a table, walked both ways between memory and JSON, so that
 * what is written and what is read cannot drift apart. Private to this stage.
 */
#pragma once

#include "base/json.h"

enum field_kind {
	FIELD_TEXT,  /* char * */
	FIELD_TEXTS, /* struct strings */
	FIELD_BOOL,
	FIELD_INT,
	FIELD_U16,
	FIELD_U32,
	FIELD_I64,
	FIELD_U64, /* at most INT64_MAX, JSON's largest; UINT64_MAX is written as -1 */
	FIELD_REAL,
};

struct field {
	const char *name;
	size_t offset;
	enum field_kind kind;
	enum json_need need;
	int64_t minimum, maximum; /* of whole numbers */
};

#define FIELD_END                                                                                  \
	{                                                                                              \
		0                                                                                          \
	}

/* Adds every member that is there (a NULL text is left out). */
void fields_to_json(const struct field *table, const void *from, json_t *object);

/*
 * Fills `into`, whose texts must be NULL and lists empty at first. `name` is what the object is
 * called in errors. On failure what was filled stays for the caller to free.
 */
int fields_from_json(const struct field *table, const json_t *object, const char *name, void *into,
					 struct error *err);
