// SPDX-License-Identifier: Apache-2.0
/* A kernel's log with initcall_debug. */
#include "bench/boot.h"

#include <errno.h>
#include <string.h>

#define INIT_TAIL " ticks since power-on"
enum { NAME_LIMIT = 128, CALL_LIMIT = 4096 /* of names; stock kernels have 2000 */ };
#define MICROSECONDS_LIMIT 1000000000000ull

/* A decimal number that is followed by `end`; *at is then behind that. */
static bool number(const char **at, const char *end, uint64_t *ret)
{
	uint64_t value = 0;
	size_t digits = 0;

	for (; (*at)[digits] >= '0' && (*at)[digits] <= '9'; digits++) {
		value = value * 10 + (uint64_t)((*at)[digits] - '0');
		if (value > MICROSECONDS_LIMIT)
			return false;
	}
	if (!digits || !starts_with(*at + digits, end))
		return false;
	*at += digits + strlen(end);
	*ret = value;
	return true;
}

/* "[    0.028439] text" */
static bool time_stamp(const char **line, uint64_t *ret)
{
	uint64_t seconds, microseconds;

	if (**line != '[')
		return false;
	*line += 1;
	*line += strspn(*line, " ");
	if (!number(line, ".", &seconds) || !number(line, "] ", &microseconds) ||
		seconds > MICROSECONDS_LIMIT / 1000000 || microseconds >= 1000000)
		return false;
	*ret = seconds * 1000000 + microseconds;
	return true;
}

/* The function at an address, as %pS writes one of unknown name. The caller owns it. */
static char *symbol_at(const char *symbols, const char *address, size_t length)
{
	static const char prefix[] = "0x";

	if (!symbols || length <= strlen(prefix) || !starts_with(address, prefix))
		return NULL;
	/* A line of System.map is "ffffffff81ac0540 t name". */
	_cleanup_free_ char *digits =
		xasprintf("%.*s ", (int)(length - strlen(prefix)), address + strlen(prefix));
	for (const char *line = symbols; (line = strstr(line, digits)); line++) {
		const char *name = line + strlen(digits);
		if ((line > symbols && line[-1] != '\n') || !name[0] || name[1] != ' ')
			continue;
		name += 2;
		return xstrndup(name, strcspn(name, "\n"));
	}
	return NULL;
}

static void add_call(struct boot_log *log, const char *name, size_t length, const char *symbols,
					 uint64_t microseconds)
{
	char *found = symbol_at(symbols, name, length);
	char *text = found ? found : xstrndup(name, length);

	for (size_t i = 0; i < log->count; i++) {
		if (strcmp(log->calls[i].name, text) == 0) {
			log->calls[i].microseconds += microseconds;
			free(text);
			return;
		}
	}
	log->calls = xrealloc(log->calls, log->count + 1, sizeof(*log->calls));
	log->calls[log->count++] = (struct initcall){.name = text, .microseconds = microseconds};
}

/* What was called last and has not returned. */
struct pending {
	const char *name; /* in the log; NULL: nothing */
	size_t length;
	uint64_t time;
};

static size_t name_length(const char *text)
{
	size_t length = strcspn(text, "+ \n");

	return length <= NAME_LIMIT ? length : 0;
}

/* "calling  foo_init+0x0/0x50 [module] @ 1" */
static void read_call(const char *text, uint64_t now, struct pending *pending)
{
	text += strspn(text, " ");
	*pending = (struct pending){.name = text, .length = name_length(text), .time = now};
}

/*
 * "initcall foo_init+0x0/0x50 [module] returned 0 after 4 usecs". The kernel's own figure is by a
 * clock that before the first clock source is chosen knows whole ticks of the timer only; the
 * log's is finer.
 */
static void read_return(const char *text, uint64_t now, const char *symbols,
						struct pending *pending, struct boot_log *log)
{
	size_t length = name_length(text);

	if (!length || !pending->name || pending->length != length ||
		memcmp(pending->name, text, length) != 0 || now < pending->time || log->count >= CALL_LIMIT)
		return;
	if (!log->count)
		log->first = pending->time;
	add_call(log, text, length, symbols, now - pending->time);
	log->last = now;
	*pending = (struct pending){0};
}

/* "lupine-init: 38640566 ticks since power-on" */
static bool read_init(const char *text, uint64_t now, struct boot_log *log)
{
	if (!number(&text, INIT_TAIL, &log->ticks))
		return false;
	log->init = now;
	return true;
}

int boot_log_read(const char *text, const char *symbols, struct boot_log *ret, struct error *err)
{
	static const char calling[] = "calling ", returned[] = "initcall ", init[] = "lupine-init: ";
	_cleanup_boot_log_ struct boot_log log = {0};
	struct pending pending = {0};

	for (const char *line = text; line; line = strchr(line, '\n'), line += line != NULL) {
		const char *at = line;
		uint64_t now;
		if (!time_stamp(&at, &now))
			continue;
		if (starts_with(at, calling)) {
			read_call(at + strlen(calling), now, &pending);
		} else if (starts_with(at, returned)) {
			read_return(at + strlen(returned), now, symbols, &pending, &log);
		} else if (starts_with(at, init) && read_init(at + strlen(init), now, &log)) {
			break;
		}
	}
	if (!log.ticks)
		return error_set(err, EINVAL, "the log does not say when init began");
	if (!log.count)
		return error_set(err, EINVAL, "the log has no initcalls");
	if (log.first > log.last || log.last > log.init ||
		log.ticks < log.init * BOOT_TICKS_A_MICROSECOND)
		return error_set(err, EINVAL, "the log's times are in no order");
	*ret = log;
	log = (struct boot_log){0};
	return 0;
}

void boot_log_free(struct boot_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		free(log->calls[i].name);
	free(log->calls);
	*log = (struct boot_log){0};
}
