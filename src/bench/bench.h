/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measurements: what the Lupine paper measured, for our kernel and for others, in one run.
 *
 * On top of all stages, beside the command line, which only parses and prints.
 */
#pragma once

#include "bench/results.h"
#include "bench/system.h"

struct bench {
	struct bench_system *systems; /* the first is lupine */
	size_t system_count;
	struct strings apps; /* to measure; empty: each bench's own list */
	struct strings only; /* --only: variants, tests or metrics; empty: all */
	const char *accel;   /* "" : each bench's default (see accel_for_bench()) */
	unsigned runs;       /* 0: each bench's default */
	struct results results;
};

/* One row of the table of benches. */
struct bench_kind {
	const char *name; /* "boot" */
	const char *summary;
	int (*run)(struct bench *bench, struct error *err);
};
extern const struct bench_kind *const bench_kinds[]; /* NULL-terminated */
extern const struct bench_kind bench_size, bench_boot, bench_memory, bench_syscall, bench_app,
	bench_degrade;

/* Whether --app and --only let it pass. */
bool bench_wants_app(const struct bench *bench, const char *app);
bool bench_wants(const struct bench *bench, const char *word);
/* Which accelerators a bench runs on, of "tcg-icount" and what `auto` comes to: `both`, unless
 * --accel says one. The count, at most 2. */
size_t bench_accels(const struct bench *bench, bool both, const char *ret[2], struct error *err);

/* --report: results.jsonl, report.md and SVG charts in the directory. */
int bench_report(const struct bench *bench, const char *directory, struct error *err);
