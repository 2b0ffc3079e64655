// SPDX-License-Identifier: Apache-2.0
#include "vmm/frames.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BIT(stream) (1u << (stream))
#define OUTPUTS (BIT(STREAM_STDOUT) | BIT(STREAM_STDERR))

/* Which frames there are, who sends them and what may be in them. */
static const struct rule {
	enum frame_type type;
	unsigned origin;
	unsigned guest_streams, host_streams; /* from either side; 0: the frame is of no stream */
	uint32_t minimum, maximum;            /* bytes of payload */
} rules[] = {
	{FRAME_HELLO, FROM_GUEST, 0, 0, 12, 12},
	{FRAME_STARTED, FROM_GUEST, 0, 0, 8, 8},
	{FRAME_EXIT, FROM_GUEST, 0, 0, 8, 8},
	{FRAME_FAILED, FROM_GUEST, 0, 0, 4, PROTOCOL_PAYLOAD_MAX},
	{FRAME_SIGNAL, FROM_HOST, 0, 0, 4, 4},
	{FRAME_WINDOW, FROM_HOST, 0, 0, 4, 4},
	{FRAME_BYE, FROM_HOST, 0, 0, 0, 0},
	{FRAME_DATA, FROM_GUEST | FROM_HOST, OUTPUTS | BIT(STREAM_LOG), BIT(STREAM_STDIN), 0,
	 PROTOCOL_PAYLOAD_MAX},
	{FRAME_END, FROM_GUEST | FROM_HOST, OUTPUTS | BIT(STREAM_LOG), BIT(STREAM_STDIN) | OUTPUTS, 0,
	 0},
	{FRAME_CREDIT, FROM_GUEST | FROM_HOST, BIT(STREAM_STDIN), OUTPUTS, 4, 4},
};

static const struct rule *find_rule(uint8_t type, enum frame_origin origin)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].type == type && (rules[i].origin & origin))
			return &rules[i];
	return NULL;
}

static bool stream_is_allowed(const struct rule *rule, enum frame_origin origin, uint8_t stream)
{
	unsigned streams = origin == FROM_GUEST ? rule->guest_streams : rule->host_streams;

	return streams ? stream < 32 && (streams & BIT(stream)) : stream == 0;
}

static int check_header(const struct frame_header *header, enum frame_origin origin,
						struct error *err)
{
	const struct rule *rule = find_rule(header->type, origin);
	uint32_t length = le32toh(header->length);

	if (!rule)
		return error_set(err, EPROTO, "a frame of the unknown type %u", header->type);
	if (!stream_is_allowed(rule, origin, header->stream) || header->zero)
		return error_set(err, EPROTO, "a frame of type %u for the stream %u", header->type,
						 header->stream);
	if (length < rule->minimum || length > rule->maximum)
		return error_set(err, EPROTO, "a frame of type %u with %u bytes", header->type, length);
	return 0;
}

uint8_t *frame_space(struct frame_reader *reader, size_t *ret_size)
{
	/* What is left is less than a frame; moved to the front only when a whole one might not fit
	 * behind it, so that large reads stay large and few bytes are copied. */
	if (reader->start == reader->end) {
		reader->start = reader->end = 0;
	} else if (sizeof(reader->bytes) - reader->end < FRAME_MAX) {
		memmove(reader->bytes, reader->bytes + reader->start, reader->end - reader->start);
		reader->end -= reader->start;
		reader->start = 0;
	}
	*ret_size = sizeof(reader->bytes) - reader->end;
	return reader->bytes + reader->end;
}

void frame_added(struct frame_reader *reader, size_t count)
{
	reader->end += count;
}

int frame_next(struct frame_reader *reader, struct frame *ret, struct error *err)
{
	size_t have = reader->end - reader->start;
	struct frame_header header;

	if (have < sizeof(header))
		return 0;
	memcpy(&header, reader->bytes + reader->start, sizeof(header));
	int error = check_header(&header, reader->origin, err);
	if (error < 0)
		return error;
	uint32_t length = le32toh(header.length);
	if (have - sizeof(header) < length)
		return 0;
	*ret = (struct frame){.type = header.type,
						  .stream = header.stream,
						  .length = length,
						  .payload = reader->bytes + reader->start + sizeof(header)};
	reader->start += sizeof(header) + length;
	return 1;
}

uint32_t frame_number(const struct frame *frame, unsigned index)
{
	uint32_t number;

	memcpy(&number, frame->payload + index * sizeof(number), sizeof(number));
	return le32toh(number);
}

uint64_t frame_number64(const struct frame *frame, size_t offset)
{
	uint64_t number;

	memcpy(&number, frame->payload + offset, sizeof(number));
	return le64toh(number);
}

/* Room for `size` more bytes at the end of the queue. */
static void make_room(struct frame_queue *queue, size_t size)
{
	if (queue->start == queue->end)
		queue->start = queue->end = 0;
	if (queue->capacity - queue->end >= size)
		return;
	if (queue->start) {
		memmove(queue->bytes, queue->bytes + queue->start, queue->end - queue->start);
		queue->end -= queue->start;
		queue->start = 0;
	}
	if (queue->capacity - queue->end < size) {
		queue->capacity = 2 * queue->capacity + size;
		queue->bytes = xrealloc(queue->bytes, queue->capacity, 1);
	}
}

static void put_header(struct frame_queue *queue, enum frame_type type, enum stream_id stream,
					   size_t length)
{
	const struct frame_header header = {
		.type = (uint8_t)type, .stream = (uint8_t)stream, .length = htole32((uint32_t)length)};

	memcpy(queue->bytes + queue->end, &header, sizeof(header));
}

void frame_put(struct frame_queue *queue, enum frame_type type, enum stream_id stream,
			   const void *payload, size_t length)
{
	make_room(queue, sizeof(struct frame_header) + length);
	put_header(queue, type, stream, length);
	queue->end += sizeof(struct frame_header);
	if (length)
		memcpy(queue->bytes + queue->end, payload, length);
	queue->end += length;
}

void frame_put_number(struct frame_queue *queue, enum frame_type type, enum stream_id stream,
					  uint32_t number)
{
	number = htole32(number);
	frame_put(queue, type, stream, &number, sizeof(number));
}

uint8_t *frame_reserve(struct frame_queue *queue)
{
	make_room(queue, FRAME_MAX);
	return queue->bytes + queue->end + sizeof(struct frame_header);
}

void frame_commit(struct frame_queue *queue, enum stream_id stream, size_t length)
{
	put_header(queue, FRAME_DATA, stream, length);
	queue->end += sizeof(struct frame_header) + length;
}

void frame_sent(struct frame_queue *queue, size_t count)
{
	queue->start += count;
}

void frame_queue_free(struct frame_queue *queue)
{
	free(queue->bytes);
	*queue = (struct frame_queue){0};
}

int window_take(struct window_in *window, uint32_t count, struct error *err)
{
	if (count > PROTOCOL_WINDOW - window->under_way)
		return error_set(err, EPROTO, "more data than its window of %d bytes", PROTOCOL_WINDOW);
	window->under_way += count;
	return 0;
}

void window_used(struct window_in *window, uint32_t count)
{
	window->used += count;
}

uint32_t window_credit(struct window_in *window)
{
	uint32_t credit = window->used;

	/* A quarter: rare enough to cost nothing, early enough that the other side never waits. */
	if (credit < PROTOCOL_WINDOW / 4)
		return 0;
	window->under_way -= credit;
	window->used = 0;
	return credit;
}

int window_credited(struct window_out *window, uint32_t count, struct error *err)
{
	if (count > PROTOCOL_WINDOW - window->room)
		return error_set(err, EPROTO, "credit for more than its window of %d bytes",
						 PROTOCOL_WINDOW);
	window->room += count;
	return 0;
}
