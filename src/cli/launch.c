// SPDX-License-Identifier: Apache-2.0
#include "cli/launch.h"
#include "base/files.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "vmm/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* First byte of what a detached supervisor reports, before message, NUL and hint. */
#define NEVER_RAN "E" /* the machine could not be started at all */
#define RAN "R"       /* it ran, but not its application */

/* What lupine ends with after each end of a machine. */
static int exit_status(const struct machine_status *status)
{
	switch (status->end) {
	case END_APPLICATION:
	case END_NOT_STARTED:
	case END_STOPPED:
		return status->exit_code;
	default:
		return STATUS_FAILED;
	}
}

/* True when the end needs words: the application's own needs none. */
static bool is_bad_end(const struct machine_status *status)
{
	return status->end != END_APPLICATION && status->end != END_STOPPED;
}

static void remove_unkept(const struct machine *machine)
{
	_cleanup_error_ struct error ignored = {0};

	if (!machine->keep)
		machine_remove(machine, &ignored); /* else the next machine_new() sweeps it */
}

/* Supervises; a bad end leaves its message in `err` though a status is returned. */
static int run_to_end(struct machine *machine, const struct supervise_options *options,
					  struct error *err)
{
	_cleanup_machine_status_ struct machine_status status = {0};
	int result = supervise(machine, options, &status, err);

	remove_unkept(machine);
	if (result < 0)
		return result;
	if (is_bad_end(&status))
		error_set(err, EIO, "%s",
				  status.message ? status.message : "the machine ended before its application");
	return exit_status(&status);
}

void launch_tell_accelerator(const struct machine *machine, bool quiet)
{
	_cleanup_error_ struct error ignored = {0};
	struct accel accel = {0};

	/* Where stderr is not a terminal it is the application's alone. */
	if (quiet || !isatty(STDERR_FILENO) || strcmp(machine->accel, "auto") != 0 ||
		accel_choose(machine->accel, &accel, &ignored) < 0 || strcmp(accel.name, "kvm") == 0)
		return;
	progress_clear();
	fprintf(stderr, "lupine: the processor is emulated: %s\n", accel.reason);
}

int launch_attached(struct machine *machine, bool console, struct error *err)
{
	const struct supervise_options options = {.console = console, .ready = -1};

	progress_enable(false); /* the terminal is the application's now */
	int status = run_to_end(machine, &options, err);
	if (status >= 0 && err->message) {
		error_print(err);
		error_clear(err);
	}
	return status;
}

/* Lets go of all that whoever started us may wait for the end of: pipes, test harnesses. */
static void close_all_but(const int *kept, size_t count)
{
	enum { HIGHEST = 1 << 16 };
	long limit = sysconf(_SC_OPEN_MAX);

	for (int fd = STDERR_FILENO + 1; fd < (limit > 0 && limit < HIGHEST ? limit : HIGHEST); fd++) {
		bool keep = false;
		for (size_t i = 0; i < count; i++)
			keep = keep || kept[i] == fd;
		if (!keep)
			close(fd);
	}
}

/* -d with -i: nobody will ever write to stdin, and it does not end, so that a shell stays. */
static void open_endless_stdin(void)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) == 0)
		dup2(pipes[0], STDIN_FILENO);
}

static _Noreturn void supervise_behind(struct machine *machine, int ready, int report)
{
	const struct supervise_options options = {.logs = true, .ready = ready};
	const int kept[] = {ready, report, machine->lock};
	struct error err = {0}, ignored = {0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close_all_but(kept, ARRAY_SIZE(kept));
	if (machine->application.interactive)
		open_endless_stdin();
	(void)!chdir("/");
	int status = run_to_end(machine, &options, &err);
	if (err.message) {
		fd_write_all(report, status < 0 ? NEVER_RAN : RAN, 1, &ignored);
		fd_write_all(report, err.message, strlen(err.message) + 1, &ignored);
		if (err.hint)
			fd_write_all(report, err.hint, strlen(err.hint), &ignored);
	}
	_exit(status < 0 ? STATUS_FAILED : status);
}

/* The child ended before its application was started: its own words say why. Its exit status,
 * or a negative errno when the machine could not even be tried. */
static int failed_start(pid_t pid, int report, struct error *err)
{
	enum { REPORT_LIMIT = 65536 };
	_cleanup_buf_ struct buf text = {0};
	_cleanup_error_ struct error failure = {0};
	int status = 0;

	int error = fd_read_all(report, REPORT_LIMIT, &text, err);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (error < 0)
		return error;
	if (!WIFEXITED(status) || text.length < 2)
		return error_set(err, EIO, "the machine's supervisor ended early");
	const char *message = text.data + 1, *hint = message + strlen(message) + 1;
	error_set(&failure, EIO, "%s", message);
	if (hint < text.data + text.length)
		error_hint(&failure, "%s", hint);
	if (*text.data == *NEVER_RAN) {
		error_clear(err);
		*err = failure;
		failure = (struct error){0};
		return -err->code;
	}
	error_print(&failure);
	return WEXITSTATUS(status);
}

int launch_detached(struct machine *machine, struct error *err)
{
	int ready[2], report[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot make a pipe");
	if (pipe2(report, O_CLOEXEC) < 0) {
		close(ready[0]);
		close(ready[1]);
		return error_errno(err, errno, "cannot make a pipe");
	}
	pid_t pid = fork();
	if (pid == 0)
		supervise_behind(machine, ready[1], report[1]);
	int error = errno;
	close(ready[1]);
	close(report[1]);
	_cleanup_close_ int ready_end = ready[0], report_end = report[0];
	if (pid < 0)
		return error_errno(err, error, "cannot start a process");
	ssize_t count;
	do
		count = read(ready_end, &byte, 1);
	while (count < 0 && errno == EINTR);
	progress_clear();
	return count == 1 ? 0 : failed_start(pid, report_end, err);
}
