// SPDX-License-Identifier: Apache-2.0
/* `lupine rm`: removes machines, with their disks. */
#include "cli/machines.h"
#include "cli/verbs.h"
#include "vmm/vmm.h"

#include <errno.h>

struct rm_options {
	struct common_options common;
	bool force;
};

static const struct option_row options[] = {
	{"force", 'f', OPTION_FLAG, NULL, "also those that run: they are ended at once", NULL,
	 offsetof(struct rm_options, force)},
	HELP_ROW,
	OPTION_END,
};

static int remove_one(struct machine *machine, void *data, struct error *err)
{
	const struct rm_options *rm = data;

	if (rm->force && vmm_stop(machine, 0, err) < 0)
		return -err->code;
	int error = machine_remove(machine, err);
	/* One that is not kept goes by itself when it ends. */
	if (rm->force && error == -ENOENT) {
		error_clear(err);
		return 0;
	}
	if (error == -EBUSY)
		error_hint(err, "stop it first: lupine stop %s; or remove it at once: lupine rm -f %s",
				   machine->name, machine->name);
	return error;
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	(void)err;
	return machines_act(operands, remove_one, given);
}

const struct verb verb_rm = {
	.name = "rm",
	.summary = "Remove machines that do not run, with their disks",
	.operands = "MACHINE...",
	.options = options,
	.options_size = sizeof(struct rm_options),
	.run = run,
};
