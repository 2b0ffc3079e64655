// SPDX-License-Identifier: Apache-2.0
/* `lupine stop`: asks machines to end, and ends those that do not. */
#include "cli/machines.h"
#include "cli/verbs.h"
#include "vmm/vmm.h"

struct stop_options {
	struct common_options common;
	char *time;
};

static const struct option_row options[] = {
	{"time", 't', OPTION_TEXT, "SECONDS",
	 "time to end before the machine is ended (default the machine's own, 10)", NULL,
	 offsetof(struct stop_options, time)},
	HELP_ROW,
	OPTION_END,
};

static int stop(struct machine *machine, void *data, struct error *err)
{
	const uint64_t *seconds = data;

	return vmm_stop(machine, seconds ? (unsigned)*seconds : machine->stop_timeout, err);
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	const struct stop_options *stop_options = given;
	uint64_t seconds = 0;

	if (stop_options->time && parse_number(stop_options->time, 0, INT32_MAX, &seconds, err) < 0)
		return error_wrap(err, "option --time");
	return machines_act(operands, stop, stop_options->time ? &seconds : NULL);
}

const struct verb verb_stop = {
	.name = "stop",
	.summary = "Stop machines that run",
	.operands = "MACHINE...",
	.description = "The application gets its stop signal; when it has not ended after the "
				   "timeout, the machine is ended. A machine that ended already is no error.",
	.options = options,
	.options_size = sizeof(struct stop_options),
	.run = run,
};
