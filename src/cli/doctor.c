// SPDX-License-Identifier: Apache-2.0
/* `lupine doctor`: looks at all that lupine needs here, and says what to do about what is not. */
#include "base/files.h"
#include "base/json.h"
#include "base/paths.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "kernel/kernel.h"
#include "vmm/vmm.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum verdict { OK, WARNING, MISSING };

static const char *const verdict_names[] = {
	[OK] = "ok", [WARNING] = "warning", [MISSING] = "missing"};

struct report {
	json_t *findings;
	bool something_missing;
};

/* `todo` may be NULL when all is well. */
static void find(struct report *report, const char *subject, enum verdict verdict,
				 const char *detail, const char *todo)
{
	json_t *finding = json_object();

	json_object_set_new(finding, "subject", json_from_text(subject));
	json_object_set_new(finding, "verdict", json_string(verdict_names[verdict]));
	json_object_set_new(finding, "detail", json_from_text(detail ? detail : ""));
	if (verdict != OK && todo)
		json_object_set_new(finding, "todo", json_from_text(todo));
	json_array_append_new(report->findings, finding);
	report->something_missing = report->something_missing || verdict == MISSING;
}

static void find_error(struct report *report, const char *subject, const struct error *err)
{
	find(report, subject, MISSING, err->message, err->hint);
}

static void check_data(struct report *report)
{
	static const char *const names[] = {"guest/init", "linux/config"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = NULL;
		_cleanup_error_ struct error err = {0};
		if (path_data(names[i], &path, &err) < 0)
			find_error(report, names[i], &err);
		else
			find(report, names[i], OK, path, NULL);
	}
}

static void check_monitors(struct report *report)
{
	bool first = true; /* the default one is needed; others are not */

	for (size_t i = 0; vmm_table[i]; i++, first = false) {
		_cleanup_free_ char *version = NULL;
		_cleanup_error_ struct error err = {0};
		const char *missing = vmm_table[i]->missing();
		if (missing)
			find(report, vmm_table[i]->name, first ? MISSING : WARNING, "cannot be used here",
				 missing);
		else if (vmm_table[i]->version(&version, &err) < 0)
			find(report, vmm_table[i]->name, first ? MISSING : WARNING, err.message, err.hint);
		else
			find(report, vmm_table[i]->name, OK, version, NULL);
	}
}

static void check_accelerator(struct report *report)
{
	struct accel accel = {0};
	_cleanup_error_ struct error err = {0};
	char reason[sizeof(accel.reason)] = "";

	if (accel_choose("auto", &accel, &err) < 0)
		find_error(report, "accelerator", &err);
	else
		find(report, "accelerator", OK, accel.name, NULL);
	if (accel_probe_kvm(reason) == 0)
		find(report, "kvm", OK, reason, NULL);
	else
		find(report, "kvm", WARNING, reason,
			 "machines run under emulation, many times slower; on hardware, or where nested "
			 "virtualisation is on, they do not");
}

static void check_kernel_packages(struct report *report)
{
	_cleanup_strings_ struct strings missing = {0};
	_cleanup_buf_ struct buf todo = {0};

	kernel_missing_packages(NULL, &missing);
	buf_puts(&todo, "apt-get install");
	for (size_t i = 0; i < missing.count; i++)
		buf_printf(&todo, " %s", missing.items[i]);
	if (missing.count)
		find(report, "kernel builds", MISSING, "packages are missing", todo.data);
	else
		find(report, "kernel builds", OK, "all packages are there", NULL);

	_cleanup_free_ char *ccache = path_find_program("ccache");
	find(report, "ccache", ccache ? OK : WARNING, ccache ? ccache : "is not installed",
		 "apt-get install ccache: similar kernels then build in less time");
}

static void check_directory(struct report *report, const char *subject,
							int (*path_of)(const char *, char **, struct error *))
{
	enum { COMFORTABLE_GIB = 4 }; /* a kernel's sources and objects take about three */
	_cleanup_free_ char *path = NULL, *detail = NULL;
	_cleanup_error_ struct error err = {0};
	struct statvfs status;

	if (path_of("", &path, &err) < 0) {
		find_error(report, subject, &err);
		return;
	}
	path[strlen(path) - 1] = '\0'; /* the slash before the empty name */
	if (access(path, W_OK | X_OK) < 0 || statvfs(path, &status) < 0) {
		find(report, subject, MISSING, path, "make it writable, or set LUPINE_HOME");
		return;
	}
	uint64_t free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
	char size[16];
	format_bytes(free_bytes, size);
	detail = xasprintf("%s, %s free", path, size);
	find(report, subject, free_bytes >> 30 < COMFORTABLE_GIB ? WARNING : OK, detail,
		 "a kernel's build takes about 3 GiB while it lasts");
}

static void print_report(const struct report *report)
{
	_cleanup_table_ struct text_table table = {.columns = 3};
	size_t index;
	json_t *finding;

	json_array_foreach(report->findings, index, finding)
	{
		table_cell(&table, "%s", json_string_value(json_object_get(finding, "verdict")));
		table_cell(&table, "%s", json_string_value(json_object_get(finding, "subject")));
		table_cell(&table, "%s", json_string_value(json_object_get(finding, "detail")));
	}
	table_print(&table, stdout);
	json_array_foreach(report->findings, index, finding)
	{
		const json_t *todo = json_object_get(finding, "todo");
		if (todo)
			printf("\n%s: %s\n", json_string_value(json_object_get(finding, "subject")),
				   json_string_value(todo));
	}
}

static const struct option_row options[] = {
	FORMAT_ROW,
	HELP_ROW,
	OPTION_END,
};

static int run(void *given, const struct strings *operands, struct error *err)
{
	struct report report = {.findings = json_array()};

	(void)operands;
	(void)err;
	check_data(&report);
	check_monitors(&report);
	check_accelerator(&report);
	check_kernel_packages(&report);
	check_directory(&report, "cache", path_cache);
	check_directory(&report, "state", path_state);
	if (wants_json(given))
		print_json(json_incref(report.findings));
	else
		print_report(&report);
	json_decref(report.findings);
	return report.something_missing ? 1 : 0;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "Check that all that lupine needs is here",
	.description = "The exit status is 1 when something is missing that lupine cannot do without.",
	.options = options,
	.options_size = sizeof(struct common_options),
	.run = run,
};
