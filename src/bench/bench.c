// SPDX-License-Identifier: Apache-2.0
#include "bench/bench.h"
#include "vmm/vmm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In the order in which `bench all` measures. */
const struct bench_kind *const bench_kinds[] = {
	&bench_size, &bench_boot, &bench_memory, &bench_syscall, &bench_app, &bench_degrade, NULL,
};

bool bench_wants_app(const struct bench *bench, const char *app)
{
	return !bench->apps.count || strings_contain(&bench->apps, app);
}

bool bench_wants(const struct bench *bench, const char *word)
{
	return !bench->only.count || strings_contain(&bench->only, word);
}

bool bench_wants_of(const struct bench *bench, const char *const group[], const char *word)
{
	bool narrowed = !group;

	for (size_t i = 0; group && group[i]; i++)
		narrowed |= strings_contain(&bench->only, group[i]);
	return !narrowed || bench_wants(bench, word);
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

bool bench_counts(const char *accel)
{
	return strcmp(accel, "tcg-icount") == 0;
}

/* The last line that says something; the text is cut behind it. */
static const char *last_line(char *text)
{
	size_t length = strlen(text);

	while (length && strchr("\r\n \t", text[length - 1]))
		length--;
	text[length] = '\0';
	char *newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}

static int judge(struct guest_run *run, unsigned timeout, struct error *err)
{
	const char *words = last_line(*run->errors ? run->errors : run->log);

	if (run->timed_out)
		error_set(err, EIO, "it had not ended after %u seconds", timeout);
	else if (run->status.end != END_APPLICATION)
		error_set(err, EIO, "%s",
				  run->status.message ? run->status.message : "the machine ended by itself");
	else if (run->status.exit_code != 0)
		error_set(err, EIO, "the program ended with status %d", run->status.exit_code);
	else
		return 0;
	return *words ? error_hint(err, "its last words: %s", words) : -EIO;
}

int bench_guest(const struct guest_request *request, struct guest_run *ret, struct error *err)
{
	_cleanup_guest_run_ struct guest_run run = {0};

	if (guest_run(request, &run, err) < 0 || judge(&run, request->timeout, err) < 0)
		return -err->code;
	*ret = run;
	run = (struct guest_run){0};
	return 0;
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
