// SPDX-License-Identifier: Apache-2.0
#include "bench/memory_probe.h"
#include "bench/loads.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MIB (1024ull * 1024)

static int not_working(struct memory_probe *probe, const char *why)
{
	free(probe->why);
	probe->why = xstrdup(why ? why : "it ended");
	return 0;
}

/* What of the errors says "it does not work", while others say "it could not be tried". */
static int judge_error(struct memory_probe *probe, struct error *err)
{
	static const int words[] = {
		ENOMEM,    /* the kernel does not even fit */
		ECHILD,    /* no answer, or a wrong one; or a peer ended */
		ESRCH,     /* the machine ended */
		ETIMEDOUT, /* it hangs */
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (err->code == words[i]) {
			not_working(probe, err->message);
			error_clear(err);
			return 0;
		}
	}
	return -err->code;
}

/* One request whose answer is checked. */
static int ask(struct memory_probe *probe, struct server *server, struct error *err)
{
	struct load_result result;
	const struct load_request request = {
		.args = &probe->app->probe,
		.port = server->port,
		.wait = (unsigned)ceil(probe->limit),
		.timeout = probe->limit,
		.processor = -1,
		.server = &server->process,
	};

	return load_run(&request, &result, err) < 0 ? judge_error(probe, err) : 1;
}

int memory_start_server(struct memory_probe *probe, uint64_t mib, struct server *ret,
						struct error *err)
{
	_cleanup_server_ struct server server = SERVER_NONE;
	const struct server_request request = {
		.system = probe->system,
		.app = probe->app,
		.accel = probe->accel,
		.memory = mib,
		.timeout = probe->limit,
		.processor = -1,
	};

	if (server_start(&request, &server, err) < 0)
		return judge_error(probe, err);
	int result = server.port ? ask(probe, &server, err) : 1;
	if (result == 1) {
		*ret = server;
		server = SERVER_NONE;
	}
	return result;
}

static int server_works(struct memory_probe *probe, uint64_t mib, struct error *err)
{
	_cleanup_server_ struct server server = SERVER_NONE;

	return memory_start_server(probe, mib, &server, err);
}

/* The text, its newline, and nothing else but the line with which a program of guest/bench tells
 * when it was started. */
static bool is_output(const char *output, const char *text)
{
	size_t length = strlen(text);

	if (strncmp(output, text, length) != 0 || output[length] != '\n')
		return false;
	const char *rest = output + length + 1;
	return !*rest || (starts_with(rest, "ticks ") && strchr(rest, '\n') == strchr(rest, '\0') - 1);
}

bool memory_ran_well(const struct app *app, const struct guest_run *run)
{
	return !run->timed_out && run->status.end == END_APPLICATION && run->status.exit_code == 0 &&
		   is_output(run->output, app->output);
}

static int program_works(struct memory_probe *probe, uint64_t mib, struct error *err)
{
	const struct guest_request request = {
		.system = probe->system,
		.tree = probe->app->tree,
		.argv = &probe->app->argv,
		.user = &probe->app->user,
		.accel = probe->accel,
		.disk = true,
		.memory = mib * MIB,
		.cpus = 1,
		.timeout = (unsigned)ceil(probe->limit),
		.processor = -1,
	};
	_cleanup_guest_run_ struct guest_run run = {0};

	if (guest_run(&request, &run, err) < 0)
		return judge_error(probe, err);
	if (memory_ran_well(probe->app, &run))
		return 1;
	return not_working(probe, run.timed_out          ? "it did not end in time"
							  : run.status.message   ? run.status.message
							  : run.status.exit_code ? "it exited with another status than 0"
													 : "it did not write exactly its output");
}

int memory_probe_works(void *data, uint64_t mib, struct error *err)
{
	struct memory_probe *probe = data;
	double start = host_seconds();
	bool serves = probe->system->peer || probe->app->port;
	int result = serves ? server_works(probe, mib, err) : program_works(probe, mib, err);

	/* With its end, which takes its time too: rather too patient than not patient enough. */
	if (result == 1)
		probe->needed = host_seconds() - start;
	return result;
}

void memory_probe_free(struct memory_probe *probe)
{
	free(probe->why);
	probe->why = NULL;
}
