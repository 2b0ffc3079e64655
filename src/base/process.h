/* SPDX-License-Identifier: Apache-2.0 */
/* Running other programs. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

struct process {
	char *const *argv;                 /* NULL-terminated; argv[0] is looked up on PATH */
	const char *directory;             /* where to run, or NULL */
	const struct strings *environment; /* NAME=VALUE that are added to ours, or NULL */
	int log;                           /* also gets stdout and stderr, or -1 */
	/* Called for each line of stdout and stderr, without its newline; may be NULL. */
	void (*on_line)(const char *line, void *data);
	void *data;
};

/*
 * Runs it to its end. The child is killed when we die. Returns 0 when it exited
 * with 0; otherwise -ECHILD with its name and status in the error, or the errno
 * with which it could not be started (ENOENT: no such program).
 */
int process_run(const struct process *process, struct error *err);

/* Runs `argv` and returns its stdout (at most 1 MiB) without trailing newlines. */
int process_capture(char *const argv[], char **ret, struct error *err);
