// SPDX-License-Identifier: Apache-2.0
/* `lupine start`: runs a kept machine again, on the disk that it left. */
#include "cli/launch.h"
#include "cli/machines.h"
#include "cli/verbs.h"

#include <errno.h>

struct start_options {
	struct common_options common;
	bool attach, interactive, console;
};

static const struct option_row options[] = {
	{"attach", 'a', OPTION_FLAG, NULL,
	 "run it here: its output and exit status are lupine's, as with run", NULL,
	 offsetof(struct start_options, attach)},
	{"interactive", 'i', OPTION_FLAG, NULL, "give the application lupine's stdin; implies -a", NULL,
	 offsetof(struct start_options, interactive)},
	{"console", 0, OPTION_FLAG, NULL, "with -a: show the kernel's and init's log on stderr", NULL,
	 offsetof(struct start_options, console)},
	HELP_ROW,
	OPTION_END,
};

static int start_behind(struct machine *machine, void *data, struct error *err)
{
	(void)data;
	return launch_detached(machine, err);
}

static int start_attached(const char *name, const struct start_options *start, struct error *err)
{
	_cleanup_machine_ struct machine *machine = NULL;

	if (machine_find(name, &machine, err) < 0)
		return -err->code;
	machine->application.interactive = start->interactive;
	return launch_attached(machine, start->console, err);
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	const struct start_options *start = given;

	if (!start->attach && !start->interactive)
		return machines_act(operands, start_behind, NULL);
	if (operands->count > 1)
		return error_set(err, EINVAL, "only one machine can be attached at a time");
	return start_attached(operands->items[0], start, err);
}

static const struct example examples[] = {
	{"lupine start db", "run the machine db again, behind"},
	{"lupine start -ai shell", "run it on this terminal"},
	{NULL, NULL},
};

const struct verb verb_start = {
	.name = "start",
	.summary = "Start machines that were stopped, with the disks that they left",
	.operands = "MACHINE...",
	.options = options,
	.options_size = sizeof(struct start_options),
	.examples = examples,
	.run = run,
};
