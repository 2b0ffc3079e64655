/* SPDX-License-Identifier: Apache-2.0 */
/* Private to charts: where a value lies on an axis, and where the ticks are. */
#pragma once

#include "bench/chart.h"

enum { AXIS_TICKS = 16 };

struct axis {
	bool logarithmic;
	double least, greatest; /* the ends, which are ticks */
	double start, end;      /* of the picture */
	double ticks[AXIS_TICKS];
	size_t tick_count;
};

/* An axis that all points of the chart fit on. */
struct axis axis_for(const struct chart *chart, double start, double end);
/* The place of a value; values outside are put at the nearest end. */
double axis_place(const struct axis *axis, double value);
