// SPDX-License-Identifier: Apache-2.0
/* `lupine inspect`: all that is known of a machine, of what was built, or of an image. */
#include "base/files.h"
#include "base/json.h"
#include "cli/bundle.h"
#include "cli/machines.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <errno.h>
#include <string.h>

struct inspect_options {
	struct common_options common;
};

static const struct option_row options[] = {
	{"format", 0, OPTION_CHOICE, NULL, "how to print; there is only json, the default", "json",
	 offsetof(struct inspect_options, common.format)},
	HELP_ROW,
	OPTION_END,
};

static int inspect_machine(const char *name, struct error *err)
{
	_cleanup_machine_ struct machine *machine = NULL;
	_cleanup_machine_status_ struct machine_status status = {0};

	if (machine_find(name, &machine, err) < 0 || machine_read_status(machine, &status, err) < 0)
		return -err->code;
	print_json(machine_facts(machine, &status));
	return 0;
}

static int inspect_built(const char *path, struct error *err)
{
	_cleanup_origin_ struct origin origin = {0};
	json_t *contents = NULL;

	if (bundle_open(path, &origin, err) < 0 || bundle_contents(path, &contents, err) < 0)
		return -err->code;
	json_object_set_new(contents, "machine", machine_to_json(origin.built));
	print_json(contents);
	return 0;
}

static int inspect_image(const char *reference, struct error *err)
{
	const struct image_options config_only = {.config_only = true};
	_cleanup_image_ struct image *image = NULL;

	int error = image_open(reference, &config_only, &image, err);
	if (error < 0) {
		explain_reference(reference, err);
		return error;
	}
	print_json(image_to_json(image));
	return 0;
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	const char *name = operands->items[0];

	(void)given;
	if (bundle_is_here(name))
		return inspect_built(name, err);
	/* A machine's name has neither; so this cannot take an image for a machine. */
	if (strpbrk(name, "/:"))
		return inspect_image(name, err);
	int error = inspect_machine(name, err);
	if (error != -ENOENT || !path_exists(name))
		return error;
	error_clear(err);
	return inspect_image(name, err);
}

static const struct example examples[] = {
	{"lupine inspect oci:images:redis", "an image's configuration and layers"},
	{"lupine inspect db", "a machine's specification and status"},
	{NULL, NULL},
};

const struct verb verb_inspect = {
	.name = "inspect",
	.summary = "Print all that is known of an image or a machine, as JSON",
	.operands = "REF|MACHINE",
	.options = options,
	.options_size = sizeof(struct inspect_options),
	.examples = examples,
	.run = run,
};
