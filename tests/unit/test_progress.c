// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"
#include "base/progress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int saved, reading;

static void redirect(void)
{
	int pipes[2];

	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	dup2(pipes[1], STDERR_FILENO);
	close(pipes[1]);
	reading = pipes[0];
}

/* Puts stderr back and returns what was written to it meanwhile. */
static const char *written(void)
{
	static char text[8192];

	dup2(saved, STDERR_FILENO);
	close(saved);
	ssize_t length = read(reading, text, sizeof(text) - 1);
	close(reading);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

static void test_silent_unless_enabled(void **state)
{
	(void)state;
	redirect();
	progress("unseen");
	progress_clear();
	assert_string_equal(written(), "");
}

static void test_line_is_shown_and_cleared(void **state)
{
	(void)state;
	redirect();
	progress_enable(true);
	progress("[%d/%d] \033[31m%s", 1, 2, "a.o");
	progress("too soon");
	progress_clear();
	progress("first again");
	progress_enable(false);
	progress("unseen");
	assert_string_equal(written(), "\r[1/2] ?[31ma.o\033[K\r\033[K\rfirst again\033[K\r\033[K");
}

static void test_long_lines_are_cut(void **state)
{
	(void)state;
	char text[2000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	redirect();
	progress_enable(true);
	progress("%s", text);
	progress_enable(false);
	assert_true(strlen(written()) < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent_unless_enabled),
		cmocka_unit_test(test_line_is_shown_and_cleared),
		cmocka_unit_test(test_long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
