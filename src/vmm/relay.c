// SPDX-License-Identifier: Apache-2.0
#include "vmm/relay.h"
#include "vmm/descriptors.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define AFTER_HELLO (RELAY_UP | RELAY_RUNNING | RELAY_ENDED)
/* No more of stdin is read while so much waits to be sent. */
#define QUEUE_LIMIT (4 * FRAME_MAX)
/* The console's text is dropped, for people only, when stderr is that far behind. */
#define LIVE_LIMIT ((size_t)1024 * 1024)

void relay_init(struct relay *relay)
{
	static const struct writer closed = {.fd = -1, .own = -1, .gone = true};

	memset(relay, 0, sizeof(*relay));
	relay->guest = relay->serial = relay->input = -1;
	relay->phase = RELAY_BOOTING;
	relay->reader.origin = FROM_GUEST;
	relay->room.room = PROTOCOL_WINDOW;
	for (size_t i = 0; i < ARRAY_SIZE(relay->outputs); i++)
		relay->outputs[i] = closed;
	relay->live_writer = closed;
}

void relay_set_outputs(struct relay *relay, int stdout_fd, int stderr_fd)
{
	writer_open(&relay->outputs[STREAM_STDOUT], stdout_fd);
	writer_open(&relay->outputs[STREAM_STDERR], stderr_fd);
	writer_open(&relay->live_writer, STDERR_FILENO);
}

static void add_console(struct relay *relay, bool serial, const void *bytes, size_t length)
{
	console_add(relay->console, serial, bytes, length);
	if (relay->live && writer_pending(&relay->live_writer) < LIVE_LIMIT)
		writer_write(&relay->live_writer, bytes, length);
}

/* Without its reader the application is to end as in any pipeline: `yes | head` would not. */
static void refuse_unread(struct relay *relay, enum stream_id stream)
{
	if (!relay->outputs[stream].unread || relay->refused[stream] ||
		!(relay->phase & (RELAY_UP | RELAY_RUNNING)))
		return;
	relay->refused[stream] = true;
	frame_put(&relay->queue, FRAME_END, stream, NULL, 0);
}

/* `count` bytes of a stream have left us: the guest may send as many more. */
static void passed_on(struct relay *relay, enum stream_id stream, size_t count)
{
	struct window_in *window = &relay->windows[stream];

	window_used(window, (uint32_t)count);
	uint32_t credit = window_credit(window);
	if (credit)
		frame_put_number(&relay->queue, FRAME_CREDIT, stream, credit);
	refuse_unread(relay, stream);
}

static void send_early_signals(struct relay *relay)
{
	for (unsigned number = 1; number < 64; number++)
		if (relay->early_signals & 1ull << number)
			frame_put_number(&relay->queue, FRAME_SIGNAL, 0, number);
	relay->early_signals = 0;
}

static int take_hello(struct relay *relay, const struct frame *frame, struct error *err)
{
	uint32_t version = frame_number(frame, 0);

	if (version != PROTOCOL_VERSION)
		return error_set(err, EPROTO, "version %u of the protocol, not %d", version,
						 PROTOCOL_VERSION);
	relay->phase = RELAY_UP;
	relay->init_ticks = frame_number64(frame, sizeof(version));
	return 0;
}

static int take_started(struct relay *relay, const struct frame *frame, struct error *err)
{
	(void)err;
	relay->phase = RELAY_RUNNING;
	relay->ticks = frame_number64(frame, 0);
	send_early_signals(relay);
	return 0;
}

static int end(struct relay *relay)
{
	relay->phase = RELAY_ENDED;
	frame_put(&relay->queue, FRAME_BYE, 0, NULL, 0);
	return 0;
}

static int take_exit(struct relay *relay, const struct frame *frame, struct error *err)
{
	uint32_t kind = frame_number(frame, 0);

	relay->value = frame_number(frame, 1);
	if (kind > EXIT_SIGNAL || relay->value > 255)
		return error_set(err, EPROTO, "an exit of kind %u with %u", kind, relay->value);
	relay->exit_kind = (enum exit_kind)kind;
	return end(relay);
}

static int take_failed(struct relay *relay, const struct frame *frame, struct error *err)
{
	relay->value = frame_number(frame, 0);
	if (relay->value < 125 || relay->value > 127)
		return error_set(err, EPROTO, "a failure with the exit status %u", relay->value);
	relay->failed = true;
	relay->failure = xstrndup((const char *)frame->payload + 4, frame->length - 4);
	return end(relay);
}

static int take_data(struct relay *relay, const struct frame *frame, struct error *err)
{
	if (frame->stream == STREAM_LOG) {
		add_console(relay, false, frame->payload, frame->length);
		return 0;
	}
	relay->wrote = true;
	int error = window_take(&relay->windows[frame->stream], frame->length, err);
	if (error == 0)
		passed_on(relay, frame->stream,
				  writer_write(&relay->outputs[frame->stream], frame->payload, frame->length));
	return error;
}

static int take_end(struct relay *relay, const struct frame *frame, struct error *err)
{
	/* Ours stay open: the machine may write to them later, and whoever reads them sees the end
	 * when we end. */
	(void)relay, (void)frame, (void)err;
	return 0;
}

static int take_credit(struct relay *relay, const struct frame *frame, struct error *err)
{
	return window_credited(&relay->room, frame_number(frame, 0), err);
}

/* What each frame does, and when it may come. */
static const struct handler {
	enum frame_type type;
	unsigned phases;
	int (*take)(struct relay *relay, const struct frame *frame, struct error *err);
} handlers[] = {
	{FRAME_HELLO, RELAY_BOOTING, take_hello}, {FRAME_STARTED, RELAY_UP, take_started},
	{FRAME_FAILED, RELAY_UP, take_failed},    {FRAME_EXIT, RELAY_RUNNING, take_exit},
	{FRAME_DATA, AFTER_HELLO, take_data},     {FRAME_END, AFTER_HELLO, take_end},
	{FRAME_CREDIT, AFTER_HELLO, take_credit},
};

static int take_frame(struct relay *relay, const struct frame *frame, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i].type == frame->type && (handlers[i].phases & relay->phase))
			return handlers[i].take(relay, frame, err);
	return error_set(err, EPROTO, "a frame of type %u out of turn", frame->type);
}

/* One read; 0 when there is nothing now. At the end of the stream, the socket is closed. */
static size_t read_socket(int *fd, void *bytes, size_t size)
{
	ssize_t count = read(*fd, bytes, size);

	if (count > 0)
		return (size_t)count;
	if (count == 0 || (errno != EAGAIN && errno != EINTR))
		descriptor_close(fd);
	return 0;
}

/* 1 when there may be more, 0 when not, or negative. */
static int read_guest(struct relay *relay, struct error *err)
{
	struct frame frame;
	size_t size;
	uint8_t *space = frame_space(&relay->reader, &size);
	size_t count = read_socket(&relay->guest, space, size);

	frame_added(&relay->reader, count);
	for (;;) {
		int result = frame_next(&relay->reader, &frame, err);
		if (result > 0)
			result = take_frame(relay, &frame, err) < 0 ? -err->code : 1;
		if (result < 0)
			return error_wrap(err, "the guest's init broke the protocol");
		if (result == 0)
			return count > 0;
	}
}

static bool read_serial(struct relay *relay)
{
	char bytes[4096];
	size_t count = read_socket(&relay->serial, bytes, sizeof(bytes));

	if (count)
		add_console(relay, true, bytes, count);
	return count > 0;
}

/* Straight into a frame on its way out. */
static void read_input(struct relay *relay)
{
	size_t size = relay->room.room < PROTOCOL_PAYLOAD_MAX ? relay->room.room : PROTOCOL_PAYLOAD_MAX;
	ssize_t count = read(relay->input, frame_reserve(&relay->queue), size);

	if (count > 0) {
		frame_commit(&relay->queue, STREAM_STDIN, (size_t)count);
		relay->room.room -= (uint32_t)count;
	} else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
		/* An error is an end too: a terminal that hung up, a descriptor that is closed. */
		frame_put(&relay->queue, FRAME_END, STREAM_STDIN, NULL, 0);
		relay->input = -1;
	}
}

static void send_queue(struct relay *relay)
{
	struct frame_queue *queue = &relay->queue;

	while (relay->guest >= 0 && frame_pending(queue)) {
		ssize_t count = write(relay->guest, queue->bytes + queue->start, frame_pending(queue));
		if (count >= 0)
			frame_sent(queue, (size_t)count);
		else if (errno != EINTR)
			return; /* full; or broken, which reading will tell */
	}
	if (relay->guest < 0)
		frame_sent(queue, frame_pending(queue));
}

static bool wants_input(const struct relay *relay)
{
	return relay->input >= 0 && relay->guest >= 0 && (relay->phase & (RELAY_UP | RELAY_RUNNING)) &&
		   relay->room.room && frame_pending(&relay->queue) < QUEUE_LIMIT;
}

static struct pollfd wait_writer(const struct writer *writer)
{
	/* Not at all when there is nothing to write: poll() reports errors always. */
	return (struct pollfd){.fd = writer_pending(writer) ? writer->fd : -1, .events = POLLOUT};
}

void relay_wait(const struct relay *relay, struct pollfd slots[SLOTS])
{
	size_t queued = frame_pending(&relay->queue);
	short guest = queued ? POLLIN | POLLOUT : POLLIN;

	/* A guest that sends and never reads must not make our queue grow. */
	if (queued > 2 * QUEUE_LIMIT)
		guest = POLLOUT;

	slots[SLOT_GUEST] = (struct pollfd){.fd = relay->guest, .events = guest};
	slots[SLOT_SERIAL] = (struct pollfd){.fd = relay->serial, .events = POLLIN};
	slots[SLOT_INPUT] =
		(struct pollfd){.fd = wants_input(relay) ? relay->input : -1, .events = POLLIN};
	slots[SLOT_STDOUT] = wait_writer(&relay->outputs[STREAM_STDOUT]);
	slots[SLOT_STDERR] = wait_writer(&relay->outputs[STREAM_STDERR]);
	slots[SLOT_LIVE] = wait_writer(&relay->live_writer);
}

int relay_work(struct relay *relay, const struct pollfd slots[SLOTS], struct error *err)
{
	int result = 0;

	for (enum stream_id stream = STREAM_STDOUT; stream <= STREAM_STDERR; stream++)
		if (slots[SLOT_STDOUT + stream - STREAM_STDOUT].revents)
			passed_on(relay, stream, writer_flush(&relay->outputs[stream]));
	if (slots[SLOT_LIVE].revents)
		writer_flush(&relay->live_writer);
	if (slots[SLOT_INPUT].revents)
		read_input(relay);
	if (slots[SLOT_SERIAL].revents)
		read_serial(relay);
	if (slots[SLOT_GUEST].revents & ~POLLOUT)
		result = read_guest(relay, err);
	/* What was queued now mostly fits at once. */
	send_queue(relay);
	return result < 0 ? result : 0;
}

int relay_drain(struct relay *relay, struct error *err)
{
	int result = 0;

	while (relay->serial >= 0 && read_serial(relay))
		;
	while (relay->guest >= 0 && (result = read_guest(relay, err)) > 0)
		;
	descriptor_close(&relay->serial);
	descriptor_close(&relay->guest);
	return result;
}

bool relay_has_output(const struct relay *relay)
{
	return writer_pending(&relay->outputs[STREAM_STDOUT]) ||
		   writer_pending(&relay->outputs[STREAM_STDERR]);
}

void relay_log(struct relay *relay, const char *line)
{
	add_console(relay, false, line, strlen(line));
	add_console(relay, false, "\n", 1);
}

void relay_signal(struct relay *relay, unsigned number)
{
	if (relay->phase == RELAY_RUNNING)
		frame_put_number(&relay->queue, FRAME_SIGNAL, 0, number);
	else if (number < 64)
		relay->early_signals |= 1ull << number;
}

void relay_window(struct relay *relay, uint16_t rows, uint16_t columns)
{
	const uint16_t payload[2] = {htole16(rows), htole16(columns)};

	if (relay->phase & (RELAY_UP | RELAY_RUNNING))
		frame_put(&relay->queue, FRAME_WINDOW, 0, payload, sizeof(payload));
}

void relay_free(struct relay *relay)
{
	descriptor_close(&relay->guest);
	descriptor_close(&relay->serial);
	writer_close(&relay->outputs[STREAM_STDOUT]);
	writer_close(&relay->outputs[STREAM_STDERR]);
	writer_close(&relay->live_writer);
	frame_queue_free(&relay->queue);
	free(relay->failure);
	relay->failure = NULL;
}
