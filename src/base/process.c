// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LINE_LIMIT = 64 * 1024,     /* a longer "line" is handed on in pieces */
	CAPTURE_LIMIT = 1024 * 1024 /* of process_capture() */
};

static _Noreturn void start_program(const struct process *process, pid_t parent, int out,
									int err_out, int failure)
{
	sigset_t none;

	/* SIGTERM, not SIGKILL: make and shells take their own children with them on it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127); /* the parent died before the line above */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; process->environment && i < process->environment->count; i++)
		putenv(process->environment->items[i]);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
		dup2(err_out, STDERR_FILENO) >= 0 &&
		(!process->directory || chdir(process->directory) == 0))
		execvp(process->argv[0], process->argv);
	int code = errno;
	(void)!write(failure, &code, sizeof(code));
	_exit(127);
}

/* Forks and executes; returns the pid, or the errno of what failed before the program ran. */
static pid_t spawn(const struct process *process, int out, int err_out, struct error *err)
{
	int failure[2];
	pid_t parent = getpid();

	if (pipe2(failure, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0)
		start_program(process, parent, out, err_out, failure[1]);
	int code = pid < 0 ? errno : 0;
	close(failure[1]);
	/* The pipe closes by itself when execvp() succeeds. */
	if (pid > 0 && read(failure[0], &code, sizeof(code)) == sizeof(code))
		waitpid(pid, NULL, 0);
	close(failure[0]);
	if (code == ENOENT && !(process->directory && !path_exists(process->directory)))
		return error_set(err, code, "there is no program %s", process->argv[0]);
	if (code)
		return error_errno(err, code, "cannot start %s", process->argv[0]);
	return pid;
}

/* Waits for the end; `tail` is the last the program said. */
static int finish(const char *name, pid_t pid, const char *tail, struct error *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, errno, "cannot wait for %s", name);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	const char *separator = tail && *tail ? ": " : "";
	if (WIFSIGNALED(status))
		return error_set(err, ECHILD, "%s was killed by signal %d%s%s", name, WTERMSIG(status),
						 separator, tail ? tail : "");
	return error_set(err, ECHILD, "%s exited with status %d%s%s", name, WEXITSTATUS(status),
					 separator, tail ? tail : "");
}

/* The last line of a text, in place. */
static const char *last_line(struct buf *text)
{
	while (text->length && strchr("\n\r ", text->data[text->length - 1]))
		text->data[--text->length] = '\0';
	const char *newline = text->length ? strrchr(text->data, '\n') : NULL;
	return newline ? newline + 1 : text->data;
}

struct output {
	const struct process *process;
	struct buf line;
	struct buf last; /* the last line that was not empty */
};

static void end_line(struct output *output, size_t length, size_t separator)
{
	output->line.data[length] = '\0';
	if (output->process->on_line)
		output->process->on_line(output->line.data, output->process->data);
	if (length) {
		buf_free(&output->last);
		buf_append(&output->last, output->line.data, length);
	}
	buf_consume(&output->line, length + separator);
}

static void split_lines(struct output *output)
{
	for (;;) {
		char *newline =
			output->line.length ? memchr(output->line.data, '\n', output->line.length) : NULL;
		if (newline)
			end_line(output, (size_t)(newline - output->line.data), 1);
		else
			break;
	}
	if (output->line.length >= LINE_LIMIT)
		end_line(output, output->line.length, 0);
}

static int relay_output(struct output *output, int fd, struct error *err)
{
	char chunk[16384];

	for (;;) {
		ssize_t count = read(fd, chunk, sizeof(chunk));
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot read its output");
		if (count == 0)
			break;
		if (output->process->log >= 0 &&
			fd_write_all(output->process->log, chunk, (size_t)count, err) < 0)
			return error_wrap(err, "log");
		buf_append(&output->line, chunk, (size_t)count);
		split_lines(output);
	}
	if (output->line.length)
		end_line(output, output->line.length, 0);
	return 0;
}

/* Ends a program whose output we can no longer take. */
static void abandon(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int process_run(const struct process *process, struct error *err)
{
	struct output output = {.process = process};
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot make a pipe");
	pid_t pid = spawn(process, pipes[1], pipes[1], err);
	close(pipes[1]);
	int result = pid < 0 ? pid : relay_output(&output, pipes[0], err);
	if (pid > 0 && result < 0) {
		abandon(pid);
		error_wrap(err, "%s", process->argv[0]);
	}
	close(pipes[0]);
	if (result == 0)
		result = finish(process->argv[0], pid, output.last.data, err);
	buf_free(&output.line);
	buf_free(&output.last);
	return result;
}

int process_capture(char *const argv[], char **ret, struct error *err)
{
	const struct process process = {.argv = argv, .log = -1};
	_cleanup_buf_ struct buf text = {0}, complaints = {0};
	_cleanup_error_ struct error ignored = {0};
	_cleanup_close_ int err_out = memfd_create("stderr", MFD_CLOEXEC);
	int pipes[2];

	if (err_out < 0 || pipe2(pipes, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot make a pipe");
	pid_t pid = spawn(&process, pipes[1], err_out, err);
	close(pipes[1]);
	int result = pid < 0 ? pid : fd_read_all(pipes[0], CAPTURE_LIMIT, &text, err);
	close(pipes[0]);
	if (pid > 0 && result < 0) {
		abandon(pid);
		return error_wrap(err, "the output of %s", argv[0]);
	}
	if (result < 0)
		return result;
	if (lseek(err_out, 0, SEEK_SET) == 0)
		fd_read_all(err_out, CAPTURE_LIMIT, &complaints, &ignored);
	result = finish(argv[0], pid, last_line(&complaints), err);
	if (result < 0)
		return result;
	while (text.length && text.data[text.length - 1] == '\n')
		text.data[--text.length] = '\0';
	*ret = buf_steal(&text);
	return 0;
}
