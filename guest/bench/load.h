/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: asks a server and checks every answer. What a test asks for is in load.c.
 *
 * A closed loop: each connection has a batch of requests under way, as many as --pipeline says, and
 * sends the next when the last answer of the batch has come (as redis-benchmark -P does), or, with
 * a connection a request, when the server has closed it (as ab does).
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	KEYS = 16, /* of a key-value store, used in turn, so that answers in the wrong order are seen */
	REQUEST_LIMIT = 10000000, /* each takes 8 bytes for its latency */
	CONNECTION_LIMIT = 10000,
	PREPARE_LIMIT = 16,
	PIPELINE_LIMIT = 512, /* so that a batch always fits into the sockets' buffers */
};

struct text {
	char *bytes;
	size_t length, capacity;
};
void text_add(struct text *text, const void *bytes, size_t length);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);
void text_reserve(struct text *text, size_t more);
void text_free(struct text *text);

/* Says what is wrong, for whoever gives up; returns -1. The newest text counts. */
__attribute__((format(printf, 1, 2))) int complain(const char *format, ...);
const char *complaint(void);
/* For showing foreign bytes: the first ones, those that do not print as '.'. The next call reuses
 * its memory. */
const char *excerpt(const char *bytes, size_t length);

struct protocol;

struct settings {
	const struct protocol *protocol; /* NULL: exec */
	struct sockaddr_in target;
	char host[INET_ADDRSTRLEN]; /* the same as text */
	unsigned requests, warmup, connections, pipeline;
	unsigned wait; /* seconds for the server to answer at all, and for any later answer */
	bool keep_alive;
	char **serve; /* a command, or NULL */
	/* exec: */
	const struct protocol *ready; /* with which to ask whether it is up; NULL: it accepts */
	char *prepare[PREPARE_LIMIT]; /* shell lines */
	unsigned prepare_count;
	const char *expect; /* in the command's output, or NULL */
	char **command;
};

/* How one kind of server is spoken to. */
struct protocol {
	const char *name;
	uint16_t port;
	const struct protocol *prepare; /* one request of it for each key goes first; or NULL */
	bool closes;                    /* a connection a request, unless --keep-alive */
	/* Adds the request for a key below KEYS. */
	void (*request)(const struct settings *settings, unsigned key, struct text *to);
	/* Adds the only right answer; or NULL, and then: */
	void (*answer)(const struct settings *settings, unsigned key, struct text *to);
	/* Looks at what has come: the length of the first whole answer, 0 when more has to come, -1
	 * after complain(). Sets *ret_closes when the server will close the connection behind it. */
	ssize_t (*check)(const char *bytes, size_t length, bool *ret_closes);
};
extern const struct protocol redis_ping, redis_get, redis_set;
extern const struct protocol memcached_get, memcached_set;
extern const struct protocol http, postgresql;

/* load_run.c */

struct connection;
/* Connections to a server, that stay between calls of run_requests(). */
struct run {
	const struct settings *settings;
	const struct protocol *protocol;
	unsigned pipeline, connection_count;
	int timeout; /* milliseconds without any answer */
	struct text requests[KEYS], answers[KEYS];
	struct connection *connections;
	int epoll;
	unsigned wanted, issued, answered; /* of this call */
	unsigned open;                     /* connections that the server is still to close */
	uint64_t *latencies;               /* in ticks, or NULL */
};
void run_begin(struct run *run, const struct settings *settings, const struct protocol *protocol,
			   unsigned connections, unsigned pipeline, int timeout);
/* Connects one after the other, each with a request of its own: a monitor that forwards a port
 * listens with a queue of one (libslirp), and loses who comes at the same time. Not for protocols
 * with a connection a request. */
int run_connect(struct run *run);
/* Returns 0, or -1 after complain(). `latencies` has room for all, or is NULL. */
int run_requests(struct run *run, unsigned count, uint64_t *latencies);
void run_end(struct run *run);

/* load_server.c */

/* Starts the command; it is ended with us. Its standard output goes to standard error. */
void server_start(char **command);
/* Whether it is still there (or was never started); -1 after complain(). */
int server_check(void);
void server_stop(void);
/* Asks until there is a right answer; the ticks then, or 0 after complain(). */
uint64_t server_wait(const struct settings *settings, const struct protocol *protocol);

/* load_exec.c */

/* The shell lines; the command. -1 after complain(). */
int exec_prepare(const struct settings *settings);
int exec_command(const struct settings *settings);

double seconds_now(void);
void sleep_ms(unsigned milliseconds);
