// SPDX-License-Identifier: Apache-2.0
/* The command line's own parts: the table of verbs, completions, environments, printing. */
#include "base/files.h"
#include "cli/cli.h"
#include "cli/compose.h"
#include "cli/print.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/lupine-test-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	strcpy(top, "/tmp/lupine-test-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	return setenv("LUPINE_HOME", top, 1);
}

static int tear_down(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	return directory_remove(top, &err);
}

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static void test_verbs_are_found(void **state)
{
	(void)state;
	size_t used = 0;

	assert_string_equal(verb_find(verb_table, WORDS("run", "x"), &used)->name, "run");
	assert_int_equal(used, 1);
	assert_string_equal(verb_find(verb_table, WORDS("kernel", "rm", "x"), &used)->name,
						"kernel rm");
	assert_int_equal(used, 2);
	assert_string_equal(verb_find(verb_table, WORDS("kernel", "nothing"), &used)->name, "kernel");
	assert_int_equal(used, 1);
	assert_null(verb_find(verb_table, WORDS("ru"), &used));
}

static void test_every_verb_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; verb_table[i]; i++) {
		const struct verb *verb = verb_table[i];
		assert_non_null(verb->summary);
		assert_true((verb->run != NULL) != (verb->verbs != NULL));
		for (const struct option_row *row = verb->options; row && row->name; row++) {
			assert_non_null(row->help);
			assert_true(row->offset < verb->options_size);
			bool is_flag = row->kind == OPTION_FLAG || row->kind == OPTION_SWITCH;
			assert_int_equal(is_flag, option_value_name(row) == NULL);
			/* No two of one name or letter. */
			for (const struct option_row *other = row + 1; other->name; other++) {
				assert_string_not_equal(row->name, other->name);
				assert_true(!row->letter || row->letter != other->letter);
			}
		}
	}
}

static void test_operand_counts(void **state)
{
	(void)state;
	static const struct {
		const char *operands;
		size_t minimum, maximum;
		const char *first, *third;
	} cases[] = {
		{NULL, 0, 0, NULL, NULL},
		{"REF", 1, 1, "REF", NULL},
		{"[VERSION]", 0, 1, "VERSION", NULL},
		{"MACHINE...", 1, SIZE_MAX, "MACHINE", "MACHINE"},
		{"REF [ARG...]", 1, SIZE_MAX, "REF", "ARG"},
		{"A B [C]", 2, 3, "A", "C"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct verb verb = {.operands = cases[i].operands};
		_cleanup_free_ char *first = verb_operand_name(&verb, 0);
		_cleanup_free_ char *third = verb_operand_name(&verb, 2);
		size_t minimum, maximum;
		verb_operand_counts(&verb, &minimum, &maximum);
		assert_int_equal(minimum, cases[i].minimum);
		assert_int_equal(maximum, cases[i].maximum);
		assert_int_equal(first == NULL, cases[i].first == NULL);
		assert_int_equal(third == NULL, cases[i].third == NULL);
		if (first)
			assert_string_equal(first, cases[i].first);
		if (third)
			assert_string_equal(third, cases[i].third);
	}
}

/* True when what may follow the words has a line that begins with `expected`. */
static bool offers(char *const words[], const char *expected)
{
	_cleanup_buf_ struct buf answers = {0};
	bool found = false;

	complete_words(words, &answers);
	for (char *rest = answers.data, *line; rest && (line = strsep(&rest, "\n"));)
		found = found || (*line && starts_with(line, expected));
	return found;
}

static void test_completions(void **state)
{
	(void)state;
	assert_true(offers(WORDS(""), "run\t"));
	assert_false(offers(WORDS(""), "completion\t"));
	assert_true(offers(WORDS("run", "-"), "--memory\t"));
	assert_true(offers(WORDS("run", "--accel", ""), "tcg-icount\t"));
	assert_true(offers(WORDS("run", "--accel="), "--accel=kvm\t"));
	assert_true(offers(WORDS("run", "-itd", "--kernel", ""), ":files"));
	assert_true(offers(WORDS("run", "-m", "64m", ""), "oci:\t"));
	assert_true(offers(WORDS("run", "--env-file="), ":files"));
	assert_true(offers(WORDS("build", "x", "-o", ""), ":directories"));
	assert_true(offers(WORDS("build", "x", "--"), "--output\t"));
	assert_true(offers(WORDS("kernel", ""), "build\t"));
	assert_true(offers(WORDS("kernel", "build", "--variant", ""), "debug\t"));
	assert_true(offers(WORDS("run", "--vmm", ""), "qemu\t"));
	assert_true(offers(WORDS("completion", ""), "zsh\t"));
	/* What belongs to the application is not ours to complete. */
	assert_false(offers(WORDS("run", "image", "-"), "--memory"));
	assert_false(offers(WORDS("run", "--", "-"), "--memory"));
	assert_false(offers(WORDS("nothing", ""), ""));
	assert_false(offers(WORDS("run", "-m", ""), ""));
}

static void test_environment(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings files = {0}, given = {0}, environment = {0};
	static const char content[] = "# comment\n\n  A=file \nB=file\nFROM_HERE\nUNSET_HERE\r\nC=a=b";

	strings_addf(&files, "%s/env", top);
	assert_int_equal(file_write_atomic(files.items[0], content, sizeof(content) - 1, 0600, &err),
					 0);
	setenv("FROM_HERE", "x", 1);
	unsetenv("UNSET_HERE");
	strings_add(&environment, "A=image");
	strings_add(&environment, "UNSET_HERE=image");
	strings_add(&given, "B=option");
	assert_int_equal(compose_environment(&files, &given, &environment, &err), 0);
	assert_int_equal(environment.count, 4);
	assert_string_equal(strings_get_env(&environment, "A"), "file ");
	assert_string_equal(strings_get_env(&environment, "B"), "option");
	assert_string_equal(strings_get_env(&environment, "FROM_HERE"), "x");
	assert_string_equal(strings_get_env(&environment, "C"), "a=b");
	assert_null(strings_get_env(&environment, "UNSET_HERE"));
}

static void test_bad_environment(void **state)
{
	(void)state;
	_cleanup_strings_ struct strings files = {0}, none = {0}, bad = {0}, environment = {0};
	static const struct {
		const char *content, *message;
	} cases[] = {
		{"A=1\nB B=1\n", "%s, line 2: the name in \"B B\" has blanks"},
		{"=1\n", "%s, line 1: \"=1\" has no name before the '='"},
	};

	strings_addf(&files, "%s/env", top);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct error err = {0};
		_cleanup_free_ char *at = xasprintf("--env-file %s", files.items[0]);
		_cleanup_buf_ struct buf expected = {0};
		buf_printf(&expected, "%s%s", at, cases[i].message + 2);
		file_write_atomic(files.items[0], cases[i].content, strlen(cases[i].content), 0600, &err);
		assert_int_equal(compose_environment(&files, &none, &environment, &err), -EINVAL);
		assert_string_equal(err.message, expected.data);
	}
	_cleanup_error_ struct error err = {0};
	file_write_atomic(files.items[0], "A=1\0B=2\n", 8, 0600, &err);
	assert_int_equal(compose_environment(&files, &none, &environment, &err), -EINVAL);
	strings_add(&bad, "");
	assert_int_equal(compose_environment(&none, &bad, &environment, &err), -EINVAL);
	unlink(files.items[0]);
	assert_int_equal(compose_environment(&files, &none, &environment, &err), -ENOENT);
}

static void test_numbers_for_people(void **state)
{
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536 << 10, "1.5 MiB"},
		{200ull << 20, "200 MiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	static const struct {
		int64_t seconds;
		const char *text;
	} durations[] = {
		{-5, "0 seconds"}, {1, "1 second"},       {119, "1 minute"},
		{7200, "2 hours"}, {86400 * 8, "1 week"}, {86400 * 800, "2 years"},
	};
	char text[32];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		format_bytes(sizes[i].bytes, text);
		assert_string_equal(text, sizes[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(durations); i++) {
		format_duration(durations[i].seconds, text);
		assert_string_equal(text, durations[i].text);
	}
}

static void test_quoting(void **state)
{
	(void)state;
	static const struct {
		const char *word, *quoted;
	} cases[] = {
		{"plain-1.0/x:y=z", "plain-1.0/x:y=z"},
		{"", "''"},
		{"two words", "'two words'"},
		{"it's", "'it'\\''s'"},
		{"$HOME", "'$HOME'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf text = {0};
		format_quoted(cases[i].word, &text);
		assert_string_equal(text.data, cases[i].quoted);
	}
}

static void test_table(void **state)
{
	(void)state;
	_cleanup_table_ struct text_table table = {.columns = 2};
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	table_cell(&table, "NAME");
	table_cell(&table, "SIZE");
	table_cell(&table, "gr\xc3\xbc\xc3\x9f"
					   "e\033[31m");
	table_cell(&table, "%d", 5);
	table_print(&table, to);
	fclose(to);
	assert_string_equal(text, "NAME         SIZE\ngr\xc3\xbc\xc3\x9f"
							  "e?[31m   5\n");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_verbs_are_found),
		TEST(test_every_verb_is_whole),
		TEST(test_operand_counts),
		TEST(test_completions),
		TEST(test_environment),
		TEST(test_bad_environment),
		TEST(test_numbers_for_people),
		TEST(test_quoting),
		TEST(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
