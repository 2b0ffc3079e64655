// SPDX-License-Identifier: Apache-2.0
#include "vmm/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void writer_open(struct writer *writer, int fd)
{
	struct stat status;
	char path[32];

	*writer = (struct writer){.fd = fd, .own = -1, .method = WRITER_FILE};
	if (fstat(fd, &status) < 0) {
		writer->gone = true;
		return;
	}
	if (S_ISREG(status.st_mode))
		return;
	if (S_ISSOCK(status.st_mode)) {
		writer->method = WRITER_SOCKET;
		return;
	}
	/* The same pipe or terminal opened once more has flags of its own. It may belong to another
	 * user, as after su: then it cannot be opened. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	writer->own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (writer->own < 0)
		writer->method = WRITER_PIPE;
	else
		writer->fd = writer->own;
}

static ssize_t write_some(const struct writer *writer, const void *bytes, size_t length)
{
	struct pollfd ready = {.fd = writer->fd, .events = POLLOUT};

	switch (writer->method) {
	case WRITER_SOCKET:
		return send(writer->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	case WRITER_PIPE:
		/* A pipe that poll() calls writable takes PIPE_BUF bytes at once (pipe(7)). */
		if (poll(&ready, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(writer->fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
	default:
		return write(writer->fd, bytes, length);
	}
}

/* How many of the bytes are gone. */
static size_t write_until_full(struct writer *writer, const char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length && !writer->gone) {
		ssize_t count = write_some(writer, bytes + done, length - done);
		if (count >= 0)
			done += (size_t)count;
		else if (errno == EAGAIN)
			return done;
		else if (errno != EINTR) {
			/* The application goes on when a disk is full; without a reader it is to know. */
			writer->gone = true;
			writer->unread = errno == EPIPE || errno == ECONNRESET;
		}
	}
	return length;
}

size_t writer_flush(struct writer *writer)
{
	if (!writer_pending(writer))
		return 0;
	size_t done =
		write_until_full(writer, writer->rest.data + writer->start, writer_pending(writer));

	writer->start += done;
	if (writer->start == writer->rest.length)
		writer->start = writer->rest.length = 0;
	return done;
}

size_t writer_write(struct writer *writer, const void *bytes, size_t length)
{
	size_t done = writer_pending(writer) ? writer_flush(writer) : 0, direct = 0;

	if (!writer_pending(writer))
		direct = write_until_full(writer, bytes, length);
	if (direct < length) {
		buf_consume(&writer->rest, writer->start);
		writer->start = 0;
		buf_append(&writer->rest, (const char *)bytes + direct, length - direct);
	}
	return done + direct;
}

void writer_close(struct writer *writer)
{
	if (writer->own >= 0)
		close(writer->own);
	buf_free(&writer->rest);
	*writer = (struct writer){.fd = -1, .own = -1, .gone = true};
}
