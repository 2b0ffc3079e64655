// SPDX-License-Identifier: Apache-2.0
/* The loopback and the first network interface. */
#include "guest/init.h"

#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTERFACE "eth0"

static struct ifreq request_for(const char *interface)
{
	struct ifreq request = {0};
	text_join(request.ifr_name, sizeof(request.ifr_name), TEXT(interface));
	return request;
}

static int interface_up(int fd, const char *interface)
{
	struct ifreq request = request_for(interface);
	request.ifr_flags = IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static struct sockaddr ipv4_socket_address(uint32_t address)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = address};
	struct sockaddr generic;
	memcpy(&generic, &in, sizeof(generic));
	return generic;
}

static int address_set(int fd, const char *interface, const struct network *network)
{
	struct ifreq request = request_for(interface);
	request.ifr_addr = ipv4_socket_address(network->address);
	if (ioctl(fd, SIOCSIFADDR, &request) < 0)
		return -errno;
	request.ifr_netmask = ipv4_socket_address(network->netmask);
	return ioctl(fd, SIOCSIFNETMASK, &request) < 0 ? -errno : 0;
}

static int gateway_set(int fd, uint32_t gateway)
{
	struct rtentry route = {
		.rt_dst = ipv4_socket_address(0),
		.rt_genmask = ipv4_socket_address(0),
		.rt_gateway = ipv4_socket_address(gateway),
		.rt_flags = RTF_UP | RTF_GATEWAY,
	};
	return ioctl(fd, SIOCADDRT, &route) < 0 ? -errno : 0;
}

static int static_parse(const struct config *config, struct network *ret)
{
	const char *at = config->address;
	uint64_t prefix;
	if (ipv4_parse(&at, &ret->address) < 0 || *at++ != '/' || number_parse_all(at, 32, &prefix) < 0)
		return -EINVAL;
	ret->netmask = htonl(prefix ? UINT32_MAX << (32 - prefix) : 0);
	at = config->gateway;
	if (at && (ipv4_parse(&at, &ret->gateway) < 0 || *at))
		return -EINVAL;
	return 0;
}

static int interface_start(int fd, const struct config *config, struct network *ret)
{
	int r;
	if (strcmp(config->address, "dhcp") == 0) {
		static struct dhcp dhcp;
		struct ifreq request = request_for(INTERFACE);
		if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
			return -errno;
		memcpy(dhcp.mac, request.ifr_hwaddr.sa_data, sizeof(dhcp.mac));
		if ((r = interface_up(fd, INTERFACE)) < 0 || (r = dhcp_acquire(INTERFACE, &dhcp)) < 0)
			return r;
		*ret = dhcp.lease;
	} else if ((r = static_parse(config, ret)) < 0) {
		return r;
	}
	if ((r = address_set(fd, INTERFACE, ret)) < 0 || (r = interface_up(fd, INTERFACE)) < 0)
		return r;
	ret->up = true;
	return ret->gateway ? gateway_set(fd, ret->gateway) : 0;
}

void network_start(const struct config *config, struct network *ret)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : interface_up(fd, "lo");
	if (fd < 0 && !config->address)
		return; /* a kernel without a network, as it was meant to be */
	if (r < 0)
		log_line(TEXT("network: lo: ", strerror(-r)));
	if (fd >= 0 && config->address && (r = interface_start(fd, config, ret)) < 0)
		log_line(TEXT("network: ", INTERFACE, ", address ", config->address, ": ", strerror(-r)));
	if (fd >= 0)
		close(fd);
}
