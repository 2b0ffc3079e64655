// SPDX-License-Identifier: Apache-2.0
#include "bench/host.h"
#include "base/files.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_LIMIT = 1024 * 1024, SMAPS_LIMIT = 64 * 1024 };

static _Noreturn void run_program(const struct strings *argv, int processor, pid_t parent,
								  int output, int failure)
{
	sigset_t none;
	cpu_set_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* the parent died before the line above */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool ready = null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
				 dup2(output, STDERR_FILENO) >= 0;
	if (ready && processor >= 0) {
		CPU_ZERO(&set);
		CPU_SET((size_t)processor, &set);
		ready = sched_setaffinity(0, sizeof(set), &set) == 0;
	}
	if (ready)
		execvp(argv->items[0], argv->items);
	int code = errno;
	(void)!write(failure, &code, sizeof(code));
	_exit(127);
}

int host_start(const struct strings *argv, int processor, struct host_process *ret,
			   struct error *err)
{
	int output[2], failure[2];
	pid_t parent = getpid();

	if (pipe2(output, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot make a pipe");
	_cleanup_close_ int reader = output[0], writer = output[1];
	if (pipe2(failure, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot make a pipe");
	_cleanup_close_ int failure_reader = failure[0];
	pid_t pid = fork();
	if (pid == 0)
		run_program(argv, processor, parent, writer, failure[1]);
	int code = pid < 0 ? errno : 0;
	close(failure[1]);
	/* The pipe closes by itself when execvp() succeeds. */
	if (pid > 0 && read(failure_reader, &code, sizeof(code)) == sizeof(code))
		waitpid(pid, NULL, 0);
	if (code)
		return error_errno(err, code, "cannot start %s", argv->items[0]);
	*ret = (struct host_process){.pid = pid, .ended = pidfd_open(pid, 0), .output = reader};
	reader = -1;
	if (ret->ended < 0) {
		error_errno(err, errno, "cannot watch %s", argv->items[0]);
		host_end(ret);
		return -err->code;
	}
	fcntl(ret->output, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Takes what is there. A process that was only named has no text to take. */
static void take_text(struct host_process *process)
{
	char chunk[16384];

	while (process->output >= 0) {
		ssize_t count = read(process->output, chunk, sizeof(chunk));
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN)
			return;
		if (count <= 0) {
			close(process->output);
			process->output = -1;
			return;
		}
		buf_append(&process->text, chunk, (size_t)count);
		if (process->text.length > TEXT_LIMIT)
			buf_consume(&process->text, process->text.length - TEXT_LIMIT / 2);
	}
}

static bool has_text(const struct host_process *process, const char *find)
{
	return find && process->text.length &&
		   memmem(process->text.data, process->text.length, find, strlen(find));
}

enum host_event host_wait(struct host_process *process, const char *find,
						  struct host_process *other, double deadline)
{
	for (;;) {
		struct pollfd slots[] = {
			{.fd = process->ended, .events = POLLIN},
			{.fd = process->output, .events = POLLIN},
			{.fd = other ? other->ended : -1, .events = POLLIN},
			{.fd = other ? other->output : -1, .events = POLLIN},
		};
		double left = deadline - host_seconds();
		/* One look, at least: what happened in time counts, also when we come late. */
		poll(slots, ARRAY_SIZE(slots), left > 0 ? (int)fmin(ceil(left * 1000), 1e9) : 0);
		take_text(process);
		if (other)
			take_text(other);
		if (has_text(process, find))
			return HOST_FOUND;
		if (slots[0].revents)
			return HOST_ENDED;
		if (slots[2].revents)
			return HOST_OTHER_ENDED;
		if (left <= 0)
			return HOST_LATE;
	}
}

int host_status(struct host_process *process)
{
	int status = 0;

	/* Its children, should it have left any, go with it: the group's name is theirs as long as its
	 * leader is not waited for. */
	kill(-process->pid, SIGKILL);
	while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
		;
	process->pid = 0;
	return status;
}

void host_end(struct host_process *process)
{
	if (process->pid > 0) {
		kill(process->pid, SIGKILL); /* it may not have come to its own group yet */
		host_status(process);
	}
	if (process->ended >= 0)
		close(process->ended);
	if (process->output >= 0)
		close(process->output);
	buf_free(&process->text);
	*process = HOST_PROCESS_NONE;
}

const char *host_last_line(struct host_process *process)
{
	struct buf *text = &process->text;

	while (text->length && strchr("\r\n\t ", text->data[text->length - 1]))
		text->data[--text->length] = '\0';
	if (!text->length)
		return "";
	const char *newline = memrchr(text->data, '\n', text->length);
	return newline ? newline + 1 : text->data;
}

double host_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int host_free_port(uint16_t *ret, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof(address);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, length) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return error_errno(err, errno, "cannot find a free port");
	*ret = ntohs(address.sin_port);
	return 0;
}

int host_processor(unsigned n)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_COUNT(&set) < 2)
		return -1;
	for (int processor = 0; processor < CPU_SETSIZE; processor++)
		if (CPU_ISSET((size_t)processor, &set) && n-- == 0)
			return processor;
	return -1;
}

int host_pss(pid_t pid, uint64_t *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/smaps_rollup", (int)pid);
	_cleanup_buf_ struct buf text = {0};

	if (file_read(AT_FDCWD, path, SMAPS_LIMIT, &text, err) < 0)
		return error_wrap(err, "the memory of process %d", (int)pid);
	const char *line = text.length ? strstr(text.data, "\nPss:") : NULL;
	if (!line)
		return error_set(err, EINVAL, "%s has no \"Pss:\"", path);
	*ret = strtoull(line + strlen("\nPss:"), NULL, 10) * 1024;
	return 0;
}
