/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign bootable images (`struct peer`, bench/system.h), started and stopped. */
#pragma once

#include "bench/host.h"
#include "bench/system.h"

struct peer_guest {
	struct host_process process;
	uint16_t port;  /* of 127.0.0.1; 0: it serves nothing */
	double seconds; /* wall time from the start of the command to its readiness line */
};
#define PEER_GUEST_NONE                                                                            \
	(struct peer_guest)                                                                            \
	{                                                                                              \
		.process = HOST_PROCESS_NONE                                                               \
	}

/* The command of the description with memory (MiB), port and directory in their places. */
void peer_command(const struct peer *peer, uint64_t memory, uint16_t port, struct strings *ret);

/*
 * Returns once its readiness line has come. -ETIMEDOUT when it does not in `timeout` seconds,
 * -ECHILD when it ends before, both with its last words. `processor`: that it is pinned to, -1 for
 * none.
 */
int peer_start(const struct peer *peer, uint64_t memory, double timeout, int processor,
			   struct peer_guest *ret, struct error *err);
void peer_stop(struct peer_guest *guest);
#define _cleanup_peer_guest_ _cleanup_(peer_stop)
