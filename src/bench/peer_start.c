// SPDX-License-Identifier: Apache-2.0
#include "bench/peer.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

struct placeholder {
	const char *name;
	const char *text;
};

static void add_word(const char *word, const struct placeholder *placeholders, struct strings *ret)
{
	_cleanup_buf_ struct buf text = {0};

	buf_puts(&text, "");
	while (*word) {
		const struct placeholder *found = placeholders;
		while (found->name && !starts_with(word, found->name))
			found++;
		if (found->name)
			buf_puts(&text, found->text);
		else
			buf_append(&text, word, 1);
		word += found->name ? strlen(found->name) : 1;
	}
	strings_take(ret, buf_steal(&text));
}

void peer_command(const struct peer *peer, uint64_t memory, uint16_t port, struct strings *ret)
{
	_cleanup_free_ char *memory_text = xasprintf("%llu", (unsigned long long)memory);
	_cleanup_free_ char *port_text = xasprintf("%u", port);
	const struct placeholder placeholders[] = {
		{"{memory}", memory_text},
		{"{port}", port_text},
		{"{directory}", peer->directory},
		{NULL, NULL},
	};

	for (size_t i = 0; i < peer->command.count; i++)
		add_word(peer->command.items[i], placeholders, ret);
}

int peer_start(const struct peer *peer, uint64_t memory, double timeout, int processor,
			   struct peer_guest *ret, struct error *err)
{
	_cleanup_peer_guest_ struct peer_guest guest = PEER_GUEST_NONE;
	_cleanup_strings_ struct strings argv = {0};

	if (peer->port && host_free_port(&guest.port, err) < 0)
		return -err->code;
	peer_command(peer, memory, guest.port, &argv);
	double start = host_seconds();
	if (host_start(&argv, processor, &guest.process, err) < 0)
		return -err->code;
	enum host_event event = host_wait(&guest.process, peer->ready, NULL, start + timeout);
	guest.seconds = host_seconds() - start;
	if (event == HOST_FOUND) {
		*ret = guest;
		guest = PEER_GUEST_NONE;
		return 0;
	}
	const char *last = host_last_line(&guest.process);
	const char *program = peer->command.items[0];
	if (event == HOST_LATE)
		return error_set(err, ETIMEDOUT, "%s: \"%s\" did not come in %g seconds%s%s", program,
						 peer->ready, timeout, *last ? "; the last line: " : "", last);
	int status = host_status(&guest.process);
	return error_set(err, ECHILD, "%s ended with %s %d before \"%s\" came%s%s", program,
					 WIFSIGNALED(status) ? "signal" : "status",
					 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), peer->ready,
					 *last ? "; the last line: " : "", last);
}

void peer_stop(struct peer_guest *guest)
{
	host_end(&guest->process);
	*guest = PEER_GUEST_NONE;
}
