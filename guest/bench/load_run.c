// SPDX-License-Identifier: Apache-2.0
/* The closed loop. */
#include "guest/bench/load.h"
#include "guest/init.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 16 * 1024, ANSWER_LIMIT = 32 * 1024 * 1024, EVENTS = 64 };

struct connection {
	int fd;             /* -1: not connected */
	unsigned key;       /* of the oldest request under way */
	unsigned under_way; /* requests whose answer has not come */
	bool closes;        /* the server is going to close it */
	bool writing;       /* it waits until it can send */
	size_t sent;        /* of `out` */
	uint64_t begun;     /* ticks when the batch was begun */
	struct text out, in;
};

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory) {
		fputs("load: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

void run_begin(struct run *run, const struct settings *settings, const struct protocol *protocol,
			   unsigned connections, unsigned pipeline, int timeout)
{
	*run = (struct run){.settings = settings,
						.protocol = protocol,
						.pipeline = pipeline,
						.connection_count = connections,
						.timeout = timeout,
						.connections = allocate(connections, sizeof(*run->connections)),
						.epoll = epoll_create1(EPOLL_CLOEXEC)};
	if (run->epoll < 0) {
		perror("load: epoll");
		exit(1);
	}
	for (unsigned key = 0; key < KEYS; key++) {
		protocol->request(settings, key, &run->requests[key]);
		if (protocol->answer)
			protocol->answer(settings, key, &run->answers[key]);
	}
	for (unsigned i = 0; i < connections; i++)
		run->connections[i].fd = -1;
}

static void disconnect(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	connection->closes = connection->writing = false;
	connection->under_way = 0;
	connection->in.length = 0;
}

void run_end(struct run *run)
{
	for (unsigned i = 0; i < run->connection_count; i++) {
		disconnect(&run->connections[i]);
		text_free(&run->connections[i].in);
		text_free(&run->connections[i].out);
	}
	free(run->connections);
	for (unsigned key = 0; key < KEYS; key++) {
		text_free(&run->requests[key]);
		text_free(&run->answers[key]);
	}
	close(run->epoll);
}

static int connect_to_target(const struct run *run, struct connection *connection)
{
	const struct settings *settings = run->settings;
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return complain("cannot make a socket: %s", strerror(errno));
	connection->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&settings->target, sizeof(settings->target)) < 0 &&
		errno != EINPROGRESS)
		return complain("cannot connect: %s", strerror(errno));
	if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return complain("cannot wait for a socket: %s", strerror(errno));
	return 0;
}

/* Sends what can be sent. On the loopback even a connection that was just begun takes it at once.
 */
static int flush(const struct run *run, struct connection *connection)
{
	bool blocked = false;

	while (!blocked && connection->sent < connection->out.length) {
		ssize_t sent = send(connection->fd, connection->out.bytes + connection->sent,
							connection->out.length - connection->sent, MSG_NOSIGNAL);
		if (sent >= 0)
			connection->sent += (size_t)sent;
		else if (errno == EAGAIN)
			blocked = true;
		else if (errno != EINTR)
			return complain("cannot send: %s", strerror(errno));
	}
	if (blocked != connection->writing) {
		struct epoll_event event = {.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN,
									.data.ptr = connection};
		connection->writing = blocked;
		if (epoll_ctl(run->epoll, EPOLL_CTL_MOD, connection->fd, &event) < 0)
			return complain("cannot wait for a socket: %s", strerror(errno));
	}
	return 0;
}

/* Begins the next batch, if there is still something to ask. */
static int begin_batch(struct run *run, struct connection *connection)
{
	unsigned left = run->wanted - run->issued;
	unsigned count = left < run->pipeline ? left : run->pipeline;

	if (!count)
		return 0;
	connection->begun = ticks_now();
	if (connection->fd < 0 && connect_to_target(run, connection) < 0)
		return -1;
	connection->key = run->issued % KEYS;
	connection->under_way = count;
	connection->out.length = connection->sent = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct text *request = &run->requests[run->issued++ % KEYS];
		text_add(&connection->out, request->bytes, request->length);
	}
	return flush(run, connection);
}

/* As protocol->check(), for protocols with only one right answer. */
static ssize_t compare(const struct text *wanted, const char *bytes, size_t length)
{
	size_t known = length < wanted->length ? length : wanted->length;

	if (memcmp(bytes, wanted->bytes, known) != 0) {
		char copy[81];
		snprintf(copy, sizeof(copy), "%s", excerpt(wanted->bytes, wanted->length));
		return complain("a wrong answer: not \"%s\" but \"%s\"", copy, excerpt(bytes, length));
	}
	return known == wanted->length ? (ssize_t)known : 0;
}

static int check_answers(struct run *run, struct connection *connection)
{
	const struct protocol *protocol = run->protocol;
	struct text *in = &connection->in;
	size_t at = 0;

	while (connection->under_way && at < in->length) {
		ssize_t used =
			protocol->check
				? protocol->check(in->bytes + at, in->length - at, &connection->closes)
				: compare(&run->answers[connection->key], in->bytes + at, in->length - at);
		if (used < 0)
			return -1;
		if (used == 0)
			break;
		at += (size_t)used;
		if (run->latencies)
			run->latencies[run->answered] = ticks_now() - connection->begun;
		run->answered++;
		connection->under_way--;
		connection->key = (connection->key + 1) % KEYS;
		if (connection->closes && connection->under_way)
			return complain("the server closes the connection with %u answers missing",
							connection->under_way);
	}
	if (!connection->under_way && at < in->length)
		return complain("%zu bytes more than the answer: \"%s\"", in->length - at,
						excerpt(in->bytes + at, in->length - at));
	memmove(in->bytes, in->bytes + at, in->length - at);
	in->length -= at;
	return in->length < ANSWER_LIMIT ? 0 : complain("an answer of over %d bytes", ANSWER_LIMIT);
}

static int finish_batch(struct run *run, struct connection *connection)
{
	if (run->protocol->closes && !run->settings->keep_alive)
		connection->closes = true;
	if (!connection->closes)
		return begin_batch(run, connection);
	run->open++;
	return 0;
}

static int at_end_of_file(struct run *run, struct connection *connection)
{
	if (connection->under_way)
		return complain("the server closed the connection with %u answers missing and %zu bytes "
						"of the next",
						connection->under_way, connection->in.length);
	if (!connection->closes)
		return complain("the server closed the connection");
	run->open--;
	disconnect(connection);
	return begin_batch(run, connection);
}

static int receive(struct run *run, struct connection *connection)
{
	struct text *in = &connection->in;
	bool busy = connection->under_way > 0;

	/* One byte more than is read: the protocols' texts end in NUL. */
	text_reserve(in, READ_SIZE + 1);
	ssize_t count = recv(connection->fd, in->bytes + in->length, READ_SIZE, 0);
	if (count < 0)
		return errno == EAGAIN || errno == EINTR ? 0
												 : complain("cannot receive: %s", strerror(errno));
	if (count == 0)
		return at_end_of_file(run, connection);
	in->length += (size_t)count;
	in->bytes[in->length] = '\0';
	if (check_answers(run, connection) < 0)
		return -1;
	return busy && !connection->under_way ? finish_batch(run, connection) : 0;
}

static int handle(struct run *run, const struct epoll_event *event)
{
	struct connection *connection = event->data.ptr;

	if (event->events & EPOLLOUT && flush(run, connection) < 0)
		return -1;
	if (event->events & ~(uint32_t)EPOLLOUT)
		return receive(run, connection);
	return 0;
}

static void expect(struct run *run, unsigned count, uint64_t *latencies)
{
	run->wanted = count;
	run->issued = run->answered = 0;
	run->latencies = latencies;
}

/* Until all is answered that was expected. */
static int finish_requests(struct run *run)
{
	struct epoll_event events[EVENTS];

	while (run->answered < run->wanted || run->open) {
		int ready = epoll_wait(run->epoll, events, EVENTS, run->timeout);
		if (ready < 0 && errno != EINTR)
			return complain("cannot wait for answers: %s", strerror(errno));
		if (ready == 0)
			return complain("%s within %.1f s",
							run->answered < run->wanted ? "no answer"
														: "the server did not close the connection",
							run->timeout / 1000.0);
		for (int i = 0; i < ready; i++)
			if (handle(run, &events[i]) < 0)
				return -1;
	}
	return 0;
}

int run_connect(struct run *run)
{
	for (unsigned i = 0; i < run->connection_count; i++) {
		expect(run, 1, NULL);
		if (begin_batch(run, &run->connections[i]) < 0 || finish_requests(run) < 0)
			return -1;
	}
	return 0;
}

int run_requests(struct run *run, unsigned count, uint64_t *latencies)
{
	expect(run, count, latencies);
	for (unsigned i = 0; i < run->connection_count; i++)
		if (begin_batch(run, &run->connections[i]) < 0)
			return -1;
	return finish_requests(run);
}
