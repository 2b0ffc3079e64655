// SPDX-License-Identifier: Apache-2.0
#include "vmm/console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LOG_LIMIT (64ull * 1024 * 1024) /* bytes in console.log */
#define TAIL_SIZE ((size_t)16 * 1024)   /* a panic with its registers and call trace fits */
#define LAST_LINES 20
#define PANIC "Kernel panic" /* what panic() in the kernel's kernel/panic.c begins with */

int console_open(struct console *console, const char *directory, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/console.log", directory);

	*console = (struct console){
		.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600),
	};
	return console->file < 0 ? error_errno(err, errno, "cannot write %s", path) : 0;
}

static void write_file(struct console *console, const char *bytes, size_t length)
{
	static const char cut[] = "\n[lupine: the log is too long; the rest is left out]\n";

	if (console->written > LOG_LIMIT)
		return;
	console->written += length;
	if (console->written > LOG_LIMIT) {
		bytes = cut;
		length = sizeof(cut) - 1;
	}
	while (length) {
		ssize_t count = write(console->file, bytes, length);
		if (count < 0 && errno != EINTR)
			return; /* a full disk must not end the machine */
		bytes += count > 0 ? count : 0;
		length -= count > 0 ? (size_t)count : 0;
	}
}

void console_add(struct console *console, bool serial, const void *bytes, size_t length)
{
	struct buf *tail = &console->tail;

	write_file(console, bytes, length);
	if (length > TAIL_SIZE) {
		bytes = (const char *)bytes + length - TAIL_SIZE;
		length = TAIL_SIZE;
	}
	/* A word that came in two pieces must be found too. */
	size_t before = tail->length < sizeof(PANIC) ? tail->length : sizeof(PANIC);
	buf_append(tail, bytes, length);
	const char *fresh = tail->data + tail->length - length - before;
	if (serial && memmem(fresh, length + before, PANIC, strlen(PANIC)))
		console->panicked = true;
	if (tail->length > 2 * TAIL_SIZE)
		buf_consume(tail, tail->length - TAIL_SIZE);
}

/* The line that begins at `at`, without control bytes; *at moves behind it. */
static void append_line(const char **at, const char *end, struct buf *line)
{
	for (; *at < end && **at != '\n'; (*at)++)
		if (**at == '\t' || (unsigned char)**at >= ' ')
			buf_append(line, *at, 1);
	if (*at < end)
		(*at)++;
}

void append_last_lines(const char *text, size_t length, struct buf *message)
{
	const char *end = text + length, *at;
	unsigned lines = 0;

	while (end > text && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	for (at = end; at > text && lines < LAST_LINES; at--)
		if (at[-1] == '\n' && ++lines == LAST_LINES)
			break;
	while (at < end) {
		buf_puts(message, "\n");
		append_line(&at, end, message);
	}
}

void console_last_lines(const struct console *console, struct buf *message)
{
	if (console->tail.length)
		append_last_lines(console->tail.data, console->tail.length, message);
}

char *console_panic_line(const struct console *console)
{
	const struct buf *tail = &console->tail;
	const char *at = tail->length ? memmem(tail->data, tail->length, PANIC, strlen(PANIC)) : NULL;
	struct buf line = {0};

	if (!at)
		return NULL;
	append_line(&at, tail->data + tail->length, &line);
	return buf_steal(&line);
}

void console_close(struct console *console)
{
	if (console->file >= 0)
		close(console->file);
	buf_free(&console->tail);
	console->file = -1;
}
