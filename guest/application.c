// SPDX-License-Identifier: Apache-2.0
/* Starts the application: its streams, session, limits, directory, user and program. */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441 /* include/uapi/asm-generic/ioctls.h */
#endif
#define GROUPS_MAX 1024
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" /* docker's */

struct start {
	const struct config *config;
	int streams[3];
	uint64_t *ticks;
	struct failure *failure;
};

/* The user's own group comes first of the supplementary ones too, as with docker: else a program
 * that gives its group up would lose what the group was denied (CVE-2022-36109). */
static int groups_read(const struct config *config, gid_t groups[GROUPS_MAX], size_t *ret_count,
					   struct failure *failure)
{
	size_t count = 0;
	groups[count++] = config->gid;
	for (char **text = config->group; *text; text++) {
		uint64_t group;
		if (count == GROUPS_MAX || number_parse_all(*text, UINT32_MAX - 1, &group) < 0)
			return failure_set(failure, 125, TEXT("group ", *text, " cannot be set"));
		if (group != config->gid)
			groups[count++] = (gid_t)group;
	}
	*ret_count = count;
	return 0;
}

static int user_set(const struct config *config, struct failure *failure)
{
	static gid_t groups[GROUPS_MAX];
	size_t count = 0;
	if (groups_read(config, groups, &count, failure) < 0)
		return -1;
	if (!config->uid_text && !config->gid_text && count == 1)
		return 0; /* nobody asked for a user */
	/* The bare calls: the library's would first look for other threads, and there are none. */
	if (syscall(SYS_setgroups, count, groups) == 0 && syscall(SYS_setgid, config->gid) == 0 &&
		syscall(SYS_setuid, config->uid) == 0)
		return 0;
	/* Without CONFIG_MULTIUSER all is root's, which is what we are. */
	bool single = errno == ENOSYS;
	if (single && config->uid == 0 && config->gid == 0 && count == 1)
		return 0;
	return failure_set(
		failure, 125,
		TEXT("user ", NUMBER(config->uid), ", group ", NUMBER(config->gid), ": ",
			 single ? "the kernel has no users (CONFIG_MULTIUSER)" : strerror(errno)));
}

static int limits_set(const struct config *config, struct failure *failure)
{
	for (char **text = config->rlimit; *text; text++) {
		struct limit limit;
		int r = limit_parse(*text, &limit);
		struct rlimit value = {.rlim_cur = limit.soft, .rlim_max = limit.hard};
		if (r < 0 || prlimit(0, limit.resource, &value, NULL) < 0)
			return failure_set(failure, 125,
							   TEXT("limit \"", *text, "\": ", strerror(r < 0 ? -r : errno)));
	}
	return 0;
}

static int directory_enter(const char *path, struct failure *failure)
{
	int r = make_directories(path, 0755);
	if (r < 0 || chdir(path) < 0)
		return failure_set(failure, 125,
						   TEXT("working directory ", path, ": ", strerror(r < 0 ? -r : errno)));
	return 0;
}

/* Runs in init's own memory while init waits, so what it writes to *failure arrives. */
static int child(void *data)
{
	struct start *start = data;
	const struct config *config = start->config;
	sigset_t none;
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	for (int i = 0; i < 3; i++)
		dup2(start->streams[i], i);
	if (config->tty && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		failure_set(start->failure, 125, TEXT("controlling terminal: ", strerror(errno)));
	else if (limits_set(config, start->failure) == 0 &&
			 directory_enter(config->cwd ? config->cwd : "/", start->failure) == 0 &&
			 user_set(config, start->failure) == 0)
		exec_search(config->arg, config->env, start->ticks, start->failure);
	_exit(start->failure->status);
}

/* `write` true: the application writes, we read. The mode of a pipe is 0600, so it is given to
 * the user: else they could not open /dev/stdout, which is that pipe again. */
static int pipe_make(const struct config *config, bool write, int *theirs, int *ours)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*theirs = ends[write];
	*ours = ends[!write];
	if (config->uid != 0 && fchown(*theirs, config->uid, (gid_t)-1) < 0)
		return -errno;
	return fcntl(*ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int pipes_make(const struct config *config, struct application *ret, int streams[3])
{
	int r = pipe_make(config, true, &streams[1], &ret->outputs[0]);
	if (r == 0)
		r = pipe_make(config, true, &streams[2], &ret->outputs[1]);
	if (r < 0)
		return r;
	if (!config->has_stdin)
		streams[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (streams[0] >= 0)
		return 0;
	r = pipe_make(config, false, &streams[0], &ret->input);
	if (r == 0 && !config->has_stdin) {
		close(ret->input); /* there was no /dev/null: a pipe that has ended is as empty */
		ret->input = -1;
	}
	return r;
}

static int terminal_make(const struct config *config, struct application *ret, int streams[3])
{
	int unlock = 0;
	struct winsize size = {.ws_row = config->tty_rows, .ws_col = config->tty_columns};
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return -errno;
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0 ||
		(config->uid != 0 && fchown(slave, config->uid, (gid_t)-1) < 0))
		return -errno;
	for (int i = 0; i < 3; i++)
		streams[i] = slave;
	ret->outputs[0] = master;
	ret->input = config->has_stdin ? master : -1;
	ret->terminal = slave;
	return 0;
}

static void environment_complete(struct config *config)
{
	config_default_env(config, "PATH", DEFAULT_PATH);
	if (config->hostname)
		config_default_env(config, "HOSTNAME", config->hostname);
	config_default_env(config, "HOME", config->home ? config->home : "/");
	if (config->tty)
		config_default_env(config, "TERM", config->tty_term);
}

int application_start(struct config *config, struct application *ret, struct failure *failure)
{
	/* Cloned with init's memory and on this stack, which costs no copy of the page tables; init
	 * goes on once the child has executed its program or failed. */
	static char stack[65536] __attribute__((aligned(16)));
	struct start start = {config, {-1, -1, -1}, &ret->ticks, failure};
	*ret = (struct application){.input = -1, .outputs = {-1, -1}, .terminal = -1};
	environment_complete(config);
	int r = config->tty ? terminal_make(config, ret, start.streams)
						: pipes_make(config, ret, start.streams);
	if (r < 0)
		return failure_set(failure, 125,
						   TEXT(config->tty ? "terminal: " : "standard streams: ", strerror(-r)));

	failure->status = 0;
	ret->pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
	if (ret->pid < 0)
		return failure_set(failure, 125, TEXT("new process: ", strerror(errno)));
	for (int i = 0; i < 3; i++)
		if (start.streams[i] != ret->terminal)
			close(start.streams[i]);
	if (failure->status == 0)
		return 0;
	waitpid(ret->pid, NULL, 0);
	*ret = (struct application){.input = -1, .outputs = {-1, -1}, .terminal = -1};
	return -1;
}
