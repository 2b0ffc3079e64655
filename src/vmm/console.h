/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's log: what its serial console prints, and its kernel's log. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct console {
	int file;         /* console.log */
	uint64_t written; /* bytes, to stop a guest that fills the host's disk */
	bool panicked;    /* "Kernel panic" was printed on the serial console */
	struct buf tail;  /* the end of all that was printed */
};

#define CONSOLE_NONE                                                                               \
	{                                                                                              \
		.file = -1                                                                                 \
	}

/* Starts an empty DIRECTORY/console.log. */
int console_open(struct console *console, const char *directory, struct error *err);
/* Bytes of the serial console (`serial`) or of the kernel's log. */
void console_add(struct console *console, bool serial, const void *bytes, size_t length);
/* Adds the last lines to a message, each on a line of its own. */
void console_last_lines(const struct console *console, struct buf *message);
/* The line that tells of the panic, or NULL. The caller owns it. */
char *console_panic_line(const struct console *console);
void console_close(struct console *console);

/* The last lines of any text. */
void append_last_lines(const char *text, size_t length, struct buf *message);
