/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measurements: what the Lupine paper measured, for our kernel and for others, in one run.
 *
 * On top of all stages, beside the command line, which only parses and prints.
 */
#pragma once

#include "bench/guest.h"
#include "bench/results.h"
#include "bench/system.h"

struct bench {
	struct bench_system *systems; /* the first is lupine */
	size_t system_count;
	struct strings apps; /* to measure; empty: each bench's own list */
	struct strings only; /* --only: variants, tests or metrics; empty: all */
	const char *accel;   /* NULL or "": each bench's default (see bench_accels()) */
	unsigned runs;       /* 0: each bench's default */
	bool all;            /* `bench all`: also the applications that take long */
	struct results results;
	struct strings failures; /* what could not be measured, and why; the rest goes on */
};

/* One row of the table of benches. */
struct bench_kind {
	const char *name; /* "boot" */
	const char *summary;
	/* What --only may name: metrics, variants, tests, in groups that end with NULL, and after the
	 * last group another NULL. */
	const char *const *const *words;
	/* Adds what is not known before; NULL: nothing. */
	int (*more_words)(struct strings *ret, struct error *err);
	/* Measures what it can and notes the rest with bench_failed(); an error is what keeps it from
	 * measuring at all. */
	int (*run)(struct bench *bench, struct error *err);
};
extern const struct bench_kind *const bench_kinds[]; /* NULL-terminated */
extern const struct bench_kind bench_size, bench_boot, bench_memory, bench_syscall, bench_app,
	bench_degrade;

/* Whether --app and --only let it pass. */
bool bench_wants_app(const struct bench *bench, const char *app);
bool bench_wants(const struct bench *bench, const char *word);
/* The same of a word that is one of a group (NULL-terminated; NULL: all words): --only narrows the
 * group when it names any of it. */
bool bench_wants_of(const struct bench *bench, const char *const group[], const char *word);
/* -EINVAL when --only names what none of these benches (NULL-terminated) measures. */
int bench_check_only(const struct bench *bench, const struct bench_kind *const kinds[],
					 struct error *err);
/* Whether --only, if it is there, names something of this bench. */
bool bench_wants_kind(const struct bench *bench, const struct bench_kind *kind);
/* The applications to measure: those of --app, else `usual`, and with `all` also `more`
 * (both NULL-terminated). */
void bench_apps(const struct bench *bench, const char *const usual[], const char *const more[],
				struct strings *ret);
/* --runs, or this bench's own number. */
unsigned bench_runs(const struct bench *bench, unsigned usual);
/* Which accelerators a bench runs on: the one of --accel, else what `auto` comes to, and if `both`
 * "tcg-icount" before it. The count, at most 2, or a negative errno. */
int bench_accels(const struct bench *bench, bool both, const char *ret[2], struct error *err);

/* Notes that a figure could not be measured, with the error, which is empty afterwards. */
__attribute__((format(printf, 3, 4))) void bench_failed(struct bench *bench, struct error *why,
														const char *format, ...);

/* guest_run() of what must end by itself with status 0; -EIO, with its last words, when it does
 * not. `ret` is filled only on success. */
int bench_guest(const struct guest_request *request, struct guest_run *ret, struct error *err);
/* Whether figures of that accelerator are counts of instructions. */
bool bench_counts(const char *accel);

/* --report: results.jsonl, report.md and SVG charts in the directory. */
int bench_report(const struct bench *bench, const char *directory, struct error *err);
void bench_free(struct bench *bench);
#define _cleanup_bench_ _cleanup_(bench_free)
