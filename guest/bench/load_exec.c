// SPDX-License-Identifier: Apache-2.0
/* Loads that another program makes, such as pgbench. */
#include "guest/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_LIMIT = 64 * 1024, WORD_LIMIT = 256 };

/* The text with {host}, {port}, {requests}, {connections} and {each} (requests of a connection)
 * replaced. The caller owns it. */
static char *fill_in(const struct settings *settings, const char *text)
{
	const struct {
		const char *name;
		unsigned value;
	} numbers[] = {{"{port}", ntohs(settings->target.sin_port)},
				   {"{requests}", settings->requests},
				   {"{connections}", settings->connections},
				   {"{each}", settings->requests / settings->connections}};
	struct text to = {0};

	while (*text) {
		size_t used = 0;
		if (strncmp(text, "{host}", 6) == 0) {
			text_add(&to, settings->host, strlen(settings->host));
			used = 6;
		}
		for (size_t i = 0; !used && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
			size_t length = strlen(numbers[i].name);
			if (strncmp(text, numbers[i].name, length) != 0)
				continue;
			text_printf(&to, "%u", numbers[i].value);
			used = length;
		}
		if (!used)
			text_add(&to, text, used = 1);
		text += used;
	}
	text_add(&to, "", 1);
	return to.bytes;
}

/* Shows what it writes, and keeps the beginning. */
static void copy_output(int fd, struct text *kept)
{
	char bytes[4096];
	ssize_t count;

	while ((count = read(fd, bytes, sizeof(bytes))) > 0) {
		fwrite(bytes, 1, (size_t)count, stderr);
		if (kept->length < OUTPUT_LIMIT)
			text_add(kept, bytes, (size_t)count);
	}
	close(fd);
	text_add(kept, "", 1);
}

static int run_command(char **argv, struct text *output)
{
	int ends[2] = {-1, -1}, status;
	pid_t child = argv[0] && pipe(ends) == 0 ? fork() : -1;

	if (child < 0 || !argv[0])
		return complain("cannot start %s: %s", argv[0], strerror(errno));
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execvp(argv[0], argv);
		fprintf(stderr, "load: cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(ends[1]);
	copy_output(ends[0], output);
	if (waitpid(child, &status, 0) != child)
		return complain("lost sight of %s", argv[0]);
	if (WIFSIGNALED(status))
		return complain("%s was ended by signal %d", argv[0], WTERMSIG(status));
	return WEXITSTATUS(status) == 0
			   ? 0
			   : complain("%s ended with status %d", argv[0], WEXITSTATUS(status));
}

int exec_prepare(const struct settings *settings)
{
	for (unsigned i = 0; i < settings->prepare_count; i++) {
		char shell[] = "/bin/sh", option[] = "-c";
		char *line = fill_in(settings, settings->prepare[i]);
		char *argv[] = {shell, option, line, NULL};
		struct text output = {0};
		int result = run_command(argv, &output);
		text_free(&output);
		free(line);
		if (result < 0) {
			char why[400];
			snprintf(why, sizeof(why), "%s", complaint());
			return complain("to prepare, %s: %s", settings->prepare[i], why);
		}
	}
	return 0;
}

static int run_filled_in(const struct settings *settings, char **argv)
{
	struct text output = {0};
	int result = run_command(argv, &output);

	if (result == 0 && settings->expect) {
		char *expected = fill_in(settings, settings->expect);
		if (!output.bytes || !strstr(output.bytes, expected))
			result = complain("%s did not say \"%s\"", argv[0], expected);
		free(expected);
	}
	text_free(&output);
	return result;
}

int exec_command(const struct settings *settings)
{
	char *argv[WORD_LIMIT + 1] = {NULL};
	unsigned count = 0;

	for (; settings->command[count]; count++) {
		if (count == WORD_LIMIT)
			return complain("the command has over %d words", WORD_LIMIT);
		argv[count] = fill_in(settings, settings->command[count]);
	}
	int result = run_filled_in(settings, argv);
	for (unsigned i = 0; i < count; i++)
		free(argv[i]);
	return result;
}
