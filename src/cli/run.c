// SPDX-License-Identifier: Apache-2.0
/* `lupine run`: from a reference to the application's output and exit status. */
#include "base/files.h"
#include "base/json.h"
#include "cli/compose.h"
#include "cli/launch.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "vmm/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct run_options {
	struct common_options common;
	struct specification specification;
	char *name;
	bool interactive, terminal, detach, remove, console, dry_run;
};

static const struct option_row options[] = {
	{"interactive", 'i', OPTION_FLAG, NULL, "give the application lupine's stdin", NULL,
	 offsetof(struct run_options, interactive)},
	{"tty", 't', OPTION_FLAG, NULL, "give the application a terminal", NULL,
	 offsetof(struct run_options, terminal)},
	{"detach", 'd', OPTION_FLAG, NULL, "run it behind, and print the machine's id", NULL,
	 offsetof(struct run_options, detach)},
	{"name", 0, OPTION_TEXT, "NAME", "name the machine, and keep it until `lupine rm`", NULL,
	 offsetof(struct run_options, name)},
	{"rm", 0, OPTION_FLAG, NULL, "remove the machine when it ends, though it has a name", NULL,
	 offsetof(struct run_options, remove)},
	SPECIFICATION_ROWS(struct run_options),
	{"console", 0, OPTION_FLAG, NULL, "show the kernel's and init's log on stderr", NULL,
	 offsetof(struct run_options, console)},
	{"dry-run", 0, OPTION_FLAG, NULL, "print the monitor's command line, and run nothing", NULL,
	 offsetof(struct run_options, dry_run)},
	QUIET_ROW("show no progress"),
	FORMAT_ROW,
	HELP_ROW,
	OPTION_END,
};

/* A machine that is kept writes to a disk of its own; of another one nothing stays, and so it
 * shares the file that there is. */
static int give_disk(const struct origin *origin, const struct run_options *run,
					 struct machine *machine, struct error *err)
{
	struct machine_disk *disk = &machine->disk;
	_cleanup_free_ char *own = xasprintf("%s/disk.img", machine->directory);

	if (compose_disk(origin, &run->specification, own, disk, err) < 0)
		return -err->code;
	if (machine->keep && machine_root_in_memory(machine)) {
		error_set(err, EINVAL,
				  "a machine with a name keeps its disk, and one of --fs initramfs has none");
		return error_hint(err, "leave --name out, or add --rm");
	}
	if (strcmp(disk->path, own) == 0)
		return 0;
	if (!machine->keep) {
		disk->discard = true;
		return 0;
	}
	_cleanup_close_ int from = open(disk->path, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return error_errno(err, errno, "cannot open %s", disk->path);
	_cleanup_close_ int to = open(own, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return error_errno(err, errno, "cannot create %s", own);
	if (file_copy_sparse(from, to, err) < 0)
		return error_wrap(err, "cannot copy %s", disk->path);
	free(disk->path);
	disk->path = steal(&own);
	return 0;
}

/* Asked before the kernel is built and the disk is written. */
static int require_command(const struct image *image, const struct run_options *run,
						   const struct strings *arguments, struct error *err)
{
	const struct image_config *config = &image->config;
	const char *entrypoint = run->specification.entrypoint;
	bool own = entrypoint ? *entrypoint : config->entrypoint.count || config->cmd.count;

	if (own || arguments->count)
		return 0;
	error_set(err, EINVAL, "%s does not say what to run in it", image->reference);
	return error_hint(err, "give the command: lupine run %s -- COMMAND [ARG...]", image->reference);
}

static int compose(const char *reference, const struct strings *arguments,
				   const struct run_options *run, struct machine *machine, struct error *err)
{
	_cleanup_origin_ struct origin origin = {0};

	machine->keep = run->name && !run->remove;
	machine->application.interactive = run->interactive;
	machine->application.terminal = run->terminal;
	if (origin_open(reference, &origin, err) < 0 ||
		require_command(origin.image, run, arguments, err) < 0 ||
		compose_machine(&origin, &run->specification, arguments, machine, err) < 0)
		return -err->code;
	return give_disk(&origin, run, machine, err);
}

static int print_command(const struct machine *machine, bool as_json, struct error *err)
{
	_cleanup_strings_ struct strings command = {0};
	const struct vmm *vmm = NULL;
	struct accel accel = {0};

	if (accel_choose(machine->accel, &accel, err) < 0 || vmm_find(machine->vmm, &vmm, err) < 0 ||
		vmm->command(machine, &accel, NULL, &command, err) < 0)
		return -err->code;
	if (as_json) {
		json_t *object = json_object();
		json_object_set_new(object, "command", json_from_strings(&command));
		json_object_set_new(object, "accel", json_from_text(accel.name));
		json_object_set_new(object, "machine", machine_to_json(machine));
		print_json(object);
		return 0;
	}
	_cleanup_buf_ struct buf line = {0};
	for (size_t i = 0; i < command.count; i++) {
		buf_puts(&line, i ? " " : "");
		format_quoted(command.items[i], &line);
	}
	puts(line.data);
	return 0;
}

static int start(struct machine *machine, const struct run_options *run, struct error *err)
{
	if (machine_save(machine, err) < 0)
		return -err->code;
	launch_tell_accelerator(machine, run->common.quiet);
	if (!run->detach)
		return launch_attached(machine, run->console, err);
	/* The id is the caller's handle even when the machine is gone before it is printed. */
	int status = launch_detached(machine, err);
	if (status == 0)
		puts(machine->id);
	return status;
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	const struct run_options *run_options = given;
	_cleanup_machine_ struct machine *machine = NULL;
	_cleanup_error_ struct error ignored = {0};
	/* `lupine run REF -- COMMAND` means the same as without the dashes. */
	size_t first = operands->count > 1 && strcmp(operands->items[1], "--") == 0 ? 2 : 1;
	const struct strings arguments = {.items = operands->items + first,
									  .count = operands->count - first};

	if (machine_new(run_options->name, &machine, err) < 0)
		return -err->code;
	int status = compose(operands->items[0], &arguments, run_options, machine, err);
	if (status == 0 && run_options->dry_run)
		status = print_command(machine, wants_json(&run_options->common), err);
	else if (status == 0)
		status = start(machine, run_options, err);
	/* What never ran leaves nothing, nor a name in use; and of one without a name that could not
	 * start, nobody was told the id. */
	bool unknown = run_options->detach && !run_options->name && status > 0;
	if (status < 0 || unknown || run_options->dry_run)
		machine_remove(machine, &ignored);
	return status;
}

static const struct example examples[] = {
	{"lupine run ./hello", "a program of yours"},
	{"lupine run -it dir:root -- /bin/sh", "a shell in a root directory, on this terminal"},
	{"lupine run -d --name cache -p 6379:6379 oci:images:redis",
	 "an OCI image, behind, with a port of the host forwarded to it"},
	{"docker save web | gzip > web.tar.gz; lupine run docker-archive:web.tar.gz",
	 "an image of Docker's or podman's"},
	{NULL, NULL},
};

const struct verb verb_run = {
	.name = "run",
	.summary = "Run an image, a root directory or a program as a unikernel",
	.operands = "REF [ARG...]",
	.description =
		"The application's stdin (with -i), stdout and stderr are lupine's own, and so is its "
		"exit status. Ctrl-C and SIGTERM reach it; after the stop timeout the machine is ended.\n"
		"Arguments take the place of the image's command. A machine with a name keeps its disk "
		"until `lupine rm`; one without leaves nothing when it ends.",
	.options = options,
	.options_size = sizeof(struct run_options),
	.stop_at_operand = true,
	.examples = examples,
	.run = run,
};
