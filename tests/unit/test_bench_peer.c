// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "bench/host.h"
#include "bench/peer.h"

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

static char directory[] = "/tmp/lupine-peer-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	return chdir("/") == 0 ? directory_remove(directory, &err) : -1;
}

static int open_peer(const char *description, struct bench_system *ret, struct error *err)
{
	assert_int_equal(file_write_atomic("peer.json", description, strlen(description), 0644, err),
					 0);
	return bench_system_peer("foreign=peer.json", ret, err);
}

static void test_a_description(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings argv = {0};
	struct bench_system system = {0};

	assert_int_equal(file_write_atomic("image", "x", 1, 0644, &err), 0);
	assert_int_equal(
		open_peer(
			"{\"command\": [\"monitor\", \"-m\", \"{memory}M,{memory}\", \"{directory}/image\", "
			"\"tcp::{port}-:80\", \"{other}{\"], \"ready\": \"up\", \"app\": \"nginx\", "
			"\"port\": 80, \"files\": {\"kernel\": \"image\"}}",
			&system, &err),
		0);
	assert_string_equal(system.name, "foreign");
	assert_null(system.kernel);
	assert_string_equal(system.peer->ready, "up");
	assert_string_equal(system.peer->app, "nginx");
	assert_int_equal(system.peer->port, 80);
	assert_true(ends_with(system.peer->kernel, "/image") && path_exists(system.peer->kernel));

	peer_command(system.peer, 64, 8080, &argv);
	assert_int_equal(argv.count, 6);
	assert_string_equal(argv.items[0], "monitor");
	assert_string_equal(argv.items[2], "64M,64");
	assert_true(path_exists(argv.items[3]) && *argv.items[3] == '/');
	assert_string_equal(argv.items[4], "tcp::8080-:80");
	assert_string_equal(argv.items[5], "{other}{");
	bench_system_free(&system);
}

static void test_what_is_wrong_with_a_description(void **state)
{
	(void)state;
	static const struct {
		const char *description, *message, *hint;
	} cases[] = {
		{"{", "not valid JSON: line 1, column 1: string or '}' expected near end of file", NULL},
		{"[]", "must be an object, not an array", NULL},
		{"{}", "\"command\" is missing", NULL},
		{"{\"command\": \"qemu\"}", "\"command\" must be an array, not a string", NULL},
		{"{\"command\": [\"qemu\", 1]}", "\"command\"[1] must be a string, not an integer", NULL},
		{"{\"command\": [\"{memory}\"], \"redy\": \"up\"}", "unknown member \"redy\"",
		 "there are: command, ready, app, port, files"},
		{"{\"command\": [\"{memory}\"]}", "\"ready\" is missing", NULL},
		{"{\"command\": [\"{memory}\"], \"ready\": \"up\"}", "\"app\" is missing", NULL},
		{"{\"command\": [], \"ready\": \"up\", \"app\": \"hello\"}", "\"command\" is empty", NULL},
		{"{\"command\": [\"{memory}\"], \"ready\": \"\", \"app\": \"hello\"}", "\"ready\" is empty",
		 NULL},
		{"{\"command\": [\"qemu\"], \"ready\": \"up\", \"app\": \"hello\"}",
		 "no word of \"command\" has {memory} in it",
		 "it is replaced by the machine's memory in MiB, as in \"-m\", \"{memory}M\""},
		{"{\"command\": [\"{memory}\"], \"ready\": \"up\", \"app\": \"hello\", \"port\": 80}",
		 "it serves port 80, but no word of \"command\" has {port} in it",
		 "it is replaced by a free port of 127.0.0.1, to be forwarded to port 80"},
		{"{\"command\": [\"{memory}\"], \"ready\": \"up\", \"app\": \"hello\", \"port\": 65536}",
		 "\"port\" is 65536, not between 1 and 65535", NULL},
		{"{\"command\": [\"{memory}\"], \"ready\": \"up\", \"app\": \"hello\", \"files\": "
		 "{\"disk\": \"x\"}}",
		 "\"files\": unknown member \"disk\"", "there are: kernel"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct error err = {0};
		struct bench_system system = {0};
		_cleanup_free_ char *message =
			xasprintf("the peer foreign: peer.json: %s", cases[i].message);

		assert_int_equal(open_peer(cases[i].description, &system, &err), -EINVAL);
		assert_string_equal(err.message, message);
		if (cases[i].hint)
			assert_string_equal(err.hint, cases[i].hint);
		else
			assert_null(err.hint);
		assert_null(system.name);
	}
}

static void test_files_that_are_not_there(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	struct bench_system system = {0};

	assert_int_equal(bench_system_peer("foreign=nothing.json", &system, &err), -ENOENT);
	assert_true(starts_with(err.message, "the peer foreign: "));
	assert_int_equal(
		open_peer("{\"command\": [\"{memory}\"], \"ready\": \"up\", \"app\": \"hello\", "
				  "\"files\": {\"kernel\": \"/no/such\"}}",
				  &system, &err),
		-ENOENT);
	assert_string_equal(err.message,
						"the peer foreign: peer.json: \"files\": there is no /no/such");
}

/* A peer that is a shell script; its memory is $0. */
static struct peer *script(const char *text, const char *ready)
{
	struct peer *peer = xcalloc(1, sizeof(*peer));
	const char *const words[] = {"sh", "-c", text, "{memory}"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		strings_add(&peer->command, words[i]);
	peer->ready = xstrdup(ready);
	peer->app = xstrdup("hello");
	peer->directory = xstrdup(directory);
	return peer;
}
#define _cleanup_peer_ _cleanup_(peer_free)

static void test_ready_when_the_line_comes(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	/* The line comes in two pieces, and its child would outlive it. */
	_cleanup_peer_ struct peer *peer = script(
		"sleep 1000 & echo $! >child; printf 'memory %s re' $0; sleep 0.3; printf 'ady\\n' >&2; "
		"sleep 1000",
		"ready");
	_cleanup_peer_guest_ struct peer_guest guest = PEER_GUEST_NONE;
	_cleanup_buf_ struct buf child = {0};

	assert_int_equal(peer_start(peer, 77, 20, -1, &guest, &err), 0);
	assert_true(guest.seconds >= 0.3 && guest.seconds < 20);
	assert_string_equal(guest.process.text.data, "memory 77 ready\n");
	assert_int_equal(file_read(AT_FDCWD, "child", 100, &child, &err), 0);
	pid_t pid = guest.process.pid, grandchild = atoi(child.data);
	peer_stop(&guest);
	assert_int_equal(kill(pid, 0), -1);
	/* Whoever inherited it reaps it in its own time. */
	_cleanup_free_ char *path = xasprintf("/proc/%d/stat", (int)grandchild);
	for (unsigned i = 0; i < 100; i++) {
		_cleanup_buf_ struct buf stat = {0};
		_cleanup_error_ struct error gone = {0};
		if (file_read(AT_FDCWD, path, 4096, &stat, &gone) < 0 || strstr(stat.data, ") Z "))
			return;
		usleep(50 * 1000);
	}
	fail_msg("the peer's child %d still runs", (int)grandchild);
}

static void test_it_ends_or_stays_silent(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_peer_ struct peer *dies = script("echo no memory; exit 3", "ready");
	_cleanup_peer_ struct peer *killed = script("kill -9 $$", "ready");
	_cleanup_peer_ struct peer *silent = script("echo starting; sleep 1000", "ready");
	struct peer_guest guest = PEER_GUEST_NONE;

	assert_int_equal(peer_start(dies, 1, 20, -1, &guest, &err), -ECHILD);
	assert_string_equal(err.message,
						"sh ended with status 3 before \"ready\" came; the last line: no memory");
	assert_int_equal(peer_start(killed, 1, 20, -1, &guest, &err), -ECHILD);
	assert_string_equal(err.message, "sh ended with signal 9 before \"ready\" came");
	assert_int_equal(peer_start(silent, 1, 0.5, -1, &guest, &err), -ETIMEDOUT);
	assert_string_equal(err.message,
						"sh: \"ready\" did not come in 0.5 seconds; the last line: starting");
	free(silent->command.items[0]);
	silent->command.items[0] = xstrdup("no-such-monitor");
	assert_int_equal(peer_start(silent, 1, 1, -1, &guest, &err), -ENOENT);
	assert_string_equal(err.message, "cannot start no-such-monitor: No such file or directory");
	assert_int_equal(guest.process.pid, 0);
}

/* While something else is waited for, a server's words are taken, megabytes too. */
static void test_nobody_waits_for_a_reader(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_peer_ struct peer *chatty =
		script("echo ready; head -c 3000000 /dev/zero | tr '\\0' x; echo; : >written; sleep 1000",
			   "ready");
	_cleanup_peer_guest_ struct peer_guest guest = PEER_GUEST_NONE;
	_cleanup_host_process_ struct host_process waiting = HOST_PROCESS_NONE;
	_cleanup_strings_ struct strings argv = {0};

	strings_add(&argv, "sh");
	strings_add(&argv, "-c");
	strings_add(&argv, "until [ -e written ]; do sleep 0.05; done; exit 4");
	assert_int_equal(peer_start(chatty, 1, 20, -1, &guest, &err), 0);
	assert_int_equal(host_start(&argv, host_processor(1), &waiting, &err), 0);
	assert_int_equal(host_wait(&waiting, NULL, &guest.process, host_seconds() + 20), HOST_ENDED);
	int status = host_status(&waiting);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 4);
	assert_true(guest.process.text.length <= 1024 * 1024 + 1);
}

static void test_the_other_ends_first(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_host_process_ struct host_process waiting = HOST_PROCESS_NONE,
											   other = HOST_PROCESS_NONE;
	_cleanup_strings_ struct strings sleeps = {0}, ends = {0};

	strings_add(&sleeps, "sleep");
	strings_add(&sleeps, "1000");
	strings_add(&ends, "true");
	assert_int_equal(host_start(&sleeps, -1, &waiting, &err), 0);
	assert_int_equal(host_start(&ends, -1, &other, &err), 0);
	assert_int_equal(host_wait(&waiting, NULL, &other, host_seconds() + 20), HOST_OTHER_ENDED);
	assert_int_equal(host_wait(&waiting, NULL, NULL, host_seconds() + 0.1), HOST_LATE);
}

static void test_what_a_process_costs(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	enum { SIZE = 64 * 1024 * 1024 };
	uint64_t before, after;

	assert_int_equal(host_pss(getpid(), &before, &err), 0);
	char *memory = xmalloc(SIZE);
	memset(memory, 1, SIZE);
	__asm__ volatile("" : : "r"(memory) : "memory");
	assert_int_equal(host_pss(getpid(), &after, &err), 0);
	free(memory);
	assert_true(after >= before + SIZE * 9ull / 10);
	assert_int_equal(host_pss(INT32_MAX, &after, &err), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_description),
		cmocka_unit_test(test_what_is_wrong_with_a_description),
		cmocka_unit_test(test_files_that_are_not_there),
		cmocka_unit_test(test_ready_when_the_line_comes),
		cmocka_unit_test(test_it_ends_or_stays_silent),
		cmocka_unit_test(test_nobody_waits_for_a_reader),
		cmocka_unit_test(test_the_other_ends_first),
		cmocka_unit_test(test_what_a_process_costs),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
