// SPDX-License-Identifier: Apache-2.0
#include "vmm/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child that fails before its exec says. */
struct failure {
	int error;
	unsigned step;
};

/* Signals as a fresh program expects them: what is ignored stays so across exec. */
static int reset_signals(const struct spawn *spawn)
{
	sigset_t none;

	(void)spawn;
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			signal(number, SIG_DFL); /* fails for the C library's own ones, which is fine */
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

static int set_descriptors(const struct spawn *spawn)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(spawn->log, STDOUT_FILENO) < 0 ||
		dup2(spawn->log, STDERR_FILENO) < 0)
		return -errno;
	/* Ours have O_CLOEXEC; those of whoever started us may not. */
	if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	for (size_t i = 0; i < spawn->keep_count; i++)
		if (spawn->keep[i] >= 0 && fcntl(spawn->keep[i], F_SETFD, 0) < 0)
			return -errno;
	return 0;
}

/* The environment holds what is the user's own business. */
static void monitor_environment(struct strings *ret)
{
	static const char *const kept[] = {"PATH", "TMPDIR", "LD_LIBRARY_PATH"};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (getenv(kept[i]))
			strings_addf(ret, "%s=%s", kept[i], getenv(kept[i]));
	strings_add(ret, "LC_ALL=C");
}

/* Ctrl-C is for the application: a session of its own keeps the terminal from the monitor. */
static int leave_session(const struct spawn *spawn)
{
	(void)spawn;
	return setsid() < 0 ? -errno : 0;
}

static int take_privileges(const struct spawn *spawn)
{
	return privileges_apply(&spawn->privileges);
}

/* After the change of user, which would undo it. */
static int die_with_parent(const struct spawn *spawn)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == spawn->parent ? 0 : -ESRCH;
}

static int execute(const struct spawn *spawn)
{
	execve(spawn->argv->items[0], spawn->argv->items, spawn->environment->items);
	return -errno;
}

/* What a child does, in this order. */
static const struct step {
	const char *name;
	int (*run)(const struct spawn *spawn);
} steps[] = {
	{"session", leave_session},      {"signals", reset_signals}, {"descriptors", set_descriptors},
	{"privileges", take_privileges}, {"death", die_with_parent}, {"program", execute},
};

static _Noreturn void child(const struct spawn *spawn, int report)
{
	struct failure failure = {0};

	while (failure.error == 0) {
		failure.error = steps[failure.step].run(spawn);
		if (failure.error == 0)
			failure.step++;
	}
	(void)!write(report, &failure, sizeof(failure));
	_exit(127);
}

int spawn_monitor(struct spawn *spawn, pid_t *ret_pid, struct error *err)
{
	_cleanup_strings_ struct strings environment = {0};
	_cleanup_close_ int report = -1;
	const char *program = spawn->argv->items[0];
	struct failure failure;
	int ends[2];

	monitor_environment(&environment);
	spawn->environment = &environment;
	spawn->parent = getpid();

	/* The write end goes with the exec, so that the end of the pipe means that it worked. */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot start %s", program);
	report = ends[0];
	pid_t pid = fork();
	if (pid == 0)
		child(spawn, ends[1]);
	close(ends[1]);
	if (pid < 0)
		return error_errno(err, errno, "cannot start %s", program);
	if (read(report, &failure, sizeof(failure)) == (ssize_t)sizeof(failure)) {
		waitpid(pid, NULL, 0);
		return error_errno(err, -failure.error, "cannot start %s: its %s", program,
						   failure.step < ARRAY_SIZE(steps) ? steps[failure.step].name : "end");
	}
	*ret_pid = pid;
	return 0;
}
