/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running machine's control socket, DIR/control: one command a line,
 *   stop SECONDS   the machine's stop signal, and the end after so many seconds
 *   signal N       a signal for the application
 * answered by "ok" or "error TEXT". Connections stay open until the machine is gone.
 */
#pragma once

#include "base/error.h"

#include <poll.h>
#include <stdbool.h>

#define CONTROL_CLIENTS 8
#define CONTROL_SLOTS (1 + CONTROL_CLIENTS)
#define CONTROL_LINE 64 /* bytes, the newline included */

enum control_verb { CONTROL_STOP, CONTROL_SIGNAL };

struct control_command {
	enum control_verb verb;
	unsigned number;
};

/* One line, without its newline. */
int control_parse(const char *line, struct control_command *ret, struct error *err);

struct control_client {
	int fd;
	size_t length;
	char line[CONTROL_LINE];
};

struct control {
	int directory; /* of the machine, to remove the socket from */
	int listener;
	struct control_client clients[CONTROL_CLIENTS];
};

void control_init(struct control *control);
/* Listens; a socket that a killed process left there is replaced. */
int control_open(struct control *control, const char *directory, struct error *err);
void control_wait(const struct control *control, struct pollfd slots[CONTROL_SLOTS]);
/* Reads what came, and calls `run` for each command. */
void control_work(struct control *control, const struct pollfd slots[CONTROL_SLOTS],
				  void (*run)(const struct control_command *command, void *data), void *data);
void control_close(struct control *control);

/* The other side: connects to a machine's socket. -ENOENT or -ECONNREFUSED when nobody listens. */
int control_connect(const char *directory, struct error *err);
