// SPDX-License-Identifier: Apache-2.0
#include "vmm/ending.h"
#include "base/files.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define OWN_FAILURE 125 /* docker's exit status for it */
#define MONITOR_LOG_LIMIT ((size_t)1024 * 1024)

static void judge_application(const struct relay *relay, struct machine_status *ret)
{
	if (relay->failed) {
		ret->end = END_NOT_STARTED;
		ret->exit_code = (int)relay->value;
		ret->message = xstrdup(relay->failure);
		return;
	}
	ret->end = END_APPLICATION;
	ret->exit_code = (int)relay->value;
	if (relay->exit_kind == EXIT_SIGNAL)
		ret->exit_code = (128 + (int)relay->value) & 0xff;
}

static void append_monitor_log(const struct machine *machine, struct buf *message)
{
	_cleanup_free_ char *path = xasprintf("%s/monitor.log", machine->directory);
	_cleanup_error_ struct error ignored = {0};
	_cleanup_buf_ struct buf log = {0};

	if (file_read(AT_FDCWD, path, MONITOR_LOG_LIMIT, &log, &ignored) == 0 && log.length)
		append_last_lines(log.data, log.length, message);
}

static void judge_panic(const struct relay *relay, struct machine_status *ret)
{
	_cleanup_free_ char *line = console_panic_line(relay->console);
	struct buf message = {0};

	buf_printf(&message, "the guest's kernel panicked: %s", line ? line : "see its console");
	console_last_lines(relay->console, &message);
	ret->end = END_PANIC;
	ret->exit_code = OWN_FAILURE;
	ret->message = buf_steal(&message);
}

/* The monitor is gone and nobody said why the application is. */
static void judge_monitor(const struct ending *ending, const struct vmm *vmm,
						  const struct machine *machine, const struct relay *relay,
						  struct machine_status *ret)
{
	struct buf message = {0};

	ret->end = END_MONITOR;
	ret->exit_code = OWN_FAILURE;
	if (ending->broken)
		buf_puts(&message, ending->broken);
	else if (WIFSIGNALED(ending->status))
		buf_printf(&message, "the monitor (%s) was killed by signal %d (%s)", vmm->name,
				   WTERMSIG(ending->status), strsignal(WTERMSIG(ending->status)));
	else if (WEXITSTATUS(ending->status))
		buf_printf(&message, "the monitor (%s) ended with status %d", vmm->name,
				   WEXITSTATUS(ending->status));
	else
		buf_puts(&message, relay->phase == RELAY_RUNNING
							   ? "the machine was reset while its application ran"
							   : "the machine was reset before its application was started");
	append_monitor_log(machine, &message);
	console_last_lines(relay->console, &message);
	ret->message = buf_steal(&message);
}

void ending_judge(const struct ending *ending, const struct vmm *vmm, const struct machine *machine,
				  const struct relay *relay, struct machine_status *ret)
{
	free(ret->message);
	ret->message = NULL;
	if (relay->phase == RELAY_ENDED) {
		judge_application(relay, ret);
	} else if (ending->stopped) {
		ret->end = END_STOPPED;
		ret->exit_code = 128 + SIGKILL;
		ret->message = xstrdup("it did not end in time after it was told to stop, and was killed");
	} else if (relay->console->panicked && !ending->broken) {
		judge_panic(relay, ret);
	} else {
		judge_monitor(ending, vmm, machine, relay, ret);
	}
}
