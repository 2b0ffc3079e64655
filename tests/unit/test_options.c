// SPDX-License-Identifier: Apache-2.0
#include "base/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct target {
	bool interactive, tty;
	int read_only;
	char *user, *accel;
	struct strings env;
	uint64_t memory, cpus;
};

static const struct option_row table[] = {
	{"interactive", 'i', OPTION_FLAG, NULL, "keep stdin open", NULL,
	 offsetof(struct target, interactive)},
	{"tty", 't', OPTION_FLAG, NULL, "give it a terminal", NULL, offsetof(struct target, tty)},
	{"read-only", 0, OPTION_SWITCH, NULL, "mount the root file system read-only", NULL,
	 offsetof(struct target, read_only)},
	{"user", 'u', OPTION_TEXT, "USER", "user to run as", NULL, offsetof(struct target, user)},
	{"accel", 0, OPTION_CHOICE, NULL, "accelerator", "auto|kvm|tcg",
	 offsetof(struct target, accel)},
	{"env", 'e', OPTION_LIST, "NAME=VALUE",
	 "set a variable, in a help text that is longer than a line may be", NULL,
	 offsetof(struct target, env)},
	{"memory", 'm', OPTION_SIZE, "SIZE", "memory", NULL, offsetof(struct target, memory)},
	{"cpus", 'c', OPTION_NUMBER, "N", "processors", NULL, offsetof(struct target, cpus)},
	OPTION_END,
};

struct parsed {
	struct target target;
	struct strings operands;
	struct error err;
	int result;
};

static void parsed_free(struct parsed *parsed)
{
	options_free(table, &parsed->target);
	strings_free(&parsed->operands);
	error_clear(&parsed->err);
}

#define PARSE(name, stop, ...)                                                                     \
	_cleanup_(parsed_free) struct parsed name = {0};                                               \
	name.result = options_parse(table, (char *[]){__VA_ARGS__, NULL}, stop, &name.target,          \
								&name.operands, &name.err)

static void test_forms(void **state)
{
	(void)state;
	PARSE(apart, true, "-i", "-m", "64m", "--user", "redis", "--read-only", "--cpus", "2");
	assert_int_equal(apart.result, 0);
	assert_true(apart.target.interactive);
	assert_int_equal(apart.target.memory, 64 << 20);
	assert_string_equal(apart.target.user, "redis");
	assert_int_equal(apart.target.read_only, 1);
	assert_int_equal(apart.target.cpus, 2);

	PARSE(attached, true, "-itm1g", "--user=a=b", "--accel=tcg", "--read-only=false", "-eA=1", "-e",
		  "B=2", "--env=C");
	assert_int_equal(attached.result, 0);
	assert_true(attached.target.interactive && attached.target.tty);
	assert_int_equal(attached.target.memory, 1 << 30);
	assert_string_equal(attached.target.user, "a=b");
	assert_string_equal(attached.target.accel, "tcg");
	assert_int_equal(attached.target.read_only, -1);
	assert_int_equal(attached.target.env.count, 3);

	PARSE(last, true, "-u", "a", "-i", "--user=", "--interactive=false");
	assert_int_equal(last.result, 0);
	assert_string_equal(last.target.user, "");
	assert_false(last.target.interactive);
	assert_int_equal(last.target.read_only, 0);
}

static void test_operands(void **state)
{
	(void)state;
	PARSE(stop, true, "-i", "image", "-t", "--", "x");
	assert_int_equal(stop.result, 0);
	assert_false(stop.target.tty);
	assert_int_equal(stop.operands.count, 4);
	assert_string_equal(stop.operands.items[2], "--");

	PARSE(mixed, false, "a", "-t", "b", "--", "-i", "--none");
	assert_int_equal(mixed.result, 0);
	assert_true(mixed.target.tty);
	assert_int_equal(mixed.operands.count, 4);
	assert_string_equal(mixed.operands.items[3], "--none");

	PARSE(dash, false, "-", "-i");
	assert_int_equal(dash.result, 0);
	assert_int_equal(dash.operands.count, 1);
	assert_true(dash.target.interactive);
}

static void assert_error(const struct parsed *parsed, const char *message, const char *hint)
{
	assert_true(parsed->result < 0);
	assert_int_equal(parsed->result, -parsed->err.code);
	assert_string_equal(parsed->err.message, message);
	if (hint)
		assert_string_equal(parsed->err.hint, hint);
	else
		assert_null(parsed->err.hint);
}

static void test_errors(void **state)
{
	(void)state;
	PARSE(unknown, true, "--memroy=64m");
	assert_error(&unknown, "unknown option --memroy", "did you mean --memory?");
	PARSE(far, true, "--zzzzzzzz");
	assert_error(&far, "unknown option --zzzzzzzz", NULL);
	PARSE(prefix, true, "--mem", "64m");
	assert_error(&prefix, "unknown option --mem", "did you mean --memory?");
	PARSE(letter, true, "-x");
	assert_error(&letter, "unknown option -x", NULL);
	PARSE(bundled, true, "-ixt");
	assert_error(&bundled, "unknown option -x in -ixt", NULL);
	PARSE(one_dash, true, "-accel", "tcg");
	assert_error(&one_dash, "unknown option -a in -accel", "did you mean --accel?");
	PARSE(missing, true, "-i", "--accel");
	assert_error(&missing, "option --accel needs a value: --accel auto|kvm|tcg", NULL);
	PARSE(missing_letter, true, "-im");
	assert_error(&missing_letter, "option --memory needs a value: --memory SIZE", NULL);
	PARSE(choice, true, "--accel=kvn");
	assert_error(&choice, "option --accel: \"kvn\" is not one of auto|kvm|tcg",
				 "did you mean kvm?");
	PARSE(flag, true, "--tty=maybe");
	assert_error(&flag, "option --tty: \"maybe\" is neither true nor false", NULL);
	PARSE(size, true, "-m", "64q");
	assert_error(&size, "option --memory: \"64q\" is not a size",
				 "write bytes, or a number with a suffix: 512k, 64m, 1g");
	PARSE(number, true, "-c", "-1");
	assert_error(&number, "option --cpus: \"-1\" is not a number", NULL);
}

static void test_sizes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},           {"12", 12},         {"12b", 12},         {"512k", 512 << 10},
		{"64M", 64 << 20},  {"64mb", 64 << 20}, {"64MiB", 64 << 20}, {"3g", 3ULL << 30},
		{"2t", 2ULL << 40},
	};
	static const char *const bad[] = {"",
									  "m",
									  "-1",
									  "1.5g",
									  "1 g",
									  "1bb",
									  "1gx",
									  "0x10",
									  "+1",
									  "99999999999999999999",
									  "17179869184g"};
	_cleanup_error_ struct error err = {0};
	uint64_t bytes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(parse_size(good[i].text, &bytes, &err), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_true(parse_size(bad[i], &bytes, &err) < 0);
	assert_int_equal(bytes, 2ULL << 40);
}

static void test_numbers(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	uint64_t number = 0;

	assert_int_equal(parse_number("18446744073709551615", 0, UINT64_MAX, &number, &err), 0);
	assert_int_equal(number, UINT64_MAX);
	assert_int_equal(parse_number("18446744073709551616", 0, UINT64_MAX, &number, &err), -ERANGE);
	assert_int_equal(parse_number("0", 1, 8, &number, &err), -ERANGE);
	assert_string_equal(err.message, "0 is not between 1 and 8");
	assert_int_equal(parse_number(" 1", 0, 8, &number, &err), -EINVAL);
	assert_int_equal(parse_number("1x", 0, 8, &number, &err), -EINVAL);
}

static void test_did_you_mean(void **state)
{
	(void)state;
	static const char *const words[] = {"run", "rm", "ps", "start", "stop", "logs", "kernel", NULL};

	assert_string_equal(did_you_mean("rnu", words), "run");
	assert_string_equal(did_you_mean("strat", words), "start");
	assert_string_equal(did_you_mean("kernels", words), "kernel");
	assert_string_equal(did_you_mean("log", words), "logs");
	assert_null(did_you_mean("inspect", words));
	assert_null(did_you_mean("xy", words));
	assert_null(did_you_mean("", words));
}

static void test_help(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf help = {0}, man = {0};

	options_help(table, &help);
	assert_string_equal(
		help.data,
		"  -i, --interactive         keep stdin open\n"
		"  -t, --tty                 give it a terminal\n"
		"      --read-only           mount the root file system read-only\n"
		"  -u, --user USER           user to run as\n"
		"      --accel auto|kvm|tcg  accelerator\n"
		"  -e, --env NAME=VALUE      set a variable, in a help text that is longer than\n"
		"                            a line may be\n"
		"  -m, --memory SIZE         memory\n"
		"  -c, --cpus N              processors\n");
	options_man(table + 2, &man);
	assert_true(starts_with(man.data, ".TP\n\\fB\\-\\-read\\-only\\fR\nmount the root file system "
									  "read\\-only\n.TP\n\\fB\\-u\\fR, \\fB\\-\\-user\\fR "
									  "\\fIUSER\\fR\nuser to run as\n"));
}

static void test_roff_is_escaped(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf text = {0};

	text_roff(".dot\n'quote\na\\b ~x -y", &text);
	assert_string_equal(text.data, "\\&.dot\n\\&'quote\na\\eb \\(tix \\-y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),   cmocka_unit_test(test_operands),
		cmocka_unit_test(test_errors),  cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_did_you_mean),
		cmocka_unit_test(test_help),    cmocka_unit_test(test_roff_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
