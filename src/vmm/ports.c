// SPDX-License-Identifier: Apache-2.0
#include "vmm/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* 0 or a negative errno. */
static int try_port(const struct machine_port *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port->host)};
	const int on = 1;

	/* IPv6 is the monitor's to refuse. */
	if (port->address && inet_pton(AF_INET, port->address, &address.sin_addr) != 1)
		return 0;
	_cleanup_close_ int fd =
		socket(AF_INET, (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* As servers do: connections that ended a minute ago do not matter. */
	if (!port->udp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
}

int ports_check(const struct machine *machine, struct error *err)
{
	for (size_t i = 0; i < machine->port_count; i++) {
		const struct machine_port *port = &machine->ports[i];
		int error = try_port(port);
		if (error == 0)
			continue;
		error_errno(err, -error, "cannot listen on port %u of this host%s%s", port->host,
					port->address ? " at " : "", port->address ? port->address : "");
		if (error == -EACCES)
			return error_hint(err, "ports below 1024 are for root; take %u instead",
							  port->host + 8000u);
		if (error == -EADDRINUSE)
			return error_hint(err, "another program listens there; stop it, or take another port");
		return error;
	}
	return 0;
}
