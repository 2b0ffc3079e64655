// SPDX-License-Identifier: Apache-2.0
#include "bench/server.h"
#include "bench/peer.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/pidfd.h>

#define MIB (1024ull * 1024)

static int start_peer(const struct server_request *request, struct server *ret, struct error *err)
{
	struct peer_guest guest = PEER_GUEST_NONE;

	if (peer_start(request->system->peer, request->memory, request->timeout, request->processor,
				   &guest, err) < 0)
		return -err->code;
	*ret = (struct server){.process = guest.process, .port = guest.port};
	return 0;
}

static int start_guest(const struct server_request *request, struct server *ret, struct error *err)
{
	const struct app *app = request->app;
	const struct guest_request guest_request = {
		.system = request->system,
		.tree = app->tree,
		.argv = &app->argv,
		.user = &app->user,
		.accel = request->accel,
		.disk = true,
		.memory = request->memory * MIB,
		.cpus = 1,
		.port = app->port,
		.timeout = (unsigned)ceil(request->timeout),
		.processor = request->processor,
	};
	_cleanup_server_ struct server server = SERVER_NONE;
	_cleanup_guest_run_ struct guest_run run = {0};
	int result = guest_start(&guest_request, &server.guest, &run, err);

	if (result < 0)
		return result;
	if (result > 0 && run.timed_out)
		return error_set(err, ETIMEDOUT, "%s did not start in %g seconds", app->name,
						 request->timeout);
	if (result > 0)
		return error_set(err, ECHILD, "%s",
						 run.status.message ? run.status.message : "it ended at once");
	/* Only watched: it is the guest's to end. */
	server.process.ended = pidfd_open(server.guest.supervisor, 0);
	if (server.process.ended < 0)
		return error_errno(err, errno, "cannot watch a machine");
	server.port = server.guest.port;
	*ret = server;
	server = SERVER_NONE;
	return 0;
}

int server_start(const struct server_request *request, struct server *ret, struct error *err)
{
	return request->system->peer ? start_peer(request, ret, err) : start_guest(request, ret, err);
}

void server_stop(struct server *server)
{
	_cleanup_error_ struct error ignored = {0};

	guest_stop(&server->guest, NULL, &ignored);
	host_end(&server->process);
	*server = SERVER_NONE;
}
