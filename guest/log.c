// SPDX-License-Identifier: Apache-2.0
/*
 * Init's lines go into the kernel's log, so that they stand in order with the kernel's own; the
 * host gets both as one stream, read back from /dev/kmsg (Documentation/ABI/testing/dev-kmsg).
 * A kernel built without printk has no such device: then the lines are kept here instead.
 */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifndef KMSG_PATH /* the unit tests must not write into their machine's log */
#define KMSG_PATH "/dev/kmsg"
#endif
#define RECORD_MAX 2048 /* PRINTK_MESSAGE_MAX of kernel/printk/internal.h */

static int kmsg_writer = -1, kmsg_reader = -1;
static bool quiet;
static char kept[4096];
static size_t kept_length;

void log_open(void)
{
	kmsg_writer = open(KMSG_PATH, O_WRONLY | O_CLOEXEC);
	kmsg_reader = open(KMSG_PATH, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static void add_line(const char *const *parts, bool console)
{
	static const char prefix[] = "lupine-init: ";
	char line[600];
	memcpy(line, prefix, sizeof(prefix) - 1);
	size_t length = sizeof(prefix) - 1;
	length += text_join(line + length, sizeof(line) - length - 1, parts);
	line[length++] = '\n';

	if (kmsg_writer < 0 && length <= sizeof(kept) - kept_length) {
		memcpy(kept + kept_length, line, length);
		kept_length += length;
	}
	/* A log that cannot be written to leaves nothing to do and nobody to tell. */
	if (kmsg_writer >= 0 && write(kmsg_writer, line, length) < 0)
		kmsg_writer = -1;
	if (console && !quiet && write(STDERR_FILENO, line, length) < 0)
		quiet = true;
}

void log_line(const char *const *parts)
{
	add_line(parts, true);
}

void log_note(const char *const *parts)
{
	add_line(parts, false);
}

void log_quiet(void)
{
	quiet = true;
}

int log_fd(void)
{
	return kmsg_reader;
}

/* A record is "level,sequence,microseconds,flags;text\n", then lines of no interest to us. */
static size_t record_format(const char *record, char *to, size_t size)
{
	const char *text = strchr(record, ';');
	const char *at = record;
	uint64_t level, sequence, time;
	if (!text || number_parse(&at, UINT64_MAX, &level) < 0 || *at++ != ',' ||
		number_parse(&at, UINT64_MAX, &sequence) < 0 || *at++ != ',' ||
		number_parse(&at, UINT64_MAX, &time) < 0)
		return 0;

	char seconds[NUMBER_SIZE], micros[NUMBER_SIZE], *end = strchr(record, '\n');
	if (end)
		*end = 0;
	number_format(seconds, time / 1000000, 10, 1);
	number_format(micros, time % 1000000, 10, 6);
	size_t width = strlen(seconds);
	const char *padding = &"     "[width < 5 ? width : 5];
	return text_join(to, size, TEXT("[", padding, seconds, ".", micros, "] ", text + 1, "\n"));
}

size_t log_read(char *to, size_t size)
{
	size_t length = 0;
	if (kept_length > 0 && kept_length <= size) {
		memcpy(to, kept, kept_length);
		length = kept_length;
		kept_length = 0;
	}
	while (kmsg_reader >= 0 && size - length > RECORD_MAX + 32) {
		char record[RECORD_MAX + 128];
		ssize_t got = read(kmsg_reader, record, sizeof(record) - 1);
		if (got < 0 && (errno == EPIPE || errno == EINVAL))
			continue; /* records were overwritten, or one is too long: the next is fine */
		if (got <= 0)
			break;
		record[got] = 0;
		length += record_format(record, to + length, size - length);
	}
	return length;
}

int failure_set(struct failure *failure, uint32_t status, const char *const *parts)
{
	failure->status = status;
	text_join(failure->text, sizeof(failure->text), parts);
	return -1;
}
