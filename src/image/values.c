// SPDX-License-Identifier: Apache-2.0
/* Signals and ports as images write them. */
#include "base/options.h"
#include "image/image.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* glibc keeps the first two real-time signals to itself; images count from where it begins. */
enum { REALTIME_FIRST = 34, REALTIME_LAST = 64 };

/* clang-format off */
static const struct {
	const char *name;
	int number;
} signals[] = {
	{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"ILL", SIGILL},
	{"TRAP", SIGTRAP}, {"ABRT", SIGABRT}, {"IOT", SIGIOT}, {"BUS", SIGBUS},
	{"FPE", SIGFPE}, {"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"SEGV", SIGSEGV},
	{"USR2", SIGUSR2}, {"PIPE", SIGPIPE}, {"ALRM", SIGALRM}, {"TERM", SIGTERM},
	{"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD}, {"CLD", SIGCLD}, {"CONT", SIGCONT},
	{"STOP", SIGSTOP}, {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},
	{"URG", SIGURG}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ}, {"VTALRM", SIGVTALRM},
	{"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO}, {"POLL", SIGPOLL},
	{"PWR", SIGPWR}, {"SYS", SIGSYS},
	{"RTMIN", REALTIME_FIRST}, {"RTMAX", REALTIME_LAST},
};
/* clang-format on */

/* "RTMIN+3" and "RTMAX-2"; 0 when it is neither. */
static int realtime_signal(const char *name)
{
	_cleanup_error_ struct error ignored = {0};
	bool up = strncasecmp(name, "RTMIN+", 6) == 0, down = strncasecmp(name, "RTMAX-", 6) == 0;
	uint64_t offset;

	if ((!up && !down) ||
		parse_number(name + 6, 0, REALTIME_LAST - REALTIME_FIRST, &offset, &ignored) < 0)
		return 0;
	return up ? REALTIME_FIRST + (int)offset : REALTIME_LAST - (int)offset;
}

int image_parse_signal(const char *text, struct error *err)
{
	_cleanup_error_ struct error ignored = {0};
	uint64_t number;

	if (!text || !*text)
		return SIGTERM;
	if (parse_number(text, 1, REALTIME_LAST, &number, &ignored) == 0)
		return (int)number;
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (strcasecmp(signals[i].name, name) == 0)
			return signals[i].number;
	int realtime = realtime_signal(name);
	if (realtime)
		return realtime;
	error_set(err, EINVAL, "%s is no signal", text);
	return error_hint(err, "signals are written SIGTERM, TERM, 15, or SIGRTMIN+3");
}

int image_parse_port(const char *text, struct image_port *ret, struct error *err)
{
	_cleanup_error_ struct error ignored = {0};
	const char *slash = strchr(text, '/');
	const char *protocol = slash ? slash + 1 : "tcp";
	_cleanup_free_ char *digits = xstrndup(text, slash ? (size_t)(slash - text) : strlen(text));
	bool udp = strcasecmp(protocol, "udp") == 0;
	uint64_t number;

	if (parse_number(digits, 1, UINT16_MAX, &number, &ignored) < 0 ||
		(!udp && strcasecmp(protocol, "tcp") != 0)) {
		error_set(err, EINVAL, "%s is no port", text);
		return error_hint(err, "ports are written 80, 80/tcp or 53/udp, between 1 and 65535");
	}
	*ret = (struct image_port){.port = (uint16_t)number};
	snprintf(ret->protocol, sizeof(ret->protocol), "%s", udp ? "udp" : "tcp");
	return 0;
}
