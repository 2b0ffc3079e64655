// SPDX-License-Identifier: Apache-2.0
/*
 * What the guest's time stamp counter shows at the start, and after each of several kinds of work:
 * system calls, switches between processes, loopback connections, processes, sleep. Printed at the
 * end, so that the output is no part of it. The first argument is how much work, the second the one
 * kind to do.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long work;

static void system_calls(void)
{
	for (long i = 0; i < work; i++)
		syscall(SYS_getppid);
}

/* Sends bytes to and fro, until the other end is closed. */
static void echo(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		if (write(to, &byte, 1) != 1)
			break;
	_exit(0);
}

static void exchange(int to, int from, long count)
{
	char byte = 1;

	for (long i = 0; i < count; i++)
		if (write(to, &byte, 1) != 1 || read(from, &byte, 1) != 1)
			exit(1);
}

static void switches(void)
{
	int there[2], back[2];

	if (pipe(there) < 0 || pipe(back) < 0)
		exit(1);
	if (fork() == 0) {
		close(there[1]);
		echo(there[0], back[1]);
	}
	exchange(there[1], back[0], work / 50);
	close(there[1]);
	wait(NULL);
}

static void loopback(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), ours = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 1) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &length) < 0)
		exit(1);
	if (fork() == 0) {
		int theirs = accept(listener, NULL, NULL);
		close(ours);
		echo(theirs, theirs);
	}
	if (connect(ours, (struct sockaddr *)&address, length) < 0)
		exit(1);
	exchange(ours, ours, work / 100);
	close(ours);
	wait(NULL);
}

static void processes(void)
{
	for (long i = 0; i < work / 2000; i++) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
	}
}

/* Each is a moment at which the processor is idle. */
static void naps(void)
{
	for (long i = 0; i < work / 50; i++)
		usleep((useconds_t)(100 + i % 50));
}

static void sleeping(void)
{
	sleep(7);
}

static const struct {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{"system-calls", system_calls}, {"switches", switches}, {"loopback", loopback},
	{"processes", processes},       {"naps", naps},         {"sleep", sleeping},
	{"processes-again", processes},
};

#define COUNT (sizeof(kinds) / sizeof(kinds[0]))

int main(int argc, char **argv)
{
	unsigned long long ticks[COUNT + 1];

	ticks[0] = __builtin_ia32_rdtsc();
	work = argc > 1 ? atol(argv[1]) : 10000;
	for (size_t i = 0; i < COUNT; i++) {
		if (argc < 3 || strcmp(argv[2], kinds[i].name) == 0)
			kinds[i].run();
		ticks[i + 1] = __builtin_ia32_rdtsc();
	}
	printf("start %llu\n", ticks[0]);
	for (size_t i = 0; i < COUNT; i++)
		printf("%s %llu\n", kinds[i].name, ticks[i + 1]);
	return 0;
}
