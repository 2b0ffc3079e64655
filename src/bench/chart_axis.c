// SPDX-License-Identifier: Apache-2.0
#include "bench/chart_axis.h"

#include <math.h>

/* The range of all that is drawn; false when nothing is. */
static bool find_range(const struct chart *chart, double *ret_least, double *ret_greatest)
{
	double least = INFINITY, greatest = -INFINITY;

	for (size_t i = 0; i < chart->series.count * chart->categories.count; i++) {
		const struct chart_point *point = &chart->points[i];
		if (!isfinite(point->value))
			continue;
		least = fmin(least, fmin(point->value, point->low));
		greatest = fmax(greatest, fmax(point->value, point->high));
	}
	if (chart->reference > 0)
		greatest = fmax(greatest, chart->reference);
	*ret_least = least;
	*ret_greatest = greatest;
	return isfinite(least);
}

/* The next larger of 1, 2, 5, 10, 20 ... */
static double round_step(double step)
{
	double decade = pow(10, floor(log10(step)));
	double leading = step / decade;

	return (leading <= 1 ? 1 : leading <= 2 ? 2 : leading <= 5 ? 5 : 10) * decade;
}

static void add_tick(struct axis *axis, double value)
{
	if (axis->tick_count < AXIS_TICKS)
		axis->ticks[axis->tick_count++] = value;
}

static void linear_ticks(struct axis *axis, double greatest)
{
	double step = round_step((greatest > 0 ? greatest : 1) / 6);
	size_t count = (size_t)ceil(greatest / step - 1e-9);

	for (size_t i = 0; i <= (count ? count : 1); i++)
		add_tick(axis, (double)i * step);
}

/* Whole powers of ten, every n-th where there are too many. */
static void logarithmic_ticks(struct axis *axis, double least, double greatest)
{
	int first = (int)floor(log10(least) + 1e-9), last = (int)ceil(log10(greatest) - 1e-9);

	if (last <= first)
		last = first + 1;
	int every = 1 + (last - first) / (AXIS_TICKS - 1);
	for (int power = first; power < last + every; power += every)
		add_tick(axis, pow(10, power));
}

struct axis axis_for(const struct chart *chart, double start, double end)
{
	struct axis axis = {.start = start, .end = end, .logarithmic = chart->kind == CHART_DOTS};
	double least, greatest;
	bool any = find_range(chart, &least, &greatest);

	/* Zero has no logarithm. */
	if (axis.logarithmic && (!any || least <= 0))
		axis.logarithmic = false;
	if (axis.logarithmic)
		logarithmic_ticks(&axis, least, greatest);
	else
		linear_ticks(&axis, any ? greatest : 1);
	axis.least = axis.ticks[0];
	axis.greatest = axis.ticks[axis.tick_count - 1];
	return axis;
}

double axis_place(const struct axis *axis, double value)
{
	double least = axis->least, greatest = axis->greatest;

	value = fmin(fmax(value, least), greatest);
	if (axis->logarithmic) {
		value = log10(value);
		least = log10(least);
		greatest = log10(greatest);
	}
	return axis->start + (value - least) / (greatest - least) * (axis->end - axis->start);
}
