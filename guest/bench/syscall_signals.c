// SPDX-License-Identifier: Apache-2.0
#include "guest/bench/measure.h"

#include <signal.h>
#include <unistd.h>

static volatile unsigned caught;

static void handler(int number)
{
	(void)number;
	caught = caught + 1;
}

static void install(void)
{
	struct sigaction action = {.sa_handler = handler};

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGUSR1, &action, NULL) != 0)
		fail("sigaction");
}

static void ignore(void)
{
	signal(SIGUSR1, SIG_IGN);
}

/* lat_sig install: sigaction(). */
static void run_sigaction(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		install();
}
const struct test test_sigaction = {
	.name = "sigaction", .rounds = 10000, .operations = 1, .run = run_sigaction, .end = ignore};

/* lat_sig catch: kill() of ourselves, the handler and the way back. A signal that one sends oneself
 * is delivered before kill() returns (POSIX, kill()). */
static void run_signal(unsigned rounds)
{
	pid_t self = getpid();

	caught = 0;
	for (unsigned i = 0; i < rounds; i++)
		kill(self, SIGUSR1);
	if (caught != rounds)
		fail("signals were lost");
}
const struct test test_signal = {.name = "signal",
								 .rounds = 5000,
								 .operations = 1,
								 .begin = install,
								 .run = run_signal,
								 .end = ignore};
