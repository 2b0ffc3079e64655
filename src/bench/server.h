/* SPDX-License-Identifier: Apache-2.0 */
/* An application of the table as a running server, of one of our systems or of a peer. */
#pragma once

#include "bench/app.h"
#include "bench/guest.h"
#include "bench/host.h"

struct server_request {
	const struct bench_system *system;
	const struct app *app;
	const char *accel; /* a peer has its own */
	uint64_t memory;   /* MiB */
	double timeout;    /* seconds until it must have started */
	int processor;     /* that the monitor is pinned to, or -1 */
};

struct server {
	struct guest guest;          /* nothing in it: a peer */
	struct host_process process; /* its end is the server's */
	uint16_t port;               /* of 127.0.0.1 */
};
#define SERVER_NONE                                                                                \
	(struct server)                                                                                \
	{                                                                                              \
		.process = HOST_PROCESS_NONE                                                               \
	}

/*
 * Starts the machine, with its root on a disk as `lupine run` has it. Whether it answers is for a
 * load to find out. -ENOMEM: the kernel does not fit; -ECHILD: it ended, with its reason;
 * -ETIMEDOUT.
 */
int server_start(const struct server_request *request, struct server *ret, struct error *err);
void server_stop(struct server *server);
#define _cleanup_server_ _cleanup_(server_stop)
