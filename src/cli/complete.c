// SPDX-License-Identifier: Apache-2.0
/*
 * What may be typed next. The shells ask the program itself, which looks into its own tables: so
 * completions know every verb, option and choice, and what there is on this machine.
 */
#include "base/paths.h"
#include "cli/help.h"
#include "cli/machines.h"
#include "kernel/kernel.h"
#include "vmm/vmm.h"

#include <dirent.h>
#include <string.h>

static void candidate(struct buf *ret, const char *word, const char *meaning)
{
	buf_printf(ret, "%s\t%s\n", word, meaning ? meaning : "");
}

static void add_machine(const struct machine *machine, const struct machine_status *status,
						void *data)
{
	candidate(data, machine->name, machine_state_name(status->state));
	if (strcmp(machine->name, machine->id) != 0)
		candidate(data, machine->id, machine->name);
}

static void add_machines(struct buf *ret)
{
	_cleanup_error_ struct error ignored = {0};

	machines_each(true, add_machine, ret, &ignored);
}

static void add_kernels(struct buf *ret)
{
	_cleanup_error_ struct error ignored = {0};
	struct kernel **kernels = NULL;
	size_t count = 0;

	if (kernel_list(&kernels, &count, &ignored) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *id = xstrndup(kernels[i]->id, 12);
		candidate(ret, id, kernels[i]->release);
		kernel_free(&kernels[i]);
	}
	free(kernels);
}

/* The fragments in a directory of ours: NAME.config. */
static void add_fragments(const char *directory, struct buf *ret)
{
	static const char suffix[] = ".config";
	_cleanup_error_ struct error ignored = {0};
	_cleanup_free_ char *path = NULL;
	struct dirent **entries = NULL;
	int count =
		path_data(directory, &path, &ignored) < 0 ? 0 : scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char *name = entries[i]->d_name;
		if (ends_with(name, suffix)) {
			name[strlen(name) - strlen(suffix)] = '\0';
			candidate(ret, name, "");
		}
		free(entries[i]);
	}
	free(entries);
}

static void add_features(struct buf *ret)
{
	add_fragments("linux/config/features", ret);
}

static void add_variants(struct buf *ret)
{
	add_fragments("linux/config/variants", ret);
}

static void add_monitors(struct buf *ret)
{
	for (size_t i = 0; vmm_table[i]; i++)
		candidate(ret, vmm_table[i]->name, vmm_table[i]->help);
}

static void add_verbs(struct buf *ret)
{
	for (size_t i = 0; verb_table[i]; i++)
		if (!verb_table[i]->hidden)
			candidate(ret, verb_table[i]->name, verb_table[i]->summary);
}

static void add_files(struct buf *ret)
{
	buf_puts(ret, ":files\n");
}

static void add_schemes(struct buf *ret)
{
	for (const struct term *reference = help_references; reference->term; reference++) {
		size_t length = strcspn(reference->term, ":");
		if (!reference->term[length])
			continue; /* a path, which the shell finds */
		_cleanup_free_ char *scheme = xstrndup(reference->term, length + 1);
		candidate(ret, scheme, reference->meaning);
	}
	add_files(ret);
}

static void add_machines_and_schemes(struct buf *ret)
{
	add_machines(ret);
	add_schemes(ret);
}

static void add_kernels_and_files(struct buf *ret)
{
	add_kernels(ret);
	add_files(ret);
}

static void add_directories(struct buf *ret)
{
	buf_puts(ret, ":directories\n");
}

/* By the names that operands and option values have in the tables. */
static const struct {
	const char *name;
	void (*add)(struct buf *ret);
} sources[] = {
	{"MACHINE", add_machines},
	{"REF", add_schemes},
	{"REF|MACHINE", add_machines_and_schemes},
	{"KERNEL", add_kernels_and_files},
	{"ID", add_kernels},
	{"FEATURE", add_features},
	{"VARIANT", add_variants},
	{"MONITOR", add_monitors},
	{"VERB", add_verbs},
	{"FILE", add_files},
	{"PATH", add_files},
	{"ARG", add_files},
	{"DIR", add_directories},
};

/* Words between bars in lower case are the choices themselves. */
static void add_choices(const char *choices, struct buf *ret)
{
	_cleanup_free_ char *copy = xstrdup(choices);

	for (char *rest = copy, *word; (word = strsep(&rest, "|"));)
		candidate(ret, word, "");
}

static void add_by_name(const char *name, struct buf *ret)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(sources); i++) {
		if (strcmp(sources[i].name, name) == 0) {
			sources[i].add(ret);
			return;
		}
	}
	if (name && strpbrk(name, "abcdefghijklmnopqrstuvwxyz"))
		add_choices(name, ret);
}

static void add_value(const struct option_row *row, struct buf *ret)
{
	if (row->choices)
		add_choices(row->choices, ret);
	else
		add_by_name(row->argument, ret);
}

static void add_options(const struct option_row *table, struct buf *ret)
{
	for (const struct option_row *row = table; row->name; row++) {
		_cleanup_free_ char *word = xasprintf("--%s", row->name);
		candidate(ret, word, row->help);
	}
}

/* The option that `word` leaves without its value ("--memory", "-m", "-itm"), or NULL. */
static const struct option_row *awaits_value(const struct option_row *table, const char *word)
{
	size_t length = strlen(word);

	if (length < 2 || *word != '-')
		return NULL;
	for (const struct option_row *row = table; row->name; row++) {
		if (!option_value_name(row))
			continue;
		bool by_letter = word[1] != '-' && row->letter && word[length - 1] == row->letter;
		if (by_letter || (word[1] == '-' && strcmp(word + 2, row->name) == 0))
			return row;
	}
	return NULL;
}

/* "--accel=t": the values come with the option in front, for they replace the whole word. */
static void add_attached_value(const struct option_row *table, const char *word, struct buf *ret)
{
	size_t length = strcspn(word, "=");
	_cleanup_free_ char *option = xstrndup(word, length);
	const struct option_row *row = awaits_value(table, option);
	_cleanup_buf_ struct buf values = {0};

	if (!row)
		return;
	add_value(row, &values);
	for (char *rest = values.data, *line; rest && (line = strsep(&rest, "\n"));)
		if (*line)
			buf_printf(ret, *line == ':' ? "%.0s%s\n" : "%s=%s\n", option, line);
}

static void complete_verb(const struct verb *verb, char *const words[], struct buf *ret)
{
	size_t operands = 0, i = 0;
	bool ended = false;

	for (; words[i + 1]; i++) {
		if (!ended && awaits_value(verb->options, words[i])) {
			if (!words[i + 2]) {
				add_value(awaits_value(verb->options, words[i]), ret);
				return;
			}
			i++;
		} else if (!ended && strcmp(words[i], "--") == 0) {
			ended = true;
		} else if (ended || *words[i] != '-') {
			operands++;
			ended = ended || verb->stop_at_operand;
		}
	}
	if (!ended && *words[i] == '-' && strchr(words[i], '=')) {
		add_attached_value(verb->options, words[i], ret);
	} else if (!ended && *words[i] == '-') {
		add_options(verb->options, ret);
	} else {
		_cleanup_free_ char *name = verb_operand_name(verb, operands);
		add_by_name(name, ret);
	}
}

void complete_words(char *const words[], struct buf *ret)
{
	size_t used = 0;
	const struct verb *verb = words[1] ? verb_find(verb_table, words, &used) : NULL;
	const struct verb *const *table = verb && verb->verbs ? verb->verbs : verb_table;

	if (!words[0] || (words[1] && !verb))
		return;
	/* The last word is being typed, so it cannot be the verb yet. */
	if (verb && !verb->verbs && words[used]) {
		complete_verb(verb, words + used, ret);
		return;
	}
	if (verb && verb->verbs && (!words[used] || words[used + 1]))
		return;
	for (size_t i = 0; table[i]; i++) {
		if (!table[i]->hidden)
			candidate(ret, verb_own_name(table[i]), table[i]->summary);
	}
}
