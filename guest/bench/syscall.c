// SPDX-License-Identifier: Apache-2.0
/*
 * syscall [--only NAME] [--rounds N]: what system calls cost, one JSON object a line.
 *
 * Built twice from this source: static with musl and dynamic with glibc.
 */
#include "guest/bench/measure.h"

#include <stdio.h>
#include <string.h>

static const struct test *const tests[] = {
	&test_null,       &test_read,           &test_write,     &test_stat,   &test_open_close,
	&test_select,     &test_select_100,     &test_sigaction, &test_signal, &test_fork,
	&test_exec,       &test_context_switch, &test_pipe,      &test_unix,   &test_tcp,
	&test_page_fault, &test_mmap,
};
enum { TESTS = sizeof(tests) / sizeof(tests[0]), MOST_ROUNDS = 100000000 };

static int usage(void)
{
	fprintf(stderr, "usage: %s [--only NAME] [--rounds N]\nNAME:", own_path());
	for (unsigned i = 0; i < TESTS; i++)
		fprintf(stderr, " %s", tests[i]->name);
	fputc('\n', stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	unsigned rounds = 0, run = 0;

	exec_marker(argv[1]);
	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			return usage();
		if (strcmp(argv[i], "--only") == 0)
			only = argv[i + 1];
		else if (strcmp(argv[i], "--rounds") == 0)
			rounds = parse_count(argv[i + 1], MOST_ROUNDS, "--rounds");
		else
			return usage();
	}
	settle();
	for (unsigned i = 0; i < TESTS; i++) {
		if (only && strcmp(tests[i]->name, only) != 0)
			continue;
		test_run(tests[i], rounds);
		run++;
	}
	return run ? 0 : usage();
}
