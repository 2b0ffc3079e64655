/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the monitor's process. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "vmm/privileges.h"

#include <sys/types.h>

struct spawn {
	const struct strings *argv; /* argv[0] is a path */
	const int *keep;            /* descriptors that it inherits, under the same numbers */
	size_t keep_count;          /* (-1s among them are skipped) */
	int log;                    /* its stdout and stderr */
	struct privileges privileges;

	/* Filled in by spawn_monitor(). */
	const struct strings *environment;
	pid_t parent;
};

/* Starts it: in a session of its own, without our other descriptors, killed when we die. */
int spawn_monitor(struct spawn *spawn, pid_t *ret_pid, struct error *err);
