// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_rejected(const char *text, int code, const char *message)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_json_ json_t *value = NULL;

	assert_int_equal(json_parse(text, strlen(text), "manifest", &value, &err), -code);
	assert_string_equal(err.message, message);
	assert_null(value);
}

static json_t *parse(const char *text)
{
	_cleanup_error_ struct error err = {0};
	json_t *value = NULL;

	assert_int_equal(json_parse(text, strlen(text), "test", &value, &err), 0);
	return value;
}

static void test_bad_texts(void **state)
{
	(void)state;
	assert_rejected(
		"", EINVAL,
		"manifest: not valid JSON: line 1, column 0: unexpected token near end of file");
	assert_rejected("{\"a\":1} x", EINVAL,
					"manifest: not valid JSON: line 1, column 9: end of file expected near 'x'");
	assert_rejected("{\"a\":1,\"a\":2}", EINVAL,
					"manifest: not valid JSON: line 1, column 10: duplicate object key near "
					"'\"a\"'");
	assert_rejected("[\"\\u0000\"]", EINVAL,
					"manifest: not valid JSON: line 1, column 9: \\u0000 is not allowed without "
					"JSON_ALLOW_NUL near '\"\\u0000\"'");
}

static void test_depth_and_size(void **state)
{
	(void)state;
	char deep[129] = {0};
	_cleanup_error_ struct error err = {0};
	_cleanup_json_ json_t *value = NULL;

	memset(deep, '[', 64);
	memset(deep + 64, ']', 64);
	assert_int_equal(json_parse(deep, 128, "m", &value, &err), 0);
	char deeper[131] = {0};
	memset(deeper, '[', 65);
	memset(deeper + 65, ']', 65);
	assert_rejected(deeper, EINVAL, "manifest: JSON nested deeper than 64");
	/* Brackets in strings do not nest. */
	_cleanup_json_ json_t *text =
		parse("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
			  "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]");
	assert_true(json_is_array(text));

	size_t length = 16 * 1024 * 1024 + 1;
	_cleanup_free_ char *large = xmalloc(length);
	memset(large, ' ', length);
	json_t *none = NULL;
	assert_int_equal(json_parse(large, length, "m", &none, &err), -EFBIG);
}

static void test_getters(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_json_ json_t *value =
		parse("{\"s\":\"x\",\"n\":7,\"b\":true,\"l\":[\"a\",\"b\"],\"o\":{},\"z\":null}");
	_cleanup_free_ char *text = NULL;
	_cleanup_strings_ struct strings list = {0};
	int64_t number = 1;
	bool flag = false;
	json_t *object = NULL, *array = NULL;

	assert_int_equal(json_get_string(value, "t", "s", JSON_REQUIRED, &text, &err), 0);
	assert_string_equal(text, "x");
	assert_int_equal(json_get_integer(value, "t", "n", JSON_REQUIRED, 0, 7, &number, &err), 0);
	assert_int_equal(number, 7);
	assert_int_equal(json_get_bool(value, "t", "b", JSON_REQUIRED, &flag, &err), 0);
	assert_true(flag);
	assert_int_equal(json_get_strings(value, "t", "l", JSON_REQUIRED, &list, &err), 0);
	assert_int_equal(list.count, 2);
	assert_int_equal(json_get_object(value, "t", "o", JSON_REQUIRED, &object, &err), 0);
	assert_int_equal(json_get_array(value, "t", "l", JSON_REQUIRED, &array, &err), 0);
	assert_non_null(object);
	assert_non_null(array);
	/* Absent and null leave what is there. */
	assert_int_equal(json_get_integer(value, "t", "none", JSON_OPTIONAL, 0, 9, &number, &err), 0);
	assert_int_equal(json_get_integer(value, "t", "z", JSON_OPTIONAL, 0, 9, &number, &err), 0);
	assert_int_equal(number, 7);
}

static void test_getter_errors(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_json_ json_t *value =
		parse("{\"s\":5,\"n\":70000,\"f\":1.5,\"b\":\"true\",\"l\":[\"a\",{}]}");
	_cleanup_json_ json_t *array = parse("[]");
	_cleanup_strings_ struct strings list = {0};
	char *text = NULL;
	int64_t number;
	bool flag;

	assert_int_equal(json_get_string(value, "config", "s", JSON_OPTIONAL, &text, &err), -EINVAL);
	assert_string_equal(err.message, "config: \"s\" must be a string, not an integer");
	assert_int_equal(json_get_string(value, "config", "x", JSON_REQUIRED, &text, &err), -EINVAL);
	assert_string_equal(err.message, "config: \"x\" is missing");
	json_get_integer(value, "config", "n", JSON_REQUIRED, 1, 65535, &number, &err);
	assert_string_equal(err.message, "config: \"n\" is 70000, not between 1 and 65535");
	json_get_integer(value, "config", "f", JSON_REQUIRED, 1, 65535, &number, &err);
	assert_string_equal(err.message,
						"config: \"f\" must be an integer, not a number with a fraction");
	json_get_bool(value, "config", "b", JSON_REQUIRED, &flag, &err);
	assert_string_equal(err.message, "config: \"b\" must be a boolean, not a string");
	json_get_strings(value, "config", "l", JSON_REQUIRED, &list, &err);
	assert_string_equal(err.message, "config: \"l\"[1] must be a string, not an object");
	assert_int_equal(list.count, 0);
	json_get_string(array, "config", "s", JSON_OPTIONAL, &text, &err);
	assert_string_equal(err.message, "config: must be an object, not an array");
}

static void test_text_of_any_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *expected;
	} cases[] = {
		{"plain", "plain"},
		{"", ""},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xf0\x9f\x90\xba", "\xf0\x9f\x90\xba"},
		{"a\xff"
		 "b",
		 "a\xef\xbf\xbd"
		 "b"},
		{"\xc3", "\xef\xbf\xbd"},                                                 /* cut off */
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                                 /* overlong */
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* surrogate */
		{"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* too large */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *value = json_from_text(cases[i].bytes);
		assert_string_equal(json_string_value(value), cases[i].expected);
	}
}

static void test_array_of_strings(void **state)
{
	(void)state;
	_cleanup_strings_ struct strings list = {0};
	_cleanup_json_ json_t *empty = json_from_strings(&list);

	strings_add(&list, "a");
	strings_add(&list, "\x80");
	_cleanup_json_ json_t *array = json_from_strings(&list);
	assert_int_equal(json_array_size(empty), 0);
	assert_int_equal(json_array_size(array), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_texts),         cmocka_unit_test(test_depth_and_size),
		cmocka_unit_test(test_getters),           cmocka_unit_test(test_getter_errors),
		cmocka_unit_test(test_text_of_any_bytes), cmocka_unit_test(test_array_of_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
