// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_set_wrap_hint(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	assert_int_equal(error_errno(&err, ENOENT, "cannot open %s", "a.json"), -ENOENT);
	assert_int_equal(error_wrap(&err, "image %s", "redis"), -ENOENT);
	assert_int_equal(error_hint(&err, "try %d", 2), -ENOENT);
	assert_string_equal(err.message, "image redis: cannot open a.json: No such file or directory");
	assert_string_equal(err.hint, "try 2");
	/* A new error replaces text and hint. */
	assert_int_equal(error_set(&err, EINVAL, "other"), -EINVAL);
	assert_string_equal(err.message, "other");
	assert_null(err.hint);
}

static void test_code_is_never_zero(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	assert_int_equal(error_set(&err, 0, "x"), -EIO);
	error_clear(&err);
	assert_int_equal(error_wrap(&err, "context"), -EIO);
	assert_string_equal(err.message, "context: failed");
}

/* What error_print() writes to stderr. */
static void printed(const struct error *err, char *text, size_t size)
{
	int pipes[2], saved = dup(STDERR_FILENO);

	assert_int_equal(pipe(pipes), 0);
	fflush(stderr);
	dup2(pipes[1], STDERR_FILENO);
	close(pipes[1]);
	error_print(err);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	ssize_t length = read(pipes[0], text, size - 1);
	close(pipes[0]);
	text[length > 0 ? length : 0] = '\0';
}

static void test_print_escapes_control_bytes(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	char text[256];

	error_set(&err, EINVAL, "bad name \"\033[31m\r\"");
	error_hint(&err, "first\nsecond");
	printed(&err, text, sizeof(text));
	assert_string_equal(text, "lupine: bad name \"\\x1b[31m\\x0d\"\n  first\n  second\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_wrap_hint),
		cmocka_unit_test(test_code_is_never_zero),
		cmocka_unit_test(test_print_escapes_control_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
