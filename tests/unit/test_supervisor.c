// SPDX-License-Identifier: Apache-2.0
/* The supervisor against a monitor that plays init: every end, hostile guests, streams, signals. */
#include "machine_fixture.h"
#include "vmm/control.h"
#include "vmm/supervisor.h"

#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "fake_guest.h"

static char *program; /* this one, where a monitor without privileges may run it too */

static int fake_command(const struct machine *machine, const struct accel *accel,
						const struct vmm_descriptors *descriptors, struct strings *ret_argv,
						struct error *err)
{
	(void)accel, (void)err;
	strings_add(ret_argv, program);
	strings_add(ret_argv, "--guest");
	strings_add(ret_argv, machine->application.argv.items[0]);
	strings_addf(ret_argv, "%d", descriptors->control);
	strings_addf(ret_argv, "%d", descriptors->console);
	return 0;
}

static const struct vmm fake = {.name = "fake", .command = fake_command};

static int begin(void **state)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_close_ int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (fixture_begin(state) < 0 || chmod(fixture_home, 0755) < 0)
		return -1;
	program = xasprintf("%s/program", fixture_home);
	_cleanup_close_ int copy = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	return file_copy_sparse(self, copy, &err) < 0 ? -1 : fchmod(copy, 0755);
}

static int finish(void **state)
{
	free(program);
	return fixture_end(state);
}

/* A run in a process of its own, as lupine is one, with ends of its streams for the test. */
struct run {
	struct machine *machine;
	pid_t pid;
	int input, output, error; /* ours: to write to, to read from */
	int ready;
};

struct setup {
	const char *name;
	unsigned stop_timeout; /* 0: 10 s */
	bool interactive, terminal, logs;
	int streams[3];     /* to use in place of pipes; 0: a pipe */
	bool output_socket; /* stdout is a socket, not a pipe */
};

static void make_pipe(int given, int reads, int ends[2])
{
	if (given) {
		ends[0] = ends[1] = -1;
		ends[!reads] = given;
		return;
	}
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

static _Noreturn void run_child(const struct run *run, const struct setup *setup, int ready,
								const int streams[3])
{
	struct supervise_options options = {.logs = setup->logs, .ready = ready};
	struct machine_status status = {0};
	struct error err = {0};

	const int others[] = {run->input, run->output, run->error, run->ready};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		close(others[i]);
	for (int i = 0; i < 3; i++)
		dup2(streams[i], i);
	if (supervise_with(&fake, run->machine, &options, &status, &err) < 0) {
		error_print(&err);
		_exit(200);
	}
	int code = status.exit_code;
	machine_status_free(&status);
	_exit(code);
}

static struct run run_start(const char *scenario, const struct setup *setup)
{
	static const struct setup plain = {0};
	struct run run = {.machine = NULL};
	_cleanup_error_ struct error err = {0};
	int in[2], out[2], error[2], ready[2];

	setup = setup ? setup : &plain;
	run.machine = fixture_machine(setup->name);
	free(run.machine->application.argv.items[0]);
	run.machine->application.argv.items[0] = xstrdup(scenario);
	run.machine->application.interactive = setup->interactive;
	run.machine->application.terminal = setup->terminal;
	run.machine->stop_timeout = setup->stop_timeout ? setup->stop_timeout : 10;
	assert_ok(machine_save(run.machine, &err), &err);
	make_pipe(setup->streams[0], 1, in);
	if (setup->output_socket)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out), 0);
	else
		make_pipe(setup->streams[1], 0, out);
	make_pipe(setup->streams[2], 0, error);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	run.input = in[1];
	run.output = out[0];
	run.error = error[0];
	run.ready = ready[0];
	run.pid = fork();
	if (run.pid == 0)
		run_child(&run, setup, ready[1], (const int[]){in[0], out[1], error[1]});
	close(ready[1]);
	if (!setup->streams[0])
		close(in[0]);
	if (!setup->streams[1])
		close(out[1]);
	if (!setup->streams[2])
		close(error[1]);
	return run;
}

/* True once the application was started, false when it ended before. */
static bool run_is_ready(struct run *run)
{
	char byte;

	return read(run->ready, &byte, 1) == 1;
}

static char *read_all(int fd)
{
	struct buf text = {0};
	_cleanup_error_ struct error err = {0};

	buf_puts(&text, "");
	assert_ok(fd_read_all(fd, 64 << 20, &text, &err), &err);
	return buf_steal(&text);
}

/* Waits for its end; its exit status, and what status.json says. */
static int run_end(struct run *run, struct machine_status *ret)
{
	_cleanup_error_ struct error err = {0};
	int status;

	assert_int_equal(waitpid(run->pid, &status, 0), run->pid);
	assert_ok(machine_read_status(run->machine, ret, &err), &err);
	const int ours[] = {run->input, run->output, run->error, run->ready};
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (ours[i] >= 0)
			close(ours[i]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void run_remove(struct run *run)
{
	_cleanup_error_ struct error err = {0};

	assert_ok(machine_remove(run->machine, &err), &err);
	machine_free(&run->machine);
}

static char *machine_file(const struct run *run, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", run->machine->directory, name);
	_cleanup_error_ struct error err = {0};
	struct buf text = {0};

	buf_puts(&text, "");
	assert_ok(file_read(AT_FDCWD, path, 1 << 20, &text, &err), &err);
	return buf_steal(&text);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_streams_and_exit_status(void **state)
{
	struct run run = run_start("exit", NULL);
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_free_ char *out = read_all(run.output), *err = read_all(run.error);

	(void)state;
	assert_string_equal(out, "out\n");
	assert_string_equal(err, "err\n");
	assert_true(run_is_ready(&run));
	assert_int_equal(run_end(&run, &status), 42);
	assert_int_equal(status.state, MACHINE_EXITED);
	assert_int_equal(status.end, END_APPLICATION);
	assert_int_equal(status.exit_code, 42);
	assert_null(status.message);
	assert_string_equal(status.accel, "tcg");
	assert_true(status.init_ticks == 98765432109);
	assert_true(status.boot_ticks == 123456789012);
	assert_true(status.init_seconds > 0 && status.init_seconds <= status.boot_seconds);
	assert_true(status.output_seconds >= status.boot_seconds);
	assert_true(status.boot_seconds >= 0 && status.boot_seconds < 60);
	assert_true(status.finished >= status.started && status.started > 1600000000);
	_cleanup_free_ char *console = machine_file(&run, "console.log");
	assert_true(starts_with(console, "lupine: runs on tcg: emulation was asked for\n"));
	assert_non_null(strstr(console, "serial line\r\n"));
	assert_non_null(strstr(console, "[    0.1] init: up\n"));
	/* Its socket is gone with it. */
	_cleanup_free_ char *socket = xasprintf("%s/control", run.machine->directory);
	assert_false(path_exists(socket));
	run_remove(&run);
}

static void test_ends(void **state)
{
	static const struct {
		const char *scenario;
		enum machine_end end;
		int code;
		bool started;
		const char *message; /* how it begins; NULL: none */
		const char *contains;
	} rows[] = {
		{"segv", END_APPLICATION, 139, true, NULL, NULL},
		{"failed", END_NOT_STARTED, 127, false, "/bin/nosuch: not found in the image", NULL},
		{"panic", END_PANIC, 125, true,
		 "the guest's kernel panicked: Kernel panic - not syncing: out of luck",
		 "\n[    1.1] CPU: 0"},
		{"crash", END_MONITOR, 125, false, "the monitor (fake) ended with status 1",
		 "\nmonitor: something is wrong"},
		{"killed", END_MONITOR, 125, false, "the monitor (fake) was killed by signal 9 (Killed)",
		 NULL},
		{"reset", END_MONITOR, 125, true, "the machine was reset while its application ran",
		 "\nthe last words"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run run = run_start(rows[i].scenario, NULL);
		_cleanup_machine_status_ struct machine_status status = {0};
		assert_int_equal(run_is_ready(&run), rows[i].started);
		assert_int_equal(run_end(&run, &status), rows[i].code);
		assert_int_equal(status.end, rows[i].end);
		assert_int_equal(status.exit_code, rows[i].code);
		if (!rows[i].message)
			assert_null(status.message);
		else if (!starts_with(status.message, rows[i].message))
			fail_msg("%s: %s", rows[i].scenario, status.message);
		if (rows[i].contains)
			assert_non_null(strstr(status.message, rows[i].contains));
		run_remove(&run);
	}
}

static void test_hostile_guests(void **state)
{
	static const struct {
		const char *scenario, *message;
	} rows[] = {
		{"hostile-version", "version 3 of the protocol, not 2"},
		{"hostile-order", "a frame of type 3 out of turn"},
		{"hostile-twice", "a frame of type 1 out of turn"},
		{"hostile-length", "a frame of type 32 with 4294967295 bytes"},
		{"hostile-flood", "more data than its window of 262144 bytes"},
		{"hostile-credit", "credit for more than its window of 262144 bytes"},
		{"hostile-exit", "an exit of kind 0 with 256"},
		{"hostile-failure", "a failure with the exit status 0"},
		{"hostile-noise", "a frame of the unknown type 42"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* Nobody reads its stdout, so that what it sends too much stays with us. */
		struct run run = run_start(rows[i].scenario, NULL);
		_cleanup_machine_status_ struct machine_status status = {0};
		_cleanup_free_ char *message =
			xasprintf("the guest's init broke the protocol: %s", rows[i].message);
		int code = -1;
		if (strcmp(rows[i].scenario, "hostile-flood") == 0) {
			/* It waits for the reader of what is right, like any end. */
			usleep(300 * 1000);
			close(run.output);
			run.output = -1;
		}
		code = run_end(&run, &status);
		assert_int_equal(code, 125);
		assert_int_equal(status.end, END_MONITOR);
		if (!starts_with(status.message, message))
			fail_msg("%s: %s", rows[i].scenario, status.message);
		run_remove(&run);
	}
}

/* Megabytes in and out at once, through pipes that are smaller, byte for byte. */
static void test_echo(void **state)
{
	enum { TOTAL = 5 << 20 };
	struct run run = run_start("echo", &(struct setup){.interactive = true});
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_free_ char *sent = xmalloc(TOTAL);
	_cleanup_error_ struct error err = {0};

	(void)state;
	for (size_t i = 0; i < TOTAL; i++)
		sent[i] = (char)(i * 2654435761u >> 13);
	pid_t writer = fork();
	if (writer == 0)
		_exit(fd_write_all(run.input, sent, TOTAL, &err) < 0);
	close(run.input);
	run.input = -1;
	_cleanup_buf_ struct buf received = {0};
	assert_ok(fd_read_all(run.output, 2 * TOTAL, &received, &err), &err);
	assert_int_equal(received.length, TOTAL);
	assert_memory_equal(received.data, sent, TOTAL);
	waitpid(writer, NULL, 0);
	assert_int_equal(run_end(&run, &status), 0);
	run_remove(&run);
}

/* stdin goes nowhere unless it was asked for. */
static void test_not_interactive(void **state)
{
	struct run run = run_start("signal", NULL);
	_cleanup_machine_status_ struct machine_status status = {0};

	(void)state;
	assert_true(run_is_ready(&run));
	assert_int_equal(write(run.input, "unread", 6), 6);
	usleep(100 * 1000);
	kill(run.pid, SIGUSR1);
	assert_int_equal(run_end(&run, &status), SIGUSR1);
	run_remove(&run);
}

static void test_slow_reader(void **state)
{
	struct run run = run_start("burst", NULL);
	_cleanup_machine_status_ struct machine_status status = {0};

	(void)state;
	usleep(300 * 1000); /* windows, sockets and pipes are full by now */
	_cleanup_buf_ struct buf out = {0};
	_cleanup_error_ struct error err = {0};
	assert_ok(fd_read_all(run.output, 64 << 20, &out, &err), &err);
	assert_int_equal(out.length, BURST_PIECES * BURST_SIZE);
	for (size_t i = 0; i < BURST_PIECES; i++)
		assert_int_equal((unsigned char)out.data[i * BURST_SIZE], i & 0xff);
	assert_int_equal(run_end(&run, &status), 3);
	run_remove(&run);
}

/* A full stdout keeps nothing else from working: not the signal, nor the end. */
static void test_full_stdout(void **state)
{
	struct run run = run_start("burst", &(struct setup){.stop_timeout = 1});
	_cleanup_machine_status_ struct machine_status status = {0};
	double start = seconds_now();

	(void)state;
	assert_true(run_is_ready(&run));
	usleep(200 * 1000);
	kill(run.pid, SIGTERM);
	usleep(1300 * 1000);
	kill(run.pid, SIGTERM); /* and nobody will read the rest of its output */
	assert_int_equal(run_end(&run, &status), 137);
	assert_int_equal(status.end, END_STOPPED);
	assert_true(seconds_now() - start < 20);
	run_remove(&run);
}

static void test_closed_stdout(void **state)
{
	struct run run = run_start("burst", NULL);
	_cleanup_machine_status_ struct machine_status status = {0};

	(void)state;
	close(run.output);
	run.output = -1;
	assert_int_equal(run_end(&run, &status), 4);
	assert_int_equal(status.end, END_APPLICATION);
	run_remove(&run);
}

/* The guest is told that its stdout has no reader, once; what it sent already is thrown away. */
static void test_reader_goes_away(void **state)
{
	char text[2];

	(void)state;
	for (int socket = 0; socket < 2; socket++) {
		struct run run = run_start("yes", &(struct setup){.output_socket = socket});
		_cleanup_machine_status_ struct machine_status status = {0};
		assert_int_equal(read(run.output, text, sizeof(text)), sizeof(text));
		assert_memory_equal(text, "y\n", sizeof(text));
		close(run.output);
		run.output = -1;
		_cleanup_free_ char *error = read_all(run.error);
		assert_string_equal(error, "broken pipe\n");
		assert_int_equal(run_end(&run, &status), 128 + SIGPIPE);
		assert_int_equal(status.end, END_APPLICATION);
		run_remove(&run);
	}
}

/* A disk that is full is no such end: it may have room again, and other streams need none. */
static void test_full_disk(void **state)
{
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct run run = run_start("burst", &(struct setup){.streams = {0, full}});
	_cleanup_machine_status_ struct machine_status status = {0};

	(void)state;
	assert_int_equal(run_end(&run, &status), 3);
	run_remove(&run);
}

static void test_signals(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct run run = run_start("signal", NULL);
		_cleanup_machine_status_ struct machine_status status = {0};
		assert_true(run_is_ready(&run));
		kill(run.pid, signals[i]);
		assert_int_equal(run_end(&run, &status), signals[i]);
		run_remove(&run);
	}
}

/* Waits until a machine's monitor runs, which is when signals are ours to pass on. */
static void wait_for_monitor(struct run *run)
{
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_error_ struct error err = {0};

	for (int i = 0; i < 500 && status.state != MACHINE_RUNNING; i++) {
		machine_status_free(&status);
		usleep(10 * 1000);
		/* As another process sees it: our own lock is not held here. */
		assert_ok(machine_read_status(run->machine, &status, &err), &err);
	}
	assert_int_equal(status.state, MACHINE_RUNNING);
	assert_true(status.monitor_pid > 0);
}

static void test_early_signal(void **state)
{
	struct run run = run_start("late", &(struct setup){.name = "late"});
	_cleanup_machine_status_ struct machine_status status = {0};

	(void)state;
	wait_for_monitor(&run);
	kill(run.pid, SIGTERM);
	assert_int_equal(run_end(&run, &status), SIGTERM);
	run_remove(&run);
}

/* One that never comes up can be stopped too. */
static void test_stop_timeout(void **state)
{
	struct run run = run_start("silent", &(struct setup){.name = "silent", .stop_timeout = 1});
	_cleanup_machine_status_ struct machine_status status = {0};
	double start = seconds_now();

	(void)state;
	wait_for_monitor(&run);
	kill(run.pid, SIGINT);
	assert_int_equal(run_end(&run, &status), 137);
	assert_true(seconds_now() - start > 0.9);
	assert_int_equal(status.end, END_STOPPED);
	assert_string_equal(status.message,
						"it did not end in time after it was told to stop, and was killed");
	run_remove(&run);
}

static void test_stop(void **state)
{
	struct run run = run_start("signal", &(struct setup){.name = "stopped"});
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_true(run_is_ready(&run));
	run.machine->stop_signal = SIGQUIT; /* here; the supervisor has its own, as written */
	assert_ok(vmm_stop(run.machine, 10, &err), &err);
	/* It is gone when that returns. */
	int lock = machine_lock(run.machine, &err);
	assert_ok(lock, &err);
	close(lock);
	assert_int_equal(run_end(&run, &status), SIGTERM);
	/* Again: it is not running, which is what was asked for. */
	assert_ok(vmm_stop(run.machine, 10, &err), &err);
	run_remove(&run);
}

static void test_stop_at_once(void **state)
{
	struct run run = run_start("stubborn", &(struct setup){.name = "stubborn"});
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_true(run_is_ready(&run));
	assert_ok(vmm_stop(run.machine, 0, &err), &err);
	assert_int_equal(run_end(&run, &status), 137);
	run_remove(&run);
}

static void test_control_socket(void **state)
{
	struct run run = run_start("signal", &(struct setup){.name = "controlled"});
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_error_ struct error err = {0};
	char text[128];

	(void)state;
	assert_true(run_is_ready(&run));
	_cleanup_close_ int rude = control_connect(run.machine->directory, &err);
	_cleanup_close_ int polite = control_connect(run.machine->directory, &err);
	assert_true(rude >= 0 && polite >= 0);
	/* No end of line within what a line may have: shown the door. */
	memset(text, 'x', sizeof(text));
	assert_int_equal(send(rude, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
	ssize_t end = read(rude, text, sizeof(text));
	assert_true(end == 0 || (end < 0 && errno == ECONNRESET));
	assert_int_equal(write(polite, "frobnicate\nsignal 0\nsig", 23), 23);
	_cleanup_buf_ struct buf answers = {0};
	while (answers.length < strlen("error unknown command\nerror 0 is not between 1 and 64\n")) {
		ssize_t count = read(polite, text, sizeof(text));
		assert_true(count > 0);
		buf_append(&answers, text, (size_t)count);
	}
	assert_string_equal(answers.data, "error unknown command\nerror 0 is not between 1 and 64\n");
	/* More than it has places for does not lock others out for good. */
	int crowd[CONTROL_CLIENTS + 4];
	for (size_t i = 0; i < ARRAY_SIZE(crowd); i++)
		crowd[i] = control_connect(run.machine->directory, &err);
	for (size_t i = 0; i < ARRAY_SIZE(crowd); i++)
		if (crowd[i] >= 0)
			close(crowd[i]);
	assert_int_equal(write(polite, "nal 10\n", 7), 7);
	ssize_t count = read(polite, text, sizeof(text));
	assert_int_equal(count, 3);
	assert_memory_equal(text, "ok\n", 3);
	/* The end of the connection is that of the machine. */
	assert_int_equal(read(polite, text, sizeof(text)), 0);
	assert_int_equal(run_end(&run, &status), 10);
	run_remove(&run);
}

static void test_busy(void **state)
{
	struct run run = run_start("signal", &(struct setup){.name = "busy"});
	_cleanup_machine_status_ struct machine_status status = {0}, second = {0};
	const struct supervise_options options = {.ready = -1};
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_true(run_is_ready(&run));
	assert_int_equal(supervise_with(&fake, run.machine, &options, &second, &err), -EBUSY);
	assert_string_equal(err.message, "the machine busy is running");
	assert_int_equal(machine_remove(run.machine, &err), -EBUSY);
	kill(run.pid, SIGTERM);
	assert_int_equal(run_end(&run, &status), SIGTERM);
	run_remove(&run);
}

static bool process_lives(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/stat", pid);
	_cleanup_buf_ struct buf text = {0};
	_cleanup_error_ struct error err = {0};

	if (file_read(AT_FDCWD, path, 4096, &text, &err) < 0)
		return false;
	const char *state = strrchr(text.data, ')');
	return state && state[2] != 'Z' && state[2] != 'X';
}

/* kill -9: the monitor goes too, the machine is not "running", and it can be started again. */
static void test_killed_supervisor(void **state)
{
	struct run run = run_start("stubborn", &(struct setup){.name = "orphan"});
	_cleanup_machine_status_ struct machine_status before = {0}, status = {0}, after = {0};
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_true(run_is_ready(&run));
	assert_ok(machine_read_status(run.machine, &before, &err), &err);
	assert_true(process_lives(before.monitor_pid));
	kill(run.pid, SIGKILL);
	assert_int_equal(run_end(&run, &status), 1000 + SIGKILL);
	for (int i = 0; i < 500 && process_lives(before.monitor_pid); i++)
		usleep(10 * 1000);
	assert_false(process_lives(before.monitor_pid));
	assert_int_equal(status.state, MACHINE_EXITED);
	assert_int_equal(status.end, END_MONITOR);
	assert_ok(vmm_stop(run.machine, 1, &err), &err);

	free(run.machine->application.argv.items[0]);
	run.machine->application.argv.items[0] = xstrdup("segv");
	const struct supervise_options options = {.ready = -1};
	assert_ok(supervise_with(&fake, run.machine, &options, &after, &err), &err);
	assert_int_equal(after.exit_code, 139);
	run_remove(&run);
}

static void test_detached(void **state)
{
	struct run run = run_start("exit", &(struct setup){.name = "behind", .logs = true});
	_cleanup_machine_status_ struct machine_status status = {0}, again = {0};
	_cleanup_free_ char *out = read_all(run.output), *error = read_all(run.error);
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_string_equal(out, "");
	assert_string_equal(error, "");
	assert_int_equal(run_end(&run, &status), 42);
	_cleanup_free_ char *out_log = machine_file(&run, "stdout.log");
	_cleanup_free_ char *error_log = machine_file(&run, "stderr.log");
	assert_string_equal(out_log, "out\n");
	assert_string_equal(error_log, "err\n");
	/* The next start goes on writing there; the console begins anew. */
	const struct supervise_options options = {.logs = true, .ready = -1};
	assert_ok(supervise_with(&fake, run.machine, &options, &again, &err), &err);
	free(out_log);
	out_log = machine_file(&run, "stdout.log");
	assert_string_equal(out_log, "out\nout\n");
	_cleanup_free_ char *console = machine_file(&run, "console.log");
	assert_ptr_equal(strstr(strstr(console, "serial line") + 1, "serial line"), NULL);
	run_remove(&run);
}

static void test_terminal(void **state)
{
	struct winsize size = {.ws_row = 33, .ws_col = 101};
	struct termios before = {0}, during = {0}, after = {0};
	_cleanup_machine_status_ struct machine_status status = {0};
	int ours, theirs;

	(void)state;
	assert_int_equal(openpty(&ours, &theirs, NULL, NULL, &size), 0);
	assert_int_equal(tcgetattr(theirs, &before), 0);
	struct run run = run_start(
		"window", &(struct setup){.interactive = true, .terminal = true, .streams = {theirs}});
	char text[64] = "";
	while (!strstr(text, "]"))
		assert_true(read(run.output, text + strlen(text), sizeof(text) - 1 - strlen(text)) > 0);
	/* Told once when init is up. */
	assert_string_equal(text, "[33 x 101]");
	assert_int_equal(tcgetattr(theirs, &during), 0);
	assert_false(during.c_lflag & (ICANON | ECHO | ISIG));
	size.ws_col = 99;
	assert_int_equal(ioctl(ours, TIOCSWINSZ, &size), 0);
	kill(run.pid, SIGWINCH); /* the kernel's own goes to the terminal's foreground group */
	_cleanup_free_ char *rest = read_all(run.output);
	assert_string_equal(rest, "[33 x 99]");
	assert_int_equal(run_end(&run, &status), 0);
	assert_int_equal(tcgetattr(theirs, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	close(ours);
	close(theirs);
	run_remove(&run);
}

/* The terminal is given back on a bad end as well. */
static void test_terminal_after_crash(void **state)
{
	static const char *const bad_ends[] = {"crash", "panic", "hostile-noise"};
	struct termios before = {0}, after = {0};
	int ours, theirs;

	(void)state;
	assert_int_equal(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
	assert_int_equal(tcgetattr(theirs, &before), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad_ends); i++) {
		_cleanup_machine_status_ struct machine_status status = {0};
		struct run run =
			run_start(bad_ends[i],
					  &(struct setup){.interactive = true, .terminal = true, .streams = {theirs}});
		assert_int_equal(run_end(&run, &status), 125);
		assert_int_equal(tcgetattr(theirs, &after), 0);
		assert_memory_equal(&before, &after, sizeof(before));
		run_remove(&run);
	}
	close(ours);
	close(theirs);
}

static void test_surroundings(void **state)
{
	int null = open("/dev/null", O_RDONLY);
	_cleanup_machine_status_ struct machine_status status = {0};

	(void)state;
	/* What a careless shell leaves open, and what is nobody's business. */
	assert_int_equal(dup2(null, 77), 77);
	setenv("SECRET", "password", 1);
	struct run run = run_start("surroundings", NULL);
	_cleanup_free_ char *out = read_all(run.output);
	bool root = geteuid() == 0;
	_cleanup_free_ char *expected =
		xasprintf("uid %u gid %u privileges 1 capabilities 0000000000000000 secret no leaked no "
				  "death 9 session own\n",
				  root ? 65534 : getuid(), root ? 65534 : getgid());
	assert_string_equal(out, expected);
	assert_int_equal(run_end(&run, &status), 0);
	close(77);
	close(null);
	run_remove(&run);
}

/* What stands in the way of a start is an error, and leaves no monitor. */
static void test_no_start(void **state)
{
	const struct supervise_options options = {.ready = -1};
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_error_ struct error err = {0};
	_cleanup_machine_ struct machine *machine = fixture_machine(NULL);

	(void)state;
	free(machine->kernel);
	machine->kernel = xstrdup("/nonexistent/vmlinux");
	assert_int_equal(supervise_with(&fake, machine, &options, &status, &err), -ENOENT);
	assert_string_equal(err.message,
						"cannot open the kernel /nonexistent/vmlinux: No such file or directory");
	free(machine->kernel);
	machine->kernel = xasprintf("%s/kernel", fixture_home);
	machine->disk.type = xstrdup("ext2");
	machine->disk.path = xstrdup("/nonexistent/disk.img");
	assert_int_equal(supervise_with(&fake, machine, &options, &status, &err), -ENOENT);
	assert_string_equal(err.message,
						"cannot open the disk /nonexistent/disk.img: No such file or directory");
	free(machine->disk.path);
	machine->disk.path = NULL;

	_cleanup_free_ char *saved = program;
	program = xstrdup("/nonexistent/monitor");
	assert_int_equal(supervise_with(&fake, machine, &options, &status, &err), -ENOENT);
	assert_string_equal(
		err.message, "cannot start /nonexistent/monitor: its program: No such file or directory");
	free(program);
	program = steal(&saved);
	assert_ok(machine_remove(machine, &err), &err);
}

static void test_port_in_use(void **state)
{
	const struct supervise_options options = {.ready = -1};
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_error_ struct error err = {0};
	_cleanup_machine_ struct machine *machine = fixture_machine(NULL);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	_cleanup_close_ int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(taken, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(taken, 1), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &length), 0);
	machine->ports = xcalloc(1, sizeof(struct machine_port));
	machine->port_count = 1;
	machine->ports[0] = (struct machine_port){
		.address = xstrdup("127.0.0.1"), .host = ntohs(address.sin_port), .guest = 80};
	assert_int_equal(supervise_with(&fake, machine, &options, &status, &err), -EADDRINUSE);
	_cleanup_free_ char *message =
		xasprintf("cannot listen on port %u of this host at 127.0.0.1: Address already in use",
				  ntohs(address.sin_port));
	assert_string_equal(err.message, message);
	assert_ok(machine_remove(machine, &err), &err);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams_and_exit_status),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_hostile_guests),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_not_interactive),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_full_stdout),
		cmocka_unit_test(test_closed_stdout),
		cmocka_unit_test(test_reader_goes_away),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_early_signal),
		cmocka_unit_test(test_stop_timeout),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_at_once),
		cmocka_unit_test(test_control_socket),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_killed_supervisor),
		cmocka_unit_test(test_detached),
		cmocka_unit_test(test_terminal),
		cmocka_unit_test(test_terminal_after_crash),
		cmocka_unit_test(test_surroundings),
		cmocka_unit_test(test_no_start),
		cmocka_unit_test(test_port_in_use),
	};

	if (argc == 5 && strcmp(argv[1], "--guest") == 0)
		return guest_main(argv);
	return cmocka_run_group_tests(tests, begin, finish);
}
