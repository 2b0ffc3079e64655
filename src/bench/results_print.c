// SPDX-License-Identifier: Apache-2.0
/* Results for people: a table for each bench, and beneath it what the parts of its figures are. */
#include "base/table.h"
#include "bench/results.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DETAIL_LINES = 20 };

/* A line of a table: one figure, of all systems. */
struct figure {
	const struct result *example;
	double greatest;
};

struct figures {
	const struct results *results;
	struct strings systems; /* in the order in which they were measured */
	struct figure *items;
	size_t count;
};

static void format_scaled(double value, char ret[32])
{
	static const struct {
		double least, unit;
		const char *suffix;
	} scales[] = {{1e9, 1e9, " G"}, {1e6, 1e6, " M"}, {1e5, 1e3, " k"}};

	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		if (value >= scales[i].least) {
			snprintf(ret, 32, "%.4g%s", value / scales[i].unit, scales[i].suffix);
			return;
		}
	}
	/* Four digits that count, and never an exponent. */
	snprintf(ret, 32, value == floor(value) || value >= 1000 ? "%.0f" : "%.4g", value);
}

void result_format(double value, const char *unit, char ret[32])
{
	static const char *const bare[] = {"instructions", "options", "calls", NULL};
	char number[32];

	if (strcmp(unit, "bytes") == 0 && value >= 0) {
		format_bytes((uint64_t)value, ret);
		return;
	}
	if (strcmp(unit, "ratio") == 0) {
		snprintf(ret, 32, "%.3f", value);
		return;
	}
	format_scaled(value, number);
	for (size_t i = 0; bare[i]; i++)
		if (strcmp(bare[i], unit) == 0)
			unit = "";
	snprintf(ret, 32, "%.15s%s%.14s", number, *unit ? " " : "", unit);
}

static bool same_figure(const struct result *left, const struct result *right)
{
	return strcmp(left->variant, right->variant) == 0 && strcmp(left->metric, right->metric) == 0 &&
		   strcmp(left->app, right->app) == 0 && strcmp(left->accel, right->accel) == 0 &&
		   strcmp(left->bench, right->bench) == 0;
}

/* The row of a figure for a system or, with `ratio`, of the first system's ratio to that one. */
static const struct result *cell_of(const struct results *results, const struct result *figure,
									const char *system, bool ratio)
{
	for (size_t i = 0; i < results->count; i++) {
		const struct result *row = &results->items[i];
		const char *of = ratio ? row->against : row->system;
		if (of && strcmp(of, system) == 0 && ratio == (row->against != NULL) &&
			same_figure(row, figure))
			return row;
	}
	return NULL;
}

static void add_figure(struct figures *figures, const struct result *row)
{
	double value = result_value(row);

	if (!strings_contain(&figures->systems, row->system))
		strings_add(&figures->systems, row->system);
	for (size_t i = 0; i < figures->count; i++) {
		struct figure *figure = &figures->items[i];
		if (!same_figure(figure->example, row))
			continue;
		figure->greatest = fmax(figure->greatest, value);
		return;
	}
	figures->items = xrealloc(figures->items, figures->count + 1, sizeof(*figures->items));
	figures->items[figures->count++] = (struct figure){.example = row, .greatest = value};
}

static void figures_free(struct figures *figures)
{
	strings_free(&figures->systems);
	free(figures->items);
}

/* "0.45 s (0.44 s to 0.51 s)" */
static void add_cell(struct text_table *table, const struct result *row)
{
	char value[32], least[32], most[32];

	if (!row) {
		table_cell(table, "-");
		return;
	}
	result_format(result_value(row), row->unit, value);
	result_format(result_quantile(row, 0), row->unit, least);
	result_format(result_quantile(row, 1), row->unit, most);
	if (strcmp(least, most) == 0)
		table_cell(table, "%s", value);
	else
		table_cell(table, "%s (%s to %s)", value, least, most);
}

/* The columns of texts that some line has. */
static const char *const label_titles[] = {"APP", "FIGURE", "METRIC", "ACCEL"};

static const char *label(const struct result *row, size_t column)
{
	const char *const labels[] = {row->app, row->variant, row->metric, row->accel};

	return labels[column];
}

static bool has_label(const struct figures *figures, size_t column)
{
	for (size_t i = 0; i < figures->count; i++)
		if (*label(figures->items[i].example, column))
			return true;
	return false;
}

/* Whether a ratio to that system is known for any figure. */
static bool has_ratio(const struct figures *figures, const char *system)
{
	for (size_t i = 0; i < figures->count; i++)
		if (cell_of(figures->results, figures->items[i].example, system, true))
			return true;
	return false;
}

static size_t add_titles(const struct figures *figures, struct text_table *table)
{
	for (size_t i = 0; i < ARRAY_SIZE(label_titles); i++)
		if (has_label(figures, i))
			table_cell(table, "%s", label_titles[i]);
	for (size_t i = 0; i < figures->systems.count; i++)
		table_cell(table, "%s", figures->systems.items[i]);
	for (size_t i = 0; i < figures->systems.count; i++)
		if (has_ratio(figures, figures->systems.items[i]))
			table_cell(table, "%s/%s", figures->systems.items[0], figures->systems.items[i]);
	return table->cells.count;
}

/* Returns the new table, for its title; good until the next is added. */
static struct results_table *add_table(struct results_tables *tables, const struct figures *figures,
									   size_t limit)
{
	struct text_table table = {0};
	size_t labels = 0;

	for (size_t i = 0; i < ARRAY_SIZE(label_titles); i++)
		labels += has_label(figures, i);
	table.columns = add_titles(figures, &table);
	for (size_t line = 0; line < figures->count && line < limit; line++) {
		const struct result *figure = figures->items[line].example;
		for (size_t i = 0; i < ARRAY_SIZE(label_titles); i++)
			if (has_label(figures, i))
				table_cell(&table, "%s", *label(figure, i) ? label(figure, i) : "-");
		for (size_t i = 0; i < figures->systems.count; i++)
			add_cell(&table, cell_of(figures->results, figure, figures->systems.items[i], false));
		for (size_t i = 0; i < figures->systems.count; i++)
			if (has_ratio(figures, figures->systems.items[i]))
				add_cell(&table,
						 cell_of(figures->results, figure, figures->systems.items[i], true));
	}
	tables->items = xrealloc(tables->items, tables->count + 1, sizeof(*tables->items));
	tables->items[tables->count] = (struct results_table){.labels = labels, .table = table};
	return &tables->items[tables->count++];
}

static int compare_greatest(const void *left, const void *right)
{
	double a = ((const struct figure *)left)->greatest;
	double b = ((const struct figure *)right)->greatest;

	return (a < b) - (a > b);
}

/* The greatest parts of the figures of one bench and metric. */
static void add_details(struct results_tables *tables, const struct results *results,
						const struct result *first)
{
	_cleanup_(figures_free) struct figures figures = {.results = results};

	for (size_t i = 0; i < results->count; i++) {
		const struct result *row = &results->items[i];
		if (row->detail && !row->against && strcmp(row->bench, first->bench) == 0 &&
			strcmp(row->metric, first->metric) == 0 && strcmp(row->app, first->app) == 0)
			add_figure(&figures, row);
	}
	if (!figures.count)
		return;
	qsort(figures.items, figures.count, sizeof(*figures.items), compare_greatest);
	struct results_table *table = add_table(tables, &figures, DETAIL_LINES);
	if (figures.count > DETAIL_LINES)
		table->title = xasprintf("the %d greatest of %zu", DETAIL_LINES, figures.count);
}

static bool is_first_detail(const struct results *results, size_t index)
{
	const struct result *row = &results->items[index];

	for (size_t i = 0; i < index; i++) {
		const struct result *other = &results->items[i];
		if (other->detail && strcmp(other->bench, row->bench) == 0 &&
			strcmp(other->metric, row->metric) == 0 && strcmp(other->app, row->app) == 0)
			return false;
	}
	return row->detail;
}

void results_make_tables(const struct results *results, const char *bench,
						 struct results_tables *ret)
{
	_cleanup_(figures_free) struct figures figures = {.results = results};

	for (size_t i = 0; i < results->count; i++) {
		const struct result *row = &results->items[i];
		if (!row->against && !row->detail && strcmp(row->bench, bench) == 0)
			add_figure(&figures, row);
	}
	if (figures.count)
		add_table(ret, &figures, SIZE_MAX);
	for (size_t i = 0; i < results->count; i++)
		if (strcmp(results->items[i].bench, bench) == 0 && is_first_detail(results, i))
			add_details(ret, results, &results->items[i]);
}

void results_tables_free(struct results_tables *tables)
{
	for (size_t i = 0; i < tables->count; i++) {
		free(tables->items[i].title);
		table_free(&tables->items[i].table);
	}
	free(tables->items);
	*tables = (struct results_tables){0};
}

static void print_bench(const struct results *results, const char *bench)
{
	_cleanup_(results_tables_free) struct results_tables tables = {0};

	results_make_tables(results, bench, &tables);
	printf("%s\n", bench);
	for (size_t i = 0; i < tables.count; i++) {
		if (tables.items[i].title)
			printf("\n%s:\n", tables.items[i].title);
		else if (i)
			printf("\n");
		table_print(&tables.items[i].table, stdout);
	}
}

void results_benches(const struct results *results, struct strings *ret)
{
	for (size_t i = 0; i < results->count; i++)
		if (!strings_contain(ret, results->items[i].bench))
			strings_add(ret, results->items[i].bench);
}

void results_print(const struct results *results)
{
	_cleanup_strings_ struct strings benches = {0};

	results_benches(results, &benches);
	for (size_t i = 0; i < benches.count; i++) {
		if (i)
			printf("\n");
		print_bench(results, benches.items[i]);
	}
}
