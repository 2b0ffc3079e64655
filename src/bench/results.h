/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured: rows, each a figure of one system with all its runs. None is dropped.
 *
 * Rows of `--format json` are printed the moment they are known, one object a line, so that a
 * long run that is cut off has lost only what it had not measured.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

/* Which of the runs stands for all of them. */
enum result_value {
	VALUE_MEDIAN,
	VALUE_MAXIMUM, /* the worst, where more is worse: least memory */
};

/* The names are stable: docs/benchmarks.md lists them. */
struct result {
	char *bench;   /* "boot" */
	char *system;  /* "lupine" */
	char *app;     /* "hello", or "" where there is none */
	char *variant; /* "get-pipelined", or "" */
	char *metric;  /* "instructions" */
	char *unit;    /* "instructions", "s", "bytes", "MiB", "requests/s", "ratio" ... */
	char *accel;   /* "kvm", "tcg", "tcg-icount"; "" for what no machine was started for */
	char *against; /* of a ratio: the system it is to; else NULL */
	double *runs;  /* in the order they were made */
	size_t count;
	enum result_value value;
	char *command; /* that repeats it */
};

struct results {
	struct result *items;
	size_t count;
	bool json; /* print each as it comes */
};

/* Borrowed texts for results_add(); a NULL text is "". */
struct result_key {
	const char *bench, *system, *app, *variant, *metric, *unit, *accel;
	enum result_value value;
};

/* Adds one run to the row of that key, which is made if there is none. Only results_close()
 * prints. */
void results_add(struct results *results, const struct result_key *key, double run);
/*
 * Ends the rows that are open: prints them (json), and behind them the ratios of each system to
 * the first baseline, or of `lupine` to each of the others: pair by pair, the i-th run over the
 * i-th run.
 */
void results_close(struct results *results);
/* The row, or NULL. Borrowed. */
const struct result *results_find(const struct results *results, const struct result_key *key);

double result_value(const struct result *result);
/* The value at a fraction (0 least, 0.5 median, 1 greatest) of the sorted runs, by linear
 * interpolation. */
double result_quantile(const struct result *result, double fraction);
/* One object: bench, system, app, variant, metric, value, unit, accel, runs (how many), min,
 * median, p90, max, all (every run), and `against` of ratios. The caller owns it. */
struct json_t *result_to_json(const struct result *result);

/* For people: a table for each bench, systems as columns, with the spread. */
void results_print(const struct results *results);
void results_free(struct results *results);
