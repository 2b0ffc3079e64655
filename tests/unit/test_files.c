// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "base/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/lupine-test-XXXXXX";

/* A path beneath the test's directory; valid until the call after the next three. */
static const char *in_top(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
	return path;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(top, "/tmp/lupine-test-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	return directory_remove(top, &err);
}

static void write_file(const char *path, const char *text)
{
	_cleanup_error_ struct error err = {0};

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, &err), 0);
}

static void test_read_and_limit(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf buf = {0};

	write_file(in_top("a"), "12345");
	assert_int_equal(file_read(AT_FDCWD, in_top("a"), 5, &buf, &err), 0);
	assert_string_equal(buf.data, "12345");
	assert_int_equal(file_read(AT_FDCWD, in_top("a"), 4, &buf, &err), -EFBIG);
	assert_true(ends_with(err.message, "/a: longer than 4 bytes"));
	assert_int_equal(file_read(AT_FDCWD, in_top("none"), 4, &buf, &err), -ENOENT);
	assert_string_equal(buf.data, "12345");
}

static void test_read_of_fifo_does_not_hang(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf buf = {0};

	assert_int_equal(mkfifo(in_top("fifo"), 0600), 0);
	assert_int_equal(file_read(AT_FDCWD, in_top("fifo"), 10, &buf, &err), 0);
	assert_int_equal(buf.length, 0);
}

static void test_write_replaces(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf buf = {0};
	struct stat status;

	write_file(in_top("a"), "old and longer");
	assert_int_equal(file_write_atomic(in_top("a"), "new", 3, 0600, &err), 0);
	assert_int_equal(file_read(AT_FDCWD, in_top("a"), 100, &buf, &err), 0);
	assert_string_equal(buf.data, "new");
	assert_int_equal(stat(in_top("a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(file_write_atomic(in_top("no/such/a"), "x", 1, 0600, &err), -ENOENT);
}

static void test_directory_make_and_remove(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	assert_int_equal(directory_make(in_top("d/e/f"), &err), 0);
	assert_int_equal(directory_make(in_top("d/e/f"), &err), 0);
	write_file(in_top("d/e/f/file"), "x");
	assert_int_equal(directory_make(in_top("d/e/f/file/g"), &err), -ENOTDIR);
	/* What a link points to must stay. */
	assert_int_equal(directory_make(in_top("outside"), &err), 0);
	write_file(in_top("outside/kept"), "x");
	assert_int_equal(symlink(in_top("outside"), in_top("d/e/link")), 0);
	assert_int_equal(chmod(in_top("d/e/f"), 0), 0);
	assert_int_equal(directory_remove(in_top("d"), &err), 0);
	assert_false(path_exists(in_top("d")));
	assert_true(path_exists(in_top("outside/kept")));
	assert_int_equal(directory_remove(in_top("d"), &err), 0);
}

static void test_staging_commits_directory_and_file(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_staging_ struct staging first = STAGING_NONE, second = STAGING_NONE;
	_cleanup_buf_ struct buf buf = {0};
	char inside[512];

	assert_int_equal(staging_begin(in_top("cache"), &first, &err), 0);
	snprintf(inside, sizeof(inside), "%s/file", first.path);
	write_file(inside, "content");
	assert_false(path_exists(in_top("cache/entry")));
	assert_int_equal(staging_commit(&first, NULL, "entry", &err), 0);
	staging_end(&first);
	assert_true(path_exists(in_top("cache/entry/file")));

	/* A file; and what is there already stays. */
	assert_int_equal(staging_begin(in_top("cache"), &second, &err), 0);
	snprintf(inside, sizeof(inside), "%s/disk", second.path);
	write_file(inside, "one");
	assert_int_equal(staging_commit(&second, "disk", "disk.img", &err), 0);
	write_file(inside, "two");
	assert_int_equal(staging_commit(&second, "disk", "disk.img", &err), 0);
	assert_int_equal(file_read(AT_FDCWD, in_top("cache/disk.img"), 100, &buf, &err), 0);
	assert_string_equal(buf.data, "one");
	char *left = xstrdup(second.path);
	staging_end(&second);
	assert_false(path_exists(left));
	free(left);
}

/* Begins staging in a child that then waits to be killed; `ret_path` is where. */
static pid_t stage_in_child(char *ret_path, size_t size)
{
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct staging staging = STAGING_NONE;
		struct error err = {0};
		if (staging_begin(in_top("cache"), &staging, &err) == 0)
			(void)!write(pipes[1], staging.path, strlen(staging.path) + 1);
		pause();
		_exit(0);
	}
	assert_true(read(pipes[0], ret_path, size) > 0);
	close(pipes[0]);
	close(pipes[1]);
	return pid;
}

static void test_staging_of_the_dead_is_removed(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_staging_ struct staging staging = STAGING_NONE;
	char dead_path[256], alive_path[256];
	pid_t dead = stage_in_child(dead_path, sizeof(dead_path));
	pid_t alive = stage_in_child(alive_path, sizeof(alive_path));

	kill(dead, SIGKILL);
	waitpid(dead, NULL, 0);
	assert_true(path_exists(dead_path));
	assert_int_equal(staging_begin(in_top("cache"), &staging, &err), 0);
	assert_false(path_exists(dead_path));
	assert_true(path_exists(alive_path));
	kill(alive, SIGKILL);
	waitpid(alive, NULL, 0);
}

static void test_lock(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	int fd = file_lock(in_top("lock"), true, &err);

	assert_true(fd >= 0);
	assert_int_equal(file_lock(in_top("lock"), false, &err), -EWOULDBLOCK);
	close(fd);
	fd = file_lock(in_top("lock"), false, &err);
	assert_true(fd >= 0);
	close(fd);
}

static void test_copy_keeps_data_and_holes(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_close_ int from = open(in_top("from"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_close_ int to = open(in_top("to"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char byte;

	assert_int_equal(ftruncate(from, 64 << 20), 0);
	assert_int_equal(pwrite(from, "a", 1, 5), 1);
	assert_int_equal(pwrite(from, "b", 1, 40 << 20), 1);
	assert_int_equal(pwrite(to, "old", 3, 100), 3);
	assert_int_equal(file_copy_sparse(from, to, &err), 0);
	assert_int_equal(lseek(to, 0, SEEK_END), 64 << 20);
	assert_int_equal(pread(to, &byte, 1, 5), 1);
	assert_int_equal(byte, 'a');
	assert_int_equal(pread(to, &byte, 1, 100), 1);
	assert_int_equal(byte, 0);
	assert_int_equal(pread(to, &byte, 1, 40 << 20), 1);
	assert_int_equal(byte, 'b');
	fsync(to);
	assert_true(file_disk_usage(in_top("to")) < 1 << 20);
}

static void test_user_directories(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *cache = NULL, *from_xdg = NULL, *ignored = NULL;
	struct stat status;

	setenv("LUPINE_HOME", in_top("home"), 1);
	assert_int_equal(path_cache("layers", &cache, &err), 0);
	assert_string_equal(cache, in_top("home/cache/layers"));
	assert_int_equal(stat(in_top("home/cache"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);

	unsetenv("LUPINE_HOME");
	setenv("XDG_STATE_HOME", in_top("xdg"), 1);
	assert_int_equal(path_state("machines", &from_xdg, &err), 0);
	assert_string_equal(from_xdg, in_top("xdg/lupine/machines"));
	/* Relative ones are invalid by the specification. */
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("HOME", in_top("home"), 1);
	assert_int_equal(path_state("machines", &ignored, &err), 0);
	assert_string_equal(ignored, in_top("home/.local/state/lupine/machines"));
}

static void test_own_data(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *in_tree = NULL, *overridden = NULL, *none = NULL;

	assert_int_equal(path_data("VERSION", &in_tree, &err), 0);
	assert_string_equal(in_tree, LUPINE_BUILD_DATA "/VERSION");
	setenv("LUPINE_DATA", top, 1);
	write_file(in_top("VERSION"), "x");
	assert_int_equal(path_data("VERSION", &overridden, &err), 0);
	assert_string_equal(overridden, in_top("VERSION"));
	assert_int_equal(path_data("no/such", &none, &err), -ENOENT);
	assert_true(starts_with(err.message, "lupine's own file no/such is neither in /tmp/lupine-"));
	unsetenv("LUPINE_DATA");
}

static void test_find_program(void **state)
{
	(void)state;
	_cleanup_free_ char *shell = path_find_program("sh"), *none = path_find_program("no-such-x");

	assert_non_null(shell);
	assert_int_equal(*shell, '/');
	assert_null(none);
	/* Neither a directory nor a file that may not be executed is a program. */
	mkdir(in_top("bin"), 0755);
	mkdir(in_top("bin/sh"), 0755);
	write_file(in_top("plain"), "x");
	setenv("PATH", in_top("bin"), 1);
	_cleanup_free_ char *directory = path_find_program("sh");
	assert_null(directory);
	setenv("PATH", top, 1);
	_cleanup_free_ char *plain = path_find_program("plain");
	assert_null(plain);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_read_and_limit),
		TEST(test_read_of_fifo_does_not_hang),
		TEST(test_write_replaces),
		TEST(test_directory_make_and_remove),
		TEST(test_staging_commits_directory_and_file),
		TEST(test_staging_of_the_dead_is_removed),
		TEST(test_lock),
		TEST(test_copy_keeps_data_and_holes),
		TEST(test_user_directories),
		TEST(test_own_data),
		TEST(test_find_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
