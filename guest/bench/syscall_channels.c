// SPDX-License-Identifier: Apache-2.0
/*
 * One byte goes to a partner process and back: over pipes, a UNIX socket, TCP on the loopback.
 *
 * Nothing is subtracted: a figure holds the writes, the reads, the wake-ups and the switches.
 */
#include "guest/bench/measure.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct channel {
	int in, out;
};

static struct channel ours;
static pid_t partner;
static cpu_set_t allowed;

static void answer(struct channel channel)
{
	char byte;

	while (read(channel.in, &byte, 1) == 1)
		if (write(channel.out, &byte, 1) != 1)
			_exit(1);
	_exit(0);
}

static void close_channel(struct channel channel)
{
	close(channel.in);
	if (channel.out != channel.in)
		close(channel.out);
}

/* The partner ends when it reads the end, so it must not hold our end open. */
static void start_partner(struct channel mine, struct channel its)
{
	ours = mine;
	partner = fork();
	check(partner >= 0, "fork of the partner");
	if (partner == 0) {
		close_channel(mine);
		answer(its);
	}
	close_channel(its);
}

static void end_partner(void)
{
	int status;

	close_channel(ours);
	check(waitpid(partner, &status, 0) == partner && status == 0, "the partner");
}

static void run_round_trips(unsigned rounds)
{
	char byte = 'x';

	for (unsigned i = 0; i < rounds; i++)
		if (write(ours.out, &byte, 1) != 1 || read(ours.in, &byte, 1) != 1)
			fail("round trip");
}

/* lat_pipe. */
static void begin_pipe(void)
{
	int there[2] = {-1, -1}, back[2] = {-1, -1};

	check(pipe(there) == 0 && pipe(back) == 0, "pipe");
	start_partner((struct channel){.in = back[0], .out = there[1]},
				  (struct channel){.in = there[0], .out = back[1]});
}
const struct test test_pipe = {.name = "pipe",
							   .rounds = 2000,
							   .operations = 1,
							   .begin = begin_pipe,
							   .run = run_round_trips,
							   .end = end_partner};

/*
 * lat_ctx -s 0 2: a token between two processes on one processor; a passing of it is a switch, two
 * of them a round. lmbench takes off what the pipe alone costs; that is left in here, so the figure
 * is of a switch with the write and the read that lead to it.
 */
static void begin_context_switch(void)
{
	cpu_set_t one;
	int cpu = sched_getcpu();

	check(sched_getaffinity(0, sizeof(allowed), &allowed) == 0, "sched_getaffinity");
	CPU_ZERO(&one);
	CPU_SET(cpu < 0 ? 0 : cpu, &one);
	check(sched_setaffinity(0, sizeof(one), &one) == 0, "sched_setaffinity");
	begin_pipe();
}

static void end_context_switch(void)
{
	end_partner();
	check(sched_setaffinity(0, sizeof(allowed), &allowed) == 0, "sched_setaffinity");
}
const struct test test_context_switch = {.name = "context-switch",
										 .rounds = 2000,
										 .operations = 2,
										 .begin = begin_context_switch,
										 .run = run_round_trips,
										 .end = end_context_switch};

/* lat_unix. */
static void begin_unix(void)
{
	int sockets[2] = {-1, -1};

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "socketpair");
	start_partner((struct channel){sockets[0], sockets[0]},
				  (struct channel){sockets[1], sockets[1]});
}
const struct test test_unix = {.name = "unix",
							   .rounds = 2000,
							   .operations = 1,
							   .begin = begin_unix,
							   .run = run_round_trips,
							   .end = end_partner};

/* lat_tcp, on 127.0.0.1. */
static void begin_tcp(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	struct sockaddr *any = (struct sockaddr *)&address;
	int listener = socket(AF_INET, SOCK_STREAM, 0), mine = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	check(listener >= 0 && mine >= 0, "TCP sockets");
	check(bind(listener, any, length) == 0 && listen(listener, 1) == 0 &&
			  getsockname(listener, any, &length) == 0,
		  "a TCP server on 127.0.0.1");
	check(connect(mine, any, length) == 0, "connection to 127.0.0.1");
	int its = accept(listener, NULL, NULL);
	check(its >= 0, "accept");
	setsockopt(mine, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(its, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(listener);
	start_partner((struct channel){mine, mine}, (struct channel){its, its});
}
const struct test test_tcp = {.name = "tcp",
							  .rounds = 1000,
							  .operations = 1,
							  .begin = begin_tcp,
							  .run = run_round_trips,
							  .end = end_partner};
