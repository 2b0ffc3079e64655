/* SPDX-License-Identifier: Apache-2.0 */
/* The suites of guest/bench, which print a JSON object for each of their tests. */
#pragma once

#include "bench/bench.h"

/* One machine in which a program of the suites runs. */
struct suite {
	const struct bench_system *system;
	const char *program;         /* of guest/bench: "syscall-static" */
	const struct strings *words; /* its arguments, or NULL */
	const char *accel;
	uint64_t memory;
	unsigned cpus;
	/* Of the rows that it gives: their bench and app, and what follows the test's name in the
	 * variant. */
	const char *bench, *app, *suffix;
	const char *const *tests; /* that there are; --only narrows them when it names any */
};

/* Runs it and adds a row for each test that --only lets pass: instructions a call under
 * tcg-icount, else nanoseconds. */
int suite_run(struct bench *bench, const struct suite *suite, struct error *err);
/* The same of what it has printed. -EINVAL when that is not what it should be. */
int suite_add(struct bench *bench, const struct suite *suite, const char *output,
			  struct error *err);
