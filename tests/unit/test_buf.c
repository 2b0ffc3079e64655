// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_append_and_consume(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf buf = {0};

	for (int i = 0; i < 1000; i++)
		buf_printf(&buf, "%d,", i);
	assert_int_equal(buf.length, 10 * 2 + 90 * 3 + 900 * 4);
	assert_int_equal(strlen(buf.data), buf.length);
	buf_consume(&buf, 4);
	assert_true(starts_with(buf.data, "2,3,"));
	buf_consume(&buf, buf.length);
	assert_int_equal(buf.length, 0);
	assert_string_equal(buf.data, "");
	buf_append(&buf, "a\0b", 3);
	assert_memory_equal(buf.data, "a\0b", 4);
}

static void test_steal_is_never_null(void **state)
{
	(void)state;
	struct buf buf = {0};
	_cleanup_free_ char *text = buf_steal(&buf);

	assert_string_equal(text, "");
	assert_null(buf.data);
}

static void test_strings(void **state)
{
	(void)state;
	_cleanup_strings_ struct strings list = {0}, more = {0};

	strings_add(&list, "a");
	strings_addf(&list, "%s%d", "b", 1);
	strings_take(&more, xstrdup("c"));
	strings_extend(&list, &more);
	assert_int_equal(list.count, 3);
	assert_null(list.items[3]);
	assert_true(strings_contain(&list, "b1"));
	assert_false(strings_contain(&list, "b"));
}

static void test_environment(void **state)
{
	(void)state;
	_cleanup_strings_ struct strings list = {0};

	strings_set_env(&list, "PATH=/bin");
	strings_set_env(&list, "PATHS=x=y");
	strings_set_env(&list, "EMPTY=");
	strings_set_env(&list, "PATH=/usr/bin");
	assert_int_equal(list.count, 3);
	assert_string_equal(strings_get_env(&list, "PATH"), "/usr/bin");
	assert_string_equal(strings_get_env(&list, "PATHS"), "x=y");
	assert_string_equal(strings_get_env(&list, "EMPTY"), "");
	assert_null(strings_get_env(&list, "PAT"));

	strings_unset_env(&list, "PATH");
	strings_unset_env(&list, "absent");
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0], "PATHS=x=y");
	assert_null(list.items[2]);
}

static void test_starts_and_ends(void **state)
{
	(void)state;
	assert_true(starts_with("abc", ""));
	assert_true(starts_with("abc", "abc"));
	assert_false(starts_with("ab", "abc"));
	assert_true(ends_with("x.tar", ".tar"));
	assert_false(ends_with("tar", ".tar"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_and_consume),
		cmocka_unit_test(test_steal_is_never_null),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_starts_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
