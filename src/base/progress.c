// SPDX-License-Identifier: Apache-2.0
#include "base/progress.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { REDRAW_MS = 50, DEFAULT_COLUMNS = 80 };

static struct {
	bool enabled;
	bool shown;       /* there is a line on the screen */
	int64_t drawn_ms; /* when */
} state;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		return size.ws_col;
	return DEFAULT_COLUMNS;
}

void progress_enable(bool on)
{
	if (!on)
		progress_clear();
	state.enabled = on;
}

void progress(const char *format, ...)
{
	va_list arguments;

	if (!state.enabled || (state.shown && now_ms() - state.drawn_ms < REDRAW_MS))
		return;
	char text[512];
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* A line that wraps cannot be replaced, and names may hold anything. */
	size_t columns = terminal_columns();
	if (strlen(text) >= columns)
		text[columns - 1] = '\0';
	for (char *byte = text; *byte; byte++)
		if (iscntrl((unsigned char)*byte))
			*byte = '?';
	fprintf(stderr, "\r%s\033[K", text);
	fflush(stderr);
	state.shown = true;
	state.drawn_ms = now_ms();
}

void progress_clear(void)
{
	if (!state.shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	state.shown = false;
}
