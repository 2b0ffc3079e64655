// SPDX-License-Identifier: Apache-2.0
#include "bench/bench.h"
#include "vmm/vmm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In the order in which `bench all` measures. */
const struct bench_kind *const bench_kinds[] = {
	NULL,
};

bool bench_wants_app(const struct bench *bench, const char *app)
{
	return !bench->apps.count || strings_contain(&bench->apps, app);
}

bool bench_wants(const struct bench *bench, const char *word)
{
	return !bench->only.count || strings_contain(&bench->only, word);
}

static void add_words(const char *const words[], struct strings *ret)
{
	for (size_t i = 0; words && words[i]; i++)
		strings_add(ret, words[i]);
}

void bench_apps(const struct bench *bench, const char *const usual[], const char *const more[],
				struct strings *ret)
{
	if (bench->apps.count) {
		strings_extend(ret, &bench->apps);
		return;
	}
	add_words(usual, ret);
	if (bench->all)
		add_words(more, ret);
}

unsigned bench_runs(const struct bench *bench, unsigned usual)
{
	return bench->runs ? bench->runs : usual;
}

int bench_accels(const struct bench *bench, bool both, const char *ret[2], struct error *err)
{
	struct accel accel;
	int count = 0;

	if (accel_choose(bench->accel, &accel, err) < 0)
		return -err->code;
	if (both && (!bench->accel || !*bench->accel))
		ret[count++] = "tcg-icount";
	ret[count++] = accel.name;
	return count;
}

void bench_failed(struct bench *bench, struct error *why, const char *format, ...)
{
	va_list arguments;
	char *what = NULL;

	va_start(arguments, format);
	if (vasprintf(&what, format, arguments) < 0)
		what = xstrdup(format);
	va_end(arguments);
	strings_addf(&bench->failures, "%s: %s%s%s", what, why->message ? why->message : "failed",
				 why->hint ? "; " : "", why->hint ? why->hint : "");
	free(what);
	error_clear(why);
}

void bench_free(struct bench *bench)
{
	for (size_t i = 0; i < bench->system_count; i++)
		bench_system_free(&bench->systems[i]);
	free(bench->systems);
	strings_free(&bench->apps);
	strings_free(&bench->only);
	strings_free(&bench->failures);
	results_free(&bench->results);
	*bench = (struct bench){0};
}
