// SPDX-License-Identifier: Apache-2.0
/*
 * Init's relay with real applications, as an ordinary process: the test plays the host at the
 * other end of a socket pair. Each guest is a process of its own, as init keeps its state in
 * static variables.
 */
#define KMSG_PATH "/nonexistent/kmsg"
#include "guest/application.c"
#include "guest/channel.c"
#include "guest/clock.c"
#include "guest/config.c"
#include "guest/exec.c"
#include "guest/limits.c"
#include "guest/log.c"
#define wake relay_wake
#include "guest/relay.c"
#undef wake
#include "guest/mounts.c"
#include "guest/streams.c"
#include "guest/text.c"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

#define RECORDS(...) ((const char *const[]){"version", "1", __VA_ARGS__, NULL})
#define SHELL(script) RECORDS("arg", "/bin/sh", "arg", "-c", "arg", script)
#define SHELL_WITH(script, ...) RECORDS("arg", "/bin/sh", "arg", "-c", "arg", script, __VA_ARGS__)

struct output {
	char *bytes; /* with a NUL behind */
	size_t length;
	bool ended;
	bool hold; /* give no credit */
};

struct guest {
	pid_t pid;
	struct channel channel; /* the host's end of it */
	struct output outputs[4];
	size_t window; /* what the guest takes of stdin */
	bool started, exited, failed, gone;
	uint32_t kind, value;
	char failure[1025];
	uint64_t ticks;
};

/* init.c, without the machine around it. Exits with 0 after BYE. */
static void guest_main(const char *const *records, int fd)
{
	static struct channel channel;
	static struct application application = {.input = -1, .outputs = {-1, -1}, .terminal = -1};
	static struct config config;
	static struct relay relay;
	static struct failure failure;
	static char bytes[8192];
	size_t length = 0;
	for (; *records; records++) {
		strcpy(bytes + length, *records);
		length += strlen(*records) + 1;
	}
	channel.fd = fd;
	relay.channel = &channel;
	relay.application = &application;
	relay.outputs[0].window = relay.outputs[1].window = PROTOCOL_WINDOW;
	log_open();
	log_quiet();
	log_line(TEXT("hello"));
	relay_prepare();
	if (config_parse(bytes, length, &config, &failure) < 0 ||
		application_start(&config, &application, &failure) < 0)
		relay.failure = &failure;
	_exit(relay_run(&relay) < 0 ? 1 : 0);
}

static void guest_begin(struct guest *guest, const char *const *records, bool own_processes)
{
	int ends[2];
	*guest = (struct guest){.window = PROTOCOL_WINDOW};
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	guest->pid = fork();
	if (guest->pid == 0) {
		alarm(20); /* a hung guest must not outlive its test */
		close(ends[0]);
		if (own_processes) {
			int status;
			if (unshare(CLONE_NEWPID) < 0)
				_exit(99);
			pid_t first = fork();
			if (first == 0)
				guest_main(records, ends[1]);
			close(ends[1]);
			waitpid(first, &status, 0);
			_exit(WEXITSTATUS(status));
		}
		guest_main(records, ends[1]);
	}
	assert_true(guest->pid > 0);
	close(ends[1]);
	guest->channel.fd = ends[0];
}

static void guest_send(struct guest *guest, enum frame_type type, enum stream_id stream,
					   const void *payload, size_t length)
{
	channel_put(&guest->channel, type, stream, payload, length);
	channel_flush(&guest->channel);
}

static void send_number(struct guest *guest, enum frame_type type, enum stream_id stream,
						uint32_t number)
{
	uint8_t payload[4];
	le32_write(payload, number);
	guest_send(guest, type, stream, payload, sizeof(payload));
}

static void on_frame(struct guest *guest, const struct frame *frame)
{
	struct output *output = &guest->outputs[frame->stream & 3];
	assert_false(guest->exited || guest->failed);
	switch (frame->type) {
	case FRAME_STARTED:
		assert_int_equal(frame->length, 8);
		guest->started = true;
		guest->ticks = le32_read(frame->payload) | (uint64_t)le32_read(frame->payload + 4) << 32;
		break;
	case FRAME_DATA:
		assert_false(output->ended);
		output->bytes = realloc(output->bytes, output->length + frame->length + 1);
		memcpy(output->bytes + output->length, frame->payload, frame->length);
		output->length += frame->length;
		output->bytes[output->length] = 0;
		if (!output->hold && frame->stream != STREAM_LOG)
			send_number(guest, FRAME_CREDIT, frame->stream, frame->length);
		break;
	case FRAME_END:
		output->ended = true;
		break;
	case FRAME_CREDIT:
		assert_int_equal(frame->stream, STREAM_STDIN);
		guest->window += le32_read(frame->payload);
		assert_true(guest->window <= PROTOCOL_WINDOW);
		break;
	case FRAME_EXIT:
		guest->exited = true;
		guest->kind = le32_read(frame->payload);
		guest->value = le32_read(frame->payload + 4);
		guest_send(guest, FRAME_BYE, 0, NULL, 0);
		break;
	case FRAME_FAILED:
		guest->failed = true;
		guest->value = le32_read(frame->payload);
		memcpy(guest->failure, frame->payload + 4, frame->length - 4);
		guest_send(guest, FRAME_BYE, 0, NULL, 0);
		break;
	default:
		fail_msg("frame type %u", frame->type);
	}
}

/* Takes what comes and sends what waits within `timeout` ms; false when there was neither. */
static bool guest_step(struct guest *guest, int timeout)
{
	struct frame frame;
	short events = channel_pending(&guest->channel) ? POLLIN | POLLOUT : POLLIN;
	struct pollfd port = {.fd = guest->channel.fd, .events = events};
	if (poll(&port, 1, timeout) <= 0)
		return false;
	if (port.revents & POLLOUT)
		channel_flush(&guest->channel);
	if (!(port.revents & ~POLLOUT))
		return true;
	if (channel_fill(&guest->channel) < 0) {
		guest->gone = true;
		return true;
	}
	while (channel_next(&guest->channel, &frame) > 0)
		on_frame(guest, &frame);
	return true;
}

static void wait_for(struct guest *guest, enum stream_id stream, const char *text)
{
	const struct output *output = &guest->outputs[stream];
	while (!output->bytes || !strstr(output->bytes, text)) {
		assert_true(guest_step(guest, 10000));
		assert_false(guest->gone);
	}
}

/* Runs it to its end, and looks that the guest itself ended well. */
static void guest_wait(struct guest *guest)
{
	int status;
	while (!guest->gone)
		assert_true(guest_step(guest, 10000));
	assert_int_equal(waitpid(guest->pid, &status, 0), guest->pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(guest->channel.fd);
}

static void guest_free(struct guest *guest)
{
	for (size_t i = 0; i < ARRAY_COUNT(guest->outputs); i++)
		free(guest->outputs[i].bytes);
}

/* What a stream held, and that it ended. */
static void expect_output(const struct guest *guest, enum stream_id stream, const char *text)
{
	const struct output *output = &guest->outputs[stream];
	assert_string_equal(output->bytes ? output->bytes : "", text);
	assert_true(output->ended);
}

static void expect_exit(const struct guest *guest, enum exit_kind kind, uint32_t value)
{
	assert_true(guest->exited && guest->started);
	assert_int_equal(guest->kind, kind);
	assert_int_equal(guest->value, value);
}

/* Large, and the tests are one after the other. */
static struct guest guest;

static void run(const char *const *records)
{
	guest_begin(&guest, records, false);
	guest_wait(&guest);
}

static void streams_stay_apart(void **state)
{
	(void)state;
	run(SHELL("echo out; echo err >&2; printf last; exit 42"));
	expect_exit(&guest, EXIT_CODE, 42);
	expect_output(&guest, STREAM_STDOUT, "out\nlast");
	expect_output(&guest, STREAM_STDERR, "err\n");
	assert_string_equal(guest.outputs[STREAM_LOG].bytes,
						"lupine-init: hello\n"
						"lupine-init: the application ended: exit status 42\n");
	assert_true(guest.ticks != 0);
	guest_free(&guest);
}

static void signals_that_kill(void **state)
{
	(void)state;
	run(SHELL("kill -SEGV $$"));
	expect_exit(&guest, EXIT_SIGNAL, SIGSEGV);
	guest_free(&guest);
	run(SHELL("kill -KILL $$"));
	expect_exit(&guest, EXIT_SIGNAL, SIGKILL);
	guest_free(&guest);
}

static void without_stdin_there_is_none(void **state)
{
	(void)state;
	run(SHELL("cat; echo end"));
	expect_exit(&guest, EXIT_CODE, 0);
	expect_output(&guest, STREAM_STDOUT, "end\n");
	guest_free(&guest);
}

static void megabytes_through_cat(void **state)
{
	enum { TOTAL = 3000000 };
	static char bytes[TOTAL];
	size_t sent = 0;
	(void)state;
	for (size_t i = 0; i < TOTAL; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	guest_begin(&guest, RECORDS("arg", "cat", "stdin", "1"), false);
	while (sent < TOTAL) {
		size_t piece = TOTAL - sent < 30000 ? TOTAL - sent : 30000;
		if (guest.window >= piece && !channel_pending(&guest.channel)) {
			guest_send(&guest, FRAME_DATA, STREAM_STDIN, bytes + sent, piece);
			guest.window -= piece;
			sent += piece;
			continue;
		}
		guest_step(&guest, 100);
	}
	while (channel_pending(&guest.channel)) {
		guest_step(&guest, 100);
	}
	guest_send(&guest, FRAME_END, STREAM_STDIN, NULL, 0);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_CODE, 0);
	assert_int_equal(guest.outputs[STREAM_STDOUT].length, TOTAL);
	assert_memory_equal(guest.outputs[STREAM_STDOUT].bytes, bytes, TOTAL);
	guest_free(&guest);
}

static void an_early_end_of_stdin(void **state)
{
	(void)state;
	guest_begin(&guest, SHELL_WITH("read line; echo \"got $line\"; cat; echo end", "stdin", "1"),
				false);
	guest_send(&guest, FRAME_DATA, STREAM_STDIN, "a\nb\n", 4);
	guest_send(&guest, FRAME_END, STREAM_STDIN, NULL, 0);
	guest_wait(&guest);
	expect_output(&guest, STREAM_STDOUT, "got a\nb\nend\n");
	guest_free(&guest);
}

static void a_slow_reader_stops_only_its_stream(void **state)
{
	(void)state;
	guest_begin(&guest, SHELL("head -c 1000000 /dev/zero & sleep 0.2; echo err >&2; wait; exit 7"),
				false);
	guest.outputs[STREAM_STDOUT].hold = true;
	wait_for(&guest, STREAM_STDERR, "err\n");
	while (guest_step(&guest, 200))
		;
	assert_int_equal(guest.outputs[STREAM_STDOUT].length, PROTOCOL_WINDOW);
	guest.outputs[STREAM_STDOUT].hold = false;
	send_number(&guest, FRAME_CREDIT, STREAM_STDOUT, PROTOCOL_WINDOW);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_CODE, 7);
	assert_int_equal(guest.outputs[STREAM_STDOUT].length, 1000000);
	guest_free(&guest);
}

static void output_waits_for_credit_after_the_end(void **state)
{
	(void)state;
	guest_begin(&guest, SHELL("head -c 300000 /dev/zero"), false);
	guest.outputs[STREAM_STDOUT].hold = true;
	while (guest_step(&guest, 200))
		;
	assert_false(guest.exited);
	guest.outputs[STREAM_STDOUT].hold = false;
	send_number(&guest, FRAME_CREDIT, STREAM_STDOUT, PROTOCOL_WINDOW);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_CODE, 0);
	assert_int_equal(guest.outputs[STREAM_STDOUT].length, 300000);
	guest_free(&guest);
}

/* As in a pipeline: blocked in a write, or at the next one, with what was sent not given back. */
static void output_that_nobody_reads(void **state)
{
	(void)state;
	guest_begin(&guest, SHELL("exec yes"), false);
	guest.outputs[STREAM_STDOUT].hold = true;
	while (guest_step(&guest, 200))
		;
	assert_int_equal(guest.outputs[STREAM_STDOUT].length, PROTOCOL_WINDOW);
	guest_send(&guest, FRAME_END, STREAM_STDOUT, NULL, 0);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_SIGNAL, SIGPIPE);
	assert_true(guest.outputs[STREAM_STDOUT].ended);
	guest_free(&guest);
}

static void an_output_that_nobody_reads_is_not_the_other(void **state)
{
	(void)state;
	guest_begin(&guest,
				SHELL_WITH("trap '' PIPE; echo out; echo ready >&2; read line; echo lost || "
						   "echo failed >&2; exit 3",
						   "stdin", "1"),
				false);
	guest.outputs[STREAM_STDOUT].hold = true;
	wait_for(&guest, STREAM_STDOUT, "out\n");
	wait_for(&guest, STREAM_STDERR, "ready\n");
	/* Twice, as it may also cross the guest's own; then the credit for what came before. */
	guest_send(&guest, FRAME_END, STREAM_STDOUT, NULL, 0);
	guest_send(&guest, FRAME_END, STREAM_STDOUT, NULL, 0);
	send_number(&guest, FRAME_CREDIT, STREAM_STDOUT, strlen("out\n"));
	guest_send(&guest, FRAME_DATA, STREAM_STDIN, "go\n", 3);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_CODE, 3);
	expect_output(&guest, STREAM_STDOUT, "out\n");
	assert_true(guest.outputs[STREAM_STDERR].ended);
	assert_non_null(strstr(guest.outputs[STREAM_STDERR].bytes, "failed\n"));
	guest_free(&guest);
}

static void signals_pass_data_that_nobody_reads(void **state)
{
	static char bytes[PROTOCOL_PAYLOAD_MAX];
	(void)state;
	guest_begin(&guest,
				SHELL_WITH("trap 'echo got; exit 3' TERM; echo ready; while :; do sleep 0.05; done",
						   "stdin", "1"),
				false);
	wait_for(&guest, STREAM_STDOUT, "ready\n");
	for (size_t sent = 0; sent < PROTOCOL_WINDOW; sent += sizeof(bytes)) {
		guest_send(&guest, FRAME_DATA, STREAM_STDIN, bytes, sizeof(bytes));
		guest.window -= sizeof(bytes);
		while (channel_pending(&guest.channel))
			assert_true(guest_step(&guest, 10000));
	}
	send_number(&guest, FRAME_SIGNAL, 0, SIGTERM);
	wait_for(&guest, STREAM_STDOUT, "got\n");
	guest_wait(&guest);
	expect_exit(&guest, EXIT_CODE, 3);
	guest_free(&guest);
}

static void a_default_signal_ends_it(void **state)
{
	(void)state;
	guest_begin(&guest, SHELL("echo ready; exec sleep 10"), false);
	wait_for(&guest, STREAM_STDOUT, "ready\n");
	send_number(&guest, FRAME_SIGNAL, 0, SIGTERM);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_SIGNAL, SIGTERM);
	guest_free(&guest);
}

static void stdin_that_the_application_closed(void **state)
{
	static char bytes[PROTOCOL_PAYLOAD_MAX];
	(void)state;
	guest_begin(&guest, SHELL_WITH("exec <&-; echo ready; sleep 0.2; exit 5", "stdin", "1"), false);
	wait_for(&guest, STREAM_STDOUT, "ready\n");
	for (int i = 0; i < 4; i++)
		guest_send(&guest, FRAME_DATA, STREAM_STDIN, bytes, sizeof(bytes));
	guest_send(&guest, FRAME_END, STREAM_STDIN, NULL, 0);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_CODE, 5);
	guest_free(&guest);
}

static void expect_broken(void)
{
	int status;
	while (!guest.gone)
		assert_true(guest_step(&guest, 10000));
	assert_int_equal(waitpid(guest.pid, &status, 0), guest.pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	close(guest.channel.fd);
	guest_free(&guest);
}

static void nonsense_from_the_host_ends_it(void **state)
{
	static const struct {
		uint8_t type, stream;
		uint32_t length, number;
	} cases[] = {
		{99, 0, 0, 0},
		{FRAME_HELLO, 0, 4, 1},
		{FRAME_SIGNAL, 0, 3, 15},
		{FRAME_DATA, STREAM_STDOUT, 4, 0},
		{FRAME_END, STREAM_LOG, 0, 0},
		{FRAME_CREDIT, STREAM_STDIN, 4, 1},
		{FRAME_CREDIT, STREAM_STDOUT, 4, 1}, /* more than the window */
		{FRAME_CREDIT, STREAM_STDERR, 4, UINT32_MAX},
		{FRAME_DATA, STREAM_STDIN, PROTOCOL_PAYLOAD_MAX + 1, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		uint8_t frame[12] = {cases[i].type, cases[i].stream};
		/* Not one that prints: what is on its way would make the credit of stdout sound. */
		guest_begin(&guest, SHELL_WITH("exec sleep 0.3", "stdin", "1"), false);
		le32_write(frame + 4, cases[i].length);
		le32_write(frame + 8, cases[i].number);
		size_t length = 8 + (cases[i].length > 4 ? 4 : cases[i].length);
		assert_int_equal(write(guest.channel.fd, frame, length), length);
		expect_broken();
	}
}

static void more_than_the_window_ends_it(void **state)
{
	static char bytes[PROTOCOL_PAYLOAD_MAX];
	(void)state;
	guest_begin(&guest, SHELL_WITH("exec sleep 1", "stdin", "1"), false);
	/* A pipe holds some and gives credit for it, so three windows are too much in any case. */
	for (size_t sent = 0; sent < 3 * (size_t)PROTOCOL_WINDOW && !guest.gone;) {
		guest.window = 0; /* we do not care */
		if (!channel_pending(&guest.channel)) {
			guest_send(&guest, FRAME_DATA, STREAM_STDIN, bytes, sizeof(bytes));
			sent += sizeof(bytes);
		}
		guest_step(&guest, 1);
	}
	expect_broken();
}

static void the_host_goes_away(void **state)
{
	int status;
	(void)state;
	guest_begin(&guest, SHELL("echo ready; exec sleep 1"), false);
	wait_for(&guest, STREAM_STDOUT, "ready\n");
	close(guest.channel.fd);
	assert_int_equal(waitpid(guest.pid, &status, 0), guest.pid);
	assert_int_equal(WEXITSTATUS(status), 1);
	guest_free(&guest);
}

static void orphans_end_with_the_application(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("orphans need a PID namespace, and that needs root\n");
		skip();
	}
	guest_begin(&guest,
				SHELL("(trap '' TERM HUP; sleep 100; echo no) & (setsid sleep 100; echo no) & "
					  "(exit 9) & echo started; exit 3"),
				true);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_CODE, 3);
	expect_output(&guest, STREAM_STDOUT, "started\n");
	guest_free(&guest);
}

static void expect_failed(const char *const *records, uint32_t value, const char *text)
{
	run(records);
	assert_true(guest.failed && !guest.started);
	assert_string_equal(guest.failure, text);
	assert_int_equal(guest.value, value);
	guest_free(&guest);
}

static void file_put(const char *directory, const char *name, const char *text, mode_t mode)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void reasons_for_not_starting(void **state)
{
	static const struct {
		const char *name, *text;
		mode_t mode;
		uint32_t status;
		const char *reason;
	} cases[] = {
		{"absent", NULL, 0, 127, ": not found in the image"},
		{"plain", "x", 0644, 126, NULL},
		{"garbage", "x", 0755, 126, ": is neither an ELF program nor a script that begins with #!"},
		{"empty", "", 0755, 126, ": is neither an ELF program nor a script that begins with #!"},
		{"script", "#! /bin/absent -x\n", 0755, 127,
		 ": its interpreter /bin/absent is not in the image"},
		{"elf", "\177ELF\2\1\1", 0755, 126,
		 ": is neither an ELF program nor a script that begins with #!"},
	};
	char directory[] = "/tmp/test_guest_relay.XXXXXX";
	char path[256], text[512];
	(void)state;
	assert_non_null(mkdtemp(directory));
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, cases[i].name);
		snprintf(text, sizeof(text), "%s%s", path, cases[i].reason ? cases[i].reason : "");
		if (!cases[i].reason)
			snprintf(text, sizeof(text),
					 "%s: user %u may not execute it (its mode is 0644, its owner %u)", path,
					 geteuid(), geteuid());
		if (cases[i].text)
			file_put(directory, cases[i].name, cases[i].text, cases[i].mode);
		expect_failed(RECORDS("arg", path), cases[i].status, text);
		/* The same by PATH, but for what is not there at all. */
		snprintf(path, sizeof(path), "PATH=/nonexistent:%s", directory);
		if (cases[i].text)
			expect_failed(RECORDS("arg", cases[i].name, "env", path), cases[i].status, text);
	}
	snprintf(text, sizeof(text), "absent: not found in the image (PATH is /nonexistent:%s)",
			 directory);
	expect_failed(RECORDS("arg", "absent", "env", path), 127, text);
	snprintf(path, sizeof(path), "%s/plain/x", directory);
	snprintf(text, sizeof(text), "%s: not found in the image", path);
	expect_failed(RECORDS("arg", path), 127, text);
	snprintf(text, sizeof(text), "working directory %s: Not a directory", path);
	expect_failed(RECORDS("arg", "true", "cwd", path), 125, text);
	snprintf(text, sizeof(text), "%s: is a directory", directory);
	expect_failed(RECORDS("arg", directory), 126, text);
	expect_failed(RECORDS("arg", "/dev/null"), 126, "/dev/null: is not a regular file");

	/* A script whose interpreter is a script whose interpreter is missing. */
	snprintf(text, sizeof(text), "#!%s/script\n", directory);
	file_put(directory, "chain", text, 0755);
	snprintf(path, sizeof(path), "%s/chain", directory);
	snprintf(text, sizeof(text),
			 "%s: for %s/script, its interpreter /bin/absent is not in the image", path, directory);
	expect_failed(RECORDS("arg", path), 127, text);
	snprintf(text, sizeof(text), "rm -rf %s", directory);
	assert_int_equal(system(text), 0);
}

static void other_reasons_for_not_starting(void **state)
{
	(void)state;
	expect_failed(RECORDS("arg", "true", "rlimit", "nofiles 1 1"), 125,
				  "limit \"nofiles 1 1\": Invalid argument");
	expect_failed(RECORDS("arg", "true", "group", "x"), 125, "group x cannot be set");
	expect_failed(RECORDS("arg", "true", "nonsense", "x"), 125,
				  "init does not know \"nonsense\" of its configuration: lupine and init are not "
				  "of one version");
}

static void foreign_programs_are_named(void **state)
{
	/* The beginning of an arm64 program, and of one for this machine whose interpreter is gone. */
	char path[] = "/tmp/test_guest_relay.XXXXXX", text[256];
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
						 .e_type = ET_EXEC,
						 .e_machine = EM_AARCH64,
						 .e_version = EV_CURRENT,
						 .e_phoff = sizeof(header),
						 .e_ehsize = sizeof(header),
						 .e_phentsize = sizeof(Elf64_Phdr),
						 .e_phnum = 1};
	static const char interp[] = "/lib/ld-absent.so.1";
	Elf64_Phdr segment = {.p_type = PT_INTERP,
						  .p_offset = sizeof(header) + sizeof(segment),
						  .p_filesz = sizeof(interp),
						  .p_memsz = sizeof(interp)};
	int fd = mkstemp(path);
	(void)state;
	if (OUR_MACHINE == EM_AARCH64)
		header.e_machine = EM_X86_64;
	assert_int_equal(fchmod(fd, 0755), 0);
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	assert_int_equal(pwrite(fd, &segment, sizeof(segment), sizeof(header)), sizeof(segment));
	assert_int_equal(pwrite(fd, interp, sizeof(interp), (off_t)segment.p_offset), sizeof(interp));
	close(fd);
	snprintf(text, sizeof(text), "%s: is a program for %s processors, this machine is %s", path,
			 machine_name(header.e_machine), machine_name(OUR_MACHINE));
	expect_failed(RECORDS("arg", path), 126, text);

	header.e_machine = OUR_MACHINE;
	fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	close(fd);
	snprintf(text, sizeof(text), "%s: its ELF interpreter %s is not in the image", path, interp);
	expect_failed(RECORDS("arg", path), 127, text);
	unlink(path);
}

static void environment_and_limits(void **state)
{
	(void)state;
	run(RECORDS("arg", "/usr/bin/env", "env", "A=b c", "hostname", "box", "home", "/home/x"));
	expect_output(&guest, STREAM_STDOUT,
				  "A=b c\nPATH=" DEFAULT_PATH "\nHOSTNAME=box\nHOME=/home/x\n");
	guest_free(&guest);
	run(SHELL_WITH(
		"pwd; ulimit -n; ulimit -Hn; ulimit -c; grep -E 'SigBlk|SigIgn' /proc/self/status", "cwd",
		"/usr", "rlimit", "nofile 100 200", "rlimit", "core 0 0"));
	expect_output(&guest, STREAM_STDOUT,
				  "/usr\n100\n200\n0\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	guest_free(&guest);
}

static void a_user_can_reopen_the_streams(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("changing the user needs root\n");
		skip();
	}
	guest_begin(&guest,
				SHELL_WITH("id -u; id -g; id -G; echo out >/proc/self/fd/1; "
						   "echo err >/proc/self/fd/2; cat /proc/self/fd/0",
						   "uid", "65533", "gid", "65532", "group", "7", "group", "9", "stdin",
						   "1"),
				false);
	guest_send(&guest, FRAME_DATA, STREAM_STDIN, "in\n", 3);
	guest_send(&guest, FRAME_END, STREAM_STDIN, NULL, 0);
	guest_wait(&guest);
	expect_output(&guest, STREAM_STDOUT, "65533\n65532\n65532 7 9\nout\nin\n");
	expect_output(&guest, STREAM_STDERR, "err\n");
	guest_free(&guest);
}

static void a_terminal(void **state)
{
	static const uint8_t window[] = {50, 0, 132, 0};
	(void)state;
	guest_begin(&guest,
				SHELL_WITH("stty size; echo $TERM; test -t 0 && test -t 1 && test -t 2 && "
						   ": </dev/tty && echo ready; read a; stty size; read a; "
						   "echo \"<$a>\" >&2; cat; exit 4",
						   "stdin", "1", "tty", "25 80 vt220"),
				false);
	wait_for(&guest, STREAM_STDOUT, "25 80\r\nvt220\r\nready\r\n");
	guest_send(&guest, FRAME_WINDOW, 0, window, sizeof(window));
	guest_send(&guest, FRAME_DATA, STREAM_STDIN, "x\n", 2);
	wait_for(&guest, STREAM_STDOUT, "50 132\r\n");
	guest_send(&guest, FRAME_DATA, STREAM_STDIN, "word\n", 5);
	wait_for(&guest, STREAM_STDOUT, "<word>\r\n");
	guest_send(&guest, FRAME_END, STREAM_STDIN, NULL, 0);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_CODE, 4);
	assert_true(guest.outputs[STREAM_STDOUT].ended);
	assert_int_equal(guest.outputs[STREAM_STDERR].length, 0);
	guest_free(&guest);
}

static void a_terminal_that_nobody_reads_hangs_up(void **state)
{
	(void)state;
	guest_begin(&guest, SHELL_WITH("echo ready; exec sleep 10", "stdin", "1", "tty", "25 80 vt220"),
				false);
	wait_for(&guest, STREAM_STDOUT, "ready\r\n");
	guest_send(&guest, FRAME_END, STREAM_STDERR, NULL, 0); /* it has none: nothing happens */
	guest_send(&guest, FRAME_END, STREAM_STDOUT, NULL, 0);
	guest_send(&guest, FRAME_DATA, STREAM_STDIN, "late\n", 5);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_SIGNAL, SIGHUP);
	guest_free(&guest);
}

static void control_c_interrupts(void **state)
{
	(void)state;
	guest_begin(&guest, SHELL_WITH("echo ready; exec sleep 10", "stdin", "1", "tty", "25 80 vt220"),
				false);
	wait_for(&guest, STREAM_STDOUT, "ready\r\n");
	guest_send(&guest, FRAME_DATA, STREAM_STDIN, "\3", 1);
	guest_wait(&guest);
	expect_exit(&guest, EXIT_SIGNAL, SIGINT);
	guest_free(&guest);
}

int main(void)
{
	/* What nohup and shells' background jobs ignore is nobody's wish here. */
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT};
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_DFL);

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_stay_apart),
		cmocka_unit_test(signals_that_kill),
		cmocka_unit_test(without_stdin_there_is_none),
		cmocka_unit_test(megabytes_through_cat),
		cmocka_unit_test(an_early_end_of_stdin),
		cmocka_unit_test(a_slow_reader_stops_only_its_stream),
		cmocka_unit_test(output_waits_for_credit_after_the_end),
		cmocka_unit_test(output_that_nobody_reads),
		cmocka_unit_test(an_output_that_nobody_reads_is_not_the_other),
		cmocka_unit_test(signals_pass_data_that_nobody_reads),
		cmocka_unit_test(a_default_signal_ends_it),
		cmocka_unit_test(stdin_that_the_application_closed),
		cmocka_unit_test(nonsense_from_the_host_ends_it),
		cmocka_unit_test(more_than_the_window_ends_it),
		cmocka_unit_test(the_host_goes_away),
		cmocka_unit_test(orphans_end_with_the_application),
		cmocka_unit_test(reasons_for_not_starting),
		cmocka_unit_test(other_reasons_for_not_starting),
		cmocka_unit_test(foreign_programs_are_named),
		cmocka_unit_test(environment_and_limits),
		cmocka_unit_test(a_user_can_reopen_the_streams),
		cmocka_unit_test(a_terminal),
		cmocka_unit_test(a_terminal_that_nobody_reads_hangs_up),
		cmocka_unit_test(control_c_interrupts),
	};
	/* A guest that gives up closes its end while the test may still be writing. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
