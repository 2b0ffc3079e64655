// SPDX-License-Identifier: Apache-2.0
/*
 * PostgreSQL's frontend/backend protocol 3.0 (PostgreSQL documentation, chapter 55): a connection
 * that logs in without a password, asks for the product of 6 and 7, and ends. It tells whether the
 * server truly works; measuring is left to pgbench.
 */
#include "guest/bench/load.h"

#include <arpa/inet.h>
#include <string.h>

enum { MESSAGE_LIMIT = 1024 * 1024, PROTOCOL_3_0 = 196608 };

static void add_message(struct text *to, char type, const void *body, size_t length)
{
	uint32_t whole = htonl((uint32_t)(length + sizeof(whole)));

	if (type)
		text_add(to, &type, 1);
	text_add(to, &whole, sizeof(whole));
	text_add(to, body, length);
}

static void request_product(const struct settings *settings, unsigned key, struct text *to)
{
	static const char login[] = "\0\3\0\0user\0postgres\0database\0postgres\0";
	static const char query[] = "SELECT 6 * 7";

	(void)settings, (void)key;
	_Static_assert(PROTOCOL_3_0 == 3 << 16, "the first four bytes of the login");
	add_message(to, 0, login, sizeof(login));
	add_message(to, 'Q', query, sizeof(query));
	add_message(to, 'X', "", 0);
}

static uint32_t number_at(const char *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return ntohl(number);
}

/* ErrorResponse: fields of a letter and a text each; M is the message. */
static int report_error(const char *body, size_t length)
{
	for (const char *field = body; field < body + length && *field;) {
		size_t left = (size_t)(body + length - field), size = strnlen(field, left);
		if (*field == 'M')
			return complain("PostgreSQL: %s", excerpt(field + 1, size - 1));
		field += size + 1;
	}
	return complain("PostgreSQL: an error without a message");
}

/* What was seen so far. */
struct session {
	unsigned ready; /* ReadyForQuery: after the login, after the query */
	bool right;     /* the product was told */
};

static int check_message(struct session *session, char type, const char *body, size_t length)
{
	static const char product[] = "\0\1\0\0\0\002"
								  "42";

	switch (type) {
	case 'R':
		if (length != 4 || number_at(body) != 0)
			return complain("PostgreSQL: it wants a password");
		return 0;
	case 'D':
		session->right = length == sizeof(product) - 1 && memcmp(body, product, length) == 0;
		return session->right ? 0 : complain("PostgreSQL: 6 * 7 is something else than 42");
	case 'E':
		return report_error(body, length);
	case 'Z':
		session->ready++;
		return 0;
	default: /* settings, keys, notices, descriptions, tags */
		return strchr("SKNTC", type) && type
				   ? 0
				   : complain("PostgreSQL: an unknown message '%s'", excerpt(&type, 1));
	}
}

static ssize_t check_product(const char *bytes, size_t length, bool *ret_closes)
{
	struct session session = {0};
	size_t at = 0;

	while (session.ready < 2) {
		if (length - at < 5)
			return 0;
		uint32_t size = number_at(bytes + at + 1);
		if (size < 4 || size > MESSAGE_LIMIT)
			return complain("PostgreSQL: a message of %u bytes", size);
		if (length - at < 1 + (size_t)size)
			return 0;
		if (check_message(&session, bytes[at], bytes + at + 5, size - 4) < 0)
			return -1;
		at += 1 + (size_t)size;
	}
	if (!session.right)
		return complain("PostgreSQL: no row came");
	*ret_closes = true;
	return (ssize_t)at;
}

const struct protocol postgresql = {.name = "postgresql",
									.port = 5432,
									.closes = true,
									.request = request_product,
									.check = check_product};
