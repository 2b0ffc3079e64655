// SPDX-License-Identifier: Apache-2.0
/* Frames (guest/protocol.h) over the port to the host, never blocking once it is open. */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define HOST_WAIT_SECONDS 10
#define PORT_TRIES 5000 /* a millisecond each */

uint32_t le32_read(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		   (uint32_t)bytes[3] << 24;
}

void le32_write(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

void le64_write(uint8_t *bytes, uint64_t value)
{
	le32_write(bytes, (uint32_t)value);
	le32_write(bytes + 4, (uint32_t)(value >> 32));
}

static void wake(int signal_number)
{
	(void)signal_number; /* that the call it interrupts returns EINTR is all */
}

static int port_open(const char *path)
{
	/* The kernel makes its node a moment before it finds the port by it. */
	for (unsigned tries = 0;; tries++) {
		int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (fd >= 0)
			return fd;
		if (errno != ENXIO || tries == PORT_TRIES)
			return -errno;
		usleep(1000);
	}
}

int channel_open(struct channel *channel, const char *path, uint64_t ticks)
{
	int r = device_wait(path);
	if (r < 0)
		return r;
	int fd = port_open(path);
	if (fd < 0)
		return fd;

	/* The first write blocks until the host has the port open, however long after the device
	 * that is; the alarm ends it if that never happens. */
	uint8_t hello[12];
	le32_write(hello, PROTOCOL_VERSION);
	le64_write(hello + 4, ticks);
	channel_put(channel, FRAME_HELLO, 0, hello, sizeof(hello));
	struct sigaction action = {.sa_handler = wake};
	sigaction(SIGALRM, &action, NULL);
	alarm(HOST_WAIT_SECONDS);
	channel->fd = fd;
	r = channel_flush(channel);
	alarm(0);
	if (r < 0 || channel_pending(channel) || fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		channel->fd = -1;
		close(fd);
		return r < 0 ? r : -ETIMEDOUT;
	}
	return 0;
}

static void header_write(uint8_t *to, enum frame_type type, enum stream_id stream, size_t length)
{
	memset(to, 0, sizeof(struct frame_header));
	to[offsetof(struct frame_header, type)] = (uint8_t)type;
	to[offsetof(struct frame_header, stream)] = (uint8_t)stream;
	le32_write(to + offsetof(struct frame_header, length), (uint32_t)length);
}

uint8_t *channel_payload(struct channel *channel)
{
	return channel->out + channel->out_end + sizeof(struct frame_header);
}

void channel_put(struct channel *channel, enum frame_type type, enum stream_id stream,
				 const void *payload, size_t length)
{
	if (sizeof(struct frame_header) + length > sizeof(channel->out) - channel->out_end)
		return; /* cannot be: see CHANNEL_RESERVE */
	header_write(channel->out + channel->out_end, type, stream, length);
	if (length > 0)
		memcpy(channel_payload(channel), payload, length);
	channel->out_end += sizeof(struct frame_header) + length;
}

size_t channel_room(const struct channel *channel)
{
	size_t room = sizeof(channel->out) - channel->out_end;
	if (room < CHANNEL_FRAME_MAX + CHANNEL_RESERVE)
		return 0;
	/* The port takes at most 32 KiB in one buffer: a whole frame, with its header. */
	return PROTOCOL_PAYLOAD_MAX - sizeof(struct frame_header);
}

void channel_commit(struct channel *channel, enum stream_id stream, size_t length)
{
	header_write(channel->out + channel->out_end, FRAME_DATA, stream, length);
	channel->out_end += sizeof(struct frame_header) + length;
}

bool channel_pending(const struct channel *channel)
{
	return channel->out_start < channel->out_end;
}

int channel_flush(struct channel *channel)
{
	size_t most = sizeof(channel->out);
	while (channel_pending(channel)) {
		size_t length = channel->out_end - channel->out_start;
		ssize_t done =
			write(channel->fd, channel->out + channel->out_start, length < most ? length : most);
		if (done > 0) {
			channel->out_start += (size_t)done;
		} else if (errno == ENOMEM && most > 1024) {
			most = 1024; /* the port copies into fresh memory: ask for less of it */
		} else if (errno == ENOMEM) {
			usleep(1000);
			break;
		} else if (errno == EAGAIN || errno == EINTR) {
			break;
		} else {
			return -errno;
		}
	}
	memmove(channel->out, channel->out + channel->out_start, channel->out_end - channel->out_start);
	channel->out_end -= channel->out_start;
	channel->out_start = 0;
	return 0;
}

int channel_fill(struct channel *channel)
{
	memmove(channel->in, channel->in + channel->in_start, channel->in_end - channel->in_start);
	channel->in_end -= channel->in_start;
	channel->in_start = 0;
	ssize_t got =
		read(channel->fd, channel->in + channel->in_end, sizeof(channel->in) - channel->in_end);
	if (got > 0)
		channel->in_end += (size_t)got;
	else if (got == 0)
		return -EPIPE;
	else if (errno != EAGAIN && errno != EINTR)
		return -errno;
	return 0;
}

int channel_next(struct channel *channel, struct frame *ret)
{
	const uint8_t *at = channel->in + channel->in_start;
	size_t have = channel->in_end - channel->in_start;
	if (have < sizeof(struct frame_header))
		return 0;
	uint32_t length = le32_read(at + offsetof(struct frame_header, length));
	if (length > PROTOCOL_PAYLOAD_MAX)
		return -EPROTO;
	if (have - sizeof(struct frame_header) < length)
		return 0;
	ret->type = at[offsetof(struct frame_header, type)];
	ret->stream = at[offsetof(struct frame_header, stream)];
	ret->length = length;
	ret->payload = at + sizeof(struct frame_header);
	channel->in_start += sizeof(struct frame_header) + length;
	return 1;
}
