// SPDX-License-Identifier: Apache-2.0
/* What system calls cost: the suite of guest/bench, once static and once with a shared C library.
 */
#include "base/progress.h"
#include "bench/suite.h"

#include <string.h>

#define MEMORY (256ull << 20)
enum { COUNTED_RUNS = 1, TIMED_RUNS = 5 };

static const struct program {
	const char *name, *suffix;
} programs[] = {
	{"syscall-static", ""},
	{"syscall-dynamic", "-dynamic"},
};

static const char *const tests[] = {
	"null",       "read",      "write",  "stat",       "open-close", "select",
	"select-100", "sigaction", "signal", "fork",       "exec",       "context-switch",
	"pipe",       "unix",      "tcp",    "page-fault", "mmap",       NULL,
};
static const char *const metrics[] = {"instructions", "wall", NULL};

static bool is_test(const char *word)
{
	size_t i = 0;

	while (tests[i] && strcmp(tests[i], word) != 0)
		i++;
	return tests[i];
}

static void measure(struct bench *bench, const struct bench_system *system,
					const struct program *program, const char *accel)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings words = {0};

	/* Of several the suite runs all, and what was not asked for is passed over. */
	if (bench->only.count == 1 && is_test(bench->only.items[0])) {
		strings_add(&words, "--only");
		strings_add(&words, bench->only.items[0]);
	}
	const struct suite suite = {
		.system = system,
		.program = program->name,
		.words = &words,
		.accel = accel,
		.memory = MEMORY,
		.cpus = 1,
		.bench = "syscall",
		.suffix = program->suffix,
		.tests = tests,
	};
	if (suite_run(bench, &suite, &err) < 0)
		bench_failed(bench, &err, "%s of %s on %s", program->name, system->name, accel);
}

static void measure_accel(struct bench *bench, const char *accel)
{
	unsigned runs = bench_runs(bench, bench_counts(accel) ? COUNTED_RUNS : TIMED_RUNS);

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		for (unsigned run = 0; run < runs; run++) {
			for (size_t at = 0; at < bench->system_count; at++) {
				const struct bench_system *system = &bench->systems[at];
				if (!system->kernel)
					continue;
				progress("syscall: %s of %s on %s, run %u of %u", programs[i].name, system->name,
						 accel, run + 1, runs);
				measure(bench, system, &programs[i], accel);
			}
		}
		results_close(&bench->results);
	}
}

static int run(struct bench *bench, struct error *err)
{
	const char *accels[2];
	int count = bench_accels(bench, true, accels, err);

	for (int i = 0; i < count; i++)
		if (bench_wants_of(bench, metrics, bench_counts(accels[i]) ? "instructions" : "wall"))
			measure_accel(bench, accels[i]);
	return count < 0 ? count : 0;
}

static const char *const *const words[] = {tests, metrics, NULL};

const struct bench_kind bench_syscall = {
	.name = "syscall",
	.summary = "What system calls cost",
	.words = words,
	.run = run,
};
