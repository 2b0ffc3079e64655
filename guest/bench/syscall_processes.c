// SPDX-License-Identifier: Apache-2.0
#include "guest/bench/measure.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKER "--just-exit"

void exec_marker(const char *first_argument)
{
	if (first_argument && strcmp(first_argument, MARKER) == 0)
		_exit(0);
}

static void wait_for(pid_t child, const char *what)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		fail(what);
}

/* lat_proc fork: fork() of a child that exits at once, and the wait for it. */
static void run_fork(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		wait_for(child, "fork");
	}
}
const struct test test_fork = {.name = "fork", .rounds = 100, .operations = 1, .run = run_fork};

/* lat_proc exec: the same with an execve() in the child, of this very program, so that the dynamic
 * one pays for its loader and its libraries, as lmbench's own does. */
static void run_exec(unsigned rounds)
{
	char *const argv[] = {"exec", MARKER, NULL};
	char *const environment[] = {NULL};
	const char *path = own_path();

	for (unsigned i = 0; i < rounds; i++) {
		pid_t child = fork();
		if (child == 0) {
			execve(path, argv, environment);
			_exit(127);
		}
		wait_for(child, "exec");
	}
}
const struct test test_exec = {.name = "exec", .rounds = 50, .operations = 1, .run = run_exec};
