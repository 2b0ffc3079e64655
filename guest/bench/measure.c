// SPDX-License-Identifier: Apache-2.0
#include "guest/bench/measure.h"
#include "guest/init.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BATCHES = 5 };

_Noreturn void fail(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", own_path(), what, strerror(errno));
	exit(1);
}

void check(bool condition, const char *what)
{
	if (!condition)
		fail(what);
}

const char *own_path(void)
{
	static char path[PATH_MAX];

	if (!*path && readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		strcpy(path, "bench");
	return path;
}

unsigned parse_count(const char *text, unsigned most, const char *what)
{
	char *end;

	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < 1 || number > most) {
		fprintf(stderr, "%s: %s \"%s\" is not a number from 1 to %u\n", own_path(), what, text,
				most);
		exit(2);
	}
	return (unsigned)number;
}

struct span {
	uint64_t ticks;
	double seconds;
};

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct span run_batch(const struct test *test, unsigned rounds)
{
	if (test->prepare)
		test->prepare(rounds);
	double began = seconds_now();
	uint64_t first = ticks_now();
	test->run(rounds);
	uint64_t last = ticks_now();
	return (struct span){.ticks = last - first, .seconds = seconds_now() - began};
}

/* Of all processors since the boot, in hundredths of a second (proc_stat(5)); -1: not known. */
static long idle_time(void)
{
	char line[256] = "";
	FILE *file = fopen("/proc/stat", "re");

	if (!file)
		return -1;
	char *field = fgets(line, sizeof(line), file) ? strtok(line, " ") : NULL;
	for (int before = 4; before > 0 && field; before--) /* "cpu", user, nice, system */
		field = strtok(NULL, " ");
	fclose(file);
	return field ? strtol(field, NULL, 10) : -1;
}

void settle(void)
{
	const struct timespec tenth = {.tv_nsec = 100000000};

	if (getppid() != 1)
		return;
	for (int i = 0; i < 100; i++) {
		long before = idle_time();
		nanosleep(&tenth, NULL);
		if (before < 0 || idle_time() - before >= 9)
			return;
	}
}

void test_run(const struct test *test, unsigned rounds)
{
	struct span best = {0}, total = {0};

	if (!rounds)
		rounds = test->rounds;
	if (test->begin)
		test->begin();
	run_batch(test, rounds);
	for (int i = 0; i < BATCHES; i++) {
		struct span span = run_batch(test, rounds);
		total.ticks += span.ticks;
		total.seconds += span.seconds;
		if (i == 0 || span.ticks < best.ticks)
			best = span;
	}
	if (test->end)
		test->end();
	printf("{\"test\":\"%s\",\"count\":%llu,\"ticks\":%llu,\"seconds\":%.9f,"
		   "\"batches\":%d,\"total_ticks\":%llu,\"total_seconds\":%.9f}\n",
		   test->name, (unsigned long long)rounds * test->operations,
		   (unsigned long long)best.ticks, best.seconds, BATCHES, (unsigned long long)total.ticks,
		   total.seconds);
	if (fflush(stdout) != 0)
		fail("standard output");
}
