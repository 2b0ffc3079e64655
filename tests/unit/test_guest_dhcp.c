// SPDX-License-Identifier: Apache-2.0
/* The guest's DHCP client against sound and hostile servers. */
#include "guest/clock.c"
#include "guest/dhcp.c"
#include "guest/text.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* log_line() of log.c would write into this machine's log. */
void log_line(const char *const *parts)
{
	(void)parts;
}

static const struct dhcp client = {.mac = {0x52, 0x54, 0, 1, 2, 3}, .transaction = 0x12345678};

struct packet {
	uint8_t bytes[1500];
	size_t length;
};

static void add(struct packet *packet, uint8_t option, const void *value, uint8_t length)
{
	packet->bytes[packet->length++] = option;
	packet->bytes[packet->length++] = length;
	memcpy(packet->bytes + packet->length, value, length);
	packet->length += length;
}

/* An answer as a server's, without options other than the type. */
static struct packet answer(uint8_t type)
{
	struct packet packet = {.bytes = {2, 1, 6}, .length = OPTIONS};
	static const uint8_t address[] = {10, 0, 2, 15}, cookie[] = {0x63, 0x82, 0x53, 0x63};
	memcpy(packet.bytes + XID, &client.transaction, 4);
	memcpy(packet.bytes + CHADDR, client.mac, 6);
	memcpy(packet.bytes + YIADDR, address, 4);
	memcpy(packet.bytes + MAGIC, cookie, 4);
	add(&packet, OPTION_TYPE, &type, 1);
	return packet;
}

/* With all that is usual. */
static struct packet offer(uint8_t type)
{
	struct packet packet = answer(type);
	add(&packet, OPTION_NETMASK, "\377\377\377\0", 4);
	add(&packet, OPTION_ROUTER, "\12\0\2\2", 4);
	add(&packet, OPTION_SERVER, "\12\0\2\2", 4);
	add(&packet, OPTION_NAMESERVER, "\12\0\2\3\10\10\10\10", 8);
	add(&packet, OPTION_DOMAIN, "example.org", 11);
	packet.bytes[packet.length++] = OPTION_END;
	return packet;
}

/* Through memory of just that size, so that any read behind it is seen. */
static int take(struct dhcp *dhcp, const struct packet *packet)
{
	uint8_t *exact = malloc(packet->length ? packet->length : 1);
	memcpy(exact, packet->bytes, packet->length);
	int type = dhcp_read(dhcp, exact, packet->length);
	free(exact);
	return type;
}

static void expect_refused(const struct packet *packet)
{
	struct dhcp dhcp = client;
	assert_int_equal(take(&dhcp, packet), -EBADMSG);
	assert_memory_equal(&dhcp, &client, sizeof(client));
}

static const char *address_text(uint32_t address)
{
	static char text[16];
	return ipv4_format(text, address);
}

static void an_offer_is_understood(void **state)
{
	struct dhcp dhcp = client;
	struct packet packet = offer(DHCP_OFFER);
	(void)state;
	assert_int_equal(take(&dhcp, &packet), DHCP_OFFER);
	assert_string_equal(address_text(dhcp.lease.address), "10.0.2.15");
	assert_string_equal(address_text(dhcp.lease.netmask), "255.255.255.0");
	assert_string_equal(address_text(dhcp.lease.gateway), "10.0.2.2");
	assert_string_equal(address_text(dhcp.server), "10.0.2.2");
	assert_int_equal(dhcp.lease.nameserver_count, 2);
	assert_string_equal(address_text(dhcp.lease.nameservers[1]), "8.8.8.8");
	assert_string_equal(dhcp.lease.domain, "example.org");
	assert_int_equal(dhcp.transaction, client.transaction);
}

static void a_request_names_what_was_offered(void **state)
{
	static const uint8_t wanted[] = {OPTION_TYPE,
									 1,
									 DHCP_REQUEST,
									 OPTION_MAX_SIZE,
									 2,
									 2,
									 64,
									 OPTION_REQUESTED_ADDRESS,
									 4,
									 10,
									 0,
									 2,
									 15,
									 OPTION_SERVER,
									 4,
									 10,
									 0,
									 2,
									 2};
	struct dhcp dhcp = client;
	struct packet packet = offer(DHCP_OFFER);
	uint8_t request[DHCP_PACKET_SIZE];
	(void)state;
	take(&dhcp, &packet);
	assert_int_equal(dhcp_write(&dhcp, DHCP_REQUEST, request), SHORTEST);
	assert_int_equal(request[OP], 1);
	assert_int_equal(request[FLAGS], 0x80);
	assert_memory_equal(request + CHADDR, client.mac, 6);
	assert_memory_equal(request + XID, &client.transaction, 4);
	assert_memory_equal(request + OPTIONS, wanted, sizeof(wanted));
	assert_int_equal(dhcp_write(&client, DHCP_DISCOVER, request), SHORTEST);
	assert_int_equal(request[OPTIONS + 2], DHCP_DISCOVER);
	assert_int_equal(request[OPTIONS + 7], OPTION_PARAMETERS);
}

static void answers_to_others_are_not_ours(void **state)
{
	static const size_t places[] = {OP, XID, XID + 3, CHADDR, CHADDR + 5, MAGIC, MAGIC + 3};
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
		struct packet packet = offer(DHCP_ACK);
		packet.bytes[places[i]] ^= 1;
		expect_refused(&packet);
	}
}

static void every_cut_is_survived(void **state)
{
	const struct packet whole = offer(DHCP_OFFER);
	(void)state;
	for (size_t length = 0; length < whole.length - 1; length++) {
		struct packet cut = whole;
		struct dhcp dhcp = client;
		cut.length = length;
		int type = take(&dhcp, &cut);
		/* Between two options it is a shorter answer; anywhere else it is damaged. */
		assert_true(type == -EBADMSG || type == DHCP_OFFER);
		if (length <= OPTIONS)
			assert_int_equal(type, -EBADMSG);
	}
}

static void addresses_that_cannot_be_ours(void **state)
{
	static const uint8_t bad[][4] = {
		{0, 0, 0, 0}, {0, 1, 2, 3}, {127, 0, 0, 1}, {224, 0, 0, 1}, {255, 255, 255, 255}};
	static const uint8_t masks[][4] = {{0, 0, 0, 0}, {255, 0, 255, 0}, {0, 255, 255, 255}};
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		struct packet packet = offer(DHCP_OFFER);
		memcpy(packet.bytes + YIADDR, bad[i], 4);
		expect_refused(&packet);
	}
	for (size_t i = 0; i < ARRAY_COUNT(masks); i++) {
		struct packet packet = answer(DHCP_OFFER);
		add(&packet, OPTION_NETMASK, masks[i], 4);
		expect_refused(&packet);
	}
	struct packet none = answer(DHCP_OFFER);
	expect_refused(&none);
}

static void types_that_are_no_answer(void **state)
{
	struct packet packet = answer(DHCP_OFFER), no_type = offer(DHCP_OFFER);
	(void)state;
	for (int type = 0; type < 256; type++) {
		struct dhcp dhcp = client;
		packet = offer((uint8_t)type);
		bool known = type == DHCP_OFFER || type == DHCP_ACK || type == DHCP_NAK;
		assert_int_equal(take(&dhcp, &packet), known ? type : -EBADMSG);
	}
	no_type.bytes[OPTIONS] = 200;
	expect_refused(&no_type);
	packet = answer(DHCP_NAK);
	struct dhcp dhcp = client;
	assert_int_equal(take(&dhcp, &packet), DHCP_NAK);
	assert_memory_equal(&dhcp, &client, sizeof(client));
}

static void options_of_odd_lengths(void **state)
{
	struct packet packet = offer(DHCP_OFFER);
	struct dhcp dhcp = client;
	uint8_t many[252] = {9};
	(void)state;
	packet.length--; /* the end */
	add(&packet, OPTION_ROUTER, "\1\2\3", 3);
	add(&packet, OPTION_NETMASK, "", 0);
	add(&packet, OPTION_SERVER, "\1\2\3\4\5", 5);
	add(&packet, OPTION_NAMESERVER, many, 251);
	packet.bytes[packet.length++] = OPTION_PAD;
	add(&packet, OPTION_NAMESERVER, many, 252);
	assert_int_equal(take(&dhcp, &packet), DHCP_OFFER);
	assert_string_equal(address_text(dhcp.lease.gateway), "10.0.2.2");
	assert_string_equal(address_text(dhcp.server), "10.0.2.2");
	assert_int_equal(dhcp.lease.nameserver_count, 3);
}

static void names_that_would_break_resolv_conf(void **state)
{
	static const struct {
		const char *name;
		uint8_t length;
		const char *taken;
	} cases[] = {
		{"a.example", 9, "a.example"},
		{"a.example", 10, "a.example"}, /* with its NUL */
		{"a\nnameserver 6.6.6.6", 21, ""},
		{"a b", 3, ""},
		{"\xff", 1, ""},
		{"", 0, ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct packet packet = answer(DHCP_ACK);
		struct dhcp dhcp = client;
		add(&packet, OPTION_NETMASK, "\377\0\0\0", 4);
		add(&packet, OPTION_DOMAIN, cases[i].name, cases[i].length);
		assert_int_equal(take(&dhcp, &packet), DHCP_ACK);
		assert_string_equal(dhcp.lease.domain, cases[i].taken);
	}
	struct packet packet = answer(DHCP_ACK);
	struct dhcp dhcp = client;
	char longest[255];
	memset(longest, 'x', sizeof(longest));
	add(&packet, OPTION_NETMASK, "\377\0\0\0", 4);
	add(&packet, OPTION_DOMAIN, longest, 255);
	assert_int_equal(take(&dhcp, &packet), DHCP_ACK);
	assert_int_equal(strlen(dhcp.lease.domain), 0); /* longer than a name may be */
}

static void noise_before_the_answer(void **state)
{
	int ends[2];
	struct dhcp dhcp = client;
	struct packet good = offer(DHCP_OFFER), wrong = offer(DHCP_OFFER);
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
	wrong.bytes[XID]++;
	assert_true(send(ends[0], "", 0, 0) == 0);
	assert_true(send(ends[0], "x", 1, 0) == 1);
	assert_true(send(ends[0], wrong.bytes, wrong.length, 0) > 0);
	assert_int_equal(answer_wait(ends[1], &dhcp, 20), 0);
	assert_memory_equal(&dhcp, &client, sizeof(client));
	assert_true(send(ends[0], wrong.bytes, wrong.length, 0) > 0);
	assert_true(send(ends[0], good.bytes, good.length, 0) > 0);
	assert_int_equal(answer_wait(ends[1], &dhcp, 5000), DHCP_OFFER);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offer_is_understood),
		cmocka_unit_test(a_request_names_what_was_offered),
		cmocka_unit_test(answers_to_others_are_not_ours),
		cmocka_unit_test(every_cut_is_survived),
		cmocka_unit_test(addresses_that_cannot_be_ours),
		cmocka_unit_test(types_that_are_no_answer),
		cmocka_unit_test(options_of_odd_lengths),
		cmocka_unit_test(names_that_would_break_resolv_conf),
		cmocka_unit_test(noise_before_the_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
