// SPDX-License-Identifier: Apache-2.0
#include "vmm/terminal.h"

#include <sys/ioctl.h>

void terminal_enter(struct terminal *terminal, int fd)
{
	terminal->fd = fd;
	terminal->raw = false;
	if (tcgetattr(fd, &terminal->saved) < 0)
		return;
	struct termios raw = terminal->saved;
	cfmakeraw(&raw);
	terminal->raw = tcsetattr(fd, TCSANOW, &raw) == 0;
}

void terminal_leave(struct terminal *terminal)
{
	if (terminal->raw)
		tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
	terminal->raw = false;
}

bool terminal_size(int fd, uint16_t *ret_rows, uint16_t *ret_columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return false;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
	return true;
}
