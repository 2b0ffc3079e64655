// SPDX-License-Identifier: Apache-2.0
/* From a file's data to the disk: space, streams, and writes in large pieces. */
#include "rootfs/ext.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void output_init(struct output *output, int fd, size_t capacity, size_t gap)
{
	*output = (struct output){.fd = fd, .capacity = capacity, .gap = gap};
	output->buffer = xmalloc(capacity);
}

static int write_all(int fd, uint64_t offset, const char *bytes, size_t length, struct error *err)
{
	while (length) {
		ssize_t count = pwrite(fd, bytes, length, (off_t)offset);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot write the disk image");
		bytes += count;
		offset += (uint64_t)count;
		length -= (size_t)count;
	}
	return 0;
}

int output_flush(struct output *output, struct error *err)
{
	size_t length = output->length;

	output->length = 0;
	return write_all(output->fd, output->offset, output->buffer, length, err);
}

/* Makes `offset` the place where the next byte goes. */
static int output_seek(struct output *output, uint64_t offset, struct error *err)
{
	uint64_t end = output->offset + output->length;

	if (output->length && offset >= end && offset - end < output->gap &&
		offset - output->offset < output->capacity) {
		memset(output->buffer + output->length, 0, offset - end);
		output->length += offset - end;
		return 0;
	}
	if (offset != end && output_flush(output, err) < 0)
		return -err->code;
	if (!output->length)
		output->offset = offset;
	return 0;
}

int output_write(struct output *output, uint64_t offset, const void *bytes, size_t length,
				 struct error *err)
{
	const char *rest = bytes;

	if (output_seek(output, offset, err) < 0)
		return -err->code;
	while (length) {
		if (!output->length && length >= output->capacity) { /* nothing to gain from a copy */
			output->offset += length;
			return write_all(output->fd, output->offset - length, rest, length, err);
		}
		size_t room = output->capacity - output->length;
		size_t count = length < room ? length : room;
		memcpy(output->buffer + output->length, rest, count);
		output->length += count;
		rest += count;
		length -= count;
		if (output->length < output->capacity)
			continue;
		uint64_t end = output->offset + output->length;
		if (output_flush(output, err) < 0)
			return -err->code;
		output->offset = end;
	}
	return 0;
}

void space_settle(struct space *space)
{
	if (space->next > space->taken)
		ext2fs_block_alloc_stats_range(space->fs, space->taken, (blk_t)(space->next - space->taken),
									   +1);
	space->taken = space->next;
}

/* Goes on to the next free blocks behind those in hand. */
static int space_advance(struct space *space, struct error *err)
{
	blk64_t last = ext2fs_blocks_count(space->fs->super) - 1;
	blk64_t start, end;

	space_settle(space);
	if (space->end > last ||
		ext2fs_find_first_zero_block_bitmap2(space->fs->block_map, space->end, last, &start))
		return error_set(err, ENOSPC, "the file system is full");
	if (ext2fs_find_first_set_block_bitmap2(space->fs->block_map, start, last, &end))
		end = last + 1;
	space->taken = space->next = start;
	space->end = end;
	return 0;
}

int space_take(struct space *space, uint64_t want, uint32_t *ret_start, uint32_t *ret_count,
			   struct error *err)
{
	if (space->next == space->end && space_advance(space, err) < 0)
		return -err->code;
	uint64_t count = want < space->end - space->next ? want : space->end - space->next;
	*ret_start = (uint32_t)space->next;
	*ret_count = (uint32_t)count;
	space->next += count;
	return 0;
}

void runs_free(struct runs *runs)
{
	free(runs->items);
	*runs = (struct runs){0};
}

static struct run *runs_last(const struct runs *runs)
{
	return runs->count ? &runs->items[runs->count - 1] : NULL;
}

/* Adds a run, or lengthens the last one by it; returns what is the last one now. */
static const struct run *runs_add(struct runs *runs, struct run run)
{
	struct run *last = runs_last(runs);

	if (last && last->logical + last->length == run.logical &&
		last->physical + last->length == run.physical) {
		last->length += run.length;
		return last;
	}
	if (!runs->items || runs->count == runs->capacity) {
		runs->capacity = runs->capacity ? runs->capacity * 2 : 4;
		runs->items = xrealloc(runs->items, runs->capacity, sizeof(*runs->items));
	}
	runs->items[runs->count] = run;
	return &runs->items[runs->count++];
}

int stream_write(uint64_t offset, const void *bytes, size_t length, void *data, struct error *err)
{
	struct stream *stream = data;
	struct writer *writer = stream->writer;
	const char *rest = bytes;

	if (offset > stream->size || length > stream->size - offset)
		return error_set(err, EBADMSG, "it has more data than its size of %llu bytes",
						 (unsigned long long)stream->size);
	while (length) {
		uint32_t block = (uint32_t)(offset / EXT_BLOCK), within = offset % EXT_BLOCK;
		const struct run *last = runs_last(&stream->runs);
		if (!last || block >= last->logical + last->length) {
			uint64_t want = (within + length + EXT_BLOCK - 1) / EXT_BLOCK;
			struct run run = {.logical = block};
			if (space_take(&writer->space, want, &run.physical, &run.length, err) < 0)
				return -err->code;
			last = runs_add(&stream->runs, run);
		}
		if (block < last->logical)
			return error_set(err, EBADMSG, "its data is out of order");
		uint64_t room = (uint64_t)(last->logical + last->length - block) * EXT_BLOCK - within;
		size_t count = length < room ? length : (size_t)room;
		uint64_t target = (uint64_t)(last->physical + block - last->logical) * EXT_BLOCK + within;
		if (output_write(&writer->data, target, rest, count, err) < 0)
			return -err->code;
		rest += count;
		offset += count;
		length -= count;
	}
	return 0;
}
