// SPDX-License-Identifier: Apache-2.0
#include "bench/chart.h"
#include "bench/chart_axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	WIDTH = 760,
	MARGIN = 20,
	BAR = 13, /* height of a bar and of the gap behind it */
	BAR_GAP = 3,
	GROUP_GAP = 16, /* between the bars of two categories */
	ROW = 26,       /* of CHART_DOTS */
	LINES_HEIGHT = 300,
	LETTER = 8,  /* about the width of one */
	SERIES = 6,  /* colours and markers there are; more systems begin anew */
	CAP = 3,     /* half of the end of an error bar */
	FIGURE = 64, /* width that a bar's figure may take */
};

/* Each colour is told from its neighbours and from the paper by every kind of eye; markers and the
 * figures beside the bars say the same without colour. */
static const char style[] =
	"text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2328}"
	".h{font-size:17px;font-weight:600}.m{font-size:12px;fill:#59636e}"
	".p{fill:#fff}.g{stroke:#d8dde3}.z{stroke:#59636e}.e{stroke:#1f2328;opacity:.65}"
	".r{stroke:#1f2328;stroke-dasharray:4 3}.l{fill:none;stroke-width:2}"
	".f0{fill:#5b3fb0}.f1{fill:#d5701a}.f2{fill:#16877a}.f3{fill:#b8336a}.f4{fill:#3f6fb5}"
	".f5{fill:#7a6a00}"
	".s0{stroke:#5b3fb0}.s1{stroke:#d5701a}.s2{stroke:#16877a}.s3{stroke:#b8336a}"
	".s4{stroke:#3f6fb5}.s5{stroke:#7a6a00}"
	"@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m{fill:#9aa5b1}.p{fill:#0d1117}"
	".g{stroke:#2b333c}.z{stroke:#9aa5b1}.e,.r{stroke:#e6edf3}"
	".f0{fill:#a68cf5}.f1{fill:#f2a25c}.f2{fill:#4cc9b5}.f3{fill:#f284ac}.f4{fill:#7fb0f0}"
	".f5{fill:#d3c04a}"
	".s0{stroke:#a68cf5}.s1{stroke:#f2a25c}.s2{stroke:#4cc9b5}.s3{stroke:#f284ac}"
	".s4{stroke:#7fb0f0}.s5{stroke:#d3c04a}}";

struct picture {
	const struct chart *chart;
	struct buf *svg;
	struct axis axis;
	double left, top, bottom; /* of the field that is drawn in */
};

static void add_text(struct buf *svg, const char *text)
{
	for (; *text; text++) {
		const char *entity = *text == '<'   ? "&lt;"
							 : *text == '>' ? "&gt;"
							 : *text == '&' ? "&amp;"
							 : *text == '"' ? "&quot;"
											: NULL;
		if (entity)
			buf_puts(svg, entity);
		else if ((unsigned char)*text >= ' ')
			buf_append(svg, text, 1);
	}
}

void chart_number(double value, struct buf *ret)
{
	double size = fabs(value);
	char digits[32];

	if (size < 100) {
		snprintf(digits, sizeof(digits), "%.3g", value);
		buf_puts(ret, digits);
		return;
	}
	int length = snprintf(digits, sizeof(digits), "%.0f", value);
	for (int i = 0; i < length && i < (int)sizeof(digits); i++) {
		if (i && (length - i) % 3 == 0 && digits[i - 1] != '-')
			buf_puts(ret, ",");
		buf_append(ret, &digits[i], 1);
	}
}

/* `anchor`: "start", "middle" or "end". */
static void put_text(const struct picture *picture, double x, double y, const char *class,
					 const char *anchor, const char *text)
{
	buf_printf(picture->svg, "<text x='%.1f' y='%.1f' class='%s' text-anchor='%s'>", x, y, class,
			   anchor);
	add_text(picture->svg, text);
	buf_puts(picture->svg, "</text>\n");
}

static void put_line(const struct picture *picture, const char *class, double x1, double y1,
					 double x2, double y2)
{
	buf_printf(picture->svg, "<path class='%s' d='M%.1f %.1fL%.1f %.1f'/>\n", class, x1, y1, x2,
			   y2);
}

/* Circle, square, triangle, diamond, triangle on its tip, hexagon: as paths around the origin. */
static void put_marker(const struct picture *picture, size_t series, double x, double y)
{
	static const char *const shapes[SERIES] = {
		"M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
		"M-4-4h8v8h-8z",
		"M0-5L5 4H-5z",
		"M0-5.5L5.5 0L0 5.5L-5.5 0z",
		"M0 5L5-4H-5z",
		"M-5 0L-2.5-4.5H2.5L5 0L2.5 4.5H-2.5z",
	};

	buf_printf(picture->svg, "<path class='f%zu' transform='translate(%.1f %.1f)' d='%s'/>\n",
			   series % SERIES, x, y, shapes[series % SERIES]);
}

/* What the mouse pointer shows, and screen readers say. */
static void open_point(const struct picture *picture, size_t category, size_t series)
{
	const struct chart *chart = picture->chart;
	const struct chart_point *point = chart_at(chart, category, series);
	_cleanup_buf_ struct buf low = {0}, high = {0};

	buf_puts(picture->svg, "<g><title>");
	add_text(picture->svg, chart->series.items[series]);
	buf_puts(picture->svg, ", ");
	add_text(picture->svg, chart->categories.items[category]);
	buf_puts(picture->svg, ": ");
	chart_number(point->value, picture->svg);
	chart_number(point->low, &low);
	chart_number(point->high, &high);
	if (strcmp(low.data, high.data) != 0)
		buf_printf(picture->svg, " (%s to %s)", low.data, high.data);
	buf_puts(picture->svg, "</title>\n");
}

/* From the least to the greatest run, when they differ enough to be seen. */
static void put_spread(const struct picture *picture, const struct chart_point *point,
					   double across)
{
	double low = axis_place(&picture->axis, point->low);
	double high = axis_place(&picture->axis, point->high);

	if (!(fabs(high - low) >= 1))
		return;
	if (picture->chart->kind == CHART_LINES)
		buf_printf(picture->svg, "<path class='e' d='M%.1f %.1fv%.1fm-%d 0h%dM%.1f %.1fh%d'/>\n",
				   across, low, high - low, CAP, 2 * CAP, across - CAP, low, 2 * CAP);
	else
		buf_printf(picture->svg, "<path class='e' d='M%.1f %.1fh%.1fm0-%dv%dM%.1f %.1fv%d'/>\n",
				   low, across, high - low, CAP, 2 * CAP, low, across - CAP, 2 * CAP);
}

static void put_bar(const struct picture *picture, size_t category, size_t series, double y)
{
	const struct chart_point *point = chart_at(picture->chart, category, series);
	double middle = y + BAR / 2.0;
	_cleanup_buf_ struct buf figure = {0};

	if (!isfinite(point->value)) {
		put_text(picture, picture->left + 6, y + BAR - 2, "m", "start", "not measured");
		return;
	}
	open_point(picture, category, series);
	buf_printf(picture->svg, "<rect class='f%zu' x='%.1f' y='%.1f' width='%.1f' height='%d'/>\n",
			   series % SERIES, picture->left, y,
			   axis_place(&picture->axis, point->value) - picture->left, BAR);
	put_spread(picture, point, middle);
	chart_number(point->value, &figure);
	put_text(picture, axis_place(&picture->axis, fmax(point->value, point->high)) + 7, y + BAR - 2,
			 "m", "start", figure.data);
	buf_puts(picture->svg, "</g>\n");
}

static void put_bars(const struct picture *picture)
{
	const struct chart *chart = picture->chart;
	double y = picture->top + GROUP_GAP / 2.0;

	for (size_t c = 0; c < chart->categories.count; c++) {
		double height = (double)chart->series.count * (BAR + BAR_GAP) - BAR_GAP;
		put_text(picture, picture->left - 8, y + height / 2 + 5, "", "end",
				 chart->categories.items[c]);
		for (size_t s = 0; s < chart->series.count; s++)
			put_bar(picture, c, s, y + (double)s * (BAR + BAR_GAP));
		y += height + GROUP_GAP;
	}
}

static void put_dots(const struct picture *picture)
{
	const struct chart *chart = picture->chart;

	for (size_t c = 0; c < chart->categories.count; c++) {
		double y = picture->top + (double)c * ROW + ROW / 2.0;
		put_line(picture, "g", picture->left, y, picture->axis.end, y);
		put_text(picture, picture->left - 8, y + 4, "", "end", chart->categories.items[c]);
		/* The first system is drawn last, over the others. */
		for (size_t s = chart->series.count; s-- > 0;) {
			const struct chart_point *point = chart_at(chart, c, s);
			if (!isfinite(point->value))
				continue;
			open_point(picture, c, s);
			put_spread(picture, point, y);
			put_marker(picture, s, axis_place(&picture->axis, point->value), y);
			buf_puts(picture->svg, "</g>\n");
		}
	}
}

static double step_place(const struct picture *picture, size_t category)
{
	size_t count = picture->chart->categories.count;
	double width = WIDTH - 2 * MARGIN - picture->left;

	return picture->left + 15 + (count > 1 ? width * (double)category / (double)(count - 1) : 0);
}

static void put_curve(const struct picture *picture, size_t series)
{
	const struct chart *chart = picture->chart;
	char command = 'M';

	buf_printf(picture->svg, "<path class='l s%zu' d='", series % SERIES);
	for (size_t c = 0; c < chart->categories.count; c++) {
		double value = chart_at(chart, c, series)->value;
		/* A step that was not measured leaves a gap. */
		if (!isfinite(value)) {
			command = 'M';
			continue;
		}
		buf_printf(picture->svg, "%c%.1f %.1f", command, step_place(picture, c),
				   axis_place(&picture->axis, value));
		command = 'L';
	}
	buf_puts(picture->svg, "'/>\n");
	for (size_t c = 0; c < chart->categories.count; c++) {
		const struct chart_point *point = chart_at(chart, c, series);
		if (!isfinite(point->value))
			continue;
		open_point(picture, c, series);
		put_spread(picture, point, step_place(picture, c));
		put_marker(picture, series, step_place(picture, c),
				   axis_place(&picture->axis, point->value));
		buf_puts(picture->svg, "</g>\n");
	}
}

static void put_curves(const struct picture *picture)
{
	const struct chart *chart = picture->chart;

	for (size_t c = 0; c < chart->categories.count; c++)
		put_text(picture, step_place(picture, c), picture->bottom + 18, "m", "middle",
				 chart->categories.items[c]);
	if (chart->steps)
		put_text(picture, (picture->left + WIDTH - MARGIN) / 2, picture->bottom + 38, "m", "middle",
				 chart->steps);
	for (size_t s = chart->series.count; s-- > 0;)
		put_curve(picture, s);
}

/* Lines across the field at the ticks of the values' axis, with their figures. */
static void put_grid(const struct picture *picture)
{
	const struct axis *axis = &picture->axis;
	bool upright = picture->chart->kind == CHART_LINES;

	for (size_t i = 0; i < axis->tick_count; i++) {
		double place = axis_place(axis, axis->ticks[i]);
		const char *class = i == 0 ? "z" : "g";
		_cleanup_buf_ struct buf text = {0};

		chart_number(axis->ticks[i], &text);
		_cleanup_free_ char *figure = buf_steal(&text);
		if (upright) {
			put_line(picture, class, picture->left, place, WIDTH - MARGIN, place);
			put_text(picture, picture->left - 8, place + 4, "m", "end", figure);
		} else {
			put_line(picture, class, place, picture->top, place, picture->bottom);
			put_text(picture, place, picture->bottom + 18, "m", "middle", figure);
		}
	}
	if (picture->chart->reference > 0) {
		double place = axis_place(axis, picture->chart->reference);
		if (upright)
			put_line(picture, "r", picture->left, place, WIDTH - MARGIN, place);
		else
			put_line(picture, "r", place, picture->top, place, picture->bottom);
	}
}

/* Title, axis and legend; the legend's rows begin at `y`. Returns the y below them. With
 * `picture->svg` NULL it only measures. */
static double put_heading(const struct picture *picture, double y)
{
	const struct chart *chart = picture->chart;
	double x = MARGIN + 6;

	if (picture->svg) {
		put_text(picture, MARGIN, 32, "h", "start", chart->title);
		put_text(picture, MARGIN, 52, "m", "start", chart->axis);
	}
	for (size_t s = 0; s < chart->series.count; s++) {
		double width = 36 + LETTER * (double)strlen(chart->series.items[s]);
		if (s && x + width > WIDTH - MARGIN) {
			x = MARGIN + 6;
			y += 20;
		}
		if (picture->svg) {
			put_marker(picture, s, x, y - 4);
			put_text(picture, x + 12, y, "", "start", chart->series.items[s]);
		}
		x += width;
	}
	return y + 16;
}

/* The height of the field, and its left end behind the longest label. */
static double field_height(const struct chart *chart)
{
	double bars = (double)chart->series.count * (BAR + BAR_GAP) - BAR_GAP + GROUP_GAP;

	return chart->kind == CHART_LINES  ? LINES_HEIGHT
		   : chart->kind == CHART_DOTS ? (double)chart->categories.count * ROW
									   : (double)chart->categories.count * bars;
}

static double field_left(const struct chart *chart)
{
	size_t longest = 5;

	for (size_t c = 0; chart->kind != CHART_LINES && c < chart->categories.count; c++) {
		size_t length = strlen(chart->categories.items[c]);
		longest = length > longest ? length : longest;
	}
	return MARGIN + 12 + LETTER * (double)(longest < 40 ? longest : 40);
}

void chart_make_points(struct chart *chart)
{
	size_t count = chart->series.count * chart->categories.count;

	chart->points = xcalloc(count ? count : 1, sizeof(*chart->points));
	for (size_t i = 0; i < count; i++)
		chart->points[i] = (struct chart_point){NAN, NAN, NAN};
}

void chart_svg(const struct chart *chart, struct buf *ret)
{
	struct picture picture = {.chart = chart, .left = field_left(chart)};
	bool lines = chart->kind == CHART_LINES;

	picture.top = put_heading(&picture, 76);
	picture.bottom = picture.top + field_height(chart);
	/* Beside a bar's end, and under the last tick, there is room for its figure. */
	picture.axis = lines ? axis_for(chart, picture.bottom, picture.top)
						 : axis_for(chart, picture.left, WIDTH - MARGIN - FIGURE);
	picture.svg = ret;

	double height = picture.bottom + (lines && chart->steps ? 50 : 32);
	buf_printf(ret,
			   "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%.0f' "
			   "viewBox='0 0 %d %.0f' role='img' aria-labelledby='t d'>\n<title id='t'>",
			   WIDTH, height, WIDTH, height);
	add_text(ret, chart->title);
	buf_puts(ret, "</title>\n<desc id='d'>");
	add_text(ret, chart->description);
	buf_printf(ret, "</desc>\n<style>%s</style>\n<rect class='p' width='%d' height='%.0f'/>\n",
			   style, WIDTH, height);
	put_heading(&picture, 76);
	put_grid(&picture);
	if (lines)
		put_curves(&picture);
	else if (chart->kind == CHART_DOTS)
		put_dots(&picture);
	else
		put_bars(&picture);
	buf_puts(ret, "</svg>\n");
}

void chart_free(struct chart *chart)
{
	strings_free(&chart->series);
	strings_free(&chart->categories);
	free(chart->points);
	chart->points = NULL;
}
