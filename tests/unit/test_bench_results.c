// SPDX-License-Identifier: Apache-2.0
/* Rows of figures: what stands for their runs, ratios, and how they are told. */
#include "base/json.h"
#include "bench/suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct result_key key_of(const char *system, const char *variant, const char *metric)
{
	return (struct result_key){
		.bench = "boot",
		.system = system,
		.app = "hello",
		.variant = variant,
		.metric = metric,
		.unit = "s",
		.accel = "tcg",
	};
}

static void add(struct results *results, const char *system, const double *runs, size_t count)
{
	const struct result_key key = key_of(system, "total", "wall");

	for (size_t i = 0; i < count; i++)
		results_add(results, &key, runs[i]);
}

static const struct result *ratio_to(const struct results *results, const char *against)
{
	for (size_t i = 0; i < results->count; i++)
		if (results->items[i].against && strcmp(results->items[i].against, against) == 0)
			return &results->items[i];
	return NULL;
}

static void quantiles(void **state)
{
	double runs[] = {5, 1, 4, 2, 3};
	const struct result five = {.runs = runs, .count = 5}, two = {.runs = runs, .count = 2},
						one = {.runs = runs, .count = 1},
						worst = {.runs = runs, .count = 5, .value = VALUE_MAXIMUM};

	(void)state;
	assert_float_equal(result_quantile(&five, 0), 1, 0);
	assert_float_equal(result_quantile(&five, 0.5), 3, 0);
	assert_float_equal(result_quantile(&five, 0.9), 4.6, 1e-9);
	assert_float_equal(result_quantile(&five, 1), 5, 0);
	assert_float_equal(result_quantile(&two, 0.5), 3, 0);
	assert_float_equal(result_quantile(&one, 0.9), 5, 0);
	assert_float_equal(result_value(&five), 3, 0);
	assert_float_equal(result_value(&worst), 5, 0);
	/* The runs stay in the order in which they were made. */
	assert_float_equal(runs[0], 5, 0);
}

static void runs_of_a_key_make_a_row(void **state)
{
	static const double first[] = {1, 2}, second[] = {3};
	_cleanup_(results_free) struct results results = {0};

	(void)state;
	add(&results, "lupine", first, 2);
	add(&results, "microvm", first, 2);
	add(&results, "lupine", second, 1);
	assert_int_equal(results.count, 2);
	assert_int_equal(results.items[0].count, 3);
	assert_float_equal(results.items[0].runs[2], 3, 0);
	/* One that was printed gets no more runs. */
	results_close(&results);
	add(&results, "lupine", second, 1);
	const struct result_key key = key_of("lupine", "total", "wall");
	const struct result *last = results_find(&results, &key);
	assert_non_null(last);
	assert_int_equal(last->count, 1);
	const struct result_key other = key_of("lupine", "kernel", "wall");
	assert_null(results_find(&results, &other));
}

/* The i-th run over the i-th run: the ratio of the medians would be 1. */
static void ratios_are_of_pairs(void **state)
{
	static const double ours[] = {1, 2, 6}, theirs[] = {2, 1, 3};
	_cleanup_(results_free) struct results results = {0};

	(void)state;
	add(&results, "lupine", ours, 3);
	add(&results, "microvm", theirs, 3);
	results_close(&results);
	const struct result *ratio = ratio_to(&results, "microvm");
	assert_non_null(ratio);
	assert_string_equal(ratio->system, "lupine");
	assert_string_equal(ratio->metric, "wall");
	assert_string_equal(ratio->unit, "ratio");
	assert_int_equal(ratio->count, 3);
	assert_float_equal(ratio->runs[0], 0.5, 0);
	assert_float_equal(ratio->runs[1], 2, 0);
	assert_float_equal(ratio->runs[2], 2, 0);
	assert_float_equal(result_value(ratio), 2, 0);
	/* None is made twice. */
	size_t count = results.count;
	results_close(&results);
	assert_int_equal(results.count, count);
}

static void what_has_no_ratio(void **state)
{
	static const double two[] = {1, 2}, three[] = {1, 2, 3}, zero[] = {0, 1};
	_cleanup_(results_free) struct results results = {0};

	(void)state;
	add(&results, "lupine", two, 2);
	add(&results, "failed-once", three, 3);
	add(&results, "zero", zero, 2);
	struct result_key part = key_of("lupine", "inet_init", "initcall");
	part.detail = true;
	results_add(&results, &part, 1);
	part.system = "good";
	results_add(&results, &part, 2);
	add(&results, "good", two, 2);
	results_close(&results);
	assert_null(ratio_to(&results, "failed-once"));
	assert_null(ratio_to(&results, "zero"));
	assert_null(ratio_to(&results, "lupine"));
	const struct result *ratio = ratio_to(&results, "good");
	assert_non_null(ratio);
	assert_string_equal(ratio->variant, "total");
	assert_int_equal(results.count, 3 + 2 + 1 + 1);
}

static void as_json(void **state)
{
	double runs[] = {3, 1, 2.5};
	const struct result row = {
		.bench = (char *)"boot",
		.system = (char *)"lupine",
		.app = (char *)"hello",
		.variant = (char *)"",
		.metric = (char *)"wall",
		.unit = (char *)"s",
		.accel = (char *)"tcg",
		.runs = runs,
		.count = 3,
	};
	_cleanup_json_ json_t *object = result_to_json(&row);
	_cleanup_free_ char *text = json_dumps(object, JSON_REAL_PRECISION(9));

	(void)state;
	assert_string_equal(
		text, "{\"bench\": \"boot\", \"system\": \"lupine\", \"app\": \"hello\", \"variant\": "
			  "\"\", \"metric\": \"wall\", \"value\": 2.5, \"unit\": \"s\", \"accel\": \"tcg\", "
			  "\"runs\": 3, \"min\": 1, \"median\": 2.5, \"p90\": 2.9, \"max\": 3, \"all\": [3, "
			  "1, 2.5]}");
}

/* What counts of instructions come to must not lose a digit. */
static void large_whole_numbers(void **state)
{
	double runs[] = {123456789012.0};
	const struct result row = {.bench = (char *)"",
							   .system = (char *)"",
							   .app = (char *)"",
							   .variant = (char *)"",
							   .metric = (char *)"",
							   .unit = (char *)"",
							   .accel = (char *)"",
							   .runs = runs,
							   .count = 1};
	_cleanup_json_ json_t *object = result_to_json(&row);

	(void)state;
	assert_true(json_is_integer(json_object_get(object, "value")));
	assert_int_equal(json_integer_value(json_object_get(object, "value")), 123456789012);
}

static void for_people(void **state)
{
	static const struct {
		double value;
		const char *unit, *text;
	} cases[] = {
		{15938355.2, "bytes", "15.2 MiB"},
		{593, "options", "593"},
		{32200000, "instructions", "32.2 M"},
		{215.002, "instructions", "215"},
		{1234567890, "instructions", "1.235 G"},
		{0.4351, "ratio", "0.435"},
		{0.25, "s", "0.25 s"},
		{27, "MiB", "27 MiB"},
		{41000, "instructions", "41000"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[32];
		result_format(cases[i].value, cases[i].unit, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void commands_that_repeat(void **state)
{
	static const double runs[] = {1, 2};
	_cleanup_(results_free) struct results results = {
		.options = xstrdup(" --baseline 'stock=a b.config'")};

	(void)state;
	add(&results, "lupine", runs, 2);
	results_close(&results);
	assert_string_equal(results.items[0].command,
						"lupine bench boot --app hello --accel tcg --runs 2 --baseline "
						"'stock=a b.config'");
}

static void only(void **state)
{
	static const char *const kinds[] = {"processes", "threads", NULL};
	static const char *const tests[] = {"null", "pipe", NULL};
	_cleanup_bench_ struct bench bench = {0};

	(void)state;
	assert_true(bench_wants(&bench, "null"));
	assert_true(bench_wants_of(&bench, kinds, "threads"));
	strings_add(&bench.only, "threads");
	assert_false(bench_wants(&bench, "null"));
	/* It says nothing of the other group. */
	assert_true(bench_wants_of(&bench, tests, "null"));
	assert_true(bench_wants_of(&bench, kinds, "threads"));
	assert_false(bench_wants_of(&bench, kinds, "processes"));
	strings_add(&bench.only, "pipe");
	assert_false(bench_wants_of(&bench, tests, "null"));
	assert_true(bench_wants_of(&bench, tests, "pipe"));
}

static void lines_of_a_suite(void **state)
{
	static const char output[] =
		"{\"test\":\"null\",\"count\":1000,\"ticks\":215002,\"seconds\":0.0002}\n"
		"{\"test\":\"pipe\",\"count\":10,\"ticks\":50,\"seconds\":1,\"batches\":5}\n";
	const struct bench_system system = {.name = (char *)"lupine"};
	struct suite suite = {.system = &system,
						  .program = "syscall-dynamic",
						  .accel = "tcg-icount",
						  .bench = "syscall",
						  .suffix = "-dynamic"};
	_cleanup_bench_ struct bench bench = {0};
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_int_equal(suite_add(&bench, &suite, output, &err), 0);
	suite.accel = "tcg";
	strings_add(&bench.only, "null");
	assert_int_equal(suite_add(&bench, &suite, output, &err), 0);
	assert_int_equal(bench.results.count, 3);
	const struct result *row = bench.results.items;
	assert_string_equal(row[0].variant, "null-dynamic");
	assert_string_equal(row[0].metric, "instructions");
	assert_float_equal(row[0].runs[0], 215.002, 1e-9);
	assert_string_equal(row[1].variant, "pipe-dynamic");
	assert_string_equal(row[2].variant, "null-dynamic");
	assert_string_equal(row[2].metric, "wall");
	assert_string_equal(row[2].unit, "ns");
	assert_float_equal(row[2].runs[0], 200, 1e-9);
}

static void bad_lines_of_a_suite(void **state)
{
	static const char *const outputs[] = {
		"",
		"\n",
		"null 5\n",
		"{\"test\":\"null\",\"count\":0,\"ticks\":1,\"seconds\":1}\n",
		"{\"test\":\"null\",\"count\":1,\"ticks\":-1,\"seconds\":1}\n",
		"{\"test\":\"null\",\"count\":1,\"ticks\":1,\"seconds\":\"1\"}\n",
		"{\"test\":\"null\",\"count\":1,\"ticks\":1}\n",
		"{\"count\":1,\"ticks\":1,\"seconds\":1}\n",
		"{\"test\":\"null\",\"count\":1,\"ticks\":1,\"seconds\":1}\n{\"test\":\"pi",
	};
	const struct bench_system system = {.name = (char *)"lupine"};
	const struct suite suite = {.system = &system,
								.program = "syscall-static",
								.accel = "tcg",
								.bench = "syscall",
								.suffix = ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(outputs); i++) {
		_cleanup_bench_ struct bench bench = {0};
		_cleanup_error_ struct error err = {0};
		if (suite_add(&bench, &suite, outputs[i], &err) == 0)
			fail_msg("\"%s\" was taken", outputs[i]);
	}
}

static void names_of_systems(void **state)
{
	static const struct {
		const char *text, *message;
	} wrong[] = {
		{"", "option --baseline: \"\" is not NAME=WHAT"},
		{"microvm", "option --baseline: \"microvm\" is not NAME=WHAT"},
		{"microvm=", "option --baseline: \"microvm=\" is not NAME=WHAT"},
		{"a b=c", "option --baseline: \"a b=c\" is not NAME=WHAT"},
		{"=c", "option --baseline: \"=c\" is not NAME=WHAT"},
		{"lupine=c", "option --baseline: the name lupine is that of our own kernel"},
	};
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *name = NULL;
	const char *what;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_true(bench_system_name("--baseline", wrong[i].text, &name, &what, &err) < 0);
		assert_string_equal(err.message, wrong[i].message);
		assert_null(name);
	}
	assert_int_equal(
		bench_system_name("--baseline", "debian-cloud=x.deb,append=a=b", &name, &what, &err), 0);
	assert_string_equal(name, "debian-cloud");
	assert_string_equal(what, "x.deb,append=a=b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles),
		cmocka_unit_test(runs_of_a_key_make_a_row),
		cmocka_unit_test(ratios_are_of_pairs),
		cmocka_unit_test(what_has_no_ratio),
		cmocka_unit_test(as_json),
		cmocka_unit_test(large_whole_numbers),
		cmocka_unit_test(for_people),
		cmocka_unit_test(commands_that_repeat),
		cmocka_unit_test(only),
		cmocka_unit_test(lines_of_a_suite),
		cmocka_unit_test(bad_lines_of_a_suite),
		cmocka_unit_test(names_of_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
