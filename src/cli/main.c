// SPDX-License-Identifier: Apache-2.0
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Without these a file that is opened later would be taken for stdout. */
static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int check_operands(const struct verb *verb, const struct strings *operands,
						  struct error *err)
{
	size_t minimum, maximum;

	verb_operand_counts(verb, &minimum, &maximum);
	if (operands->count < minimum) {
		_cleanup_free_ char *name = verb_operand_name(verb, operands->count);
		error_set(err, EINVAL, "%s: no %s was given", verb->name, name);
	} else if (operands->count > maximum) {
		error_set(err, EINVAL, "%s: one operand too many: \"%s\"", verb->name,
				  operands->items[maximum]);
	} else {
		return 0;
	}
	return error_hint(err, "usage: lupine %s%s%s%s", verb->name, verb->options ? " [OPTIONS]" : "",
					  verb->operands ? " " : "", verb->operands ? verb->operands : "");
}

static int print_help(const struct verb *verb, FILE *to)
{
	_cleanup_buf_ struct buf text = {0};

	help_text(verb, &text);
	fputs(text.data, to);
	return 0;
}

static int parse_and_run(const struct verb *verb, char *const argv[], void *options,
						 struct error *err)
{
	_cleanup_strings_ struct strings operands = {0};
	const struct common_options *common = options;
	int error = options_parse(verb->options, argv, verb->stop_at_operand, options, &operands, err);

	if (error < 0) {
		if (!err->hint)
			error_hint(err, "`lupine %s --help` lists the options", verb->name);
		return error;
	}
	if (common->help)
		return print_help(verb, stdout);
	error = check_operands(verb, &operands, err);
	if (error < 0)
		return error;
	progress_enable(isatty(STDERR_FILENO) && !common->quiet && !wants_json(common));
	return verb->run(options, &operands, err);
}

static int run_group(const struct verb *verb, const char *word, struct error *err)
{
	if (word && strcmp(word, "--help") == 0)
		return print_help(verb, stdout);
	if (word) {
		verb_unknown(verb->verbs, word, err);
		return error_wrap(err, "%s", verb->name);
	}
	print_help(verb, stderr);
	return STATUS_FAILED;
}

static int run_words(char *const words[], struct error *err)
{
	static char *const version[] = {"version", NULL};
	size_t used = 0;

	if (!words[0]) {
		print_help(NULL, stderr);
		return STATUS_FAILED;
	}
	if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0)
		return print_help(NULL, stdout);
	if (strcmp(words[0], "--version") == 0)
		words = version;
	if (words[0][0] == '-') {
		error_set(err, EINVAL, "unknown option %s before the verb", words[0]);
		return error_hint(err, "usage: lupine VERB [OPTIONS] ..., for example lupine run --help");
	}
	const struct verb *verb = verb_find(verb_table, words, &used);
	if (!verb)
		return verb_unknown(verb_table, words[0], err);
	if (verb->verbs)
		return run_group(verb, words[used], err);
	_cleanup_free_ void *options = xcalloc(1, verb->options_size);
	int status = parse_and_run(verb, words + used, options, err);
	options_free(verb->options, options);
	return status;
}

int main(int argc, char *argv[])
{
	static char *const nothing[] = {NULL};
	_cleanup_error_ struct error err = {0};

	open_standard_descriptors();
	int status = run_words(argc > 0 ? argv + 1 : nothing, &err);
	progress_clear();
	if (status < 0) {
		error_print(&err);
		status = STATUS_FAILED;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		error_errno(&err, errno, "cannot write to stdout");
		error_print(&err);
		status = STATUS_FAILED;
	}
	return status;
}
