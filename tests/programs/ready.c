// SPDX-License-Identifier: Apache-2.0
/*
 * Says that it is ready, which proves nothing:
 *   ready dies        and is killed at once
 *   ready needs MIB   and answers PING on port 6379 as redis does, for which it needs that much
 *                     memory
 *   ready             and stays: PID 1 of a machine that is no product of lupine's
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(size_t bytes)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(6379)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(listener, 10) < 0)
		exit(1);
	puts("ready to serve");
	fflush(stdout);
	for (;;) {
		char request[256];
		int client = accept(listener, NULL, NULL);
		while (read(client, request, sizeof(request)) > 0) {
			/* Zeros would do for a page that is only read; ones are a page each. */
			char *memory = malloc(bytes);
			if (!memory)
				exit(2);
			memset(memory, 1, bytes);
			__asm__ volatile("" : : "r"(memory) : "memory");
			free(memory);
			if (write(client, "+PONG\r\n", 7) != 7)
				break;
		}
		close(client);
	}
}

int main(int argc, char **argv)
{
	if (argc > 2)
		serve((size_t)atoi(argv[2]) << 20);
	puts("ready to serve");
	fflush(stdout);
	if (argc > 1)
		raise(SIGKILL);
	for (;;)
		pause();
}
