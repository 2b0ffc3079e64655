// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"
#include "base/files.h"
#include "base/json.h"

#include <string.h>

enum { JSON_DIGITS = 9 };

static int write_text(const char *directory, const char *name, const struct buf *text,
					  struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);

	return file_write_atomic(path, text->data ? text->data : "", text->length, 0644, err);
}

static int write_results(const struct bench *bench, const char *directory, struct error *err)
{
	_cleanup_buf_ struct buf lines = {0};

	for (size_t i = 0; i < bench->results.count; i++) {
		_cleanup_json_ json_t *object = result_to_json(&bench->results.items[i]);
		_cleanup_free_ char *text = json_dumps(object, JSON_REAL_PRECISION(JSON_DIGITS));
		buf_printf(&lines, "%s\n", text ? text : "null");
	}
	return write_text(directory, "results.jsonl", &lines, err);
}

/* Markup in a cell would end it. */
static void add_cell(struct buf *ret, const char *text)
{
	buf_puts(ret, " ");
	for (; *text; text++)
		if (strchr("|<>*_`\\", *text))
			buf_printf(ret, "\\%c", *text);
		else
			buf_append(ret, text, 1);
	buf_puts(ret, " |");
}

static void add_table(const struct results_table *table, struct buf *ret)
{
	const struct strings *cells = &table->table.cells;
	size_t columns = table->table.columns;

	if (table->title)
		buf_printf(ret, "\n%s:\n", table->title);
	buf_puts(ret, "\n");
	for (size_t i = 0; i < cells->count; i++) {
		if (i % columns == 0)
			buf_puts(ret, "|");
		add_cell(ret, cells->items[i]);
		if (i % columns == columns - 1)
			buf_puts(ret, "\n");
		if (i != columns - 1)
			continue;
		buf_puts(ret, "|");
		for (size_t column = 0; column < columns; column++)
			buf_puts(ret, column < table->labels ? "---|" : "--:|");
		buf_puts(ret, "\n");
	}
}

/* The commands that repeat a bench's figures, each once. */
static void add_commands(const struct results *results, const char *name, struct buf *ret)
{
	_cleanup_strings_ struct strings commands = {0};

	for (size_t i = 0; i < results->count; i++) {
		const struct result *row = &results->items[i];
		if (strcmp(row->bench, name) == 0 && row->command &&
			!strings_contain(&commands, row->command))
			strings_add(&commands, row->command);
	}
	buf_puts(ret, "\nThese repeat it:\n\n```\n");
	for (size_t i = 0; i < commands.count; i++)
		buf_printf(ret, "%s\n", commands.items[i]);
	buf_puts(ret, "```\n");
}

static int add_bench(const struct bench *bench, const char *name, const char *directory,
					 struct buf *ret, struct error *err)
{
	_cleanup_(results_tables_free) struct results_tables tables = {0};
	_cleanup_(report_charts_free) struct report_charts charts = {0};
	const char *summary = NULL;

	for (size_t i = 0; bench_kinds[i]; i++)
		if (strcmp(bench_kinds[i]->name, name) == 0)
			summary = bench_kinds[i]->summary;
	buf_printf(ret, "\n## %s\n\n%s.\n", name, summary ? summary : name);
	report_make_charts(bench, name, &charts);
	for (size_t i = 0; i < charts.count; i++) {
		if (write_text(directory, charts.items[i].file, &charts.items[i].svg, err) < 0)
			return -err->code;
		buf_printf(ret, "\n![%s](%s)\n", charts.items[i].alternative, charts.items[i].file);
	}
	results_make_tables(&bench->results, name, &tables);
	for (size_t i = 0; i < tables.count; i++)
		add_table(&tables.items[i], ret);
	add_commands(&bench->results, name, ret);
	return 0;
}

static void add_failures(const struct bench *bench, struct buf *ret)
{
	if (!bench->failures.count)
		return;
	buf_puts(ret, "\n## What could not be measured\n\n");
	for (size_t i = 0; i < bench->failures.count; i++)
		buf_printf(ret, "- %s\n", bench->failures.items[i]);
}

/* Each file is replaced in one step, and the page last, so that a page that is there has all its
 * charts. */
int bench_report(const struct bench *bench, const char *directory, struct error *err)
{
	_cleanup_buf_ struct buf page = {0};
	_cleanup_strings_ struct strings benches = {0};

	if (directory_make(directory, err) < 0 || write_results(bench, directory, err) < 0)
		return error_wrap(err, "the report");
	buf_puts(&page,
			 "# Measurements\n\nFigures are medians, or where more is worse and every run has to "
			 "do, the worst; (LEAST to GREATEST) are all runs. Ratios are of pairs of runs, made "
			 "in turns. Instructions are counted by an emulator that takes a nanosecond for each "
			 "(tcg-icount). All figures with every run are in "
			 "[results.jsonl](results.jsonl).\n\n");
	report_facts(bench, &page);
	results_benches(&bench->results, &benches);
	for (size_t i = 0; i < benches.count; i++)
		if (add_bench(bench, benches.items[i], directory, &page, err) < 0)
			return error_wrap(err, "the report");
	add_failures(bench, &page);
	if (write_text(directory, "report.md", &page, err) < 0)
		return error_wrap(err, "the report");
	return 0;
}
