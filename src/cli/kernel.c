// SPDX-License-Identifier: Apache-2.0
/* `lupine kernel build`, `list` and `rm`: the kernels in the cache. */
#include "kernel/kernel.h"
#include "base/json.h"
#include "cli/machines.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ID_DIGITS = 12 };

struct build_options {
	struct common_options common;
	struct strings features, variants, fragments;
	char *source;
	bool verbose;
};

static const struct option_row build_rows[] = {
	{"feature", 0, OPTION_LIST, "FEATURE", "add a feature of linux/config/features", NULL,
	 offsetof(struct build_options, features)},
	{"variant", 0, OPTION_LIST, "VARIANT", "build a variant of linux/config/variants", NULL,
	 offsetof(struct build_options, variants)},
	{"fragment", 0, OPTION_LIST, "FILE", "add a configuration fragment of yours", NULL,
	 offsetof(struct build_options, fragments)},
	{"source", 0, OPTION_TEXT, "PATH",
	 "kernel tree or .tar.xz to build (default Debian's linux-source-VERSION)", NULL,
	 offsetof(struct build_options, source)},
	{"verbose", 'v', OPTION_FLAG, NULL, "show the build's own output on stderr", NULL,
	 offsetof(struct build_options, verbose)},
	QUIET_ROW("show no progress"),
	FORMAT_ROW,
	HELP_ROW,
	OPTION_END,
};

static int build(void *given, const struct strings *operands, struct error *err)
{
	const struct build_options *options = given;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	const struct kernel_request request = {
		.version = operands->count ? operands->items[0] : NULL,
		.features = options->features,
		.variants = options->variants,
		.fragments = options->fragments,
		.source = options->source,
		.verbose = options->verbose,
	};

	if (kernel_ensure(&request, &kernel, err) < 0)
		return -err->code;
	if (wants_json(&options->common))
		print_json(kernel_to_json(kernel));
	else
		printf("%.*s\n", ID_DIGITS, kernel->id);
	return 0;
}

static const struct example build_examples[] = {
	{"lupine kernel build", "the kernel that run uses, unless it is in the cache"},
	{"lupine kernel build --variant debug -v", "one to debug, with the compiler's words"},
	{NULL, NULL},
};

static const struct verb kernel_build = {
	.name = "kernel build",
	.summary = "Build a kernel, or find it in the cache, and print its id",
	.operands = "[VERSION]",
	.description = "Kernels are kept in the cache by all that goes into them, and built once. "
				   "What `lupine run` needs it builds by itself.",
	.options = build_rows,
	.options_size = sizeof(struct build_options),
	.examples = build_examples,
	.run = build,
};

static const struct option_row list_rows[] = {
	QUIET_ROW("print the ids only"),
	FORMAT_ROW,
	HELP_ROW,
	OPTION_END,
};

static void add_row(const struct kernel *kernel, struct text_table *table)
{
	_cleanup_buf_ struct buf parts = {0};
	char size[16], age[32];

	for (size_t i = 0; i < kernel->features.count; i++)
		buf_printf(&parts, "%s%s", parts.length ? "," : "", kernel->features.items[i]);
	for (size_t i = 0; i < kernel->variants.count; i++)
		buf_printf(&parts, "%s+%s", parts.length ? "," : "", kernel->variants.items[i]);
	format_bytes(kernel->vmlinux_size, size);
	format_duration(time(NULL) - kernel->built, age);
	table_cell(table, "%.*s", ID_DIGITS, kernel->id);
	table_cell(table, "%s", kernel->release);
	table_cell(table, "%s", kernel->architecture);
	table_cell(table, "%s", size);
	table_cell(table, "%llu", (unsigned long long)kernel->options);
	table_cell(table, "%s ago", age);
	table_cell(table, "%s", parts.data ? parts.data : "");
}

static void print_list(struct kernel *const *kernels, size_t count)
{
	static const char *const titles[] = {"ID",      "RELEASE", "ARCH",    "SIZE",
										 "OPTIONS", "BUILT",   "FEATURES"};
	_cleanup_table_ struct text_table table = {.columns = ARRAY_SIZE(titles)};

	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_cell(&table, "%s", titles[i]);
	for (size_t i = 0; i < count; i++)
		add_row(kernels[i], &table);
	table_print(&table, stdout);
}

static int list(void *given, const struct strings *operands, struct error *err)
{
	const struct common_options *common = given;
	struct kernel **kernels = NULL;
	size_t count = 0;

	(void)operands;
	if (kernel_list(&kernels, &count, err) < 0)
		return -err->code;
	if (wants_json(common)) {
		json_t *array = json_array();
		for (size_t i = 0; i < count; i++)
			json_array_append_new(array, kernel_to_json(kernels[i]));
		print_json(array);
	} else if (common->quiet) {
		for (size_t i = 0; i < count; i++)
			printf("%.*s\n", ID_DIGITS, kernels[i]->id);
	} else {
		print_list(kernels, count);
	}
	for (size_t i = 0; i < count; i++)
		kernel_free(&kernels[i]);
	free(kernels);
	return 0;
}

static const struct verb kernel_list_verb = {
	.name = "kernel list",
	.summary = "List the kernels in the cache",
	.options = list_rows,
	.options_size = sizeof(struct common_options),
	.run = list,
};

struct rm_options {
	struct common_options common;
	bool force;
};

static const struct option_row rm_rows[] = {
	{"force", 'f', OPTION_FLAG, NULL, "also those that a machine needs to start again", NULL,
	 offsetof(struct rm_options, force)},
	HELP_ROW,
	OPTION_END,
};

struct user_search {
	const char *kernel_id;
	char *user; /* the name of a machine that has this kernel */
};

static void find_user(const struct machine *machine, const struct machine_status *status,
					  void *data)
{
	struct user_search *search = data;

	(void)status;
	if (!search->user && machine->kernel_id && strcmp(machine->kernel_id, search->kernel_id) == 0)
		search->user = xstrdup(machine->name);
}

static int remove_one(const char *id, bool force, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;

	if (kernel_find(id, &kernel, err) < 0)
		return -err->code;
	struct user_search search = {.kernel_id = kernel->id};
	if (!force && machines_each(true, find_user, &search, err) < 0)
		return -err->code;
	_cleanup_free_ char *user = search.user;
	if (user) {
		error_set(err, EBUSY, "the machine %s needs the kernel %s to start again", user, id);
		return error_hint(err, "remove the machine first, or say kernel rm -f");
	}
	return kernel_remove(kernel, err);
}

static int rm(void *given, const struct strings *operands, struct error *err)
{
	const struct rm_options *options = given;
	int result = 0;

	for (size_t i = 0; i < operands->count; i++) {
		error_clear(err);
		if (remove_one(operands->items[i], options->force, err) == 0) {
			puts(operands->items[i]);
			continue;
		}
		error_print(err);
		result = STATUS_FAILED;
	}
	return result;
}

static const struct verb kernel_rm = {
	.name = "kernel rm",
	.summary = "Remove kernels from the cache",
	.operands = "ID...",
	.options = rm_rows,
	.options_size = sizeof(struct rm_options),
	.run = rm,
};

static const struct verb *const verbs[] = {&kernel_build, &kernel_list_verb, &kernel_rm, NULL};

const struct verb verb_kernel = {
	.name = "kernel",
	.summary = "Build, list and remove kernels",
	.verbs = verbs,
};
