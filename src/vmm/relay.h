/* SPDX-License-Identifier: Apache-2.0 */
/* The application's streams between the guest and us, and what init says of it. */
#pragma once

#include "vmm/console.h"
#include "vmm/frames.h"
#include "vmm/writer.h"

#include <poll.h>
#include <stdbool.h>

enum relay_phase {
	RELAY_BOOTING = 1, /* nothing was heard of init */
	RELAY_UP = 2,      /* init is there */
	RELAY_RUNNING = 4, /* so is the application */
	RELAY_ENDED = 8,   /* it ended, or could not be started */
};

struct relay {
	/* Set by the owner after relay_init(). */
	int guest;  /* the socket of guest/protocol.h, ours to read and write; -1 after its end */
	int serial; /* the socket of the serial console; likewise */
	int input;  /* stdin, or -1 */
	bool live;  /* the console's text goes to stderr too */
	struct console *console;
	struct writer outputs[3]; /* indexed by STREAM_STDOUT and STREAM_STDERR */

	/* What became of the application. */
	enum relay_phase phase;
	uint64_t init_ticks;      /* from RELAY_UP on */
	uint64_t ticks;           /* from RELAY_RUNNING on */
	bool wrote;               /* something came of stdout or stderr */
	bool failed;              /* it could not be started, and this is why: */
	char *failure;            /* (text of the guest's, for people) */
	enum exit_kind exit_kind; /* at RELAY_ENDED, unless it failed */
	uint32_t value;           /* exit status, or signal */

	/* Private. */
	struct frame_reader reader;
	struct frame_queue queue;
	struct window_in windows[3];
	struct window_out room; /* for stdin */
	bool refused[3];        /* the guest knows that nobody reads this stream */
	struct writer live_writer;
	uint64_t early_signals; /* bit N: signal N, to be sent once there is an application */
};

enum relay_slot { SLOT_GUEST, SLOT_SERIAL, SLOT_INPUT, SLOT_STDOUT, SLOT_STDERR, SLOT_LIVE, SLOTS };

/* Closed at all ends. */
void relay_init(struct relay *relay);
/* Where stdout and stderr go; the descriptors are borrowed. */
void relay_set_outputs(struct relay *relay, int stdout_fd, int stderr_fd);
/* What to wait for. */
void relay_wait(const struct relay *relay, struct pollfd slots[SLOTS]);
/* What can be done now is done. -EPROTO when the guest breaks the protocol. */
int relay_work(struct relay *relay, const struct pollfd slots[SLOTS], struct error *err);
/* Reads what is left in the sockets after the monitor's end. */
int relay_drain(struct relay *relay, struct error *err);
/* True while there are bytes for a slow stdout or stderr. */
bool relay_has_output(const struct relay *relay);
/* A line of our own in the machine's log. */
void relay_log(struct relay *relay, const char *line);
void relay_signal(struct relay *relay, unsigned number);
void relay_window(struct relay *relay, uint16_t rows, uint16_t columns);
void relay_free(struct relay *relay);
