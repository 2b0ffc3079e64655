// SPDX-License-Identifier: Apache-2.0
/* What system calls cost beside many sleeping processes or threads, on one processor. */
#include "base/progress.h"
#include "bench/suite.h"

#include <errno.h>
#include <string.h>

#define MEMORY (512ull << 20) /* of 1024 processes, a few pages each */
/* Our kernel as it was in the paper: for one processor only. */
#define SINGLE_NAME "lupine-up"
#define SINGLE_FRAGMENT "# CONFIG_SMP is not set\nCONFIG_NR_CPUS=1\n"
enum { COUNTED_RUNS = 1, TIMED_RUNS = 5 };

static const char *const counts[] = {"1", "4", "16", "64", "256", "1024", NULL};
static const char *const kinds[] = {"processes", "threads", NULL};
static const char *const tests[] = {"null", "context-switch", "pipe", "fork", NULL};

struct point {
	const char *kind, *count, *accel;
};

static void measure(struct bench *bench, const struct bench_system *system,
					const struct point *point)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings words = {0};
	_cleanup_free_ char *suffix = xasprintf("/%s/%s", point->kind, point->count);

	strings_add(&words, point->count);
	strings_add(&words, point->kind);
	const struct suite suite = {
		.system = system,
		.program = "degrade",
		.words = &words,
		.accel = point->accel,
		.memory = MEMORY,
		.cpus = 1,
		.bench = "degrade",
		.app = "degrade",
		.suffix = suffix,
		.tests = tests,
	};
	if (suite_run(bench, &suite, &err) < 0)
		bench_failed(bench, &err, "degrade of %s with %s %s", system->name, point->count,
					 point->kind);
}

static void measure_point(struct bench *bench, const struct bench_system *single,
						  const struct point *point)
{
	unsigned runs = bench_runs(bench, bench_counts(point->accel) ? COUNTED_RUNS : TIMED_RUNS);

	for (unsigned run = 0; run < runs; run++) {
		progress("degrade: %s %s, run %u of %u", point->count, point->kind, run + 1, runs);
		for (size_t i = 0; i < bench->system_count; i++)
			if (bench->systems[i].kernel)
				measure(bench, &bench->systems[i], point);
		if (single->kernel)
			measure(bench, single, point);
	}
	results_close(&bench->results);
}

/* Our kernel without SMP, unless one of the systems has that name already. */
static int single_processor(struct bench *bench, struct bench_system *ret, struct error *err)
{
	for (size_t i = 0; i < bench->system_count; i++)
		if (strcmp(bench->systems[i].name, SINGLE_NAME) == 0)
			return 0;
	if (!bench->systems[0].kernel->id)
		return error_set(err, ENOTSUP,
						 "a kernel file does not say what " SINGLE_NAME " has to be built from");
	return bench_system_variant(SINGLE_NAME, SINGLE_FRAGMENT, &bench->systems[0], ret, err);
}

static int run(struct bench *bench, struct error *err)
{
	_cleanup_(bench_system_free) struct bench_system single = {0};
	const char *accels[2];
	/* Counted if nothing else is asked for: what 1024 processes add is less than a clock's noise.
	 */
	int error = bench_accels(bench, true, accels, err);

	if (error < 0)
		return error;
	if (single_processor(bench, &single, err) < 0)
		bench_failed(bench, err, "degrade of " SINGLE_NAME);
	for (size_t kind = 0; kinds[kind]; kind++) {
		for (size_t i = 0; counts[i]; i++) {
			const struct point point = {kinds[kind], counts[i], accels[0]};
			if (bench_wants_of(bench, kinds, point.kind) &&
				bench_wants_of(bench, counts, point.count))
				measure_point(bench, &single, &point);
		}
	}
	return 0;
}

static const char *const *const words[] = {kinds, counts, tests, NULL};

const struct bench_kind bench_degrade = {
	.name = "degrade",
	.summary = "What sleeping processes and threads cost the others",
	.words = words,
	.run = run,
};
