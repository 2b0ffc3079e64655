/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the report of `bench all`. */
#pragma once

#include "bench/bench.h"

/* Adds what the figures depend on, in Markdown: machine, accelerator, versions, systems with the
 * digests of their configurations. */
void report_facts(const struct bench *bench, struct buf *ret);

/* A chart like the paper's, in a file of its own. */
struct report_chart {
	char *file;        /* "boot.svg" */
	char *alternative; /* its text for Markdown */
	struct buf svg;
};
struct report_charts {
	struct report_chart *items;
	size_t count;
};
/* Adds those of a bench that there are figures for. */
void report_make_charts(const struct bench *bench, const char *name, struct report_charts *ret);
void report_charts_free(struct report_charts *charts);
