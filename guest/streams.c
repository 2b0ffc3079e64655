// SPDX-License-Identifier: Apache-2.0
/* The data of the relay: what goes into the application and what comes out of it. */
#include "guest/init.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CONTROL_D 4

const enum stream_id output_streams[2] = {STREAM_STDOUT, STREAM_STDERR};

static void input_close(struct relay *relay)
{
	/* A terminal's other direction still lives, and has its own way to say the end. */
	if (relay->application->input == relay->application->outputs[0]) {
		char end = CONTROL_D;
		if (write(relay->application->input, &end, 1) < 0)
			log_line(TEXT("the terminal did not take the end of the input"));
	} else {
		close(relay->application->input);
	}
	relay->application->input = -1;
}

void input_flush(struct relay *relay)
{
	while (relay->application->input >= 0 && relay->input.start < relay->input.end) {
		ssize_t done = write(relay->application->input, relay->input.bytes + relay->input.start,
							 relay->input.end - relay->input.start);
		if (done < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (done < 0) {
			/* Nobody reads it any more. Without credit the host stops sending. */
			input_close(relay);
			return;
		}
		relay->input.start += (size_t)done;
		relay->input.taken += (uint32_t)done;
	}
	relay->input.start = relay->input.end = 0;
	if (relay->input.ended && relay->application->input >= 0)
		input_close(relay);
}

int input_push(struct relay *relay, const struct frame *frame)
{
	if (relay->application->input < 0 || relay->exited)
		return 0;
	size_t waiting = relay->input.end - relay->input.start;
	if (frame->length > sizeof(relay->input.bytes) - relay->input.end) {
		memmove(relay->input.bytes, relay->input.bytes + relay->input.start, waiting);
		relay->input.start = 0;
		relay->input.end = waiting;
	}
	if (frame->length > PROTOCOL_WINDOW - waiting)
		return -EPROTO;
	memcpy(relay->input.bytes + relay->input.end, frame->payload, frame->length);
	relay->input.end += frame->length;
	input_flush(relay);
	return 0;
}

/* How much of an output may be read now. */
size_t output_room(const struct relay *relay, size_t i)
{
	size_t room = channel_room(relay->channel), window = relay->outputs[i].window;
	if (relay->application->outputs[i] < 0)
		return 0;
	return room < window ? room : window;
}

void output_read(struct relay *relay, size_t i)
{
	size_t room = output_room(relay, i);
	if (room == 0)
		return;
	ssize_t got = read(relay->application->outputs[i], channel_payload(relay->channel), room);
	if (got > 0) {
		channel_commit(relay->channel, output_streams[i], (size_t)got);
		relay->outputs[i].window -= (uint32_t)got;
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		output_close(relay, i); /* EIO is how a terminal ends */
	}
}

void output_close(struct relay *relay, size_t i)
{
	struct application *application = relay->application;
	if (application->outputs[i] < 0)
		return;
	if (application->input == application->outputs[i])
		application->input = -1;
	/* The last reader of a pipe: who still writes to it gets SIGPIPE. The last user of our side of
	 * a terminal: it hangs up, even though we have the other side open as well. */
	close(application->outputs[i]);
	application->outputs[i] = -1;
	channel_put(relay->channel, FRAME_END, output_streams[i], NULL, 0);
}

/* True when all that is in the log has been sent on. */
bool log_send(struct relay *relay)
{
	size_t room;
	while ((room = channel_room(relay->channel)) > 0) {
		size_t length = log_read((char *)channel_payload(relay->channel), room);
		if (length == 0)
			return true;
		channel_commit(relay->channel, STREAM_LOG, length);
	}
	return false;
}

void credit_send(struct relay *relay)
{
	/* Not for each byte that is typed: a quarter of the window keeps the host going. */
	if (relay->input.taken < PROTOCOL_WINDOW / 4 || channel_room(relay->channel) == 0)
		return;
	uint8_t payload[4];
	le32_write(payload, relay->input.taken);
	channel_put(relay->channel, FRAME_CREDIT, STREAM_STDIN, payload, sizeof(payload));
	relay->input.taken = 0;
}
