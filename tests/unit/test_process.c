// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void collect(const char *line, void *data)
{
	strings_add(data, line);
}

static void test_lines_log_and_environment(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings lines = {0}, environment = {0};
	_cleanup_buf_ struct buf logged = {0};
	_cleanup_close_ int log = memfd_create("log", MFD_CLOEXEC);
	char *argv[] = {"sh", "-c", "pwd; echo $COLOUR; echo oops >&2; echo; printf end", NULL};
	struct process process = {.argv = argv,
							  .directory = "/",
							  .environment = &environment,
							  .log = log,
							  .on_line = collect,
							  .data = &lines};

	strings_add(&environment, "COLOUR=blue");
	assert_int_equal(process_run(&process, &err), 0);
	assert_int_equal(lines.count, 5);
	assert_string_equal(lines.items[0], "/");
	assert_string_equal(lines.items[1], "blue");
	assert_string_equal(lines.items[2], "oops");
	assert_string_equal(lines.items[3], "");
	assert_string_equal(lines.items[4], "end");
	lseek(log, 0, SEEK_SET);
	assert_int_equal(fd_read_all(log, 1000, &logged, &err), 0);
	assert_string_equal(logged.data, "/\nblue\noops\n\nend");
}

static void test_failures(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	char *status[] = {"sh", "-c", "echo fine; echo bad input >&2; exit 3", NULL};
	char *killed[] = {"sh", "-c", "kill -9 $$", NULL};
	char *absent[] = {"no-such-program-x", NULL};
	char *directory[] = {"/", NULL};
	struct process process = {.argv = status, .log = -1};

	assert_int_equal(process_run(&process, &err), -ECHILD);
	assert_string_equal(err.message, "sh exited with status 3: bad input");
	process.argv = killed;
	assert_int_equal(process_run(&process, &err), -ECHILD);
	assert_string_equal(err.message, "sh was killed by signal 9");
	process.argv = absent;
	assert_int_equal(process_run(&process, &err), -ENOENT);
	assert_string_equal(err.message, "there is no program no-such-program-x");
	process.argv = directory;
	assert_int_equal(process_run(&process, &err), -EACCES);
	assert_string_equal(err.message, "cannot start /: Permission denied");
	process.argv = status;
	process.directory = "/no/such";
	assert_int_equal(process_run(&process, &err), -ENOENT);
	assert_string_equal(err.message, "cannot start sh: No such file or directory");
}

static void test_long_lines_come_in_pieces(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings lines = {0};
	char *argv[] = {"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x", NULL};
	struct process process = {.argv = argv, .log = -1, .on_line = collect, .data = &lines};
	size_t total = 0;

	assert_int_equal(process_run(&process, &err), 0);
	for (size_t i = 0; i < lines.count; i++)
		total += strlen(lines.items[i]);
	assert_int_equal(total, 300000);
	assert_true(lines.count > 1);
}

static void test_capture(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *text = NULL, *none = NULL;
	char *good[] = {"sh", "-c", "echo out; echo err >&2; echo", NULL};
	char *bad[] = {"sh", "-c", "echo out; echo first >&2; echo why >&2; exit 1", NULL};
	char *endless[] = {"yes", NULL};

	assert_int_equal(process_capture(good, &text, &err), 0);
	assert_string_equal(text, "out");
	assert_int_equal(process_capture(bad, &none, &err), -ECHILD);
	assert_string_equal(err.message, "sh exited with status 1: why");
	assert_int_equal(process_capture(endless, &none, &err), -EFBIG);
	assert_string_equal(err.message, "the output of yes: longer than 1048576 bytes");
	assert_null(none);
}

/* The child of a process that was killed goes too: make would otherwise build on. */
static void test_child_dies_with_us(void **state)
{
	(void)state;
	int pipes[2];
	char byte;

	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char *argv[] = {"sh", "-c", "echo up >&9; exec sleep 100", NULL};
		struct process process = {.argv = argv, .log = -1};
		struct error err = {0};
		dup2(pipes[1], 9); /* without O_CLOEXEC: the shell holds it */
		close(pipes[0]);
		close(pipes[1]);
		process_run(&process, &err);
		_exit(0);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* The end of the pipe comes only when nobody holds it any more. */
	alarm(20);
	while (read(pipes[0], &byte, 1) > 0)
		;
	alarm(0);
	close(pipes[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_log_and_environment), cmocka_unit_test(test_failures),
		cmocka_unit_test(test_long_lines_come_in_pieces), cmocka_unit_test(test_capture),
		cmocka_unit_test(test_child_dies_with_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
