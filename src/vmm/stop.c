// SPDX-License-Identifier: Apache-2.0
/* The client of a running machine's control socket. */
#include "vmm/clock.h"
#include "vmm/control.h"
#include "vmm/vmm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Beyond its timeout: the guest's power-off with its disk to write (supervisor.c), and more. */
#define PATIENCE_SECONDS 75
/* A supervisor holds the lock for a moment before it listens, and after it stopped to. */
#define TRANSITION_MILLISECONDS 5000

static bool is_gone(const struct machine *machine)
{
	_cleanup_error_ struct error err = {0};
	int lock = machine_lock(machine, &err);

	if (lock >= 0)
		close(lock);
	return lock != -EBUSY;
}

static int too_long(const struct machine *machine, struct error *err)
{
	error_set(err, ETIMEDOUT, "the machine %s does not end", machine->name);
	return error_hint(err, "kill the lupine process that runs it; `lupine ps` tells its number");
}

/* Returns a connection, or -ENOENT when nobody runs the machine (any more). */
static int reach(const struct machine *machine, struct error *err)
{
	int64_t until = clock_milliseconds() + TRANSITION_MILLISECONDS;

	for (;;) {
		int fd = control_connect(machine->directory, err);
		if (fd >= 0)
			return fd;
		if (is_gone(machine))
			return -ENOENT;
		if (clock_milliseconds() > until)
			return error_wrap(err, "cannot stop %s", machine->name);
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}

/* Sends the command and reads to the end of the connection, which is the machine's. */
static int converse(int fd, unsigned timeout, struct error *err)
{
	const struct timeval patience = {.tv_sec = (time_t)timeout + PATIENCE_SECONDS};
	char line[256];
	ssize_t count;

	int length = snprintf(line, sizeof(line), "stop %u\n", timeout);
	if (send(fd, line, (size_t)length, MSG_NOSIGNAL) != length)
		return errno == EPIPE ? 0 : error_errno(err, errno, "cannot ask it to stop");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	while ((count = read(fd, line, sizeof(line) - 1)) > 0) {
		line[count] = '\0';
		if (starts_with(line, "error "))
			return error_set(err, EPROTO, "it refuses to stop: %.*s", (int)strcspn(line + 6, "\n"),
							 line + 6);
	}
	return count < 0 && errno == EAGAIN ? -ETIMEDOUT : 0;
}

int vmm_stop(const struct machine *machine, unsigned timeout, struct error *err)
{
	_cleanup_error_ struct error reason = {0};
	_cleanup_close_ int fd = machine->lock >= 0 ? -ENOENT : reach(machine, &reason);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_set(err, reason.code, "%s", reason.message);
	int error = converse(fd, timeout, err);
	if (error == -ETIMEDOUT)
		return too_long(machine, err);
	if (error < 0)
		return error_wrap(err, "the machine %s", machine->name);
	for (int64_t until = clock_milliseconds() + TRANSITION_MILLISECONDS; !is_gone(machine);)
		if (clock_milliseconds() > until)
			return too_long(machine, err);
	return 0;
}
