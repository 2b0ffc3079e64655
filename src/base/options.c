// SPDX-License-Identifier: Apache-2.0
#include "base/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret,
				 struct error *err)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return error_set(err, EINVAL, "\"%s\" is not a number", text);
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (*end)
		return error_set(err, EINVAL, "\"%s\" is not a number", text);
	if (errno || value < minimum || value > maximum) {
		if (maximum == UINT64_MAX)
			return error_set(err, ERANGE, "%s is not %llu or more", text,
							 (unsigned long long)minimum);
		return error_set(err, ERANGE, "%s is not between %llu and %llu", text,
						 (unsigned long long)minimum, (unsigned long long)maximum);
	}
	*ret = value;
	return 0;
}

int parse_size(const char *text, uint64_t *ret, struct error *err)
{
	static const char suffixes[] = "bkmgtp";
	size_t digits = strspn(text, "0123456789");
	const char *suffix = text + digits;
	const char *unit = *suffix ? strchr(suffixes, tolower((unsigned char)*suffix)) : suffixes;
	/* "64m", "64mb" and "64MiB" are all the same to docker. */
	bool valid = digits && unit &&
				 (strlen(suffix) <= 1 || (unit != suffixes && (strcasecmp(suffix + 1, "b") == 0 ||
															   strcasecmp(suffix + 1, "ib") == 0)));
	if (!valid) {
		error_set(err, EINVAL, "\"%s\" is not a size", text);
		return error_hint(err, "write bytes, or a number with a suffix: 512k, 64m, 1g");
	}
	errno = 0;
	uint64_t value = strtoull(text, NULL, 10), factor = 1ULL << (10 * (unit - suffixes));
	if (errno || __builtin_mul_overflow(value, factor, &value))
		return error_set(err, ERANGE, "%s is too large", text);
	*ret = value;
	return 0;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edits (insert, delete, replace, swap neighbours) that turn one word into the other. */
static size_t edit_distance(const char *from, const char *to)
{
	enum { LONGEST = 64 };
	size_t rows[3][LONGEST + 1]; /* this one, the one before, the one before that */
	size_t length = strlen(to);

	if (length > LONGEST || strlen(from) > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= length; j++)
		rows[0][j] = rows[1][j] = rows[2][j] = j;
	for (size_t i = 1; from[i - 1]; i++) {
		size_t *row = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t replace = before[j - 1] + (from[i - 1] != to[j - 1]);
			row[j] = smallest(before[j] + 1, row[j - 1] + 1, replace);
			if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
				row[j] = smallest(row[j], earlier[j - 2] + 1, LONGEST);
		}
	}
	return rows[strlen(from) % 3][length];
}

const char *did_you_mean(const char *wrong, const char *const words[])
{
	const char *nearest = NULL;
	size_t least = strlen(wrong) / 3 + 1; /* a third of it may be wrong */

	for (size_t i = 0; words[i]; i++) {
		size_t distance = edit_distance(wrong, words[i]);
		if (strlen(wrong) > 1 && starts_with(words[i], wrong))
			distance = 1; /* the start of a word is as good as a slip of one letter */
		/* Nothing of a word of one or two letters is left when all of them change. */
		if (distance <= least && distance < strlen(words[i]) && (distance < least || !nearest)) {
			nearest = words[i];
			least = distance;
		}
	}
	return nearest;
}

static int unknown_option(const struct option_row *table, const char *given, struct error *err)
{
	_cleanup_free_ const char **names = NULL;
	_cleanup_free_ char *word = xstrdup(given + strspn(given, "-"));
	size_t count = 0;

	word[strcspn(word, "=")] = '\0';
	for (size_t i = 0; table[i].name; i++) {
		names = xrealloc(names, count + 2, sizeof(*names));
		names[count++] = table[i].name;
		names[count] = NULL;
	}
	const char *nearest = names ? did_you_mean(word, names) : NULL;
	error_set(err, EINVAL, "unknown option %.*s", (int)strcspn(given, "="), given);
	return nearest ? error_hint(err, "did you mean --%s?", nearest) : -EINVAL;
}

/* A letter among others; "-memory" is more likely a long option that lacks a dash. */
static int unknown_letter(const struct option_row *table, const char *given, char letter,
						  struct error *err)
{
	if (strlen(given) == 2)
		return error_set(err, EINVAL, "unknown option %s", given);
	unknown_option(table, given, err);
	_cleanup_free_ char *hint = steal(&err->hint);
	error_set(err, EINVAL, "unknown option -%c in %s", letter, given);
	return hint ? error_hint(err, "%s", hint) : -EINVAL;
}

static int parse_choice(const struct option_row *row, const char *value, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(row->choices);
	const char *words[32] = {NULL};
	size_t count = 0;

	for (char *rest = copy, *word; (word = strsep(&rest, "|")) && count < ARRAY_SIZE(words) - 1;) {
		if (strcmp(word, value) == 0)
			return 0;
		words[count++] = word;
	}
	const char *nearest = did_you_mean(value, words);
	error_set(err, EINVAL, "\"%s\" is not one of %s", value, row->choices);
	return nearest ? error_hint(err, "did you mean %s?", nearest) : -EINVAL;
}

static int parse_flag(const char *value, bool *ret, struct error *err)
{
	if (!value || strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
		*ret = !value || *value == 't';
		return 0;
	}
	return error_set(err, EINVAL, "\"%s\" is neither true nor false", value);
}

/* Stores a value; `value` is NULL only for flags. */
static int set_option(const struct option_row *row, const char *value, void *target,
					  struct error *err)
{
	void *member = (char *)target + row->offset;
	int error = 0;

	switch (row->kind) {
	case OPTION_FLAG:
		error = parse_flag(value, member, err);
		break;
	case OPTION_SWITCH: {
		bool on = false;
		error = parse_flag(value, &on, err);
		*(int *)member = on ? 1 : -1;
		break;
	}
	case OPTION_LIST:
		strings_add(member, value);
		break;
	case OPTION_SIZE:
		error = parse_size(value, member, err);
		break;
	case OPTION_NUMBER:
		error = parse_number(value, 0, UINT64_MAX, member, err);
		break;
	case OPTION_CHOICE:
		error = parse_choice(row, value, err);
		if (error < 0)
			break;
		__attribute__((fallthrough));
	case OPTION_TEXT:
		free(*(char **)member);
		*(char **)member = xstrdup(value);
		break;
	}
	return error < 0 ? error_wrap(err, "option --%s", row->name) : 0;
}

static bool takes_value(const struct option_row *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_SWITCH;
}

static int missing_argument(const struct option_row *row, struct error *err)
{
	return error_set(err, EINVAL, "option --%s needs a value: --%s %s", row->name, row->name,
					 option_value_name(row));
}

/* "--name", "--name=value", "--name value". Adds to *used how many words it took. */
static int parse_long(const struct option_row *table, char *const argv[], void *target,
					  size_t *used, struct error *err)
{
	const char *word = argv[0] + 2;
	size_t length = strcspn(word, "=");
	const char *value = word[length] ? word + length + 1 : NULL;
	const struct option_row *row = table;

	while (row->name && (strncmp(row->name, word, length) != 0 || row->name[length]))
		row++;
	*used = 1;
	if (!row->name)
		return unknown_option(table, argv[0], err);
	if (takes_value(row) && !value) {
		if (!argv[1])
			return missing_argument(row, err);
		value = argv[1];
		*used = 2;
	}
	return set_option(row, value, target, err);
}

/* "-it", "-m64m", "-m 64m". */
static int parse_letters(const struct option_row *table, char *const argv[], void *target,
						 size_t *used, struct error *err)
{
	*used = 1;
	for (const char *letter = argv[0] + 1; *letter; letter++) {
		const struct option_row *row = table;
		while (row->name && row->letter != *letter)
			row++;
		if (!row->name)
			return unknown_letter(table, argv[0], *letter, err);
		const char *value = NULL;
		if (takes_value(row)) {
			value = letter[1] ? letter + 1 : argv[1];
			if (!value)
				return missing_argument(row, err);
			*used = letter[1] ? 1 : 2;
		}
		int error = set_option(row, value, target, err);
		if (error < 0 || takes_value(row))
			return error;
	}
	return 0;
}

int options_parse(const struct option_row *table, char *const argv[], bool stop_at_operand,
				  void *target, struct strings *operands, struct error *err)
{
	bool ended = false;

	for (size_t i = 0, used; argv[i]; i += used) {
		const char *word = argv[i];
		int error = 0;
		used = 1;
		if (ended || word[0] != '-' || !word[1]) { /* "-" is an operand, as everywhere */
			strings_add(operands, word);
			ended = ended || stop_at_operand;
		} else if (strcmp(word, "--") == 0) {
			ended = true;
		} else if (word[1] == '-') {
			error = parse_long(table, argv + i, target, &used, err);
		} else {
			error = parse_letters(table, argv + i, target, &used, err);
		}
		if (error < 0)
			return error;
	}
	return 0;
}

void options_free(const struct option_row *table, void *target)
{
	for (const struct option_row *row = table; row->name; row++) {
		void *member = (char *)target + row->offset;
		if (row->kind == OPTION_LIST)
			strings_free(member);
		if (row->kind == OPTION_TEXT || row->kind == OPTION_CHOICE) {
			free(*(char **)member);
			*(char **)member = NULL;
		}
	}
}
