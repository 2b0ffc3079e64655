// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "base/json.h"
#include "bench/bench.h"
#include "bench/report.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char directory[] = "/tmp/lupine-report-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	/* The accelerator's probe is remembered in the cache. */
	return mkdtemp(directory) && setenv("LUPINE_HOME", directory, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	return directory_remove(directory, &err);
}

/* Our kernel and a baseline; of either a configuration, whose digest is in the page. */
static void add_systems(struct bench *bench)
{
	static const char *const names[] = {"lupine", "micro|vm"};
	_cleanup_error_ struct error err = {0};

	bench->systems = xcalloc(2, sizeof(*bench->systems));
	bench->system_count = 2;
	for (size_t i = 0; i < 2; i++) {
		struct kernel *kernel = xcalloc(1, sizeof(*kernel));
		kernel->id = xstrdup("0123456789abcdef0123456789abcdef");
		kernel->release = xstrdup("6.12.1-test");
		kernel->config = xasprintf("%s/config%zu", directory, i);
		assert_int_equal(file_write_atomic(kernel->config, "abc", i ? 3 : 0, 0644, &err), 0);
		bench->systems[i] = (struct bench_system){.name = xstrdup(names[i]), .kernel = kernel};
	}
}

static void add(struct bench *bench, const char *name, const char *app, const char *variant,
				const char *metric, double ours, double theirs)
{
	for (unsigned run = 0; run < 3; run++) {
		for (size_t i = 0; i < 2; i++) {
			const struct result_key key = {.bench = name,
										   .system = bench->systems[i].name,
										   .app = app,
										   .variant = variant,
										   .metric = metric,
										   .unit = "x",
										   .accel = "tcg"};
			results_add(&bench->results, &key, (i ? theirs : ours) * (1 + run / 10.0));
		}
	}
}

static void add_figures(struct bench *bench)
{
	add(bench, "size", "", "", "compressed", 2 << 20, 8 << 20);
	add(bench, "size", "", "", "loaded", 10 << 20, 40 << 20);
	add(bench, "boot", "hello", "total", "wall", 0.5, 2);
	add(bench, "boot", "hello", "kernel", "wall", 0.25, 1);
	add(bench, "boot", "hello", "first-output", "instructions", 28e6, 90e6);
	add(bench, "memory", "hello", "", "least", 29, 42);
	add(bench, "memory", "redis", "one", "pss", 60, 90);
	add(bench, "syscall", "", "null", "instructions", 40, 400);
	add(bench, "syscall", "", "fork", "instructions", 40000, 60000);
	add(bench, "syscall", "", "fork-dynamic", "instructions", 50000, 70000);
	add(bench, "app", "redis", "network/get", "rps", 3000, 2000);
	add(bench, "app", "redis", "loopback/get", "instructions_per_request", 20000, 30000);
	for (unsigned count = 1; count <= 1024; count *= 4) {
		_cleanup_free_ char *variant = xasprintf("null/threads/%u", count);
		add(bench, "degrade", "degrade", variant, "instructions", 100 + count, 200 + count);
	}
	results_close(&bench->results);
}

/* A file of the report. */
static char *read_report(const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/report/%s", directory, name);
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf text = {0};

	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text, &err), 0);
	return buf_steal(&text);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void test_the_page_has_all_that_figures_depend_on(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_bench_ struct bench bench = {0};
	_cleanup_free_ char *path = xasprintf("%s/report", directory);
	static const char *const parts[] = {
		"| processor | ",
		"| host kernel | ",
		"| accelerator | ",
		"| lupine | " LUPINE_VERSION " |",
		"| qemu | QEMU emulator version",
		"| gcc | gcc ",
		/* SHA-256 of nothing, and of "abc" (FIPS 180-2, appendix B.1). */
		"| lupine | 6.12.1-test | `0123456789ab` | "
		"`sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855` | - | - |",
		"`sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad`",
		"\n## boot\n",
		"](boot.svg)",
		"lupine bench boot --app hello --accel tcg --runs 3 --baseline x",
		"## What could not be measured\n\n- redis: it hangs\n",
	};

	add_systems(&bench);
	bench.results.options = xstrdup(" --baseline x");
	strings_add(&bench.failures, "redis: it hangs");
	add_figures(&bench);
	assert_int_equal(bench_report(&bench, path, &err), 0);
	_cleanup_free_ char *page = read_report("report.md");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_has(page, parts[i]);
	assert_has(page, "micro\\|vm");

	/* Every run of every row, and every chart that the page shows. */
	_cleanup_free_ char *lines = read_report("results.jsonl");
	size_t count = 0;
	for (char *line = lines; *line; line = strchr(line, '\n') + 1, count++) {
		_cleanup_json_ json_t *row = NULL;
		assert_int_equal(json_parse(line, strcspn(line, "\n"), "row", &row, &err), 0);
		assert_int_equal(json_array_size(json_object_get(row, "all")), 3);
	}
	assert_int_equal(count, bench.results.count);
	size_t charts = 0;
	for (const char *link = page; (link = strstr(link, ".svg)")); link++, charts++) {
		const char *start = link;
		while (start[-1] != '(')
			start--;
		_cleanup_free_ char *name = xstrndup(start, (size_t)(link - start) + strlen(".svg"));
		_cleanup_free_ char *svg = read_report(name);
		assert_true(starts_with(svg, "<svg ") && ends_with(svg, "</svg>\n"));
	}
	assert_int_equal(charts, 9);

	/* A second report takes the first one's place. */
	assert_int_equal(bench_report(&bench, path, &err), 0);
}

static void test_what_charts_show(void **state)
{
	(void)state;
	_cleanup_bench_ struct bench bench = {0};
	_cleanup_(report_charts_free) struct report_charts charts = {0};
	static const struct {
		const char *bench, *file, *point;
	} cases[] = {
		{"size", "size.svg", "<title>lupine, compressed: 2.2 (2 to 2.4)</title>"},
		{"boot", "boot.svg", "<title>lupine, hello: 0.55 (0.5 to 0.6)</title>"},
		{"boot", "boot-instructions.svg", "<title>lupine, hello: 30.8 (28 to 33.6)</title>"},
		{"memory", "memory-cost.svg", "<title>lupine, redis one: 66 (60 to 72)</title>"},
		{"syscall", "syscall-instructions.svg", "<title>lupine, null: 44 (40 to 48)</title>"},
		/* Pair by pair all ratios are the same, though the runs are not. */
		{"app", "app-network.svg", "<title>lupine, redis get: 1.5</title>"},
		{"degrade", "degrade-null-threads.svg", "<title>lupine, 256: 392 (356 to 427)</title>"},
	};

	add_systems(&bench);
	add_figures(&bench);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t at = 0;
		report_charts_free(&charts);
		report_make_charts(&bench, cases[i].bench, &charts);
		while (at < charts.count && strcmp(charts.items[at].file, cases[i].file) != 0)
			at++;
		assert_true(at < charts.count);
		assert_has(charts.items[at].svg.data, cases[i].point);
		assert_null(strstr(charts.items[at].svg.data, "-dynamic"));
	}
	report_charts_free(&charts);
	report_make_charts(&bench, "nothing", &charts);
	assert_int_equal(charts.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_page_has_all_that_figures_depend_on),
		cmocka_unit_test(test_what_charts_show),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
