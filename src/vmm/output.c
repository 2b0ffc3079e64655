// SPDX-License-Identifier: Apache-2.0
#include "vmm/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void output_open(struct output *output, int fd)
{
	struct stat status;
	char path[32];

	*output = (struct output){.fd = fd, .own = -1, .method = OUTPUT_FILE};
	if (fstat(fd, &status) < 0) {
		output->gone = true;
		return;
	}
	if (S_ISREG(status.st_mode))
		return;
	if (S_ISSOCK(status.st_mode)) {
		output->method = OUTPUT_SOCKET;
		return;
	}
	/* The same pipe or terminal opened once more has flags of its own. It may belong to another
	 * user, as after su: then it cannot be opened. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	output->own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (output->own < 0)
		output->method = OUTPUT_PIPE;
	else
		output->fd = output->own;
}

static ssize_t write_some(const struct output *output, const void *bytes, size_t length)
{
	struct pollfd ready = {.fd = output->fd, .events = POLLOUT};

	switch (output->method) {
	case OUTPUT_SOCKET:
		return send(output->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	case OUTPUT_PIPE:
		/* A pipe that poll() calls writable takes PIPE_BUF bytes at once (pipe(7)). */
		if (poll(&ready, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(output->fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
	default:
		return write(output->fd, bytes, length);
	}
}

/* How many of the bytes are gone. */
static size_t write_until_full(struct output *output, const char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length && !output->gone) {
		ssize_t count = write_some(output, bytes + done, length - done);
		if (count >= 0)
			done += (size_t)count;
		else if (errno == EAGAIN)
			return done;
		else if (errno != EINTR)
			output->gone = true; /* EPIPE, or a disk that is full: the application goes on */
	}
	return length;
}

size_t output_flush(struct output *output)
{
	if (!output_pending(output))
		return 0;
	size_t done =
		write_until_full(output, output->rest.data + output->start, output_pending(output));

	output->start += done;
	if (output->start == output->rest.length)
		output->start = output->rest.length = 0;
	return done;
}

size_t output_write(struct output *output, const void *bytes, size_t length)
{
	size_t done = output_pending(output) ? output_flush(output) : 0, direct = 0;

	if (!output_pending(output))
		direct = write_until_full(output, bytes, length);
	if (direct < length) {
		buf_consume(&output->rest, output->start);
		output->start = 0;
		buf_append(&output->rest, (const char *)bytes + direct, length - direct);
	}
	return done + direct;
}

void output_close(struct output *output)
{
	if (output->own >= 0)
		close(output->own);
	buf_free(&output->rest);
	*output = (struct output){.fd = -1, .own = -1, .gone = true};
}
