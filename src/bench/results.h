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
#include "base/table.h"

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
	bool detail;   /* one of the many parts of another figure: see struct result_key */
	char *command; /* that repeats it; NULL until results_close() */
};

struct results {
	struct result *items;
	size_t count;
	size_t closed; /* items before this one get no more runs */
	bool json;     /* print each as it comes */
	char *options; /* of `lupine bench` that say which systems there are, for `command`, or NULL */
};

/* Borrowed texts for results_add(); a NULL text is "". */
struct result_key {
	const char *bench, *system, *app, *variant, *metric, *unit, *accel;
	enum result_value value;
	/* One of the many parts of another figure, such as an initcall: it gets no ratios, and of these
	 * people are shown only the greatest. */
	bool detail;
};

/* Adds one run to the open row of that key, which is made if there is none. Only results_close()
 * prints. */
void results_add(struct results *results, const struct result_key *key, double run);
/*
 * Ends the rows that are open: prints them (json), and behind them the ratios of `lupine` to each
 * of the other systems: pair by pair, its i-th run over the other's i-th run. Rows that have not
 * equally many runs, because one failed, have no pairs and so no ratio.
 */
void results_close(struct results *results);
/* The row, or NULL; of several the last. Borrowed. Ratios are not found. */
const struct result *results_find(const struct results *results, const struct result_key *key);

double result_value(const struct result *result);
/* The value at a fraction (0 least, 0.5 median, 1 greatest) of the sorted runs, by linear
 * interpolation. */
double result_quantile(const struct result *result, double fraction);
/* One object: bench, system, app, variant, metric, value, unit, accel, runs (how many), min,
 * median, p90, max, all (every run), and `against` of ratios. The caller owns it. */
struct json_t *result_to_json(const struct result *result);

/* Tables of one bench for people: figures as rows, systems and then ratios as columns, with the
 * spread; behind it one for each figure that has parts. */
struct results_table {
	char *title;   /* or NULL */
	size_t labels; /* columns at the left that are no figures */
	struct text_table table;
};
struct results_tables {
	struct results_table *items;
	size_t count;
};
void results_make_tables(const struct results *results, const char *bench,
						 struct results_tables *ret);
void results_tables_free(struct results_tables *tables);
/* The benches that there are rows of. */
void results_benches(const struct results *results, struct strings *ret);

/* The same on stdout, of all benches. */
void results_print(const struct results *results);
/* A figure with its unit as people read it: "4.2 MiB", "32.2 M", "0.435". */
void result_format(double value, const char *unit, char ret[32]);
void results_free(struct results *results);
