// SPDX-License-Identifier: Apache-2.0
/* The table of verbs, in the order in which help lists them, and how it is searched. */
#include "cli/verbs.h"

#include <errno.h>
#include <string.h>

const struct verb *const verb_table[] = {
	&verb_run,    &verb_build,   &verb_kernel, &verb_ps,         &verb_start,
	&verb_stop,   &verb_logs,    &verb_rm,     &verb_inspect,    &verb_bench,
	&verb_doctor, &verb_version, &verb_help,   &verb_completion, NULL,
};

const char *verb_own_name(const struct verb *verb)
{
	const char *space = strrchr(verb->name, ' ');

	return space ? space + 1 : verb->name;
}

const struct verb *verb_find(const struct verb *const *table, char *const words[], size_t *ret_used)
{
	if (!words[0])
		return NULL;
	for (size_t i = 0; table[i]; i++) {
		if (strcmp(verb_own_name(table[i]), words[0]) != 0)
			continue;
		size_t used = 0;
		const struct verb *inner =
			table[i]->verbs ? verb_find(table[i]->verbs, words + 1, &used) : NULL;
		*ret_used = used + 1;
		return inner ? inner : table[i];
	}
	return NULL;
}

int verb_unknown(const struct verb *const *table, const char *wrong, struct error *err)
{
	const char *names[32] = {NULL};

	for (size_t i = 0; table[i] && i + 1 < ARRAY_SIZE(names); i++)
		names[i] = verb_own_name(table[i]);
	const char *nearest = did_you_mean(wrong, names);
	error_set(err, EINVAL, "there is no verb \"%s\"", wrong);
	if (nearest)
		return error_hint(err, "did you mean %s?", nearest);
	return error_hint(err, "`lupine help` lists the verbs; to run an image: lupine run %s", wrong);
}

/* The word at `text`, its length, and what follows it. */
static size_t next_word(const char **text)
{
	*text += strspn(*text, " ");
	return strcspn(*text, " ");
}

void verb_operand_counts(const struct verb *verb, size_t *ret_minimum, size_t *ret_maximum)
{
	*ret_minimum = *ret_maximum = 0;
	for (const char *at = verb->operands; at && *at;) {
		size_t length = next_word(&at);
		if (memmem(at, length, "...", 3))
			*ret_maximum = SIZE_MAX;
		else if (*ret_maximum != SIZE_MAX)
			*ret_maximum += 1;
		if (*at != '[')
			*ret_minimum += 1;
		at += length;
	}
}

char *verb_operand_name(const struct verb *verb, size_t index)
{
	for (const char *at = verb->operands; at && *at;) {
		size_t length = next_word(&at);
		if (index == 0 || memmem(at, length, "...", 3)) {
			size_t bracket = *at == '[';
			return xstrndup(at + bracket, strcspn(at + bracket, " .]"));
		}
		at += length;
		index--;
	}
	return NULL;
}
