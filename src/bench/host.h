/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of this host that take part in a measurement: load tools, peers, and what they cost. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A child of ours, in a process group of its own; it is killed when we die. */
struct host_process {
	pid_t pid;       /* 0: there is none */
	int ended;       /* becomes readable when it has ended (pidfd_open(2)); -1: none */
	int output;      /* its stdout and stderr; -1 once they are closed */
	struct buf text; /* what it has written there, the last MiB */
};
#define HOST_PROCESS_NONE                                                                          \
	(struct host_process)                                                                          \
	{                                                                                              \
		.ended = -1, .output = -1                                                                  \
	}

/* Starts a program; argv[0] is looked up on PATH. `processor` -1: not pinned to one. */
int host_start(const struct strings *argv, int processor, struct host_process *ret,
			   struct error *err);

enum host_event { HOST_ENDED, HOST_FOUND, HOST_OTHER_ENDED, HOST_LATE };
/*
 * Takes what the process writes until it has ended, `find` (may be NULL) is in its text, `other`
 * (may be NULL) has ended, or host_seconds() reaches `deadline`. What `other` writes is taken too,
 * so that it never waits for a reader.
 */
enum host_event host_wait(struct host_process *process, const char *find,
						  struct host_process *other, double deadline);
/* Its status, as of waitpid(2), after HOST_ENDED. */
int host_status(struct host_process *process);
/* Kills it and what it has started, if it still runs, and frees all. */
void host_end(struct host_process *process);
#define _cleanup_host_process_ _cleanup_(host_end)

/* The last line of its text that is not empty; borrowed, and the text is cut behind it. */
const char *host_last_line(struct host_process *process);

/* CLOCK_MONOTONIC. */
double host_seconds(void);
/* A TCP port of 127.0.0.1 that nobody listens on now. */
int host_free_port(uint16_t *ret, struct error *err);
/* The n-th processor that we may run on, or -1 when there are not `n + 1` and at least two: with
 * one there is nothing to keep apart. */
int host_processor(unsigned n);
/* The proportional set size of a process in bytes (proc_pid_smaps(5), "Pss:"): its memory, of what
 * it shares with others its part. */
int host_pss(pid_t pid, uint64_t *ret, struct error *err);
