// SPDX-License-Identifier: Apache-2.0
#include "bench/results.h"
#include "base/json.h"
#include "base/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	JSON_DIGITS = 9, /* more than any clock here has, without the noise of binary fractions */
};
#define OUR_SYSTEM "lupine"

static const char *text_of(const char *text)
{
	return text ? text : "";
}

static bool key_matches(const struct result *result, const struct result_key *key)
{
	const struct {
		const char *have, *want;
	} pairs[] = {
		{result->variant, key->variant}, {result->system, key->system},
		{result->metric, key->metric},   {result->app, key->app},
		{result->bench, key->bench},     {result->unit, key->unit},
		{result->accel, key->accel},
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (strcmp(text_of(pairs[i].have), text_of(pairs[i].want)) != 0)
			return false;
	return !result->against;
}

static struct result *add_row(struct results *results, const struct result_key *key)
{
	results->items = xrealloc(results->items, results->count + 1, sizeof(*results->items));
	struct result *row = &results->items[results->count++];
	*row = (struct result){
		.bench = xstrdup(text_of(key->bench)),
		.system = xstrdup(text_of(key->system)),
		.app = xstrdup(text_of(key->app)),
		.variant = xstrdup(text_of(key->variant)),
		.metric = xstrdup(text_of(key->metric)),
		.unit = xstrdup(text_of(key->unit)),
		.accel = xstrdup(text_of(key->accel)),
		.value = key->value,
		.detail = key->detail,
	};
	return row;
}

static void add_run(struct result *row, double run)
{
	row->runs = xrealloc(row->runs, row->count + 1, sizeof(*row->runs));
	row->runs[row->count++] = run;
}

void results_add(struct results *results, const struct result_key *key, double run)
{
	struct result *row = NULL;

	for (size_t i = results->count; i > results->closed && !row; i--)
		if (key_matches(&results->items[i - 1], key))
			row = &results->items[i - 1];
	add_run(row ? row : add_row(results, key), run);
}

const struct result *results_find(const struct results *results, const struct result_key *key)
{
	for (size_t i = results->count; i > 0; i--)
		if (key_matches(&results->items[i - 1], key))
			return &results->items[i - 1];
	return NULL;
}

static int compare_numbers(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double result_quantile(const struct result *result, double fraction)
{
	_cleanup_free_ double *sorted = xcalloc(result->count, sizeof(*sorted));

	memcpy(sorted, result->runs, result->count * sizeof(*sorted));
	qsort(sorted, result->count, sizeof(*sorted), compare_numbers);
	double place = fraction * (double)(result->count - 1);
	size_t below = (size_t)place;
	if (below + 1 >= result->count)
		return sorted[result->count - 1];
	return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

double result_value(const struct result *result)
{
	return result_quantile(result, result->value == VALUE_MAXIMUM ? 1 : 0.5);
}

/* Whole numbers without a fraction, whatever their size. */
static json_t *number(double value)
{
	if (value == floor(value) && fabs(value) < 9007199254740992.0) /* 2^53: a double is exact */
		return json_integer((json_int_t)value);
	return json_real(value);
}

json_t *result_to_json(const struct result *result)
{
	json_t *object = json_object(), *all = json_array();
	const struct {
		const char *name, *value;
	} texts[] = {
		{"bench", result->bench},     {"system", result->system}, {"app", result->app},
		{"variant", result->variant}, {"metric", result->metric},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		json_object_set_new(object, texts[i].name, json_from_text(texts[i].value));
	json_object_set_new(object, "value", number(result_value(result)));
	json_object_set_new(object, "unit", json_from_text(result->unit));
	json_object_set_new(object, "accel", json_from_text(result->accel));
	if (result->against)
		json_object_set_new(object, "against", json_from_text(result->against));
	json_object_set_new(object, "runs", json_integer((json_int_t)result->count));
	json_object_set_new(object, "min", number(result_quantile(result, 0)));
	json_object_set_new(object, "median", number(result_quantile(result, 0.5)));
	json_object_set_new(object, "p90", number(result_quantile(result, 0.9)));
	json_object_set_new(object, "max", number(result_quantile(result, 1)));
	for (size_t i = 0; i < result->count; i++)
		json_array_append_new(all, number(result->runs[i]));
	json_object_set_new(object, "all", all);
	return object;
}

static void print_row(const struct result *row)
{
	_cleanup_json_ json_t *object = result_to_json(row);
	_cleanup_free_ char *text = json_dumps(object, JSON_REAL_PRECISION(JSON_DIGITS));

	progress_clear();
	puts(text ? text : "null");
	/* Whoever reads a pipe gets it now; main looks whether stdout took everything. */
	fflush(stdout);
}

/* `ours` and `theirs` are indexes: the rows move when one is added. */
static void add_ratio(struct results *results, size_t ours, size_t theirs)
{
	const struct result *left = &results->items[ours], *right = &results->items[theirs];
	const struct result_key key = {
		.bench = left->bench,
		.system = left->system,
		.app = left->app,
		.variant = left->variant,
		.metric = left->metric,
		.unit = "ratio",
		.accel = left->accel,
	};

	if (left->count != right->count)
		return;
	for (size_t i = 0; i < right->count; i++)
		if (!(right->runs[i] > 0))
			return;
	struct result *row = add_row(results, &key);
	left = &results->items[ours];
	right = &results->items[theirs];
	row->against = xstrdup(right->system);
	for (size_t i = 0; i < left->count; i++)
		add_run(row, left->runs[i] / right->runs[i]);
}

/* Whether they are the same figure of two systems. */
static bool comparable(const struct result *left, const struct result *right)
{
	const struct result_key key = {
		.bench = left->bench,
		.system = right->system,
		.app = left->app,
		.variant = left->variant,
		.metric = left->metric,
		.unit = left->unit,
		.accel = left->accel,
	};

	return strcmp(left->system, right->system) != 0 && key_matches(right, &key);
}

static void add_ratios(struct results *results)
{
	size_t end = results->count;

	for (size_t ours = results->closed; ours < end; ours++) {
		if (results->items[ours].detail || strcmp(results->items[ours].system, OUR_SYSTEM) != 0)
			continue;
		for (size_t theirs = results->closed; theirs < end; theirs++)
			if (comparable(&results->items[ours], &results->items[theirs]))
				add_ratio(results, ours, theirs);
	}
}

static char *command_of(const struct results *results, const struct result *row)
{
	_cleanup_buf_ struct buf text = {0};

	buf_printf(&text, "lupine bench %s", row->bench);
	if (*row->app)
		buf_printf(&text, " --app %s", row->app);
	if (*row->accel)
		buf_printf(&text, " --accel %s --runs %zu", row->accel, row->count);
	if (results->options)
		buf_puts(&text, results->options);
	return buf_steal(&text);
}

void results_close(struct results *results)
{
	add_ratios(results);
	for (; results->closed < results->count; results->closed++) {
		struct result *row = &results->items[results->closed];
		row->command = command_of(results, row);
		if (results->json)
			print_row(row);
	}
}

void results_free(struct results *results)
{
	for (size_t i = 0; i < results->count; i++) {
		struct result *row = &results->items[i];
		char *const texts[] = {row->bench, row->system, row->app,     row->variant, row->metric,
							   row->unit,  row->accel,  row->against, row->command};
		for (size_t text = 0; text < ARRAY_SIZE(texts); text++)
			free(texts[text]);
		free(row->runs);
	}
	free(results->items);
	free(results->options);
	*results = (struct results){0};
}
