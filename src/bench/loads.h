/* SPDX-License-Identifier: Apache-2.0 */
/* guest/bench/load, which asks a server and checks every answer: run on this host, or in a guest
 * with the server as its child. */
#pragma once

#include "bench/host.h"

struct load_result {
	uint64_t requests;
	double seconds;
	uint64_t ticks;         /* of the time stamp counter, around the requests that were measured */
	uint64_t ready_ticks;   /* the time stamp counter when the first right answer had come */
	bool latencies;         /* the next three are known */
	uint64_t p50, p99, max; /* ns */
};

struct load_request {
	const struct strings *args;  /* the protocol, then options: "redis-get", "--pipeline", "16" */
	uint16_t port;               /* of 127.0.0.1 */
	unsigned requests;           /* to measure; 0: as `args` or load itself say */
	unsigned wait;               /* seconds for the server to answer */
	double timeout;              /* seconds for all of it */
	int processor;               /* that it is pinned to, or -1 */
	struct host_process *server; /* whose end ends the load; may be NULL */
};

/*
 * Runs it on this host. -ECHILD with its own words when an answer was wrong or did not come,
 * -ESRCH when the server has ended, -ETIMEDOUT.
 */
int load_run(const struct load_request *request, struct load_result *ret, struct error *err);
/* The words that run it in a guest with the server as its child; for the guest's argv. */
void load_in_guest(const struct strings *args, unsigned requests, unsigned wait,
				   const struct strings *server, struct strings *ret);
/* What it has printed: one JSON object on the last line. */
int load_parse(const char *output, struct load_result *ret, struct error *err);
