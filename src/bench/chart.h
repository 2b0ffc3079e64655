/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charts as SVG that needs nothing else: readable on light and on dark pages, with a title and a
 * description for those who cannot see them, and every figure under the mouse pointer.
 */
#pragma once

#include "base/buf.h"

enum chart_kind {
	CHART_BARS,  /* a bar from zero for each system, grouped by category */
	CHART_DOTS,  /* a row for each category, on a logarithmic axis */
	CHART_LINES, /* categories are steps of the horizontal axis */
};

/* Value and spread. NAN: was not measured. */
struct chart_point {
	double value, low, high;
};

struct chart {
	enum chart_kind kind;
	const char *title;
	const char *description; /* a sentence or two: what is compared, how the spread is shown */
	const char *axis;        /* what is measured, with its unit: "MiB" */
	const char *steps;       /* what the categories of CHART_LINES are: "processes" */
	struct strings series;   /* systems */
	struct strings categories;
	struct chart_point *points; /* of series s in category c: [c * series.count + s] */
	double reference;           /* a line at this value, such as 1 of ratios; 0: none */
};

/* The point of that series and category, to be set or read. */
static inline struct chart_point *chart_at(const struct chart *chart, size_t category,
										   size_t series)
{
	return &chart->points[category * chart->series.count + series];
}

/* Adds points of NAN for all series and categories, which are complete by then. */
void chart_make_points(struct chart *chart);
/* Adds the SVG document. */
void chart_svg(const struct chart *chart, struct buf *ret);
/* Frees points and names, not the borrowed texts. */
void chart_free(struct chart *chart);
#define _cleanup_chart_ _cleanup_(chart_free)

/* Adds a figure as people read it: three digits that count, thousands apart. */
void chart_number(double value, struct buf *ret);
