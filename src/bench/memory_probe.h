/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to bench memory: does an application truly work in a machine of some size?
 *
 * Never judged by a word on the console. A server has to give a right answer to a request from this
 * host; a program that serves nothing has to write exactly its output and to exit with 0, which the
 * control channel tells. A foreign image that serves nothing has only its readiness line.
 */
#pragma once

#include "bench/server.h"

struct memory_probe {
	const struct bench_system *system;
	const struct app *app;
	const char *accel;
	double limit;  /* seconds; who has not worked by then does not */
	double needed; /* seconds that the last success took */
	char *why;     /* the last try did not work */
};
void memory_probe_free(struct memory_probe *probe);

/* 1, 0, or a negative errno when it could not be tried. Is a `memory_works`. */
int memory_probe_works(void *probe, uint64_t mib, struct error *err);

/* Starts it and waits until it has answered the application's probe: 1 and `ret` filled, 0 when it
 * does not, or a negative errno. */
int memory_start_server(struct memory_probe *probe, uint64_t mib, struct server *ret,
						struct error *err);
/* Whether a program that serves nothing has done what it must. */
bool memory_ran_well(const struct app *app, const struct guest_run *run);
