// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <errno.h>
#include <string.h>

enum { TEXT_LIMIT = 16 * 1024 * 1024, DEPTH_LIMIT = 64 };

/* jansson's own limit (2048) is more than our recursion over a value should have to bear. */
static bool too_deep(const char *text, size_t length)
{
	unsigned depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		char byte = text[i];
		if (in_string) {
			if (byte == '\\')
				i++;
			else if (byte == '"')
				in_string = false;
		} else if (byte == '"') {
			in_string = true;
		} else if (byte == '{' || byte == '[') {
			if (++depth > DEPTH_LIMIT)
				return true;
		} else if ((byte == '}' || byte == ']') && depth) {
			depth--;
		}
	}
	return false;
}

int json_parse(const char *text, size_t length, const char *name, json_t **ret, struct error *err)
{
	json_error_t problem;

	if (length > TEXT_LIMIT)
		return error_set(err, EFBIG, "%s: %zu bytes of JSON, more than %d", name, length,
						 TEXT_LIMIT);
	if (too_deep(text, length))
		return error_set(err, EINVAL, "%s: JSON nested deeper than %d", name, DEPTH_LIMIT);
	json_t *value =
		json_loadb(length ? text : "", length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
	if (!value)
		return error_set(err, EINVAL, "%s: not valid JSON: line %d, column %d: %s", name,
						 problem.line, problem.column, problem.text);
	*ret = value;
	return 0;
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	default:
		return "null";
	}
}

/* The member, checked to be of `type`; *ret is NULL when it is absent and may be. */
static int get_member(const json_t *object, const char *name, const char *member,
					  enum json_need need, json_type type, json_t **ret, struct error *err)
{
	*ret = NULL;
	if (!json_is_object(object))
		return error_set(err, EINVAL, "%s: must be an object, not %s", name,
						 type_name(object ? json_typeof(object) : JSON_NULL));
	json_t *value = json_object_get(object, member);
	if (!value || json_is_null(value)) {
		if (need == JSON_REQUIRED)
			return error_set(err, EINVAL, "%s: \"%s\" is missing", name, member);
		return 0;
	}
	bool same = json_typeof(value) == type || (type == JSON_TRUE && json_is_false(value));
	if (!same)
		return error_set(err, EINVAL, "%s: \"%s\" must be %s, not %s", name, member,
						 type_name(type), type_name(json_typeof(value)));
	*ret = value;
	return 0;
}

int json_get_string(const json_t *object, const char *name, const char *member, enum json_need need,
					char **ret, struct error *err)
{
	json_t *value;
	int error = get_member(object, name, member, need, JSON_STRING, &value, err);

	if (error == 0 && value)
		*ret = xstrdup(json_string_value(value));
	return error;
}

int json_get_integer(const json_t *object, const char *name, const char *member,
					 enum json_need need, int64_t minimum, int64_t maximum, int64_t *ret,
					 struct error *err)
{
	json_t *value;
	int error = get_member(object, name, member, need, JSON_INTEGER, &value, err);

	if (error < 0 || !value)
		return error;
	json_int_t number = json_integer_value(value);
	if (number < minimum || number > maximum)
		return error_set(err, EINVAL, "%s: \"%s\" is %lld, not between %lld and %lld", name, member,
						 (long long)number, (long long)minimum, (long long)maximum);
	*ret = number;
	return 0;
}

int json_get_bool(const json_t *object, const char *name, const char *member, enum json_need need,
				  bool *ret, struct error *err)
{
	json_t *value;
	int error = get_member(object, name, member, need, JSON_TRUE, &value, err);

	if (error == 0 && value)
		*ret = json_is_true(value);
	return error;
}

int json_get_strings(const json_t *object, const char *name, const char *member,
					 enum json_need need, struct strings *ret, struct error *err)
{
	json_t *value, *item;
	size_t index;
	int error = get_member(object, name, member, need, JSON_ARRAY, &value, err);

	if (error < 0 || !value)
		return error;
	json_array_foreach(value, index, item) if (!json_is_string(item)) return error_set(
		err, EINVAL, "%s: \"%s\"[%zu] must be a string, not %s", name, member, index,
		type_name(json_typeof(item)));
	json_array_foreach(value, index, item) strings_add(ret, json_string_value(item));
	return 0;
}

int json_get_object(const json_t *object, const char *name, const char *member, enum json_need need,
					json_t **ret, struct error *err)
{
	json_t *value;
	int error = get_member(object, name, member, need, JSON_OBJECT, &value, err);

	if (error == 0 && value)
		*ret = value;
	return error;
}

int json_get_array(const json_t *object, const char *name, const char *member, enum json_need need,
				   json_t **ret, struct error *err)
{
	json_t *value;
	int error = get_member(object, name, member, need, JSON_ARRAY, &value, err);

	if (error == 0 && value)
		*ret = value;
	return error;
}

/* Bytes of the UTF-8 sequence at `text` (Unicode 15, table 3-7: no overlong forms, surrogates
 * or values past U+10FFFF), or 0 when there is none. */
static size_t utf8_length(const unsigned char *text)
{
	unsigned char first = text[0];
	size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	if (first > 0xf4)
		return 0;
	if (length >= 2 && (text[1] < low || text[1] > high))
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

json_t *json_from_text(const char *text)
{
	_cleanup_buf_ struct buf clean = {0};

	buf_puts(&clean, "");
	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		size_t length = utf8_length(at);
		if (length)
			buf_append(&clean, at, length);
		else
			buf_puts(&clean, "\xef\xbf\xbd");
		at += length ? length : 1;
	}
	json_t *value = json_stringn(clean.data, clean.length);
	if (!value)
		abort(); /* it is UTF-8 now, so only memory can have run out */
	return value;
}

json_t *json_from_strings(const struct strings *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_from_text(list->items[i]));
	return array;
}

void json_cleanup_(json_t **value)
{
	json_decref(*value);
	*value = NULL;
}
