// SPDX-License-Identifier: Apache-2.0
#include "bench/chart.h"
#include "bench/chart_axis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Two systems, `categories` categories; value 10 * (c + 1) * (s + 1), a tenth of spread. */
static struct chart make_chart(enum chart_kind kind, size_t categories)
{
	struct chart chart = {
		.kind = kind,
		.title = "Least memory",
		.description = "Of <all> & \"each\"",
		.axis = "MiB",
		.steps = "processes",
	};

	strings_add(&chart.series, "lupine");
	strings_add(&chart.series, "micro<vm>");
	for (size_t c = 0; c < categories; c++)
		strings_addf(&chart.categories, "app%zu", c);
	chart_make_points(&chart);
	for (size_t c = 0; c < categories; c++) {
		for (size_t s = 0; s < 2; s++) {
			double value = 10.0 * (double)(c + 1) * (double)(s + 1);
			*chart_at(&chart, c, s) = (struct chart_point){value, value * 0.9, value * 1.1};
		}
	}
	return chart;
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		count++;
	return count;
}

/* Every element that is opened is closed, in order, and no character stands for markup that was
 * meant as text. */
static void assert_well_formed(const char *svg)
{
	_cleanup_strings_ struct strings open = {0};

	for (const char *at = strchr(svg, '<'); at; at = strchr(at + 1, '<')) {
		const char *end = strchr(at, '>');
		assert_non_null(end);
		size_t length = strcspn(at + 1, " />");
		if (at[1] == '/') {
			assert_true(open.count > 0);
			char *name = open.items[--open.count];
			assert_memory_equal(at + 2, name, strlen(name));
			free(name);
			open.items[open.count] = NULL;
		} else if (end[-1] != '/') {
			strings_take(&open, xstrndup(at + 1, length));
		}
	}
	assert_int_equal(open.count, 0);
	assert_null(strstr(svg, "nan"));
	assert_null(strstr(svg, "inf"));
}

/* The width of the n-th bar, in units of the picture. */
static double bar_width(const char *svg, unsigned n)
{
	const char *at = strstr(svg, "<rect class='f");

	for (; n && at; n--)
		at = strstr(at + 1, "<rect class='f");
	assert_non_null(at);
	at = strstr(at, "width='");
	assert_non_null(at);
	return strtod(at + strlen("width='"), NULL);
}

static void test_bars_are_as_long_as_their_values(void **state)
{
	(void)state;
	_cleanup_chart_ struct chart chart = make_chart(CHART_BARS, 3);
	_cleanup_buf_ struct buf svg = {0};

	chart.points[5].value = NAN;
	chart_svg(&chart, &svg);
	assert_well_formed(svg.data);
	assert_int_equal(count_of(svg.data, "<rect class='f"), 5);
	assert_int_equal(count_of(svg.data, "class='e'"), 5);
	assert_int_equal(count_of(svg.data, "not measured"), 1);
	double unit = bar_width(svg.data, 0);
	assert_true(unit > 20);
	for (unsigned bar = 1; bar < 5; bar++) {
		double expected = unit * (bar / 2 + 1) * (bar % 2 + 1);
		assert_true(fabs(bar_width(svg.data, bar) - expected) < 1);
	}
}

static void test_words_for_those_who_do_not_see(void **state)
{
	(void)state;
	_cleanup_chart_ struct chart chart = make_chart(CHART_BARS, 1);
	_cleanup_buf_ struct buf svg = {0};

	chart_svg(&chart, &svg);
	assert_non_null(strstr(svg.data, "role='img' aria-labelledby='t d'"));
	assert_non_null(strstr(svg.data, "<title id='t'>Least memory</title>"));
	assert_non_null(strstr(svg.data, "<desc id='d'>Of &lt;all&gt; &amp; &quot;each&quot;</desc>"));
	assert_non_null(strstr(svg.data, "<title>micro&lt;vm&gt;, app0: 20 (18 to 22)</title>"));
	assert_non_null(strstr(svg.data, "prefers-color-scheme:dark"));
}

static void test_lines_have_gaps_where_nothing_was_measured(void **state)
{
	(void)state;
	_cleanup_chart_ struct chart chart = make_chart(CHART_LINES, 5);
	_cleanup_buf_ struct buf svg = {0};

	chart_at(&chart, 2, 0)->value = NAN;
	chart_svg(&chart, &svg);
	assert_well_formed(svg.data);
	assert_int_equal(count_of(svg.data, "<g><title>"), 9);
	const char *curve = strstr(svg.data, "class='l s0' d='");
	assert_non_null(curve);
	_cleanup_free_ char *path = xstrndup(curve + strlen("class='l s0' d='"),
										 strcspn(curve + strlen("class='l s0' d='"), "'"));
	assert_int_equal(count_of(path, "M"), 2);
	assert_int_equal(count_of(path, "L"), 2);
}

static void test_dots_are_on_a_logarithmic_axis(void **state)
{
	(void)state;
	_cleanup_chart_ struct chart chart = make_chart(CHART_DOTS, 3);
	struct axis axis = axis_for(&chart, 0, 200);
	_cleanup_buf_ struct buf svg = {0};

	assert_true(axis.logarithmic);
	assert_true(axis.least == 1 && axis.greatest == 100);
	assert_true(fabs(axis_place(&axis, 10) - 100) < 1e-9);
	chart_svg(&chart, &svg);
	assert_well_formed(svg.data);
	assert_int_equal(count_of(svg.data, "<g><title>"), 6);

	/* A zero has no logarithm: then the axis is linear. */
	chart.points[0] = (struct chart_point){0, 0, 0};
	assert_false(axis_for(&chart, 0, 200).logarithmic);
	buf_free(&svg);
	chart_svg(&chart, &svg);
	assert_well_formed(svg.data);
}

static void test_axes_hold_all_values(void **state)
{
	(void)state;
	static const double greatest[] = {0, 1e-9, 0.013, 0.99, 1, 7, 99, 100, 101, 4096, 3e12};

	for (size_t i = 0; i < ARRAY_SIZE(greatest); i++) {
		_cleanup_chart_ struct chart chart = make_chart(CHART_BARS, 1);
		chart.points[0] = (struct chart_point){greatest[i], greatest[i], greatest[i]};
		chart.points[1].value = NAN;
		struct axis axis = axis_for(&chart, 10, 110);
		assert_true(axis.least == 0);
		assert_true(axis.greatest >= greatest[i] * (1 - 1e-9));
		assert_in_range(axis.tick_count, 2, 9);
		assert_true(axis_place(&axis, -1) >= 10 && axis_place(&axis, 1e300) <= 110);
		for (size_t t = 1; t < axis.tick_count; t++)
			assert_true(axis.ticks[t] > axis.ticks[t - 1]);
	}
}

static void test_a_chart_of_nothing(void **state)
{
	(void)state;
	static const enum chart_kind kinds[] = {CHART_BARS, CHART_DOTS, CHART_LINES};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_chart_ struct chart chart = {
			.kind = kinds[i], .title = "t", .description = "d", .axis = "a", .reference = 1};
		_cleanup_buf_ struct buf svg = {0};

		chart_make_points(&chart);
		chart_svg(&chart, &svg);
		assert_well_formed(svg.data);
		assert_int_equal(count_of(svg.data, "class='r'"), 1);
	}
}

static void test_numbers(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "1"},
		{0.4351, "0.435"},
		{99.96, "100"},
		{100, "100"},
		{999.6, "1,000"},
		{-1234.4, "-1,234"},
		{-123.4, "-123"},
		{28373000, "28,373,000"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf text = {0};
		chart_number(cases[i].value, &text);
		assert_string_equal(text.data, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bars_are_as_long_as_their_values),
		cmocka_unit_test(test_words_for_those_who_do_not_see),
		cmocka_unit_test(test_lines_have_gaps_where_nothing_was_measured),
		cmocka_unit_test(test_dots_are_on_a_logarithmic_axis),
		cmocka_unit_test(test_axes_hold_all_values),
		cmocka_unit_test(test_a_chart_of_nothing),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
