/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/protocol.h as data: frames out of a byte stream and into one, and windows. No I/O here.
 * The other side is the guest, which may lie: whatever it sends, memory stays bounded and
 * nonsense is -EPROTO.
 */
#pragma once

#include "base/error.h"
#include "guest/protocol.h"

#include <stdint.h>
#include <sys/types.h>

#define FRAME_MAX (sizeof(struct frame_header) + PROTOCOL_PAYLOAD_MAX)

enum frame_origin { FROM_GUEST = 1, FROM_HOST = 2 };

struct frame {
	enum frame_type type;
	enum stream_id stream;
	uint32_t length;
	const uint8_t *payload; /* valid until the next frame_space() */
};

/* Bytes that came, until they are whole frames. */
struct frame_reader {
	enum frame_origin origin; /* whose frames these are */
	size_t start, end;
	uint8_t bytes[4 * FRAME_MAX];
};

/* Room for what is read next; never none after frame_next() returned 0. */
uint8_t *frame_space(struct frame_reader *reader, size_t *ret_size);
void frame_added(struct frame_reader *reader, size_t count);
/* 1 with the next frame, 0 when more bytes are needed, -EPROTO when they cannot be a frame. */
int frame_next(struct frame_reader *reader, struct frame *ret, struct error *err);

/* The n-th number (u32) of a payload whose length was checked. */
uint32_t frame_number(const struct frame *frame, unsigned index);
/* The one (u64) at an offset of it. */
uint64_t frame_number64(const struct frame *frame, size_t offset);

/* Frames on their way out. */
struct frame_queue {
	size_t start, end, capacity;
	uint8_t *bytes;
};
void frame_put(struct frame_queue *queue, enum frame_type type, enum stream_id stream,
			   const void *payload, size_t length);
void frame_put_number(struct frame_queue *queue, enum frame_type type, enum stream_id stream,
					  uint32_t number);
/* Room for the payload of a DATA frame, filled by the caller, then queued by frame_commit(). */
uint8_t *frame_reserve(struct frame_queue *queue);
void frame_commit(struct frame_queue *queue, enum stream_id stream, size_t length);
static inline size_t frame_pending(const struct frame_queue *queue)
{
	return queue->end - queue->start;
}
void frame_sent(struct frame_queue *queue, size_t count);
void frame_queue_free(struct frame_queue *queue);

/* What the other side may send of a stream, as we count it. */
struct window_in {
	uint32_t under_way; /* came, and was not given back yet */
	uint32_t used;      /* of that: was passed on, and can be given back */
};
int window_take(struct window_in *window, uint32_t count, struct error *err);
void window_used(struct window_in *window, uint32_t count);
/* The credit to send now, 0 for none: small ones are saved up. */
uint32_t window_credit(struct window_in *window);

/* What we may send of a stream. */
struct window_out {
	uint32_t room;
};
int window_credited(struct window_out *window, uint32_t count, struct error *err);
