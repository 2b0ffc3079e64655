// SPDX-License-Identifier: Apache-2.0
#include "bench/suite.h"
#include "base/json.h"
#include "base/paths.h"
#include "image/image.h"

#include <errno.h>
#include <string.h>

enum { SUITE_SECONDS = 900 };

struct test {
	char *name;
	int64_t count, ticks; /* of calls, and of the time stamp counter in all of them */
	double seconds;
};

static void test_free(struct test *test)
{
	free(test->name);
}

static int read_test(const char *line, size_t length, struct test *ret, struct error *err)
{
	static const char name[] = "the suite's line";
	_cleanup_json_ json_t *object = NULL;
	const json_t *seconds;

	if (json_parse(line, length, name, &object, err) < 0 ||
		json_get_string(object, name, "test", JSON_REQUIRED, &ret->name, err) < 0 ||
		json_get_integer(object, name, "count", JSON_REQUIRED, 1, INT64_MAX, &ret->count, err) <
			0 ||
		json_get_integer(object, name, "ticks", JSON_REQUIRED, 0, INT64_MAX, &ret->ticks, err) < 0)
		return -err->code;
	seconds = json_object_get(object, "seconds");
	if (!json_is_number(seconds) || json_number_value(seconds) < 0)
		return error_set(err, EINVAL, "%s: \"seconds\" is not a number", name);
	ret->seconds = json_number_value(seconds);
	return 0;
}

static void add_test(struct bench *bench, const struct suite *suite, const struct test *test)
{
	bool counts = bench_counts(suite->accel);
	_cleanup_free_ char *variant = xasprintf("%s%s", test->name, suite->suffix);
	const struct result_key key = {
		.bench = suite->bench,
		.system = suite->system->name,
		.app = suite->app,
		.variant = variant,
		.metric = counts ? "instructions" : "wall",
		.unit = counts ? "instructions" : "ns",
		.accel = suite->accel,
	};

	results_add(&bench->results, &key,
				(counts ? (double)test->ticks : test->seconds * 1e9) / (double)test->count);
}

int suite_add(struct bench *bench, const struct suite *suite, const char *output, struct error *err)
{
	size_t lines = 0;

	for (size_t length; *output; output += length + (output[length] == '\n'), lines++) {
		_cleanup_(test_free) struct test test = {0};
		length = strcspn(output, "\n");
		if (read_test(output, length, &test, err) < 0)
			return -err->code;
		if (bench_wants_of(bench, suite->tests, test.name))
			add_test(bench, suite, &test);
	}
	return lines ? 0 : error_set(err, EINVAL, "%s printed nothing", suite->program);
}

int suite_run(struct bench *bench, const struct suite *suite, struct error *err)
{
	const struct image_options options = {0};
	_cleanup_guest_run_ struct guest_run run = {0};
	_cleanup_image_ struct image *image = NULL;
	_cleanup_strings_ struct strings argv = {0};
	_cleanup_free_ char *name = xasprintf("guest/bench/%s", suite->program), *path = NULL;

	if (path_data(name, &path, err) < 0 || image_open(path, &options, &image, err) < 0)
		return -err->code;
	strings_extend(&argv, &image->config.entrypoint);
	strings_extend(&argv, &image->config.cmd);
	if (suite->words)
		strings_extend(&argv, suite->words);
	const struct guest_request request = {
		.system = suite->system,
		.tree = image->tree,
		.argv = &argv,
		.accel = suite->accel,
		.disk = !bench_counts(suite->accel),
		.memory = suite->memory,
		.cpus = suite->cpus,
		.timeout = SUITE_SECONDS,
		.processor = -1,
	};
	if (bench_guest(&request, &run, err) < 0)
		return -err->code;
	return suite_add(bench, suite, run.output, err);
}
