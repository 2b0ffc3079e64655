// SPDX-License-Identifier: Apache-2.0
/* Options of a DHCP server's answer, behind a header that is always ours. */
#include "guest/clock.c"
#include "guest/dhcp.c"
#include "guest/text.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_line(const char *const *parts)
{
	(void)parts;
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t cookie[] = {0x63, 0x82, 0x53, 0x63};
	const struct dhcp before = {.mac = {2}, .transaction = 7};
	struct dhcp dhcp = before;
	uint8_t *packet = malloc(OPTIONS + size);
	require(packet != NULL);
	memset(packet, 0, OPTIONS);
	packet[OP] = 2;
	packet[YIADDR] = 10;
	memcpy(packet + XID, &before.transaction, 4);
	memcpy(packet + CHADDR, before.mac, sizeof(before.mac));
	memcpy(packet + MAGIC, cookie, sizeof(cookie));
	memcpy(packet + OPTIONS, data, size);

	int type = dhcp_read(&dhcp, packet, OPTIONS + size);
	if (type == DHCP_OFFER || type == DHCP_ACK) {
		require(lease_sound(&dhcp.lease) && dhcp.lease.nameserver_count <= 3);
		require(memchr(dhcp.lease.domain, 0, sizeof(dhcp.lease.domain)) != NULL);
		require(strpbrk(dhcp.lease.domain, " \n\t#;") == NULL);
	} else {
		require(type == -EBADMSG || type == DHCP_NAK);
		require(memcmp(&dhcp, &before, sizeof(dhcp)) == 0);
	}
	free(packet);
	return 0;
}
