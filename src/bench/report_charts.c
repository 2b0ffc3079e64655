// SPDX-License-Identifier: Apache-2.0
/* Which figures are drawn, and how: one row of a table for each chart. */
#include "bench/chart.h"
#include "bench/report.h"

#include <math.h>
#include <string.h>

#define MIB (1024.0 * 1024)

struct chart_row;
/* Whether a row is in that chart, and then its category and its series, which are added. */
typedef bool (*place_function)(const struct chart_row *chart, const struct result *row,
							   struct buf *category, struct buf *series);

struct chart_row {
	const char *file, *bench, *metric; /* metric NULL: the place function looks at it */
	const char *part;                  /* for the place function: which rows */
	enum chart_kind kind;
	bool relative; /* to the first baseline, if there is one */
	double scale;  /* of values on the axis, in the rows' unit */
	place_function place;
	const char *title, *axis, *steps;
};

static void add_place(struct buf *category, const char *name, struct buf *series,
					  const char *system)
{
	buf_puts(category, name);
	buf_puts(series, system);
}

static bool by_metric(const struct chart_row *chart, const struct result *row, struct buf *category,
					  struct buf *series)
{
	static const char *const metrics[] = {"compressed", "stripped", "loaded"};

	(void)chart;
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		if (strcmp(row->metric, metrics[i]) == 0 && !*row->app && !*row->variant) {
			add_place(category, row->metric, series, row->system);
			return true;
		}
	}
	return false;
}

/* `part`: the variant, or several with '|' between them. */
static bool by_app(const struct chart_row *chart, const struct result *row, struct buf *category,
				   struct buf *series)
{
	for (const char *part = chart->part;; part++) {
		size_t length = strcspn(part, "|");
		if (strlen(row->variant) == length && memcmp(row->variant, part, length) == 0) {
			add_place(category, row->app, series, row->system);
			return true;
		}
		part += length;
		if (!*part)
			return false;
	}
}

/* "redis get", of variants that begin with `part`. */
static bool by_app_and_variant(const struct chart_row *chart, const struct result *row,
							   struct buf *category, struct buf *series)
{
	if (!starts_with(row->variant, chart->part))
		return false;
	buf_printf(category, "%s %s", row->app, row->variant + strlen(chart->part));
	buf_puts(series, row->system);
	return true;
}

/* The static program's tests; the dynamic one's show the same. */
static bool by_test(const struct chart_row *chart, const struct result *row, struct buf *category,
					struct buf *series)
{
	(void)chart;
	if (ends_with(row->variant, "-dynamic"))
		return false;
	add_place(category, row->variant, series, row->system);
	return true;
}

/* Variants "TEST/KIND/COUNT", of the test and kind `part`. */
static bool by_count(const struct chart_row *chart, const struct result *row, struct buf *category,
					 struct buf *series)
{
	if (!starts_with(row->variant, chart->part))
		return false;
	add_place(category, row->variant + strlen(chart->part), series, row->system);
	return true;
}

#define DEGRADE(name, prefix, heading, sleepers)                                                   \
	{                                                                                              \
		.file = (name), .bench = "degrade", .part = (prefix), .kind = CHART_LINES, .scale = 1,     \
		.place = by_count, .title = (heading),                                                     \
		.axis = "instructions or nanoseconds a call (less is better)", .steps = (sleepers)         \
	}

static const struct chart_row chart_rows[] = {
	{.file = "size",
	 .bench = "size",
	 .kind = CHART_BARS,
	 .scale = MIB,
	 .place = by_metric,
	 .title = "Size of the kernel",
	 .axis = "MiB (less is better)"},
	{.file = "boot",
	 .bench = "boot",
	 .metric = "wall",
	 .part = "total",
	 .kind = CHART_BARS,
	 .scale = 1,
	 .place = by_app,
	 .title = "Boot time",
	 .axis = "seconds until the first output or answer (less is better)"},
	{.file = "boot-instructions",
	 .bench = "boot",
	 .metric = "instructions",
	 .part = "first-output|ready",
	 .kind = CHART_BARS,
	 .scale = 1e6,
	 .place = by_app,
	 .title = "Instructions to boot",
	 .axis = "million instructions until the first output or answer (less is better)"},
	{.file = "memory",
	 .bench = "memory",
	 .metric = "least",
	 .part = "",
	 .kind = CHART_BARS,
	 .scale = 1,
	 .place = by_app,
	 .title = "Least memory",
	 .axis = "MiB in which the application truly works (less is better)"},
	{.file = "memory-cost",
	 .bench = "memory",
	 .metric = "pss",
	 .part = "",
	 .kind = CHART_BARS,
	 .scale = 1,
	 .place = by_app_and_variant,
	 .title = "What an idle machine costs the host",
	 .axis = "MiB of the monitor (PSS), of one machine and of each of many (less is better)"},
	{.file = "syscall-instructions",
	 .bench = "syscall",
	 .metric = "instructions",
	 .kind = CHART_DOTS,
	 .scale = 1,
	 .place = by_test,
	 .title = "System calls in instructions",
	 .axis = "instructions a call, in powers of ten (less is better)"},
	{.file = "syscall",
	 .bench = "syscall",
	 .metric = "wall",
	 .kind = CHART_DOTS,
	 .scale = 1,
	 .place = by_test,
	 .title = "System calls in time",
	 .axis = "nanoseconds a call, in powers of ten (less is better)"},
	{.file = "app-network",
	 .bench = "app",
	 .metric = "rps",
	 .part = "network/",
	 .kind = CHART_BARS,
	 .relative = true,
	 .scale = 1,
	 .place = by_app_and_variant,
	 .title = "Throughput over the network",
	 .axis = "requests a second (more is better)"},
	{.file = "app-loopback",
	 .bench = "app",
	 .metric = "rps",
	 .part = "loopback/",
	 .kind = CHART_BARS,
	 .relative = true,
	 .scale = 1,
	 .place = by_app_and_variant,
	 .title = "Throughput inside of the guest",
	 .axis = "requests a second (more is better)"},
	{.file = "app-instructions",
	 .bench = "app",
	 .metric = "instructions_per_request",
	 .part = "loopback/",
	 .kind = CHART_BARS,
	 .scale = 1e3,
	 .place = by_app_and_variant,
	 .title = "Instructions of a request",
	 .axis = "thousand instructions, the client's share included (less is better)"},
	DEGRADE("degrade-null-processes", "null/processes/",
			"Empty system call beside sleeping processes", "sleeping processes"),
	DEGRADE("degrade-null-threads", "null/threads/", "Empty system call beside sleeping threads",
			"sleeping threads"),
	DEGRADE("degrade-context-switch-processes", "context-switch/processes/",
			"Context switch beside sleeping processes", "sleeping processes"),
	DEGRADE("degrade-context-switch-threads", "context-switch/threads/",
			"Context switch beside sleeping threads", "sleeping threads"),
	DEGRADE("degrade-pipe-processes", "pipe/processes/", "Pipe beside sleeping processes",
			"sleeping processes"),
	DEGRADE("degrade-pipe-threads", "pipe/threads/", "Pipe beside sleeping threads",
			"sleeping threads"),
	DEGRADE("degrade-fork-processes", "fork/processes/", "Fork beside sleeping processes",
			"sleeping processes"),
	DEGRADE("degrade-fork-threads", "fork/threads/", "Fork beside sleeping threads",
			"sleeping threads"),
};

static size_t index_of(struct strings *list, const char *text, bool add)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return i;
	if (add)
		strings_add(list, text);
	return add ? list->count - 1 : SIZE_MAX;
}

/* The i-th run over the i-th of the same figure of the baseline. False without it. */
static bool divide(const struct bench *bench, const struct result *row, const char *baseline,
				   struct result *ret)
{
	const struct result_key key = {row->bench,  baseline,  row->app,   row->variant,
								   row->metric, row->unit, row->accel, .value = row->value};
	const struct result *other = results_find(&bench->results, &key);

	if (!other || other == row || other->count != row->count)
		return false;
	*ret = (struct result){.runs = xcalloc(row->count, sizeof(double)), .count = row->count};
	for (size_t i = 0; i < row->count; i++)
		ret->runs[i] = row->runs[i] / other->runs[i];
	return true;
}

static struct chart_point point_of(const struct result *row, double scale)
{
	return (struct chart_point){
		.value = result_value(row) / scale,
		.low = result_quantile(row, 0) / scale,
		.high = result_quantile(row, 1) / scale,
	};
}

/* What a chart is made from and of. */
struct drawing {
	const struct bench *bench;
	const struct chart_row *row;
	const char *baseline; /* or NULL: not relative */
	struct chart chart;
};

/* `set` false: notes series and category; true: sets the point, for all are known by then. */
static void place_row(struct drawing *drawing, const struct result *row, bool set)
{
	const struct chart_row *kind = drawing->row;
	_cleanup_buf_ struct buf category = {0}, series = {0};
	struct result relative = {0};

	buf_puts(&category, "");
	buf_puts(&series, "");
	if (row->against || row->detail || strcmp(row->bench, kind->bench) != 0 ||
		(kind->metric && strcmp(row->metric, kind->metric) != 0) ||
		!kind->place(kind, row, &category, &series))
		return;
	if (drawing->baseline && !divide(drawing->bench, row, drawing->baseline, &relative))
		return;
	size_t c = index_of(&drawing->chart.categories, category.data, !set);
	size_t s = index_of(&drawing->chart.series, series.data, !set);
	if (set)
		*chart_at(&drawing->chart, c, s) =
			drawing->baseline ? point_of(&relative, 1) : point_of(row, kind->scale);
	free(relative.runs);
}

static void place_rows(struct drawing *drawing, bool set)
{
	for (size_t i = 0; i < drawing->bench->results.count; i++)
		place_row(drawing, &drawing->bench->results.items[i], set);
}

static void draw(const struct bench *bench, const struct chart_row *row, struct report_charts *ret)
{
	struct drawing drawing = {
		.bench = bench,
		.row = row,
		.baseline = row->relative && bench->system_count > 1 ? bench->systems[1].name : NULL,
		.chart = {.kind = row->kind, .title = row->title, .steps = row->steps},
	};
	struct chart *chart = &drawing.chart;
	_cleanup_free_ char *axis =
		drawing.baseline ? xasprintf("times that of %s (more is better)", drawing.baseline) : NULL;
	_cleanup_buf_ struct buf description = {0};

	place_rows(&drawing, false);
	if (chart->series.count && chart->categories.count) {
		chart->axis = axis ? axis : row->axis;
		chart->reference = drawing.baseline ? 1 : 0;
		chart_make_points(chart);
		place_rows(&drawing, true);
		buf_printf(&description, "%s, %s, of", row->title, chart->axis);
		for (size_t i = 0; i < chart->series.count; i++)
			buf_printf(&description, "%s %s", i ? "," : "", chart->series.items[i]);
		buf_puts(&description, ". Thin lines reach from the least run to the greatest.");
		chart->description = description.data;
		ret->items = xrealloc(ret->items, ret->count + 1, sizeof(*ret->items));
		struct report_chart *item = &ret->items[ret->count++];
		*item = (struct report_chart){
			.file = xasprintf("%s.svg", row->file),
			.alternative = xstrdup(description.data),
		};
		chart_svg(chart, &item->svg);
	}
	chart_free(chart);
}

void report_make_charts(const struct bench *bench, const char *name, struct report_charts *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(chart_rows); i++)
		if (strcmp(chart_rows[i].bench, name) == 0)
			draw(bench, &chart_rows[i], ret);
}

void report_charts_free(struct report_charts *charts)
{
	for (size_t i = 0; i < charts->count; i++) {
		free(charts->items[i].file);
		free(charts->items[i].alternative);
		buf_free(&charts->items[i].svg);
	}
	free(charts->items);
	*charts = (struct report_charts){0};
}
