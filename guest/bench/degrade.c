// SPDX-License-Identifier: Apache-2.0
/*
 * degrade COUNT processes|threads [--rounds N]: what calls cost while so many others sleep.
 *
 * Prints the lines of `syscall` for null, context-switch, pipe and fork.
 */
#include "guest/bench/measure.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_SLEEPERS = 100000, STACK = 16384 };

static const struct test *const tests[] = {&test_null, &test_context_switch, &test_pipe,
										   &test_fork};

static int awake[2]; /* a pipe: each sleeper writes a byte right before it sleeps */
static pid_t *processes;

static void sleep_for_good(void)
{
	if (write(awake[1], "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void *sleeping_thread(void *unused)
{
	(void)unused;
	sleep_for_good();
	return NULL;
}

static void start_process(unsigned number)
{
	pid_t child = fork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(awake[0]);
		sleep_for_good();
	}
	check(child > 0, "fork of a sleeper");
	processes[number] = child;
}

static void start_thread(unsigned number)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)number;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	errno = pthread_create(&thread, &attributes, sleeping_thread, NULL);
	check(errno == 0, "start of a sleeping thread");
	pthread_attr_destroy(&attributes);
}

static void end_processes(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		kill(processes[i], SIGKILL);
	for (unsigned i = 0; i < count; i++)
		waitpid(processes[i], NULL, 0);
}

static const struct kind {
	const char *name;
	void (*start)(unsigned number);
	void (*end)(unsigned count); /* NULL: they end with us */
} kinds[] = {{"processes", start_process, end_processes}, {"threads", start_thread, NULL}};

static const struct kind *find_kind(const char *name)
{
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static void start_all(const struct kind *kind, unsigned count)
{
	char byte;

	check(pipe(awake) == 0, "pipe");
	processes = calloc(count, sizeof(*processes));
	check(processes != NULL, "memory");
	for (unsigned i = 0; i < count; i++) {
		kind->start(i);
		check(read(awake[0], &byte, 1) == 1, "a sleeper");
	}
	/* The last one has still to get from its write() to its pause(). */
	nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static int usage(void)
{
	fprintf(stderr, "usage: %s COUNT processes|threads [--rounds N]\n", own_path());
	return 2;
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc > 2 ? find_kind(argv[2]) : NULL;
	unsigned rounds = 0;

	if (!kind || (argc != 3 && argc != 5) || (argc == 5 && strcmp(argv[3], "--rounds") != 0))
		return usage();
	unsigned count = parse_count(argv[1], MOST_SLEEPERS, "COUNT");
	if (argc == 5)
		rounds = parse_count(argv[4], MOST_SLEEPERS, "--rounds");
	settle();
	start_all(kind, count);
	for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		test_run(tests[i], rounds);
	if (kind->end)
		kind->end(count);
	return 0;
}
