// SPDX-License-Identifier: Apache-2.0
/* `lupine completion`: the shells' side of complete.c, which lies in data/. */
#include "base/files.h"
#include "base/paths.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const struct option_row options[] = {
	HELP_ROW,
	OPTION_END,
};

static int print_script(const char *shell, struct error *err)
{
	enum { SCRIPT_LIMIT = 65536 };
	_cleanup_free_ char *name = xasprintf("data/completion.%s", shell), *path = NULL;
	_cleanup_buf_ struct buf script = {0};

	if (path_data(name, &path, err) < 0 ||
		file_read(AT_FDCWD, path, SCRIPT_LIMIT, &script, err) < 0)
		return -err->code;
	fputs(script.data, stdout);
	return 0;
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	_cleanup_buf_ struct buf answers = {0};
	const char *what = operands->items[0];

	(void)given;
	if (strcmp(what, "bash") == 0 || strcmp(what, "zsh") == 0)
		return print_script(what, err);
	if (strcmp(what, "words") != 0) {
		error_set(err, EINVAL, "there are no completions for \"%s\"", what);
		return error_hint(err, "there are for bash and zsh");
	}
	/* `lupine completion words -- WORD...` */
	size_t first = operands->count > 1 && strcmp(operands->items[1], "--") == 0 ? 2 : 1;
	complete_words(operands->items + first, &answers);
	fputs(answers.data ? answers.data : "", stdout);
	return 0;
}

static const struct example examples[] = {
	{"source <(lupine completion bash)", "complete in this shell"},
	{"lupine completion zsh > ~/.zfunc/_lupine", "a file for a directory of zsh's $fpath"},
	{NULL, NULL},
};

const struct verb verb_completion = {
	.name = "completion",
	.summary = "Print what bash or zsh needs to complete lupine's command lines",
	.operands = "bash|zsh [WORD...]",
	.options = options,
	.options_size = sizeof(struct common_options),
	.stop_at_operand = true,
	.examples = examples,
	.run = run,
	.hidden = true,
};
