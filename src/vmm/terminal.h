/* SPDX-License-Identifier: Apache-2.0 */
/* Our own terminal, while the application's takes its place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

struct terminal {
	int fd;
	bool raw;
	struct termios saved;
};

/* Every byte goes through as it is, Ctrl-C too; nothing when `fd` is no terminal. */
void terminal_enter(struct terminal *terminal, int fd);
void terminal_leave(struct terminal *terminal);
/* False when `fd` is no terminal, or does not know its size. */
bool terminal_size(int fd, uint16_t *ret_rows, uint16_t *ret_columns);
