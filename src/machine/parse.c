// SPDX-License-Identifier: Apache-2.0
/* The words of a machine's description: names, ports, limits. */
#include "base/options.h"
#include "machine/internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

bool machine_id_is_valid(const char *id)
{
	return strlen(id) == MACHINE_ID_LENGTH && strspn(id, "0123456789abcdef") == MACHINE_ID_LENGTH;
}

/* docker's rule for names of containers. */
bool machine_name_is_valid(const char *name)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

	return isalnum((unsigned char)name[0]) && strspn(name, letters) == strlen(name) &&
		   strlen(name) <= MACHINE_NAME_MAX;
}

/* The names of getrlimit(2), as docker's --ulimit and init write them. */
static const char *const limit_names[] = {
	"as",     "core",  "cpu", "data",   "fsize",  "locks",      "memlock", "msgqueue", "nice",
	"nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",   NULL,
};

bool machine_limit_is_known(const char *name)
{
	for (size_t i = 0; limit_names[i]; i++)
		if (strcmp(limit_names[i], name) == 0)
			return true;
	return false;
}

static int bad_port(const char *text, const char *why, struct error *err)
{
	error_set(err, EINVAL, "port \"%s\": %s", text, why);
	return error_hint(err, "write [ADDRESS:]HOST_PORT:GUEST_PORT[/udp], such as 8080:80");
}

/* Cuts what stands behind the last `separator` off and returns it; NULL when there is none. */
static char *cut_last(char *text, char separator)
{
	char *found = strrchr(text, separator);

	if (!found)
		return NULL;
	*found = '\0';
	return found + 1;
}

/* docker takes both kinds of address, IPv6 ones in brackets. */
static bool parse_address(char *text, char **ret)
{
	unsigned char binary[sizeof(struct in6_addr)];
	size_t length = strlen(text);
	int family = AF_INET;

	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text[length - 1] = '\0';
		text++;
		family = AF_INET6;
	}
	if (inet_pton(family, text, binary) != 1)
		return false;
	*ret = xstrdup(text);
	return true;
}

int machine_parse_port(const char *text, struct machine_port *ret, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(text), *address = NULL;
	_cleanup_error_ struct error ignored = {0};
	const char *protocol = cut_last(copy, '/');
	const char *guest = cut_last(copy, ':');
	uint64_t host_port, guest_port;

	if (protocol && strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0)
		return bad_port(text, "the protocol is neither tcp nor udp", err);
	if (!guest)
		return bad_port(text, "there must be a host port and a guest port", err);
	const char *host = cut_last(copy, ':');
	if (host && strchr(host, ']')) /* a colon inside of an IPv6 address */
		return bad_port(text, "there must be a host port and a guest port", err);
	if (host && !parse_address(copy, &address))
		return bad_port(text, "the address is not an IP address", err);
	if (!host)
		host = copy;
	if (parse_number(host, 1, UINT16_MAX, &host_port, &ignored) < 0)
		return bad_port(text, "the host port is not a number from 1 to 65535", err);
	if (parse_number(guest, 1, UINT16_MAX, &guest_port, &ignored) < 0)
		return bad_port(text, "the guest port is not a number from 1 to 65535", err);
	*ret = (struct machine_port){.address = steal(&address),
								 .host = (uint16_t)host_port,
								 .guest = (uint16_t)guest_port,
								 .udp = protocol && strcmp(protocol, "udp") == 0};
	return 0;
}

static bool parse_limit_value(const char *text, uint64_t *ret)
{
	_cleanup_error_ struct error ignored = {0};

	if (strcmp(text, "unlimited") == 0 || strcmp(text, "-1") == 0) {
		*ret = UINT64_MAX;
		return true;
	}
	return parse_number(text, 0, INT64_MAX, ret, &ignored) == 0;
}

static int bad_limit(const char *text, const char *why, struct error *err)
{
	error_set(err, EINVAL, "limit \"%s\": %s", text, why);
	return error_hint(err, "write NAME=SOFT[:HARD], such as nofile=1024:4096");
}

int machine_parse_limit(const char *text, struct machine_limit *ret, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct machine_limit limit = {0};
	char *value = strchr(copy, '=');

	if (!value)
		return bad_limit(text, "there is no value", err);
	*value++ = '\0';
	if (!machine_limit_is_known(copy)) {
		const char *near = did_you_mean(copy, limit_names);
		error_set(err, EINVAL, "limit \"%s\": there is no limit of that name", text);
		return near ? error_hint(err, "did you mean %s?", near) : -EINVAL;
	}
	strncpy(limit.name, copy, sizeof(limit.name) - 1);
	char *hard = strchr(value, ':');
	if (hard)
		*hard++ = '\0';
	if (!parse_limit_value(value, &limit.soft) ||
		!parse_limit_value(hard ? hard : value, &limit.hard))
		return bad_limit(text, "values are numbers or \"unlimited\"", err);
	if (limit.soft > limit.hard)
		return bad_limit(text, "the soft limit is above the hard one", err);
	*ret = limit;
	return 0;
}
