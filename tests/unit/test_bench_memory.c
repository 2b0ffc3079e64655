// SPDX-License-Identifier: Apache-2.0
#include "bench/loads.h"
#include "bench/memory_probe.h"
#include "bench/memory_search.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SIZES = 4096 };

/* A machine that works from `least` MiB on. */
struct machine_model {
	uint64_t least;
	uint64_t impossible; /* a size that cannot be tried, or 0 */
	unsigned tries;
	signed char seen[SIZES]; /* 1: worked, -1: did not */
};

static int model_works(void *data, uint64_t mib, struct error *err)
{
	struct machine_model *model = data;

	assert_in_range(mib, 1, SIZES - 1);
	model->tries++;
	if (mib == model->impossible)
		return error_set(err, EMFILE, "no more descriptors");
	model->seen[mib] = mib >= model->least ? 1 : -1;
	return mib >= model->least;
}

static void test_every_least_size_is_found(void **state)
{
	(void)state;
	static const uint64_t greatest[] = {1, 2, 3, 31, 256, 1000};

	for (size_t i = 0; i < ARRAY_SIZE(greatest); i++) {
		for (uint64_t least = 1; least <= greatest[i]; least++) {
			_cleanup_error_ struct error err = {0};
			struct machine_model model = {.least = least};
			uint64_t found = 0;
			assert_int_equal(memory_search(model_works, &model, greatest[i], 0, &found, &err), 0);
			assert_int_equal(found, least);
			/* Both sides of the border were really tried. */
			assert_true(found == greatest[i] || model.seen[found] == 1);
			assert_true(found == 1 || model.seen[found - 1] == -1);
			assert_in_range(model.tries, 0, 10);
		}
	}
}

static void test_a_hint_saves_tries_and_changes_nothing(void **state)
{
	(void)state;
	enum { GREATEST = 256 };

	for (uint64_t least = 1; least <= GREATEST; least++) {
		for (uint64_t hint = 0; hint <= GREATEST + 5; hint++) {
			_cleanup_error_ struct error err = {0};
			struct machine_model model = {.least = least};
			uint64_t found = 0;
			assert_int_equal(memory_search(model_works, &model, GREATEST, hint, &found, &err), 0);
			assert_int_equal(found, least);
			assert_true(found == GREATEST || model.seen[found] == 1);
			assert_true(found == 1 || model.seen[found - 1] == -1);
			assert_in_range(model.tries, 0, hint == least && hint < GREATEST ? 2 : 17);
		}
	}
}

static void test_what_cannot_be_tried_is_an_error(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	struct machine_model model = {.least = 30, .impossible = 64};
	uint64_t found = 7;

	assert_int_equal(memory_search(model_works, &model, 128, 0, &found, &err), -EMFILE);
	assert_int_equal(memory_search(model_works, &model, 128, 63, &found, &err), 0);
	assert_int_equal(found, 30);
	model.impossible = 29;
	found = 7;
	assert_int_equal(memory_search(model_works, &model, 128, 30, &found, &err), -EMFILE);
	assert_int_equal(found, 7);
}

/* The word alone proves nothing: see tests/system/bench.bats for the same with a real machine. */
static void test_what_counts_as_working(void **state)
{
	(void)state;
	const struct app app = {.output = (char *)"ready"};
	const struct guest_run well = {
		.status = {.end = END_APPLICATION}, .output = (char *)"ready\n", .log = (char *)"ready\n"};
	struct guest_run run = well;

	assert_true(memory_ran_well(&app, &run));
	run.status.exit_code = 137; /* it said the word and was killed */
	assert_false(memory_ran_well(&app, &run));
	run = well;
	run.status.end = END_PANIC;
	assert_false(memory_ran_well(&app, &run));
	run = well;
	run.status.end = END_NOT_STARTED;
	assert_false(memory_ran_well(&app, &run));
	run = well;
	run.timed_out = true;
	assert_false(memory_ran_well(&app, &run));
	run = well;
	run.output = (char *)"";
	assert_false(memory_ran_well(&app, &run));
	run.output = (char *)"rea";
	assert_false(memory_ran_well(&app, &run));
	run.output = (char *)"ready";
	assert_false(memory_ran_well(&app, &run));
	run.output = (char *)"ready\nand more\n";
	assert_false(memory_ran_well(&app, &run));
	run.output = (char *)"ready\nticks 5 6\n";
	assert_true(memory_ran_well(&app, &run));
	run.output = (char *)"ready\nticks 5 6";
	assert_false(memory_ran_well(&app, &run));
	run.output = (char *)"ready\nticks 5 6\nmore\n";
	assert_false(memory_ran_well(&app, &run));
}

static void test_the_load_s_figures(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	struct load_result result;

	assert_int_equal(
		load_parse(
			"load: a word\n{\"requests\":100,\"errors\":0,\"seconds\":0.25,\"ticks\":250000000,"
			"\"p50_ns\":2,\"p90_ns\":3,\"p99_ns\":4,\"max_ns\":5,\"ready_ticks\":77}\n",
			&result, &err),
		0);
	assert_int_equal(result.requests, 100);
	assert_true(result.seconds == 0.25);
	assert_int_equal(result.ticks, 250000000);
	assert_int_equal(result.ready_ticks, 77);
	assert_true(result.latencies && result.p50 == 2 && result.p99 == 4 && result.max == 5);
	/* A client such as pgbench does not tell its latencies. */
	assert_int_equal(
		load_parse("{\"requests\":1,\"errors\":0,\"seconds\":1,\"ticks\":1,\"p50_ns\":null,"
				   "\"p99_ns\":null,\"max_ns\":null,\"ready_ticks\":1}",
				   &result, &err),
		0);
	assert_false(result.latencies);
}

static void test_what_are_no_figures(void **state)
{
	(void)state;
	static const struct {
		const char *output, *message;
	} cases[] = {
		{"",
		 "the load's figures: not valid JSON: line 1, column 0: '[' or '{' expected near end of "
		 "file"},
		{"{}", "the load's figures: \"requests\" is missing"},
		{"{\"requests\":0}", "the load's figures: \"requests\" is 0, not between 1 and "
							 "9223372036854775807"},
		{"{\"requests\":9,\"errors\":1}",
		 "the load's figures: \"errors\" is 1, not between 0 and 0"},
		{"{\"requests\":9,\"errors\":0,\"ticks\":5,\"ready_ticks\":6,\"seconds\":0}",
		 "the load's figures: \"seconds\" is not a number above 0"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct error err = {0};
		struct load_result result = {.requests = 42};
		assert_int_equal(load_parse(cases[i].output, &result, &err), -EINVAL);
		if (*cases[i].output)
			assert_string_equal(err.message, cases[i].message);
		assert_int_equal(result.requests, 42);
	}
}

static void test_the_words_for_a_guest(void **state)
{
	(void)state;
	_cleanup_strings_ struct strings args = {0}, server = {0}, argv = {0};
	static const char *const expected[] = {
		"/bench/load", "exec",    "--requests", "50",      "--wait",   "9",  "--port", "5432",
		"--",          "pgbench", "-n",         "--serve", "postgres", "-D", "/data",
	};

	strings_add(&args, "exec");
	strings_add(&args, "--port");
	strings_add(&args, "5432");
	strings_add(&args, "--");
	strings_add(&args, "pgbench");
	strings_add(&args, "-n");
	strings_add(&server, "postgres");
	strings_add(&server, "-D");
	strings_add(&server, "/data");
	load_in_guest(&args, 50, 9, &server, &argv);
	assert_int_equal(argv.count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_string_equal(argv.items[i], expected[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_least_size_is_found),
		cmocka_unit_test(test_a_hint_saves_tries_and_changes_nothing),
		cmocka_unit_test(test_what_cannot_be_tried_is_an_error),
		cmocka_unit_test(test_what_counts_as_working),
		cmocka_unit_test(test_the_load_s_figures),
		cmocka_unit_test(test_what_are_no_figures),
		cmocka_unit_test(test_the_words_for_a_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
