/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A monitor for the tests of the supervisor: instead of a machine with init in it, a program that
 * speaks init's side of guest/protocol.h. It is the test program itself, run again as
 *   PROGRAM --guest SCENARIO CONTROL CONSOLE
 */
#pragma once

#include "base/buf.h"
#include "vmm/frames.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct guest {
	int control, console;
	struct frame_reader *reader;
	struct frame_queue queue;
	uint32_t room[3]; /* what may be sent of stdout and stderr */
	struct buf input; /* what came of stdin, */
	unsigned ends[3]; /* how often the end of each stream came */
};

/* Blocks until all is sent. */
static void guest_flush(struct guest *guest)
{
	while (frame_pending(&guest->queue)) {
		struct pollfd ready = {.fd = guest->control, .events = POLLOUT};
		poll(&ready, 1, -1);
		ssize_t count = write(guest->control, guest->queue.bytes + guest->queue.start,
							  frame_pending(&guest->queue));
		if (count < 0 && errno != EAGAIN)
			_exit(90);
		if (count > 0)
			frame_sent(&guest->queue, (size_t)count);
	}
}

/* The host's next frame; credit and stdin are kept on the way. The program ends with the host. */
static struct frame guest_receive(struct guest *guest)
{
	struct error err = {0};
	struct frame frame;

	guest_flush(guest);
	for (;;) {
		int result = frame_next(guest->reader, &frame, &err);
		if (result < 0) {
			fprintf(stderr, "the host broke the protocol: %s\n", err.message);
			_exit(91);
		}
		if (result > 0)
			break;
		size_t size;
		uint8_t *space = frame_space(guest->reader, &size);
		struct pollfd ready = {.fd = guest->control, .events = POLLIN};
		poll(&ready, 1, -1);
		ssize_t count = read(guest->control, space, size);
		if (count == 0 || (count < 0 && errno != EAGAIN))
			_exit(92);
		frame_added(guest->reader, count > 0 ? (size_t)count : 0);
	}
	if (frame.type == FRAME_CREDIT)
		guest->room[frame.stream] += frame_number(&frame, 0);
	else if (frame.type == FRAME_DATA)
		buf_append(&guest->input, frame.payload, frame.length);
	else if (frame.type == FRAME_END)
		guest->ends[frame.stream]++;
	return frame;
}

static struct frame guest_expect(struct guest *guest, enum frame_type type)
{
	struct frame frame;

	do
		frame = guest_receive(guest);
	while (frame.type != type);
	return frame;
}

static void guest_say(struct guest *guest, enum stream_id stream, const void *bytes, size_t length)
{
	while (length) {
		while (stream != STREAM_LOG && guest->room[stream] == 0)
			guest_receive(guest);
		size_t most = length < PROTOCOL_PAYLOAD_MAX ? length : PROTOCOL_PAYLOAD_MAX;
		if (stream != STREAM_LOG) {
			most = most < guest->room[stream] ? most : guest->room[stream];
			guest->room[stream] -= (uint32_t)most;
		}
		frame_put(&guest->queue, FRAME_DATA, stream, bytes, most);
		guest_flush(guest);
		bytes = (const char *)bytes + most;
		length -= most;
	}
}

static void guest_text(struct guest *guest, const char *text)
{
	guest_say(guest, STREAM_STDOUT, text, strlen(text));
}

static void guest_hello(struct guest *guest)
{
	struct {
		uint32_t version;
		uint64_t ticks;
	} __attribute__((packed)) hello = {htole32(PROTOCOL_VERSION), htole64(98765432109)};

	frame_put(&guest->queue, FRAME_HELLO, 0, &hello, sizeof(hello));
	guest_flush(guest);
}

static void guest_started(struct guest *guest)
{
	uint64_t ticks = htole64(123456789012);

	guest_hello(guest);
	frame_put(&guest->queue, FRAME_STARTED, 0, &ticks, sizeof(ticks));
	guest_flush(guest);
}

static void guest_exit(struct guest *guest, enum exit_kind kind, uint32_t value)
{
	const uint32_t payload[2] = {htole32(kind), htole32(value)};

	frame_put(&guest->queue, FRAME_EXIT, 0, payload, sizeof(payload));
	guest_expect(guest, FRAME_BYE);
	_exit(0);
}

static void guest_print(struct guest *guest, const char *text)
{
	(void)!write(guest->console, text, strlen(text));
}

/* Everything that a run can come to. */

static void scenario_exit(struct guest *guest)
{
	static const char log[] = "[    0.1] init: up\n";

	guest_print(guest, "serial line\r\n");
	guest_started(guest);
	guest_text(guest, "out\n");
	guest_say(guest, STREAM_STDERR, "err\n", 4);
	guest_say(guest, STREAM_LOG, log, strlen(log));
	guest_exit(guest, EXIT_CODE, 42);
}

static void scenario_segv(struct guest *guest)
{
	guest_started(guest);
	guest_exit(guest, EXIT_SIGNAL, 11);
}

static void scenario_failed(struct guest *guest)
{
	static const char payload[] = "\x7f\0\0\0/bin/nosuch: not found in the image";

	guest_hello(guest);
	frame_put(&guest->queue, FRAME_FAILED, 0, payload, sizeof(payload) - 1);
	guest_expect(guest, FRAME_BYE);
}

/* As cat does, with init's windows. */
static void scenario_echo(struct guest *guest)
{
	guest_started(guest);
	while (guest->input.length || !guest->ends[STREAM_STDIN]) {
		if (!guest->input.length) {
			guest_receive(guest);
			continue;
		}
		/* More may come while it is sent. */
		size_t length = guest->input.length;
		_cleanup_free_ char *bytes = buf_steal(&guest->input);
		guest_say(guest, STREAM_STDOUT, bytes, length);
		frame_put_number(&guest->queue, FRAME_CREDIT, STREAM_STDIN, (uint32_t)length);
	}
	guest_exit(guest, EXIT_CODE, 0);
}

/* Two megabytes: a thousand bytes at a time, of which the first is the number of the piece.
 * Exits with 3, or 4 when it was told that nobody reads them. */
#define BURST_PIECES 2000
#define BURST_SIZE 1000
static void scenario_burst(struct guest *guest)
{
	char piece[BURST_SIZE] = "";

	guest_started(guest);
	for (int i = 0; i < BURST_PIECES; i++) {
		piece[0] = (char)i;
		guest_say(guest, STREAM_STDOUT, piece, sizeof(piece));
	}
	guest_exit(guest, EXIT_CODE, guest->ends[STREAM_STDOUT] ? 4 : 3);
}

/* Writes until nobody reads it any more, and more after that, as what is under way would be. */
static void scenario_yes(struct guest *guest)
{
	static char bytes[PROTOCOL_WINDOW] = "y\n";

	guest_started(guest);
	while (!guest->ends[STREAM_STDOUT])
		guest_say(guest, STREAM_STDOUT, bytes, sizeof(bytes));
	for (int i = 0; i < 3; i++)
		guest_say(guest, STREAM_STDOUT, bytes, sizeof(bytes));
	guest_say(guest, STREAM_STDERR, "broken pipe\n", 12);
	if (guest->ends[STREAM_STDOUT] != 1 || guest->ends[STREAM_STDERR])
		guest_exit(guest, EXIT_CODE, 99);
	guest_exit(guest, EXIT_SIGNAL, SIGPIPE);
}

/* Exits with the number of the signal that it gets. */
static void scenario_signal(struct guest *guest)
{
	guest_started(guest);
	struct frame frame = guest_expect(guest, FRAME_SIGNAL);
	guest_exit(guest, EXIT_CODE, frame_number(&frame, 0));
}

/* Slow to boot: a signal that is sent before its application was started is an error. */
static void scenario_late(struct guest *guest)
{
	usleep(200 * 1000);
	guest_hello(guest);
	usleep(200 * 1000);
	struct pollfd ready = {.fd = guest->control, .events = POLLIN};
	if (poll(&ready, 1, 0) != 0)
		guest_exit(guest, EXIT_CODE, 99);
	uint64_t ticks = 0;
	frame_put(&guest->queue, FRAME_STARTED, 0, &ticks, sizeof(ticks));
	struct frame frame = guest_expect(guest, FRAME_SIGNAL);
	guest_exit(guest, EXIT_CODE, frame_number(&frame, 0));
}

static void scenario_stubborn(struct guest *guest)
{
	guest_started(guest);
	for (;;)
		guest_receive(guest);
}

static void scenario_silent(struct guest *guest)
{
	(void)guest;
	for (;;)
		pause();
}

static void scenario_panic(struct guest *guest)
{
	guest_started(guest);
	guest_print(guest, "[    1.0] Kernel panic - not syncing: out of luck\r\n[    1.1] CPU: 0\r\n");
}

static void scenario_crash(struct guest *guest)
{
	(void)guest;
	fputs("monitor: something is wrong\n", stderr);
	_exit(1);
}

static void scenario_killed(struct guest *guest)
{
	(void)guest;
	raise(SIGKILL);
}

static void scenario_reset(struct guest *guest)
{
	guest_started(guest);
	guest_print(guest, "the last words\r\n");
}

/* Tells each size that the terminal takes, until it is 99 columns wide. */
static void scenario_window(struct guest *guest)
{
	guest_started(guest);
	for (;;) {
		char text[32];
		struct frame frame = guest_expect(guest, FRAME_WINDOW);
		unsigned rows = frame.payload[0] | frame.payload[1] << 8;
		unsigned columns = frame.payload[2] | frame.payload[3] << 8;
		snprintf(text, sizeof(text), "[%u x %u]", rows, columns);
		guest_text(guest, text);
		if (columns == 99)
			guest_exit(guest, EXIT_CODE, 0);
	}
}

/* What a monitor finds around itself. */
static void scenario_surroundings(struct guest *guest)
{
	char text[1024] = "", status[8192] = "";

	guest_started(guest);
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	(void)!read(fd, status, sizeof(status) - 1);
	const char *privileges = strstr(status, "NoNewPrivs:\t");
	const char *capabilities = strstr(status, "CapEff:\t");
	int death = 0;
	prctl(PR_GET_PDEATHSIG, &death);
	snprintf(
		text, sizeof(text),
		"uid %u gid %u privileges %c capabilities %.16s secret %s leaked %s death %d session %s\n",
		getuid(), getgid(), privileges ? privileges[12] : '?',
		capabilities ? capabilities + 8 : "?", getenv("SECRET") ? "yes" : "no",
		fcntl(77, F_GETFD) >= 0 ? "yes" : "no", death, getsid(0) == getpid() ? "own" : "other");
	guest_text(guest, text);
	guest_exit(guest, EXIT_CODE, 0);
}

/* Guests that lie. Each goes on as if nothing were wrong. */

static void hostile_version(struct guest *guest)
{
	const uint32_t hello[3] = {htole32(PROTOCOL_VERSION + 1)};

	frame_put(&guest->queue, FRAME_HELLO, 0, hello, sizeof(hello));
	scenario_stubborn(guest);
}

static void hostile_order(struct guest *guest)
{
	const uint32_t payload[2] = {0, 0};

	frame_put(&guest->queue, FRAME_EXIT, 0, payload, sizeof(payload));
	scenario_stubborn(guest);
}

static void hostile_twice(struct guest *guest)
{
	guest_hello(guest);
	scenario_stubborn(guest);
}

static void hostile_length(struct guest *guest)
{
	const struct frame_header header = {
		.type = FRAME_DATA, .stream = STREAM_STDOUT, .length = UINT32_MAX};

	guest_started(guest);
	(void)!write(guest->control, &header, sizeof(header));
	scenario_silent(guest);
}

static void hostile_flood(struct guest *guest)
{
	static const char bytes[PROTOCOL_PAYLOAD_MAX];

	guest_started(guest);
	for (int i = 0; i < 1000; i++) {
		frame_put(&guest->queue, FRAME_DATA, STREAM_STDOUT, bytes, sizeof(bytes));
		guest_flush(guest);
	}
	scenario_silent(guest);
}

static void hostile_credit(struct guest *guest)
{
	guest_started(guest);
	frame_put_number(&guest->queue, FRAME_CREDIT, STREAM_STDIN, UINT32_MAX);
	scenario_stubborn(guest);
}

static void hostile_exit(struct guest *guest)
{
	guest_started(guest);
	guest_exit(guest, EXIT_CODE, 256);
}

static void hostile_failure(struct guest *guest)
{
	guest_hello(guest);
	frame_put_number(&guest->queue, FRAME_FAILED, 0, 0);
	scenario_stubborn(guest);
}

static void hostile_noise(struct guest *guest)
{
	for (int i = 0; i < 1000; i++)
		(void)!write(guest->control, "\x2a noise and more noise", 22);
	scenario_silent(guest);
}

static const struct scenario {
	const char *name;
	void (*play)(struct guest *guest);
} scenarios[] = {
	{"exit", scenario_exit},
	{"segv", scenario_segv},
	{"failed", scenario_failed},
	{"echo", scenario_echo},
	{"burst", scenario_burst},
	{"yes", scenario_yes},
	{"signal", scenario_signal},
	{"late", scenario_late},
	{"stubborn", scenario_stubborn},
	{"silent", scenario_silent},
	{"panic", scenario_panic},
	{"crash", scenario_crash},
	{"killed", scenario_killed},
	{"reset", scenario_reset},
	{"window", scenario_window},
	{"surroundings", scenario_surroundings},
	{"hostile-version", hostile_version},
	{"hostile-order", hostile_order},
	{"hostile-twice", hostile_twice},
	{"hostile-length", hostile_length},
	{"hostile-flood", hostile_flood},
	{"hostile-credit", hostile_credit},
	{"hostile-exit", hostile_exit},
	{"hostile-failure", hostile_failure},
	{"hostile-noise", hostile_noise},
};

static int guest_main(char **argv)
{
	struct guest guest = {.control = atoi(argv[3]), .console = atoi(argv[4])};

	guest.reader = xcalloc(1, sizeof(*guest.reader));
	guest.reader->origin = FROM_HOST;
	guest.room[STREAM_STDOUT] = guest.room[STREAM_STDERR] = PROTOCOL_WINDOW;
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		if (strcmp(scenarios[i].name, argv[2]) == 0)
			scenarios[i].play(&guest);
	_exit(0); /* as a reset ends a monitor */
}
