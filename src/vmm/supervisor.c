// SPDX-License-Identifier: Apache-2.0
/* A machine's life, from the start of its monitor to its end. */
#include "vmm/supervisor.h"
#include "vmm/clock.h"
#include "vmm/control.h"
#include "vmm/descriptors.h"
#include "vmm/ending.h"
#include "vmm/loadable.h"
#include "vmm/ports.h"
#include "vmm/spawn.h"
#include "vmm/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NEVER INT64_MAX
/* Once its application has ended a guest writes its disk and resets. This is for one that hangs;
 * a slow disk must not lose data. */
#define POWER_OFF_MILLISECONDS 60000

/* All are passed on to the application but SIGWINCH, which becomes the terminal's size. */
static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH};

struct supervisor {
	const struct vmm *vmm;
	struct machine *machine;
	struct machine_status *status;
	bool terminal_input; /* stdin is a terminal, in the application's place */
	bool interrupted;    /* a signal came when only slow output was left to wait for */

	int lock;        /* the machine's */
	int files[3];    /* monitor.log; of detached machines also stdout.log, stderr.log */
	int ready;       /* who waits for the application's start */
	int signals;     /* signalfd */
	int monitor_fd;  /* pidfd */
	pid_t monitor;   /* 0 when there is none */
	double started;  /* clock_seconds() */
	int64_t stop_at; /* clock_milliseconds() */

	struct channels channels;
	struct console console;
	struct control control;
	struct terminal terminal;
	struct relay relay;
	struct ending ending;
	sigset_t old_mask;
	struct sigaction old_pipe;
};

static struct supervisor *supervisor_new(const struct vmm *vmm, struct machine *machine,
										 struct machine_status *status, int ready)
{
	/* Large, for its buffers. */
	struct supervisor *supervisor = xcalloc(1, sizeof(*supervisor));

	supervisor->vmm = vmm;
	supervisor->machine = machine;
	supervisor->status = status;
	supervisor->ready = ready;
	supervisor->lock = supervisor->signals = supervisor->monitor_fd = -1;
	supervisor->files[0] = supervisor->files[1] = supervisor->files[2] = -1;
	supervisor->stop_at = NEVER;
	supervisor->channels = (struct channels)CHANNELS_NONE;
	supervisor->console = (struct console)CONSOLE_NONE;
	control_init(&supervisor->control);
	relay_init(&supervisor->relay);
	return supervisor;
}

/* Signals are read, not delivered, so that none comes between a look and a wait. */
static int take_signals(struct supervisor *supervisor, struct error *err)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		sigaddset(&set, watched[i]);
	sigprocmask(SIG_BLOCK, &set, &supervisor->old_mask);
	sigaction(SIGPIPE, &ignore, &supervisor->old_pipe);
	supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return supervisor->signals < 0 ? error_errno(err, errno, "cannot watch signals") : 0;
}

static void give_signals_back(struct supervisor *supervisor)
{
	descriptor_close(&supervisor->signals);
	sigaction(SIGPIPE, &supervisor->old_pipe, NULL);
	sigprocmask(SIG_SETMASK, &supervisor->old_mask, NULL);
}

static int open_file(const struct machine *machine, const char *name, int flags, int *ret,
					 struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", machine->directory, name);

	*ret = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	return *ret < 0 ? error_errno(err, errno, "cannot write %s", path) : 0;
}

/* Logs of the machine begin anew with each start, those of the application go on. */
static int open_files(struct supervisor *supervisor, bool logs, struct error *err)
{
	const struct machine *machine = supervisor->machine;
	int error = console_open(&supervisor->console, machine->directory, err);

	if (error == 0)
		error = open_file(machine, "monitor.log", O_TRUNC, &supervisor->files[0], err);
	if (error == 0 && logs)
		error = open_file(machine, "stdout.log", 0, &supervisor->files[1], err);
	if (error == 0 && logs)
		error = open_file(machine, "stderr.log", 0, &supervisor->files[2], err);
	return error;
}

static int start_monitor(struct supervisor *supervisor, const struct accel *accel,
						 struct error *err)
{
	struct channels *channels = &supervisor->channels;
	_cleanup_strings_ struct strings argv = {0};
	struct spawn spawn = {.argv = &argv, .log = supervisor->files[0]};

	privileges_choose(supervisor->machine, accel, &spawn.privileges);
	int error = channels_open(channels, supervisor->machine, spawn.privileges.drop, err);
	if (error == 0)
		error = loadable_check(channels->monitor.kernel, channels->monitor.initramfs,
							   supervisor->machine->memory, err);
	if (error == 0)
		error =
			supervisor->vmm->command(supervisor->machine, accel, &channels->monitor, &argv, err);
	if (error < 0)
		return error;
	const int keep[] = {channels->monitor.control, channels->monitor.console,
						channels->monitor.kernel, channels->monitor.initramfs,
						channels->monitor.disk};
	spawn.keep = keep;
	spawn.keep_count = ARRAY_SIZE(keep);
	supervisor->started = clock_seconds();
	error = spawn_monitor(&spawn, &supervisor->monitor, err);
	if (error < 0)
		return error;
	channels_close_monitor(channels);
	supervisor->monitor_fd = (int)syscall(SYS_pidfd_open, supervisor->monitor, 0);
	if (supervisor->monitor_fd < 0)
		return error_errno(err, errno, "cannot watch the monitor");
	supervisor->status->state = MACHINE_RUNNING;
	supervisor->status->pid = getpid();
	supervisor->status->monitor_pid = supervisor->monitor;
	supervisor->status->started = time(NULL);
	return machine_write_status(supervisor->machine, supervisor->status, err);
}

static void start_relay(struct supervisor *supervisor, const struct supervise_options *options,
						const struct accel *accel)
{
	_cleanup_free_ char *line = xasprintf("lupine: runs on %s: %s", accel->name, accel->reason);
	const struct application *application = &supervisor->machine->application;
	struct relay *relay = &supervisor->relay;

	relay->guest = supervisor->channels.control;
	relay->serial = supervisor->channels.console;
	supervisor->channels.control = supervisor->channels.console = -1;
	relay->input = application->interactive ? STDIN_FILENO : -1;
	relay->live = options->console;
	relay->console = &supervisor->console;
	relay_set_outputs(relay, options->logs ? supervisor->files[1] : STDOUT_FILENO,
					  options->logs ? supervisor->files[2] : STDERR_FILENO);
	supervisor->terminal_input =
		application->interactive && application->terminal && !options->logs;
	relay_log(relay, line);
	if (supervisor->terminal_input)
		terminal_enter(&supervisor->terminal, STDIN_FILENO);
}

static int start(struct supervisor *supervisor, const struct supervise_options *options,
				 struct error *err)
{
	struct accel accel;
	int error = accel_choose(supervisor->machine->accel, &accel, err);

	if (error == 0) {
		supervisor->status->accel = xstrdup(accel.name);
		supervisor->lock = error = machine_lock(supervisor->machine, err);
	}
	if (error >= 0)
		error = ports_check(supervisor->machine, err);
	if (error == 0)
		error = machine_write_initramfs(supervisor->machine, err);
	if (error == 0)
		error = open_files(supervisor, options->logs, err);
	if (error == 0)
		error = control_open(&supervisor->control, supervisor->machine->directory, err);
	if (error == 0)
		error = start_monitor(supervisor, &accel, err);
	if (error == 0)
		start_relay(supervisor, options, &accel);
	return error;
}

static void kill_monitor(const struct supervisor *supervisor)
{
	if (supervisor->monitor)
		kill(supervisor->monitor, SIGKILL);
}

static void stop_within(struct supervisor *supervisor, unsigned seconds)
{
	int64_t at = clock_milliseconds() + seconds * 1000ll;

	if (at < supervisor->stop_at)
		supervisor->stop_at = at;
}

static void send_window(struct supervisor *supervisor)
{
	uint16_t rows, columns;

	if (supervisor->terminal_input && terminal_size(STDIN_FILENO, &rows, &columns))
		relay_window(&supervisor->relay, rows, columns);
}

static void read_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH) {
			send_window(supervisor);
			continue;
		}
		supervisor->interrupted = supervisor->monitor == 0;
		relay_signal(&supervisor->relay, info.ssi_signo);
		if (info.ssi_signo == SIGINT || info.ssi_signo == SIGTERM)
			stop_within(supervisor, supervisor->machine->stop_timeout);
	}
}

static void run_command(const struct control_command *command, void *data)
{
	struct supervisor *supervisor = data;
	bool stop = command->verb == CONTROL_STOP;

	supervisor->interrupted = supervisor->monitor == 0;
	relay_signal(&supervisor->relay,
				 stop ? (unsigned)supervisor->machine->stop_signal : command->number);
	if (stop)
		stop_within(supervisor, command->number);
}

/* What init told us has consequences once. */
static void notice(struct supervisor *supervisor, enum relay_phase before)
{
	struct machine_status *status = supervisor->status;
	_cleanup_error_ struct error ignored = {0};

	double now = clock_seconds() - supervisor->started;

	if (before < RELAY_UP && supervisor->relay.phase >= RELAY_UP) {
		status->init_seconds = now;
		status->init_ticks = supervisor->relay.init_ticks;
		send_window(supervisor);
	}
	if (supervisor->relay.wrote && status->output_seconds == 0)
		status->output_seconds = now;
	if (before < RELAY_RUNNING && supervisor->relay.phase >= RELAY_RUNNING &&
		!supervisor->relay.failed) {
		status->boot_seconds = now;
		status->boot_ticks = supervisor->relay.ticks;
		machine_write_status(supervisor->machine, status, &ignored);
		if (supervisor->ready >= 0)
			(void)!write(supervisor->ready, "", 1);
		descriptor_close(&supervisor->ready);
	}
	if (before < RELAY_ENDED && supervisor->relay.phase == RELAY_ENDED)
		supervisor->stop_at = clock_milliseconds() + POWER_OFF_MILLISECONDS;
}

static void break_off(struct supervisor *supervisor, struct error *err)
{
	if (!supervisor->ending.broken)
		supervisor->ending.broken = steal(&err->message);
	error_clear(err);
	kill_monitor(supervisor);
}

static void reap(struct supervisor *supervisor)
{
	_cleanup_error_ struct error err = {0};

	waitpid(supervisor->monitor, &supervisor->ending.status, 0);
	supervisor->monitor = 0;
	descriptor_close(&supervisor->monitor_fd);
	/* What it wrote before it ended is in the sockets still, the exit status perhaps. */
	if (relay_drain(&supervisor->relay, &err) < 0)
		break_off(supervisor, &err);
}

static void check_deadline(struct supervisor *supervisor)
{
	if (!supervisor->monitor || clock_milliseconds() < supervisor->stop_at)
		return;
	supervisor->stop_at = NEVER;
	supervisor->ending.stopped = true;
	kill_monitor(supervisor);
}

static int poll_timeout(const struct supervisor *supervisor)
{
	int64_t left = supervisor->stop_at - clock_milliseconds();

	/* After the monitor's end there is only output left, which may be read as slowly as one likes.
	 */
	if (!supervisor->monitor || supervisor->stop_at == NEVER)
		return -1;
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* One wait, and all that came with it. */
static void turn(struct supervisor *supervisor)
{
	enum { CONTROL = SLOTS, SIGNALS = CONTROL + CONTROL_SLOTS, MONITOR, ALL };
	enum relay_phase before = supervisor->relay.phase;
	_cleanup_error_ struct error err = {0};
	struct pollfd slots[ALL];

	relay_wait(&supervisor->relay, slots);
	control_wait(&supervisor->control, slots + CONTROL);
	slots[SIGNALS] = (struct pollfd){.fd = supervisor->signals, .events = POLLIN};
	slots[MONITOR] = (struct pollfd){.fd = supervisor->monitor_fd, .events = POLLIN};
	if (poll(slots, ALL, poll_timeout(supervisor)) < 0)
		return;
	if (slots[SIGNALS].revents)
		read_signals(supervisor);
	control_work(&supervisor->control, slots + CONTROL, run_command, supervisor);
	if (relay_work(&supervisor->relay, slots, &err) < 0)
		break_off(supervisor, &err);
	if (slots[MONITOR].revents)
		reap(supervisor);
	notice(supervisor, before);
	check_deadline(supervisor);
}

/* Called with everything in any state of being started. */
static void finish(struct supervisor *supervisor)
{
	terminal_leave(&supervisor->terminal);
	kill_monitor(supervisor);
	if (supervisor->monitor)
		waitpid(supervisor->monitor, NULL, 0);
	control_close(&supervisor->control);
	channels_close(&supervisor->channels);
	relay_free(&supervisor->relay);
	console_close(&supervisor->console);
	descriptor_close(&supervisor->monitor_fd);
	for (size_t i = 0; i < ARRAY_SIZE(supervisor->files); i++)
		descriptor_close(&supervisor->files[i]);
	free(supervisor->ending.broken);
	give_signals_back(supervisor);
}

static int record_end(struct supervisor *supervisor, struct error *err)
{
	struct machine_status *status = supervisor->status;

	ending_judge(&supervisor->ending, supervisor->vmm, supervisor->machine, &supervisor->relay,
				 status);
	status->state = MACHINE_EXITED;
	status->pid = status->monitor_pid = 0;
	status->finished = time(NULL);
	return machine_write_status(supervisor->machine, status, err);
}

int supervise_with(const struct vmm *vmm, struct machine *machine,
				   const struct supervise_options *options, struct machine_status *ret,
				   struct error *err)
{
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_free_ struct supervisor *supervisor =
		supervisor_new(vmm, machine, &status, options->ready);
	int error = take_signals(supervisor, err);
	if (error == 0)
		error = start(supervisor, options, err);
	if (error == 0) {
		while (supervisor->monitor ||
			   (relay_has_output(&supervisor->relay) && !supervisor->interrupted))
			turn(supervisor);
		error = record_end(supervisor, err);
	}
	finish(supervisor);
	/* Last: whoever waits for the lock or for the ready byte finds the end recorded. */
	descriptor_close(&supervisor->ready);
	descriptor_close(&supervisor->lock);
	if (error < 0)
		return error;
	*ret = status;
	status = (struct machine_status){0};
	return 0;
}

int supervise(struct machine *machine, const struct supervise_options *options,
			  struct machine_status *ret, struct error *err)
{
	const struct vmm *vmm;
	int error = vmm_find(machine->vmm, &vmm, err);

	if (error < 0)
		return error;
	const char *missing = vmm->missing();
	if (missing) {
		error_set(err, ENOENT, "the monitor %s is not installed", vmm->name);
		return error_hint(err, "install %s", missing);
	}
	return supervise_with(vmm, machine, options, ret, err);
}
