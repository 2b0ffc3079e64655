// SPDX-License-Identifier: Apache-2.0
#include "machine/fields.h"

#include <errno.h>
#include <string.h>

/*
 * Arguments, environments and paths are bytes, JSON strings are Unicode. What is not UTF-8 is
 * kept exactly, as {"hex": "2f746d702fff"}.
 */
static json_t *bytes_to_json(const char *text)
{
	json_t *plain = json_string(text);

	if (plain)
		return plain;
	_cleanup_buf_ struct buf digits = {0};
	for (const char *at = text; *at; at++)
		buf_printf(&digits, "%02x", (unsigned char)*at);
	json_t *object = json_object();
	json_object_set_new(object, "hex", json_string(digits.data));
	return object;
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* The bytes behind hex digits; NULL when they are none, or hold a NUL. */
static char *hex_to_bytes(const char *hex)
{
	_cleanup_buf_ struct buf bytes = {0};

	for (; *hex; hex += 2) {
		int high = hex_digit(hex[0]), low = high < 0 ? -1 : hex_digit(hex[1]);
		if (low < 0 || high + low == 0)
			return NULL;
		char byte = (char)(high << 4 | low);
		buf_append(&bytes, &byte, 1);
	}
	return buf_steal(&bytes);
}

static int bytes_from_json(const json_t *value, const char *name, const char *member, char **ret,
						   struct error *err)
{
	const char *hex = json_string_value(json_object_get(value, "hex"));
	char *bytes = json_is_string(value) ? xstrdup(json_string_value(value))
				  : hex                 ? hex_to_bytes(hex)
										: NULL;

	if (!bytes)
		return error_set(err, EINVAL, "%s: \"%s\" must be a string, or {\"hex\": DIGITS}", name,
						 member);
	*ret = bytes;
	return 0;
}

static int texts_from_json(const json_t *array, const char *name, const char *member,
						   struct strings *ret, struct error *err)
{
	size_t index;
	const json_t *item;

	json_array_foreach(array, index, item)
	{
		char *text = NULL;
		int error = bytes_from_json(item, name, member, &text, err);
		if (error < 0)
			return error;
		strings_take(ret, text);
	}
	return 0;
}

static int64_t load_integer(const struct field *field, const void *at)
{
	switch (field->kind) {
	case FIELD_U16:
		return *(const uint16_t *)at;
	case FIELD_U32:
		return *(const uint32_t *)at;
	case FIELD_INT:
		return *(const int *)at;
	default:
		return *(const int64_t *)at;
	}
}

static void store_integer(const struct field *field, void *at, int64_t value)
{
	switch (field->kind) {
	case FIELD_U16:
		*(uint16_t *)at = (uint16_t)value;
		break;
	case FIELD_U32:
		*(uint32_t *)at = (uint32_t)value;
		break;
	case FIELD_INT:
		*(int *)at = (int)value;
		break;
	default:
		*(int64_t *)at = value;
	}
}

static json_t *field_to_json(const struct field *field, const void *at)
{
	switch (field->kind) {
	case FIELD_TEXT:
		return *(char *const *)at ? bytes_to_json(*(char *const *)at) : NULL;
	case FIELD_TEXTS: {
		const struct strings *list = at;
		json_t *array = json_array();
		for (size_t i = 0; i < list->count; i++)
			json_array_append_new(array, bytes_to_json(list->items[i]));
		return array;
	}
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_REAL:
		return json_real(*(const double *)at);
	default:
		return json_integer(load_integer(field, at));
	}
}

void fields_to_json(const struct field *table, const void *from, json_t *object)
{
	for (const struct field *field = table; field->name; field++) {
		json_t *value = field_to_json(field, (const char *)from + field->offset);
		if (value)
			json_object_set_new(object, field->name, value);
	}
}

static int integer_from_json(const struct field *field, const json_t *object, const char *name,
							 void *at, struct error *err)
{
	int64_t number = load_integer(field, at);
	int error = json_get_integer(object, name, field->name, field->need, field->minimum,
								 field->maximum, &number, err);

	if (error == 0)
		store_integer(field, at, number);
	return error;
}

static int field_from_json(const struct field *field, const json_t *object, const char *name,
						   void *at, struct error *err)
{
	const json_t *value = json_object_get(object, field->name);

	switch (field->kind) {
	case FIELD_TEXT:
		/* An object in a string's place is our own way to write bytes; the rest is json.h's. */
		if (json_is_object(value))
			return bytes_from_json(value, name, field->name, at, err);
		return json_get_string(object, name, field->name, field->need, at, err);
	case FIELD_TEXTS: {
		json_t *array = NULL;
		int error = json_get_array(object, name, field->name, field->need, &array, err);
		return error < 0 || !array ? error : texts_from_json(array, name, field->name, at, err);
	}
	case FIELD_BOOL:
		return json_get_bool(object, name, field->name, field->need, at, err);
	case FIELD_REAL:
		if (json_is_number(value))
			*(double *)at = json_number_value(value);
		return 0;
	default:
		return integer_from_json(field, object, name, at, err);
	}
}

int fields_from_json(const struct field *table, const json_t *object, const char *name, void *into,
					 struct error *err)
{
	int error = 0;

	for (const struct field *field = table; error == 0 && field->name; field++)
		error = field_from_json(field, object, name, (char *)into + field->offset, err);
	return error;
}
