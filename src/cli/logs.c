// SPDX-License-Identifier: Apache-2.0
/* `lupine logs`: what a detached machine's application wrote, or what the kernel and init did. */
#include "base/files.h"
#include "cli/verbs.h"
#include "machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct logs_options {
	struct common_options common;
	bool follow, console;
};

static const struct option_row options[] = {
	{"follow", 'f', OPTION_FLAG, NULL, "go on until the machine ends", NULL,
	 offsetof(struct logs_options, follow)},
	{"console", 0, OPTION_FLAG, NULL, "the kernel's and init's log instead", NULL,
	 offsetof(struct logs_options, console)},
	HELP_ROW,
	OPTION_END,
};

/* A log file and where its content goes. */
struct log {
	const char *name;
	int to;
	int from; /* -1 until it is there */
};

/* Copies what has come since the last time. */
static int copy_new(const char *directory, struct log *log, struct error *err)
{
	char chunk[65536];

	if (log->from < 0) {
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, log->name);
		log->from = open(path, O_RDONLY | O_CLOEXEC);
		if (log->from < 0)
			return errno == ENOENT ? 0 : error_errno(err, errno, "cannot open %s", path);
	}
	for (;;) {
		ssize_t count = read(log->from, chunk, sizeof(chunk));
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot read %s", log->name);
		if (count == 0)
			return 0;
		if (fd_write_all(log->to, chunk, (size_t)count, err) < 0)
			return -err->code;
	}
}

static bool is_running(const struct machine *machine)
{
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_error_ struct error ignored = {0};

	return machine_read_status(machine, &status, &ignored) == 0 && status.state == MACHINE_RUNNING;
}

/* Waits until a file of the directory changes, or a second for a machine that dies silently. */
static void wait_for_change(int notify)
{
	enum { PATIENCE_MS = 1000 };
	struct pollfd wait = {.fd = notify, .events = POLLIN};
	char events[4096];

	if (poll(&wait, 1, PATIENCE_MS) > 0)
		(void)!read(notify, events, sizeof(events));
}

static int show(const struct machine *machine, struct log *logs, size_t count, bool follow,
				struct error *err)
{
	_cleanup_close_ int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (notify < 0 || inotify_add_watch(notify, machine->directory,
										IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0)
		return error_errno(err, errno, "cannot watch %s", machine->directory);
	for (;;) {
		/* Asked before the copy: what is written until the end is then copied too. */
		bool more = follow && is_running(machine);
		for (size_t i = 0; i < count; i++)
			if (copy_new(machine->directory, &logs[i], err) < 0)
				return -err->code;
		if (!more)
			return 0;
		wait_for_change(notify);
	}
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	const struct logs_options *given_logs = given;
	_cleanup_machine_ struct machine *machine = NULL;
	struct log application[] = {{"stdout.log", STDOUT_FILENO, -1},
								{"stderr.log", STDERR_FILENO, -1}};
	struct log console[] = {{"console.log", STDOUT_FILENO, -1}};
	struct log *logs = given_logs->console ? console : application;
	size_t count = given_logs->console ? ARRAY_SIZE(console) : ARRAY_SIZE(application);

	if (machine_find(operands->items[0], &machine, err) < 0)
		return -err->code;
	int error = show(machine, logs, count, given_logs->follow, err);
	for (size_t i = 0; i < count; i++)
		if (logs[i].from >= 0)
			close(logs[i].from);
	return error;
}

const struct verb verb_logs = {
	.name = "logs",
	.summary = "Show what a detached machine's application wrote",
	.operands = "MACHINE",
	.description = "What went to its stdout goes to stdout, and what went to its stderr to stderr.",
	.options = options,
	.options_size = sizeof(struct logs_options),
	.run = run,
};
