// SPDX-License-Identifier: Apache-2.0
/* The server under load: its start and end when it is ours, and when it is up. */
#include "guest/bench/load.h"
#include "guest/init.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STOP_MS = 10000,
	FIRST_ATTEMPT_MS = 100, /* then twice as long each time, up to: */
	LAST_ATTEMPT_MS = 3200,
};

static pid_t server;

void server_start(char **command)
{
	server = fork();
	if (server < 0) {
		perror("load: cannot start the server");
		exit(1);
	}
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(command[0], command);
		fprintf(stderr, "load: cannot run %s: %s\n", command[0], strerror(errno));
		_exit(127);
	}
	atexit(server_stop);
}

int server_check(void)
{
	int status;

	if (!server || waitpid(server, &status, WNOHANG) != server)
		return 0;
	server = 0;
	return WIFSIGNALED(status)
			   ? complain("the server was ended by signal %d", WTERMSIG(status))
			   : complain("the server ended by itself with status %d", WEXITSTATUS(status));
}

void server_stop(void)
{
	if (!server)
		return;
	kill(server, SIGTERM);
	for (unsigned waited = 0; waited < STOP_MS; waited += 10) {
		if (waitpid(server, NULL, WNOHANG) == server) {
			server = 0;
			return;
		}
		sleep_ms(10);
	}
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
}

static int try_to_connect(const struct settings *settings)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result =
		fd < 0 ? -1
			   : connect(fd, (const struct sockaddr *)&settings->target, sizeof(settings->target));

	if (result < 0)
		complain("cannot connect: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
}

/* A port that a monitor forwards accepts long before the guest's server does, so an attempt is
 * given up soon, and later ones later. */
static int try_to_ask(const struct settings *settings, const struct protocol *protocol, int timeout)
{
	struct run run;

	if (!protocol)
		return try_to_connect(settings);
	run_begin(&run, settings, protocol, 1, 1, timeout);
	int result = run_requests(&run, 1, NULL);
	run_end(&run);
	return result;
}

uint64_t server_wait(const struct settings *settings, const struct protocol *protocol)
{
	double deadline = seconds_now() + settings->wait;
	int timeout = FIRST_ATTEMPT_MS;

	for (;;) {
		double began = seconds_now();
		if (try_to_ask(settings, protocol, timeout) == 0)
			return ticks_now();
		/* Refused at once, or no answer? */
		if (seconds_now() - began >= timeout / 1000.0)
			timeout = timeout * 2 > LAST_ATTEMPT_MS ? LAST_ATTEMPT_MS : timeout * 2;
		if (server_check() < 0)
			return 0;
		if (seconds_now() >= deadline) {
			char last[400];
			snprintf(last, sizeof(last), "%s", complaint());
			complain("no right answer after %u s; the last attempt: %s", settings->wait, last);
			return 0;
		}
		sleep_ms(1);
	}
}
