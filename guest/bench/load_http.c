// SPDX-License-Identifier: Apache-2.0
/* HTTP/1.1 (RFC 9110, RFC 9112): GET /, which has to be answered by 200 and a whole body whose
 * length is told; each body has to be the same as the first. */
#include "guest/bench/load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_LIMIT = 16 * 1024, BODY_LIMIT = 16 * 1024 * 1024 };

static struct text first_body;
static bool have_first;

static void request_page(const struct settings *settings, unsigned key, struct text *to)
{
	(void)key;
	text_printf(to, "GET / HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: */*\r\n%s\r\n",
				settings->host, settings->keep_alive ? "" : "Connection: close\r\n");
}

struct head {
	size_t length; /* with the empty line */
	long body;     /* Content-Length, or -1 */
	bool closes;
};

/* One "Name: value". */
static int read_field(const char *line, const char *end, struct head *head)
{
	static const char length_name[] = "Content-Length:", connection_name[] = "Connection:";

	if (strncasecmp(line, length_name, sizeof(length_name) - 1) == 0) {
		char *stop;
		const char *digits = line + sizeof(length_name) - 1;
		digits += strspn(digits, " \t");
		head->body = strtol(digits, &stop, 10);
		if (*digits < '0' || *digits > '9' || stop != end || head->body > BODY_LIMIT)
			return complain("HTTP: wrong header \"%s\"", excerpt(line, (size_t)(end - line)));
	} else if (strncasecmp(line, connection_name, sizeof(connection_name) - 1) == 0) {
		const char *value = line + sizeof(connection_name) - 1;
		value += strspn(value, " \t");
		head->closes = end - value == 5 && strncasecmp(value, "close", 5) == 0;
	}
	return 0;
}

/* 1: whole, 0: more has to come. */
static int read_head(const char *bytes, size_t length, struct head *ret)
{
	static const char wanted[] = "HTTP/1.1 200 ";
	size_t known = length < sizeof(wanted) - 1 ? length : sizeof(wanted) - 1;
	const char *end = memmem(bytes, length, "\r\n\r\n", 4);

	if (memcmp(bytes, wanted, known) != 0)
		return complain("HTTP: not \"%s\" but \"%s\"", "HTTP/1.1 200",
						excerpt(bytes, (size_t)(strcspn(bytes, "\r\n"))));
	if (!end)
		return length <= HEAD_LIMIT ? 0 : complain("HTTP: a header of over %d bytes", HEAD_LIMIT);
	*ret = (struct head){.length = (size_t)(end - bytes) + 4, .body = -1};
	const char *line_end = NULL;
	for (const char *line = bytes; line <= end; line = line_end + 2) {
		line_end = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		if (read_field(line, line_end, ret) < 0)
			return -1;
	}
	if (ret->body < 0)
		return complain("HTTP: an answer without Content-Length");
	return 1;
}

static ssize_t check_page(const char *bytes, size_t length, bool *ret_closes)
{
	struct head head = {0};
	int result = read_head(bytes, length, &head);

	if (result <= 0)
		return result;
	size_t body = (size_t)head.body;
	if (length < head.length + body)
		return 0;
	if (!have_first) {
		text_add(&first_body, bytes + head.length, body);
		have_first = true;
	}
	if (body != first_body.length || memcmp(bytes + head.length, first_body.bytes, body) != 0)
		return complain("HTTP: a body of %zu bytes that is not the same as the first", body);
	*ret_closes = head.closes;
	return (ssize_t)(head.length + body);
}

const struct protocol http = {
	.name = "http", .port = 80, .closes = true, .request = request_page, .check = check_page};
