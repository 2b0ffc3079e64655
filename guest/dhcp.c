// SPDX-License-Identifier: Apache-2.0
/*
 * A DHCP client (RFC 2131, options from RFC 2132) over an ordinary UDP socket: the broadcast flag
 * makes the server answer to 255.255.255.255, which is heard before there is an address.
 */
#include "guest/init.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_PORT 67
#define CLIENT_PORT 68
#define ATTEMPTS 8
#define FIRST_WAIT 50 /* ms, doubled with each attempt up to LAST_WAIT */
#define LAST_WAIT 2000
#define COOKIE 0x63825363

/* RFC 2131 section 2, and where the options begin behind the magic cookie. */
enum {
	OP = 0,
	HTYPE = 1,
	HLEN = 2,
	XID = 4,
	FLAGS = 10,
	YIADDR = 16,
	CHADDR = 28,
	MAGIC = 236,
	OPTIONS = 240
};
#define SHORTEST 300 /* what BOOTP relays expect at least */

enum option {
	OPTION_PAD = 0,
	OPTION_NETMASK = 1,
	OPTION_ROUTER = 3,
	OPTION_NAMESERVER = 6,
	OPTION_DOMAIN = 15,
	OPTION_REQUESTED_ADDRESS = 50,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_PARAMETERS = 55,
	OPTION_MAX_SIZE = 57,
	OPTION_END = 255,
};

static uint8_t *option_write(uint8_t *at, enum option option, const void *value, uint8_t length)
{
	*at++ = (uint8_t)option;
	*at++ = length;
	memcpy(at, value, length);
	return at + length;
}

size_t dhcp_write(const struct dhcp *dhcp, enum dhcp_type type, uint8_t packet[DHCP_PACKET_SIZE])
{
	static const uint8_t wanted[] = {OPTION_NETMASK, OPTION_ROUTER, OPTION_NAMESERVER,
									 OPTION_DOMAIN};
	static const uint8_t size[] = {DHCP_PACKET_SIZE >> 8, DHCP_PACKET_SIZE & 255};
	uint8_t number = (uint8_t)type;
	uint32_t cookie = htonl(COOKIE);
	memset(packet, 0, DHCP_PACKET_SIZE);
	packet[OP] = 1;    /* request */
	packet[HTYPE] = 1; /* Ethernet */
	packet[HLEN] = sizeof(dhcp->mac);
	packet[FLAGS] = 0x80; /* broadcast */
	memcpy(packet + XID, &dhcp->transaction, 4);
	memcpy(packet + CHADDR, dhcp->mac, sizeof(dhcp->mac));
	memcpy(packet + MAGIC, &cookie, 4);

	uint8_t *at = option_write(packet + OPTIONS, OPTION_TYPE, &number, 1);
	at = option_write(at, OPTION_MAX_SIZE, size, sizeof(size));
	if (type == DHCP_REQUEST) {
		at = option_write(at, OPTION_REQUESTED_ADDRESS, &dhcp->lease.address, 4);
		at = option_write(at, OPTION_SERVER, &dhcp->server, 4);
	}
	at = option_write(at, OPTION_PARAMETERS, wanted, sizeof(wanted));
	*at++ = OPTION_END;
	size_t length = (size_t)(at - packet);
	return length < SHORTEST ? SHORTEST : length;
}

/* A name goes into resolv.conf, so nothing but letters, digits, dots and hyphens may be in it. */
static void domain_take(struct network *lease, const uint8_t *value, size_t length)
{
	size_t i = 0;
	for (; i < length && i < sizeof(lease->domain) - 1; i++) {
		char c = (char)value[i];
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
					c == '.' || c == '-' || c == '_';
		if (!fine)
			break;
		lease->domain[i] = c;
	}
	/* Some servers count the NUL at the end. */
	lease->domain[i == length || value[i] == 0 ? i : 0] = 0;
}

static void option_take(struct dhcp *ret, int *type, uint8_t option, const uint8_t *value,
						size_t length)
{
	struct network *lease = &ret->lease;
	switch (option) {
	case OPTION_TYPE:
		if (length == 1)
			*type = value[0];
		break;
	case OPTION_NETMASK:
		if (length == 4)
			memcpy(&lease->netmask, value, 4);
		break;
	case OPTION_ROUTER:
		if (length >= 4)
			memcpy(&lease->gateway, value, 4);
		break;
	case OPTION_SERVER:
		if (length == 4)
			memcpy(&ret->server, value, 4);
		break;
	case OPTION_NAMESERVER:
		for (; length >= 4 && lease->nameserver_count < ARRAY_COUNT(lease->nameservers);
			 length -= 4) {
			memcpy(&lease->nameservers[lease->nameserver_count++], value, 4);
			value += 4;
		}
		break;
	case OPTION_DOMAIN:
		domain_take(lease, value, length);
		break;
	default:
		break;
	}
}

static bool lease_sound(const struct network *lease)
{
	uint32_t address = ntohl(lease->address), host = ~ntohl(lease->netmask);
	bool unicast = address >> 24 != 0 && address >> 24 != 127 && address < 0xe0000000;
	return unicast && lease->netmask != 0 && (host & (host + 1)) == 0;
}

int dhcp_read(struct dhcp *dhcp, const uint8_t *packet, size_t length)
{
	struct dhcp answer = {.transaction = dhcp->transaction, .server = dhcp->server};
	int type = -1;
	uint32_t cookie = htonl(COOKIE);
	memcpy(answer.mac, dhcp->mac, sizeof(answer.mac));
	if (length < OPTIONS || packet[OP] != 2 || memcmp(packet + XID, &dhcp->transaction, 4) != 0 ||
		memcmp(packet + CHADDR, dhcp->mac, sizeof(dhcp->mac)) != 0 ||
		memcmp(packet + MAGIC, &cookie, 4) != 0)
		return -EBADMSG;
	memcpy(&answer.lease.address, packet + YIADDR, 4);

	for (size_t at = OPTIONS; at < length && packet[at] != OPTION_END;) {
		if (packet[at] == OPTION_PAD) {
			at++;
			continue;
		}
		if (length - at < 2 || length - at - 2 < packet[at + 1])
			return -EBADMSG;
		option_take(&answer, &type, packet[at], packet + at + 2, packet[at + 1]);
		at += 2 + (size_t)packet[at + 1];
	}
	if (type == DHCP_NAK)
		return type;
	if ((type != DHCP_OFFER && type != DHCP_ACK) || !lease_sound(&answer.lease))
		return -EBADMSG;
	*dhcp = answer;
	return type;
}

static int socket_open(const char *interface)
{
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(CLIENT_PORT)};
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) < 0 ||
		bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

/* Waits at most `wait` ms for an answer that `dhcp` can use; its type, or 0. */
static int answer_wait(int fd, struct dhcp *dhcp, int64_t wait)
{
	uint8_t packet[1500];
	int64_t end = now_ms() + wait;
	for (; wait > 0; wait = end - now_ms()) {
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		if (poll(&readable, 1, (int)wait) <= 0)
			continue;
		ssize_t got = recv(fd, packet, sizeof(packet), 0);
		int type = got > 0 ? dhcp_read(dhcp, packet, (size_t)got) : -EBADMSG;
		if (type > 0)
			return type;
	}
	return 0;
}

int dhcp_acquire(const char *interface, struct dhcp *dhcp)
{
	uint8_t packet[DHCP_PACKET_SIZE];
	struct sockaddr_in everyone = {.sin_family = AF_INET,
								   .sin_port = htons(SERVER_PORT),
								   .sin_addr.s_addr = htonl(INADDR_BROADCAST)};
	enum dhcp_type type = DHCP_DISCOVER;
	int64_t wait = FIRST_WAIT;
	int fd = socket_open(interface);
	if (fd < 0)
		return fd;
	if (getrandom(&dhcp->transaction, 4, GRND_NONBLOCK) != 4)
		dhcp->transaction = (uint32_t)ticks_now();

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		size_t length = dhcp_write(dhcp, type, packet);
		/* A lost packet and one that could not be sent (the link is not up yet) are the same. */
		sendto(fd, packet, length, 0, (struct sockaddr *)&everyone, sizeof(everyone));
		int answer = answer_wait(fd, dhcp, wait);
		if (answer == DHCP_ACK && type == DHCP_REQUEST) {
			close(fd);
			return 0;
		}
		if (answer == DHCP_OFFER || answer == DHCP_NAK)
			type = answer == DHCP_OFFER ? DHCP_REQUEST : DHCP_DISCOVER;
		else
			wait = wait * 2 > LAST_WAIT ? LAST_WAIT : wait * 2;
	}
	close(fd);
	return -ETIMEDOUT;
}
