// SPDX-License-Identifier: Apache-2.0
/* `lupine build`: a machine without an image, to be run anywhere. */
#include "base/files.h"
#include "base/json.h"
#include "cli/bundle.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>

struct build_options {
	struct common_options common;
	struct specification specification;
	char *output;
};

static const struct option_row options[] = {
	{"output", 'o', OPTION_TEXT, "DIR", "directory to make (default NAME.lupine)", NULL,
	 offsetof(struct build_options, output)},
	SPECIFICATION_ROWS(struct build_options),
	QUIET_ROW("print nothing but the directory"),
	FORMAT_ROW,
	HELP_ROW,
	OPTION_END,
};

/* A machine of no name and place: what it says holds anywhere. */
static int compose_anywhere(struct origin *origin, const struct build_options *build,
							const struct strings *arguments, struct machine *machine,
							struct error *err)
{
	struct application *application = &machine->application;
	bool named =
		build->specification.hostname || (origin->built && origin->built->application.hostname);

	if (compose_machine(origin, &build->specification, arguments, machine, err) < 0)
		return -err->code;
	if (!named) { /* then it is the id of the machine that will be made */
		free(steal(&application->hostname));
		strings_unset_env(&application->env, "HOSTNAME");
	}
	char **const local[] = {&machine->id, &machine->name, &machine->directory, &machine->initramfs};
	for (size_t i = 0; i < ARRAY_SIZE(local); i++)
		free(steal(local[i]));
	machine->disk.discard = false;
	return 0;
}

/* Puts `made` at `path` in one step; what was built there before is exchanged for it, and then
 * goes with the staging directory. Anything else that is there stays. */
static int publish(const char *made, const char *path, struct error *err)
{
	if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST)
		return error_errno(err, errno, "cannot make %s", path);
	if (!bundle_is_here(path)) {
		error_set(err, EEXIST, "%s is there already, and lupine did not build it", path);
		return error_hint(err, "give another directory with -o");
	}
	if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_EXCHANGE) < 0)
		return error_errno(err, errno, "cannot replace %s", path);
	return 0;
}

static int make_bundle(struct origin *origin, const struct build_options *build, const char *output,
					   struct machine *machine, struct error *err)
{
	_cleanup_staging_ struct staging staging = STAGING_NONE;
	_cleanup_free_ char *copy = xstrdup(output), *directory = NULL, *disk = NULL;

	if (staging_begin(dirname(copy), &staging, err) < 0)
		return -err->code;
	directory = xasprintf("%s/made", staging.path);
	disk = xasprintf("%s/rootfs.img", directory);
	if (directory_make(directory, err) < 0 ||
		compose_disk(origin, &build->specification, disk, &machine->disk, err) < 0 ||
		bundle_fill(directory, origin, machine, err) < 0)
		return -err->code;
	return publish(directory, output, err);
}

static void print_contents(json_t *contents, const char *output)
{
	_cleanup_table_ struct text_table table = {.columns = 2};
	const char *name;
	json_t *file;

	json_object_foreach(json_object_get(contents, "files"), name, file)
	{
		char size[16];
		format_bytes((uint64_t)json_integer_value(json_object_get(file, "allocated")), size);
		table_cell(&table, "%s/%s", output, name);
		table_cell(&table, "%s", size);
	}
	table_print(&table, stdout);
}

static int print_result(const struct build_options *build, const char *output, struct error *err)
{
	_cleanup_json_ json_t *contents = NULL;

	if (bundle_contents(output, &contents, err) < 0)
		return -err->code;
	if (wants_json(&build->common)) {
		json_object_set_new(contents, "directory", json_from_text(output));
		print_json(json_incref(contents));
	} else if (build->common.quiet) {
		puts(output);
	} else {
		print_contents(contents, output);
	}
	return 0;
}

static int build_with(struct machine *machine, const struct build_options *build,
					  const struct strings *operands, struct error *err)
{
	_cleanup_origin_ struct origin origin = {0};
	_cleanup_free_ char *output = NULL;
	/* A view of the operands behind the first one. */
	const struct strings arguments = {.items = operands->items + 1, .count = operands->count - 1};

	if (origin_open(operands->items[0], &origin, err) < 0)
		return -err->code;
	output = build->output ? xstrdup(build->output) : xasprintf("%s.lupine", origin.image->name);
	while (strlen(output) > 1 && ends_with(output, "/"))
		output[strlen(output) - 1] = '\0';
	if (path_exists(output) && !bundle_is_here(output)) {
		error_set(err, EEXIST, "%s is there already, and lupine did not build it", output);
		return error_hint(err, "give another directory with -o");
	}
	if (compose_anywhere(&origin, build, &arguments, machine, err) < 0 ||
		make_bundle(&origin, build, output, machine, err) < 0)
		return -err->code;
	return print_result(build, output, err);
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	_cleanup_machine_ struct machine *machine = NULL;
	_cleanup_error_ struct error ignored = {0};

	/* Made for its defaults; its own directory is not needed. */
	if (machine_new(NULL, &machine, err) < 0)
		return -err->code;
	int error = machine_remove(machine, &ignored);
	if (error < 0)
		return error_wrap(err, "%s", ignored.message);
	return build_with(machine, given, operands, err);
}

static const struct example examples[] = {
	{"lupine build -m 512m -o web.lupine oci:images:nginx", "make web.lupine from an OCI image"},
	{"lupine run -p 8080:80 web.lupine", "run it, here or on another machine"},
	{"lupine build dir:root -o shell.lupine -- /bin/sh", "a directory, with the command to run"},
	{NULL, NULL},
};

const struct verb verb_build = {
	.name = "build",
	.summary = "Make a directory that holds a whole machine: kernel, disk and specification",
	.operands = "REF [ARG...]",
	.description =
		"The directory runs with `lupine run DIR` on any machine that has lupine, without the "
		"image; options given there override those given here. What was built at the same place "
		"before is replaced in one step.\n"
		"Arguments after REF take the place of the image's command; write -- before the first.",
	.options = options,
	.options_size = sizeof(struct build_options),
	.examples = examples,
	.run = run,
};
