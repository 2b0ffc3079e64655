// SPDX-License-Identifier: Apache-2.0
/* Ends in the way its first argument says: "exit N", "signal N", "fault", "ignore" (SIGTERM),
 * "report". */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void report(int number)
{
	char text[] = "got signal 00\n";

	text[11] = (char)('0' + number / 10);
	text[12] = (char)('0' + number % 10);
	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	_exit(number);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "exit";
	int number = argc > 2 ? atoi(argv[2]) : 0;

	if (strcmp(way, "exit") == 0)
		return number;
	if (strcmp(way, "signal") == 0)
		raise(number);
	if (strcmp(way, "fault") == 0)
		*(volatile int *)(size_t)number = 1;
	if (strcmp(way, "ignore") == 0)
		signal(SIGTERM, SIG_IGN);
	if (strcmp(way, "report") == 0) {
		for (int i = 1; i < 32; i++)
			signal(i, report);
	}
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
