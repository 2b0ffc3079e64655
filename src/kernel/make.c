// SPDX-License-Identifier: Apache-2.0
#include "kernel/make.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/progress.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ERRORS_MAX = 10, ID_DIGITS = 12 };

int make_begin(struct make *make, struct error *err)
{
	_cleanup_free_ char *directory = NULL;

	if (path_cache("logs", &directory, err) < 0)
		return -err->code;
	make->log_path = xasprintf("%s/kernel-%.*s.log", directory, ID_DIGITS, make->plan->id);
	make->log = open(make->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (make->log < 0)
		return error_errno(err, errno, "cannot create %s", make->log_path);
	return 0;
}

void make_free(struct make *make)
{
	if (make->log >= 0)
		close(make->log);
	if (make->log >= 0 && !make->failed)
		unlink(make->log_path);
	free(make->log_path);
	kbuild_free(&make->kbuild);
	strings_free(&make->errors);
	for (size_t i = 0; i < MAKE_LAST_LINES; i++)
		free(make->last[i]);
}

/* What a line such as "  CC      net/ipv4/tcp.o" makes, or NULL. */
static const char *line_target(const char *line)
{
	size_t tag = strspn(line, " ");

	if (tag != 2 || !isupper((unsigned char)line[2]))
		return NULL;
	tag += strspn(line + tag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	if (line[tag] != ' ')
		return NULL;
	const char *target = line + tag + strspn(line + tag, " ");
	return *target ? target : NULL;
}

/* Whether a line tells what is wrong: the compiler's and the linker's do, make's own only say
 * where. */
static bool is_error(const char *line)
{
	static const char *const marks[] = {" error: ", "Error: ", "undefined reference"};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		if (strstr(line, marks[i]))
			return true;
	return false;
}

static void remember_line(struct make *make, const char *line)
{
	char **place = &make->last[make->line_count++ % MAKE_LAST_LINES];

	free(*place);
	*place = xstrdup(line);
	if (strstr(line, "No such file or directory") || strstr(line, "No rule to make target"))
		make->missing_file = true;
	if (make->errors.count < ERRORS_MAX && is_error(line))
		strings_add(&make->errors, line);
}

static void on_line(const char *line, void *data)
{
	struct make *make = data;
	const char *target = line_target(line);

	remember_line(make, line);
	if (make->verbose)
		fprintf(stderr, "%s\n", line);
	if (make->verbose || !target)
		return;
	size_t total = make->kbuild.objects.count;
	/* Other lines, such as those of programs the build makes for itself (some with their whole
	 * path), are shown but not counted. */
	size_t prefix = strlen(make->objects);
	if (starts_with(target, make->objects) && target[prefix] == '/')
		target += prefix + 1;
	make->built += kbuild_has_object(&make->kbuild, target);
	if (total)
		progress("[%4zu/%zu] %s", make->built, total, target);
	else
		progress("configuring the kernel: %s", target);
}

static void forget_lines(struct make *make)
{
	strings_free(&make->errors);
	for (size_t i = 0; i < MAKE_LAST_LINES; i++) {
		free(make->last[i]);
		make->last[i] = NULL;
	}
	make->line_count = 0;
	make->missing_file = false;
	make->failed = false;
}

/* Processors that we may use. */
static int processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

/*
 * The environment that the build sees, as arguments for env -i: a variable of the user's such as
 * ARCH, KCFLAGS or MAKEFLAGS must not change a kernel that is known by its id.
 */
static void add_environment(struct strings *argv)
{
	static const char *const passed[] = {
		"PATH=", "HOME=", "TMPDIR=", "XDG_CACHE_HOME=", "XDG_CONFIG_HOME=", "CCACHE_"};

	strings_add(argv, "env");
	strings_add(argv, "-i");
	for (size_t i = 0; environ[i]; i++)
		for (size_t j = 0; j < ARRAY_SIZE(passed); j++)
			if (starts_with(environ[i], passed[j]))
				strings_add(argv, environ[i]);
	strings_add(argv, "LC_ALL=C");
	strings_add(argv, "TZ=UTC");
	/* Build directories have other names each time; what is compiled does not hold them. */
	strings_add(argv, "CCACHE_NOHASHDIR=1");
}

static void add_make(const struct make *make, const char *target, const struct strings *variables,
					 struct strings *argv)
{
	_cleanup_free_ char *ccache = path_find_program("ccache");

	strings_add(argv, "make");
	strings_addf(argv, "-j%d", processors());
	strings_addf(argv, "O=%s", make->objects);
	strings_addf(argv, "ARCH=%s", make->plan->architecture->make);
	strings_addf(argv, "CC=%sgcc", ccache ? "ccache " : "");
	strings_addf(argv, "HOSTCC=%sgcc", ccache ? "ccache " : "");
	for (size_t i = 0; kernel_make_variables[i]; i++)
		strings_add(argv, kernel_make_variables[i]);
	/* Its version is in every configuration, also in those that do not use it. */
	if (!plan_has_btf(make->plan))
		strings_add(argv, "PAHOLE=none");
	strings_extend(argv, variables);
	strings_add(argv, target);
}

/* The lines that tell most: those with errors, else the last ones. */
static void hint_lines(const struct make *make, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};
	size_t kept = make->line_count < MAKE_LAST_LINES ? make->line_count : MAKE_LAST_LINES;

	for (size_t i = 0; i < make->errors.count; i++)
		buf_printf(&text, "%s%s", i ? "\n" : "", make->errors.items[i]);
	for (size_t i = make->line_count - kept; !make->errors.count && i < make->line_count; i++)
		buf_printf(&text, "%s%s", text.length ? "\n" : "", make->last[i % MAKE_LAST_LINES]);
	if (text.length)
		error_hint(err, "%s", text.data);
}

int make_run(struct make *make, const char *target, const struct strings *variables,
			 struct error *err)
{
	_cleanup_strings_ struct strings argv = {0};
	_cleanup_error_ struct error failure = {0};

	forget_lines(make);
	add_environment(&argv);
	add_make(make, target, variables, &argv);
	const struct process process = {.argv = argv.items,
									.directory = make->plan->source.tree,
									.log = make->log,
									.on_line = on_line,
									.data = make};
	int result = process_run(&process, &failure);
	progress_clear();
	if (result == 0)
		return 0;
	if (result != -ECHILD)
		return error_set(err, failure.code, "cannot run make: %s", failure.message);
	make->failed = true;
	error_set(err, ECHILD, "make %s failed; its output is in %s", target, make->log_path);
	hint_lines(make, err);
	return -err->code;
}
