// SPDX-License-Identifier: Apache-2.0
/* Init's configuration, numbers, limits and the lines of the log. */
#define KMSG_PATH "/nonexistent/kmsg"
#include "guest/config.c"
#include "guest/limits.c"
#include "guest/log.c"
#include "guest/text.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct config config;
static struct failure failure;
static char *copies[64];
static size_t copy_count;

/* Parses a literal, whose own NUL at the end closes the last record. */
#define PARSE(literal) parse(literal, sizeof(literal))
static int parse(const char *bytes, size_t length)
{
	/* On the heap, so that a read behind the end is seen; config_parse() needs it to stay. */
	assert_true(copy_count < ARRAY_COUNT(copies));
	char *copy = copies[copy_count++] = malloc(length ? length : 1);
	memcpy(copy, bytes, length);
	failure = (struct failure){0};
	return config_parse(copy, length, &config, &failure);
}

static void expect_failure(int result, const char *text)
{
	assert_int_equal(result, -1);
	assert_int_equal(failure.status, 125);
	assert_string_equal(failure.text, text);
}

static void every_key(void **state)
{
	(void)state;
	assert_int_equal(
		PARSE("version\0001\0arg\0/bin/x\0arg\0\0env\0A=1\0env\0B=\0uid\0001000\0gid\000100\0"
			  "group\0005\0group\0006\0module\0/m/1\0module\0/m/0\0cwd\0/srv\0home\0/home/"
			  "x\0hostname\0box\0root\0/dev/vda\0"
			  "fstype\0ext2\0rootflags\0ro\0rlimit\0nofile 1 2\0tty\00025 80 xterm-256color\0"
			  "stdin\0001\0address\00010.0.2.15/24\0gateway\00010.0.2.2\0nameserver\00010.0.2.3\0"
			  "search\0a.b\0search\0c.d\0host\0001.2.3.4 foo\0tmpfs\0/tmp"),
		0);
	assert_string_equal(config.arg[0], "/bin/x");
	assert_string_equal(config.arg[1], "");
	assert_null(config.arg[2]);
	assert_string_equal(config.env[0], "A=1");
	assert_string_equal(config.env[1], "B=");
	assert_int_equal(config.env_count, 2);
	assert_int_equal(config.uid, 1000);
	assert_int_equal(config.gid, 100);
	assert_string_equal(config.group[1], "6");
	assert_null(config.group[2]);
	assert_string_equal(config.module[0], "/m/1");
	assert_string_equal(config.module[1], "/m/0");
	assert_string_equal(config.cwd, "/srv");
	assert_string_equal(config.home, "/home/x");
	assert_string_equal(config.hostname, "box");
	assert_string_equal(config.root, "/dev/vda");
	assert_string_equal(config.fstype, "ext2");
	assert_true(config.read_only);
	assert_string_equal(config.rlimit[0], "nofile 1 2");
	assert_true(config.tty);
	assert_int_equal(config.tty_rows, 25);
	assert_int_equal(config.tty_columns, 80);
	assert_string_equal(config.tty_term, "xterm-256color");
	assert_true(config.has_stdin);
	assert_string_equal(config.address, "10.0.2.15/24");
	assert_string_equal(config.gateway, "10.0.2.2");
	assert_string_equal(config.nameserver[0], "10.0.2.3");
	assert_string_equal(config.search[1], "c.d");
	assert_string_equal(config.host[0], "1.2.3.4 foo");
	assert_string_equal(config.tmpfs[0], "/tmp");
}

static void what_is_absent_is_empty(void **state)
{
	(void)state;
	assert_int_equal(PARSE("version\0001\0arg\0x"), 0);
	assert_null(config.env[0]);
	assert_null(config.tmpfs[0]);
	assert_null(config.module[0]);
	assert_null(config.root);
	assert_int_equal(config.uid, 0);
	assert_false(config.tty || config.has_stdin || config.read_only);
}

static void environment_gets_defaults(void **state)
{
	(void)state;
	assert_int_equal(PARSE("version\0001\0arg\0x\0env\0HOME=/h\0env\0PATHS=1"), 0);
	config_default_env(&config, "HOME", "/");
	config_default_env(&config, "PATH", "/bin");
	config_default_env(&config, "TERM", "xterm");
	assert_int_equal(config.env_count, 4);
	assert_string_equal(config.env[0], "HOME=/h");
	assert_string_equal(config.env[2], "PATH=/bin");
	assert_string_equal(config.env[3], "TERM=xterm");
	assert_null(config.env[4]);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	expect_failure(parse("", 0), "init's configuration is cut off");
	expect_failure(parse("version", 7), "init's configuration is cut off");
	expect_failure(parse("version\0001", 9), "init's configuration is cut off");
	expect_failure(PARSE("version\0001\0arg"), "init's configuration is cut off");
	expect_failure(PARSE("version\0002\0arg\0x"), "init's configuration is of another version");
	expect_failure(PARSE("arg\0x\0version\0001"), "init's configuration is of another version");
	expect_failure(PARSE("version\0001\0colour\0red"),
				   "init does not know \"colour\" of its configuration: lupine and init are not of "
				   "one version");
	expect_failure(PARSE("version\0001\0uid\0001\0uid\0002\0arg\0x"),
				   "init's configuration has two of uid");
	expect_failure(PARSE("version\0001"), "there is no command to run");
	expect_failure(PARSE("version\0001\0arg\0"), "there is no command to run");
	expect_failure(PARSE("version\0001\0arg\0x\0root\0/dev/vda"),
				   "init's configuration has a root but no fstype");
}

static void bad_values_are_named(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		const char *text;
	} cases[] = {
#define CASE(key, value)                                                                           \
	{"version\0001\0arg\0x\0" key "\0" value, sizeof("version\0001\0arg\0x\0" key "\0" value),     \
	 "init's configuration: " key " cannot be \"" value "\""}
		CASE("uid", "root"),       CASE("uid", "-1"),    CASE("uid", "4294967295"),
		CASE("gid", ""),           CASE("gid", "1 "),    CASE("gid", "99999999999999999999999"),
		CASE("tty", "25"),         CASE("tty", "25 80"), CASE("tty", "25 80 "),
		CASE("tty", "70000 80 x"), CASE("stdin", "0"),   CASE("rootflags", "rx"),
#undef CASE
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		expect_failure(parse(cases[i].bytes, cases[i].length), cases[i].text);
}

static void many_records(void **state)
{
	enum { COUNT = 50000 };
	static char bytes[32 * COUNT];
	size_t length = sizeof("version\0001\0arg\0x");
	(void)state;
	memcpy(bytes, "version\0001\0arg\0x", length);
	for (int i = 0; i < COUNT; i++) {
		memcpy(bytes + length, "env", 4);
		length += 4;
		length += (size_t)snprintf(bytes + length, 24, "V%d=%d", i, i) + 1;
	}
	assert_int_equal(parse(bytes, length), 0);
	assert_int_equal(config.env_count, COUNT);
	assert_string_equal(config.env[COUNT - 1], "V49999=49999");
	assert_null(config.env[COUNT]);
}

static void from_a_file(void **state)
{
	char path[] = "/tmp/test_guest_config.XXXXXX";
	int fd = mkstemp(path);
	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(config_load(path, &config, &failure), -1);
	assert_string_equal(failure.text, "init's configuration is cut off");
	assert_int_equal(write(fd, "version\0001\0arg\0hello", 20), 20);
	close(fd);
	assert_int_equal(config_load(path, &config, &failure), 0);
	assert_string_equal(config.arg[0], "hello");
	unlink(path);
	assert_string_equal(config.arg[0], "hello");
	assert_int_equal(config_load("/nonexistent/conf", &config, &failure), -1);
	assert_string_equal(failure.text, "/nonexistent/conf: No such file or directory");
}

static void numbers(void **state)
{
	char text[NUMBER_SIZE], small[6];
	uint64_t value;
	(void)state;
	assert_string_equal(number_format(text, 0, 10, 1), "0");
	assert_string_equal(number_format(text, UINT64_MAX, 10, 1), "18446744073709551615");
	assert_string_equal(number_format(text, 0755, 8, 4), "0755");
	assert_string_equal(number_format(text, 42, 10, 6), "000042");
	assert_int_equal(number_parse_all("18446744073709551615", UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(number_parse_all("18446744073709551616", UINT64_MAX, &value), -EINVAL);
	assert_int_equal(number_parse_all("256", 255, &value), -EINVAL);
	assert_int_equal(number_parse_all("255", 255, &value), 0);
	assert_int_equal(number_parse_all("", 255, &value), -EINVAL);
	assert_int_equal(number_parse_all("+1", 255, &value), -EINVAL);
	assert_int_equal(text_join(small, sizeof(small), TEXT("abc", "", "defg")), 5);
	assert_string_equal(small, "abcde");
	text_append(small, sizeof(small), TEXT("x"));
	assert_string_equal(small, "abcde");
}

static void addresses(void **state)
{
	static const char *const bad[] = {"", "1.2.3", "1.2.3.256", "1..2.3", ".1.2.3", "a.b.c.d"};
	const char *at = "10.0.2.255/24";
	char text[16];
	uint32_t address;
	(void)state;
	assert_int_equal(ipv4_parse(&at, &address), 0);
	assert_string_equal(at, "/24");
	assert_string_equal(ipv4_format(text, address), "10.0.2.255");
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		at = bad[i];
		assert_int_equal(ipv4_parse(&at, &address), -EINVAL);
	}
}

static void limits(void **state)
{
	static const char *const bad[] = {"",
									  "nofile",
									  "nofile 1",
									  "nofile 1 2 3",
									  "nofile 1,2",
									  "nofiles 1 2",
									  "nofile -1 2",
									  "nofile 1 ",
									  "file 1 2",
									  "nofile 1 unlimitedx"};
	struct limit limit;
	(void)state;
	assert_int_equal(limit_parse("nofile 1024 unlimited", &limit), 0);
	assert_int_equal(limit.resource, RLIMIT_NOFILE);
	assert_int_equal(limit.soft, 1024);
	assert_true(limit.hard == RLIM_INFINITY);
	assert_int_equal(limit_parse("stack unlimited unlimited", &limit), 0);
	assert_int_equal(limit_parse("rtprio 0 99", &limit), 0);
	assert_int_equal(limit.resource, 14);
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		assert_int_equal(limit_parse(bad[i], &limit), -EINVAL);
}

static void log_records(void **state)
{
	static const struct {
		const char *record, *line;
	} cases[] = {
		{"6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n", "[    5.140900] NET: Registered\n"},
		{"4,1,0,-,caller=T1;a;b", "[    0.000000] a;b\n"},
		{"30,7,123456789012,c;x\n", "[123456.789012] x\n"},
		{"nonsense", ""},
		{"6,x,1,-;text\n", ""},
		{"6;text\n", ""},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		char record[128], line[128] = "";
		strcpy(record, cases[i].record);
		assert_int_equal(record_format(record, line, sizeof(line)), strlen(cases[i].line));
		assert_string_equal(line, cases[i].line);
	}
}

static void log_without_a_kernel_log(void **state)
{
	char text[8192];
	(void)state;
	log_open();
	log_quiet();
	log_line(TEXT("one ", NUMBER(1)));
	log_line(TEXT("two"));
	assert_int_equal(log_fd(), -1);
	assert_int_equal(log_read(text, 10), 0); /* only whole lines */
	size_t length = log_read(text, sizeof(text));
	text[length] = 0;
	assert_string_equal(text, "lupine-init: one 1\nlupine-init: two\n");
	assert_int_equal(log_read(text, sizeof(text)), 0);
	for (int i = 0; i < 1000; i++)
		log_line(TEXT("many"));
	assert_in_range(log_read(text, sizeof(text)), 4000, sizeof(kept));
}

static int free_copies(void **state)
{
	(void)state;
	while (copy_count > 0)
		free(copies[--copy_count]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key),
		cmocka_unit_test(what_is_absent_is_empty),
		cmocka_unit_test(environment_gets_defaults),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(bad_values_are_named),
		cmocka_unit_test(many_records),
		cmocka_unit_test(from_a_file),
		cmocka_unit_test(numbers),
		cmocka_unit_test(addresses),
		cmocka_unit_test(limits),
		cmocka_unit_test(log_records),
		cmocka_unit_test(log_without_a_kernel_log),
	};
	return cmocka_run_group_tests(tests, NULL, free_copies);
}
