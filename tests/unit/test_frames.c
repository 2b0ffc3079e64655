// SPDX-License-Identifier: Apache-2.0
/* guest/protocol.h on the host's side: frames in pieces, hostile frames, windows. */
#include "vmm/frames.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Hands bytes to a reader as a socket would; few enough to fit. */
static void feed(struct frame_reader *reader, const uint8_t *bytes, size_t length)
{
	size_t size;
	uint8_t *space = frame_space(reader, &size);

	assert_true(size >= length);
	memcpy(space, bytes, length);
	frame_added(reader, length);
}

static struct frame_reader *new_reader(enum frame_origin origin)
{
	struct frame_reader *reader = xcalloc(1, sizeof(*reader));

	reader->origin = origin;
	return reader;
}

static void put_conversation(struct frame_queue *queue)
{
	static const uint8_t ticks[8] = {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
	static const uint8_t hello[12] = {1, 0, 0, 0, 0x78, 0x67, 0x56, 0x45, 0x34, 0x23, 0x12, 0x01};
	static const uint8_t end[8] = {EXIT_SIGNAL, 0, 0, 0, 11, 0, 0, 0};

	frame_put(queue, FRAME_HELLO, 0, hello, sizeof(hello));
	frame_put(queue, FRAME_STARTED, 0, ticks, sizeof(ticks));
	frame_put(queue, FRAME_DATA, STREAM_STDOUT, "hello", 5);
	frame_put(queue, FRAME_DATA, STREAM_STDERR, "", 0);
	frame_put_number(queue, FRAME_CREDIT, STREAM_STDIN, 65536);
	memcpy(frame_reserve(queue), "log line\n", 9);
	frame_commit(queue, STREAM_LOG, 9);
	frame_put(queue, FRAME_END, STREAM_STDOUT, NULL, 0);
	frame_put(queue, FRAME_EXIT, 0, end, sizeof(end));
}

/* The frames of put_conversation(). */
static void check_conversation(const struct frame *frames, size_t count)
{
	assert_int_equal(count, 8);
	assert_int_equal(frames[0].type, FRAME_HELLO);
	assert_int_equal(frames[1].type, FRAME_STARTED);
	assert_int_equal(frames[2].type, FRAME_DATA);
	assert_int_equal(frames[2].stream, STREAM_STDOUT);
	assert_int_equal(frames[2].length, 5);
	assert_int_equal(frames[3].stream, STREAM_STDERR);
	assert_int_equal(frames[3].length, 0);
	assert_int_equal(frames[4].type, FRAME_CREDIT);
	assert_int_equal(frames[5].stream, STREAM_LOG);
	assert_int_equal(frames[6].type, FRAME_END);
	assert_int_equal(frames[7].type, FRAME_EXIT);
}

static void test_any_split(void **state)
{
	struct frame_queue queue = {0};

	(void)state;
	put_conversation(&queue);
	size_t total = frame_pending(&queue);
	for (size_t split = 0; split <= total; split++) {
		struct frame_reader *reader = new_reader(FROM_GUEST);
		_cleanup_error_ struct error err = {0};
		struct frame frames[16], frame;
		size_t count = 0;
		const size_t parts[2][2] = {{0, split}, {split, total - split}};
		for (int part = 0; part < 2; part++) {
			feed(reader, queue.bytes + parts[part][0], parts[part][1]);
			while (frame_next(reader, &frame, &err) == 1) {
				if (frame.type == FRAME_HELLO) {
					assert_int_equal(frame_number(&frame, 0), 1);
					assert_true(frame_number64(&frame, 4) == 0x0112233445566778ull);
				}
				if (frame.type == FRAME_STARTED)
					assert_true(frame_number64(&frame, 0) == 0x1122334455667788ull);
				if (frame.stream == STREAM_STDOUT && frame.type == FRAME_DATA)
					assert_memory_equal(frame.payload, "hello", 5);
				if (frame.stream == STREAM_LOG)
					assert_memory_equal(frame.payload, "log line\n", 9);
				if (frame.type == FRAME_EXIT)
					assert_int_equal(frame_number(&frame, 1), 11);
				frames[count++] = frame;
			}
		}
		assert_null(err.message);
		check_conversation(frames, count);
		free(reader);
	}
	frame_queue_free(&queue);
}

static void test_byte_by_byte(void **state)
{
	struct frame_queue queue = {0};
	struct frame_reader *reader = new_reader(FROM_GUEST);
	_cleanup_error_ struct error err = {0};
	struct frame frames[16];
	size_t count = 0;

	(void)state;
	put_conversation(&queue);
	for (size_t i = 0; i < frame_pending(&queue); i++) {
		feed(reader, queue.bytes + i, 1);
		int result = frame_next(reader, &frames[count], &err);
		assert_true(result >= 0);
		count += (size_t)result;
	}
	check_conversation(frames, count);
	free(reader);
	frame_queue_free(&queue);
}

/* Frames of the largest size, so that the buffer wraps at every possible place. */
static void test_large_frames(void **state)
{
	struct frame_reader *reader = new_reader(FROM_GUEST);
	struct frame_queue queue = {0};
	_cleanup_error_ struct error err = {0};
	struct frame frame;
	unsigned sent = 0, received = 0;

	(void)state;
	while (received < 300) {
		while (sent < 300 && frame_pending(&queue) < 8 * FRAME_MAX) {
			size_t length = PROTOCOL_PAYLOAD_MAX - sent % 7;
			memset(frame_reserve(&queue), (int)(sent & 0xff), length);
			frame_commit(&queue, STREAM_STDOUT, length);
			sent++;
		}
		size_t size;
		uint8_t *space = frame_space(reader, &size);
		assert_true(size > 0);
		/* Odd sizes, as sockets give them. */
		size = size > 10007 ? 10007 : size;
		size = size > frame_pending(&queue) ? frame_pending(&queue) : size;
		memcpy(space, queue.bytes + queue.start, size);
		frame_added(reader, size);
		frame_sent(&queue, size);
		while (frame_next(reader, &frame, &err) == 1) {
			assert_int_equal(frame.length, PROTOCOL_PAYLOAD_MAX - received % 7);
			assert_int_equal(frame.payload[0], received & 0xff);
			assert_int_equal(frame.payload[frame.length - 1], received & 0xff);
			received++;
		}
		assert_null(err.message);
	}
	/* The queue did not grow past what was pending at once. */
	assert_true(queue.capacity < 32 * FRAME_MAX);
	frame_queue_free(&queue);
	free(reader);
}

static void test_hostile_headers(void **state)
{
	static const struct {
		enum frame_origin origin;
		struct frame_header header;
		const char *message;
	} rows[] = {
		{FROM_GUEST, {0, 0, 0, 0}, "a frame of the unknown type 0"},
		{FROM_GUEST, {99, 0, 0, 0}, "a frame of the unknown type 99"},
		{FROM_GUEST, {255, 255, 65535, UINT32_MAX}, "a frame of the unknown type 255"},
		{FROM_GUEST, {FRAME_BYE, 0, 0, 0}, "a frame of the unknown type 18"},
		{FROM_GUEST, {FRAME_SIGNAL, 0, 0, 4}, "a frame of the unknown type 16"},
		{FROM_HOST, {FRAME_EXIT, 0, 0, 8}, "a frame of the unknown type 3"},
		{FROM_GUEST, {FRAME_HELLO, 1, 0, 12}, "a frame of type 1 for the stream 1"},
		{FROM_GUEST, {FRAME_HELLO, 0, 1, 12}, "a frame of type 1 for the stream 0"},
		{FROM_GUEST, {FRAME_DATA, STREAM_STDIN, 0, 1}, "a frame of type 32 for the stream 0"},
		{FROM_GUEST, {FRAME_DATA, 4, 0, 1}, "a frame of type 32 for the stream 4"},
		{FROM_GUEST, {FRAME_DATA, 200, 0, 1}, "a frame of type 32 for the stream 200"},
		{FROM_GUEST, {FRAME_CREDIT, STREAM_STDOUT, 0, 4}, "a frame of type 34 for the stream 1"},
		{FROM_HOST, {FRAME_DATA, STREAM_STDOUT, 0, 1}, "a frame of type 32 for the stream 1"},
		{FROM_HOST, {FRAME_END, STREAM_LOG, 0, 0}, "a frame of type 33 for the stream 3"},
		{FROM_GUEST, {FRAME_HELLO, 0, 0, 3}, "a frame of type 1 with 3 bytes"},
		{FROM_GUEST, {FRAME_STARTED, 0, 0, 4}, "a frame of type 2 with 4 bytes"},
		{FROM_GUEST, {FRAME_EXIT, 0, 0, 12}, "a frame of type 3 with 12 bytes"},
		{FROM_GUEST, {FRAME_FAILED, 0, 0, 3}, "a frame of type 4 with 3 bytes"},
		{FROM_GUEST, {FRAME_END, STREAM_STDOUT, 0, 1}, "a frame of type 33 with 1 bytes"},
		{FROM_GUEST,
		 {FRAME_DATA, STREAM_STDOUT, 0, PROTOCOL_PAYLOAD_MAX + 1},
		 "a frame of type 32 with 32769 bytes"},
		{FROM_GUEST,
		 {FRAME_DATA, STREAM_LOG, 0, UINT32_MAX},
		 "a frame of type 32 with 4294967295 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct frame_reader *reader = new_reader(rows[i].origin);
		_cleanup_error_ struct error err = {0};
		struct frame frame;
		/* Refused as soon as the header is there, whatever would follow. */
		feed(reader, (const uint8_t *)&rows[i].header, sizeof(rows[i].header));
		assert_int_equal(frame_next(reader, &frame, &err), -EPROTO);
		assert_string_equal(err.message, rows[i].message);
		free(reader);
	}
}

/* What random bytes make of it: never a crash, never a frame that breaks the rules. */
static void test_noise(void **state)
{
	uint64_t random = 88172645463325252ull;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct frame_header headers[4];
		static struct frame_reader reader;
		_cleanup_error_ struct error err = {0};
		struct frame frame;
		int result;
		for (size_t i = 0; i < sizeof(headers); i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			/* Mostly small numbers, or nothing but unknown types would come. */
			((uint8_t *)headers)[i] = (uint8_t)(random & (random & 0x100 ? 0x23 : 0x03));
		}
		reader.origin = round % 2 ? FROM_GUEST : FROM_HOST;
		reader.start = reader.end = 0;
		feed(&reader, (const uint8_t *)headers, sizeof(headers));
		while ((result = frame_next(&reader, &frame, &err)) == 1) {
			assert_true(frame.length <= PROTOCOL_PAYLOAD_MAX);
			assert_true(frame.payload + frame.length <= reader.bytes + sizeof(headers));
		}
		assert_true(result == 0 || result == -EPROTO);
	}
}

static void test_window_in(void **state)
{
	struct window_in window = {0};
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_int_equal(window_take(&window, PROTOCOL_WINDOW, &err), 0);
	assert_int_equal(window_take(&window, 0, &err), 0);
	assert_int_equal(window_take(&window, 1, &err), -EPROTO);
	assert_string_equal(err.message, "more data than its window of 262144 bytes");
	error_clear(&err);
	/* Small credits are saved up; none is lost. */
	window_used(&window, 1000);
	assert_int_equal(window_credit(&window), 0);
	window_used(&window, PROTOCOL_WINDOW / 4 - 1000);
	assert_int_equal(window_credit(&window), PROTOCOL_WINDOW / 4);
	assert_int_equal(window_credit(&window), 0);
	assert_int_equal(window_take(&window, PROTOCOL_WINDOW / 4, &err), 0);
	assert_int_equal(window_take(&window, 1, &err), -EPROTO);
}

static void test_window_out(void **state)
{
	struct window_out window = {.room = PROTOCOL_WINDOW};
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_int_equal(window_credited(&window, 1, &err), -EPROTO);
	assert_string_equal(err.message, "credit for more than its window of 262144 bytes");
	error_clear(&err);
	window.room -= 100;
	assert_int_equal(window_credited(&window, UINT32_MAX, &err), -EPROTO);
	assert_int_equal(window_credited(&window, 100, &err), 0);
	assert_int_equal(window.room, PROTOCOL_WINDOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_split),    cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_large_frames), cmocka_unit_test(test_hostile_headers),
		cmocka_unit_test(test_noise),        cmocka_unit_test(test_window_in),
		cmocka_unit_test(test_window_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
