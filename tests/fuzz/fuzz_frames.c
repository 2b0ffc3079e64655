// SPDX-License-Identifier: Apache-2.0
/* What a guest may send, cut into pieces whose sizes are part of the input. */
#include "fuzz.h"
#include "vmm/frames.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frame_reader reader;
	struct window_in window = {0};
	struct window_out room = {.room = PROTOCOL_WINDOW};
	struct error err = {0};
	struct frame frame;
	int result = 0;

	reader.origin = size && data[0] & 1 ? FROM_HOST : FROM_GUEST;
	reader.start = reader.end = 0;
	while (size && result >= 0) {
		size_t space_size, piece = (size_t)data[0] + 1;
		uint8_t *space = frame_space(&reader, &space_size);
		require(space_size > 0 && space + space_size == reader.bytes + sizeof(reader.bytes));
		data++;
		size--;
		piece = piece < size ? piece : size;
		piece = piece < space_size ? piece : space_size;
		memcpy(space, data, piece);
		frame_added(&reader, piece);
		data += piece;
		size -= piece;
		while ((result = frame_next(&reader, &frame, &err)) == 1) {
			require(frame.length <= PROTOCOL_PAYLOAD_MAX);
			require(frame.payload + frame.length <= reader.bytes + reader.end);
			if (frame.type == FRAME_DATA && window_take(&window, frame.length, &err) == 0)
				window_used(&window, frame.length);
			if (frame.type == FRAME_CREDIT)
				window_credited(&room, frame_number(&frame, 0), &err);
			error_clear(&err);
			require(window.under_way <= PROTOCOL_WINDOW && window.used <= window.under_way);
			require(room.room <= PROTOCOL_WINDOW);
			window_credit(&window);
		}
		require(result == 0 || result == -EPROTO);
	}
	error_clear(&err);
	return 0;
}
