// SPDX-License-Identifier: Apache-2.0
/* Ports and limits as users write them. */
#include "machine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_ports(void **state)
{
	static const struct {
		const char *text, *address;
		unsigned host, guest;
		bool udp;
	} rows[] = {
		{"8080:80", NULL, 8080, 80, false},
		{"8080:80/tcp", NULL, 8080, 80, false},
		{"53:53/udp", NULL, 53, 53, true},
		{"127.0.0.1:8080:80", "127.0.0.1", 8080, 80, false},
		{"127.0.0.1:1:65535/udp", "127.0.0.1", 1, 65535, true},
		{"0.0.0.0:65535:1", "0.0.0.0", 65535, 1, false},
		{"[::1]:53:54/udp", "::1", 53, 54, true},
		{"[2001:db8::2]:80:81", "2001:db8::2", 80, 81, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine_port port = {0};
		_cleanup_error_ struct error err = {0};
		if (machine_parse_port(rows[i].text, &port, &err) < 0)
			fail_msg("%s: %s", rows[i].text, err.message);
		if (rows[i].address)
			assert_string_equal(port.address, rows[i].address);
		else
			assert_null(port.address);
		assert_int_equal(port.host, rows[i].host);
		assert_int_equal(port.guest, rows[i].guest);
		assert_int_equal(port.udp, rows[i].udp);
		free(port.address);
	}
}

static void test_bad_ports(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"", "port \"\": there must be a host port and a guest port"},
		{"80", "port \"80\": there must be a host port and a guest port"},
		{"80/udp", "port \"80/udp\": there must be a host port and a guest port"},
		{"[::1]:80", "port \"[::1]:80\": there must be a host port and a guest port"},
		{"8080:80/sctp", "port \"8080:80/sctp\": the protocol is neither tcp nor udp"},
		{"8080:80/", "port \"8080:80/\": the protocol is neither tcp nor udp"},
		{"0:80", "port \"0:80\": the host port is not a number from 1 to 65535"},
		{":80", "port \":80\": the host port is not a number from 1 to 65535"},
		{"65536:80", "port \"65536:80\": the host port is not a number from 1 to 65535"},
		{"-1:80", "port \"-1:80\": the host port is not a number from 1 to 65535"},
		{"80:0", "port \"80:0\": the guest port is not a number from 1 to 65535"},
		{"80:", "port \"80:\": the guest port is not a number from 1 to 65535"},
		{"80:8o", "port \"80:8o\": the guest port is not a number from 1 to 65535"},
		{"80:80 ", "port \"80:80 \": the guest port is not a number from 1 to 65535"},
		{":80:80", "port \":80:80\": the address is not an IP address"},
		{"localhost:80:80", "port \"localhost:80:80\": the address is not an IP address"},
		{"::1:80:80", "port \"::1:80:80\": the address is not an IP address"},
		{"[127.0.0.1]:80:80", "port \"[127.0.0.1]:80:80\": the address is not an IP address"},
		{"1.2.3.4,x:80:80", "port \"1.2.3.4,x:80:80\": the address is not an IP address"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine_port port = {0};
		_cleanup_error_ struct error err = {0};
		assert_true(machine_parse_port(rows[i].text, &port, &err) < 0);
		assert_string_equal(err.message, rows[i].message);
		assert_string_equal(err.hint,
							"write [ADDRESS:]HOST_PORT:GUEST_PORT[/udp], such as 8080:80");
		assert_null(port.address);
	}
}

static void test_limits(void **state)
{
	static const struct {
		const char *text, *name;
		uint64_t soft, hard;
	} rows[] = {
		{"nofile=1024", "nofile", 1024, 1024},
		{"nofile=1024:4096", "nofile", 1024, 4096},
		{"core=0", "core", 0, 0},
		{"memlock=unlimited", "memlock", UINT64_MAX, UINT64_MAX},
		{"stack=8388608:unlimited", "stack", 8388608, UINT64_MAX},
		{"nproc=-1:-1", "nproc", UINT64_MAX, UINT64_MAX},
		{"sigpending=5", "sigpending", 5, 5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine_limit limit = {0};
		_cleanup_error_ struct error err = {0};
		if (machine_parse_limit(rows[i].text, &limit, &err) < 0)
			fail_msg("%s: %s", rows[i].text, err.message);
		assert_string_equal(limit.name, rows[i].name);
		assert_true(limit.soft == rows[i].soft && limit.hard == rows[i].hard);
	}
}

static void test_bad_limits(void **state)
{
	static const char form[] = "write NAME=SOFT[:HARD], such as nofile=1024:4096";
	static const struct {
		const char *text, *message, *hint;
	} rows[] = {
		{"nofile", "limit \"nofile\": there is no value", form},
		{"", "limit \"\": there is no value", form},
		{"nofiles=1", "limit \"nofiles=1\": there is no limit of that name",
		 "did you mean nofile?"},
		{"=1", "limit \"=1\": there is no limit of that name", NULL},
		{"nofile=", "limit \"nofile=\": values are numbers or \"unlimited\"", form},
		{"nofile=1:", "limit \"nofile=1:\": values are numbers or \"unlimited\"", form},
		{"nofile=many", "limit \"nofile=many\": values are numbers or \"unlimited\"", form},
		{"nofile=1:2:3", "limit \"nofile=1:2:3\": values are numbers or \"unlimited\"", form},
		{"nofile=18446744073709551615",
		 "limit \"nofile=18446744073709551615\": values are numbers or \"unlimited\"", form},
		{"nofile=2:1", "limit \"nofile=2:1\": the soft limit is above the hard one", form},
		{"nofile=unlimited:1", "limit \"nofile=unlimited:1\": the soft limit is above the hard one",
		 form},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct machine_limit limit = {0};
		_cleanup_error_ struct error err = {0};
		assert_true(machine_parse_limit(rows[i].text, &limit, &err) < 0);
		assert_string_equal(err.message, rows[i].message);
		if (rows[i].hint)
			assert_string_equal(err.hint, rows[i].hint);
		else
			assert_null(err.hint);
	}
}

static void test_names(void **state)
{
	char longest[MACHINE_NAME_MAX + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[MACHINE_NAME_MAX] = '\0';
	assert_true(machine_name_is_valid("web"));
	assert_true(machine_name_is_valid("0a_b.c-D"));
	assert_true(machine_name_is_valid(longest));
	longest[MACHINE_NAME_MAX] = 'a';
	longest[MACHINE_NAME_MAX + 1] = '\0';
	assert_false(machine_name_is_valid(longest));
	static const char *const bad[] = {"",    ".",   "..",  "-a",       ".a",    "_a",
									  "a/b", "a b", "a\n", "\xc3\xa4", "a,b=c", "../../x"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(machine_name_is_valid(bad[i]));
	assert_true(machine_id_is_valid("0123456789ab"));
	assert_false(machine_id_is_valid("0123456789a"));
	assert_false(machine_id_is_valid("0123456789abc"));
	assert_false(machine_id_is_valid("0123456789aB"));
	assert_false(machine_id_is_valid("../456789abc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),  cmocka_unit_test(test_bad_ports),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_bad_limits),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
