// SPDX-License-Identifier: Apache-2.0
/* --only: which words there are, and which bench they are for. */
#include "base/options.h"
#include "bench/bench.h"

#include <errno.h>

static int add_words(const struct bench_kind *kind, struct strings *ret, struct error *err)
{
	for (const char *const *const *group = kind->words; *group; group++)
		for (const char *const *word = *group; *word; word++)
			if (!strings_contain(ret, *word))
				strings_add(ret, *word);
	return kind->more_words ? kind->more_words(ret, err) : 0;
}

int bench_check_only(const struct bench *bench, const struct bench_kind *const kinds[],
					 struct error *err)
{
	_cleanup_strings_ struct strings words = {0};

	for (size_t i = 0; bench->only.count && kinds[i]; i++)
		if (add_words(kinds[i], &words, err) < 0)
			return -err->code;
	for (size_t i = 0; i < bench->only.count; i++) {
		const char *word = bench->only.items[i];
		if (strings_contain(&words, word))
			continue;
		error_set(err, EINVAL, "option --only: \"%s\" is nothing that is measured here", word);
		const char *nearest = did_you_mean(word, (const char *const *)words.items);
		if (nearest)
			return error_hint(err, "did you mean %s?", nearest);
		_cleanup_buf_ struct buf all = {0};
		for (size_t at = 0; at < words.count; at++)
			buf_printf(&all, "%s%s", at ? ", " : "", words.items[at]);
		return error_hint(err, "there are %s", all.data);
	}
	return 0;
}

bool bench_wants_kind(const struct bench *bench, const struct bench_kind *kind)
{
	_cleanup_strings_ struct strings words = {0};
	_cleanup_error_ struct error err = {0};

	/* Words that cannot be read are a matter for who runs the bench. */
	if (!bench->only.count || add_words(kind, &words, &err) < 0)
		return true;
	for (size_t i = 0; i < bench->only.count; i++)
		if (strings_contain(&words, bench->only.items[i]))
			return true;
	return false;
}
