/* SPDX-License-Identifier: Apache-2.0 */
/* One machine of one system, started for one measurement. */
#pragma once

#include "bench/system.h"
#include "image/tree.h"
#include "machine/machine.h"

#include <sys/types.h>

struct guest_request {
	const struct bench_system *system; /* not a peer */
	const struct tree *tree;           /* the root; its files are borrowed */
	const struct strings *argv;
	const struct image_user *user; /* NULL: root */
	const char *accel;             /* "kvm", "tcg", "tcg-icount" */
	/* The root on an ext2 disk, as `lupine run` has it; else in the initramfs, where nothing waits
	 * for the host and icount's figures repeat to the digit. */
	bool disk;
	uint64_t memory; /* bytes */
	unsigned cpus;
	uint16_t port;      /* of the guest, forwarded from a free one of 127.0.0.1; 0: none */
	const char *append; /* beside the system's own, or NULL */
	unsigned timeout;   /* seconds until it is ended: a guest that hangs is a result too */
	int processor;      /* of the host, that the monitor is pinned to; -1: not pinned */
};

/* How it went. Times are seconds of wall time from the start of the monitor's process, ticks the
 * guest's time stamp counter (under icount: instructions since power-on). 0: did not happen. */
struct guest_run {
	struct machine_status status;
	bool timed_out;
	char *output; /* stdout of the application, at most 1 MiB */
	char *errors; /* its stderr, likewise */
	char *log;    /* the kernel's and init's log, with the console's text, likewise */
};

/* Runs it to its end. A guest that fails is no error: the caller looks at `ret`. -ENOMEM: the
 * kernel does not fit into so much memory. */
int guest_run(const struct guest_request *request, struct guest_run *ret, struct error *err);
void guest_run_free(struct guest_run *run);
#define _cleanup_guest_run_ _cleanup_(guest_run_free)

/* A server, which stays until it is stopped. */
struct guest {
	struct machine *machine;
	pid_t supervisor; /* of our own, a child */
	pid_t monitor;
	uint16_t port; /* on 127.0.0.1 */
};

/* Returns once the application was started (which does not say that it answers), or with *ret_run
 * filled and 1 when it ended before. */
int guest_start(const struct guest_request *request, struct guest *ret, struct guest_run *ret_run,
				struct error *err);
/* Ends it and collects what it wrote. `ret` may be NULL. */
int guest_stop(struct guest *guest, struct guest_run *ret, struct error *err);
