// SPDX-License-Identifier: Apache-2.0
#include "image/config.h"
#include "image_fixture.h"

#include <signal.h>

static int parse(const char *text, struct image_config *ret, struct strings *diff_ids,
				 struct error *err)
{
	_cleanup_json_ json_t *json = NULL;

	assert_ok(json_parse(text, strlen(text), "config", &json, err), err);
	return image_config_parse(json, "config", "amd64", ret, diff_ids, err);
}

static void test_everything(void **state)
{
	static const char text[] =
		"{\"created\": \"2024-01-02T03:04:05Z\", \"architecture\": \"amd64\", \"os\": \"linux\","
		"\"config\": {\"User\": \"redis:users\", \"ExposedPorts\": {\"6379/tcp\": {}, \"53/udp\": "
		"{}, \"80\": {}, \"80/tcp\": {}, \"9/sctp\": {}}, \"Env\": [\"PATH=/bin\", \"EMPTY=\", "
		"\"A=b=c\"], \"Entrypoint\": [\"docker-entrypoint.sh\"], \"Cmd\": [\"redis-server\", "
		"\"--port\", \"1\"], \"Volumes\": {\"/data\": {}}, \"WorkingDir\": \"data\", \"Labels\": "
		"{\"a\": \"1\", \"b=c\": \"2\"}, \"StopSignal\": \"SIGQUIT\", \"Unknown\": 5}, \"rootfs\": "
		"{\"type\": \"layers\", \"diff_ids\": "
		"[\"sha256:0123456789012345678901234567890123456789012345678901234567890123\"]}}";
	struct image_config config = {0};
	struct strings diff_ids = {0};
	struct error err = {0};

	(void)state;
	assert_ok(parse(text, &config, &diff_ids, &err), &err);
	assert_string_equal(config.architecture, "amd64");
	assert_string_equal(config.created, "2024-01-02T03:04:05Z");
	assert_string_equal(config.user, "redis:users");
	assert_string_equal(config.working_dir, "/data");
	assert_string_equal(config.stop_signal, "SIGQUIT");
	assert_int_equal(config.env.count, 3);
	assert_string_equal(config.env.items[2], "A=b=c");
	assert_string_equal(config.entrypoint.items[0], "docker-entrypoint.sh");
	assert_int_equal(config.cmd.count, 3);
	assert_string_equal(config.volumes.items[0], "/data");
	assert_true(strings_contain(&config.labels, "a=1"));
	assert_true(strings_contain(&config.labels, "b=c=2"));
	assert_int_equal(config.port_count, 3);
	unsigned sum = 0;
	for (size_t i = 0; i < config.port_count; i++) {
		sum += config.ports[i].port;
		assert_string_equal(config.ports[i].protocol, config.ports[i].port == 53 ? "udp" : "tcp");
	}
	assert_int_equal(sum, 6379 + 53 + 80);
	assert_int_equal(diff_ids.count, 1);
	image_config_free(&config);
	strings_free(&diff_ids);
}

static void test_nothing(void **state)
{
	static const char *const texts[] = {
		"{\"rootfs\": {}}",
		"{\"rootfs\": {\"diff_ids\": null}, \"config\": null}",
		"{\"rootfs\": {\"diff_ids\": []}, \"config\": {}, \"os\": \"\", \"architecture\": \"\"}",
		"{\"rootfs\": {}, \"config\": {\"Env\": null, \"Cmd\": null, \"Entrypoint\": null, "
		"\"ExposedPorts\": null, \"Volumes\": null, \"Labels\": null, \"User\": \"\", "
		"\"WorkingDir\": \"\", \"StopSignal\": null}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct image_config config = {0};
		struct strings diff_ids = {0};
		struct error err = {0};
		assert_ok(parse(texts[i], &config, &diff_ids, &err), &err);
		assert_null(config.architecture);
		assert_null(config.working_dir);
		assert_null(config.user);
		assert_null(config.stop_signal);
		assert_int_equal(config.env.count + config.cmd.count + config.entrypoint.count +
							 config.port_count + config.volumes.count + config.labels.count +
							 diff_ids.count,
						 0);
		image_config_free(&config);
	}
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *message;
	} cases[] = {
		{"[]", EINVAL, "config: must be an object, not an array"},
		{"{}", EINVAL, "config: \"rootfs\" is missing"},
		{"{\"os\": \"windows\", \"rootfs\": {}}", ENOEXEC,
		 "the image is for windows, not for linux"},
		{"{\"architecture\": \"arm64\", \"rootfs\": {}}", ENOEXEC,
		 "the image is for linux/arm64, not for linux/amd64"},
		{"{\"rootfs\": {\"diff_ids\": [\"md5:1\"]}}", EINVAL,
		 "config: rootfs: \"diff_ids\"[0] is not a SHA-256 digest"},
		{"{\"rootfs\": {\"diff_ids\": [7]}}", EINVAL,
		 "config: rootfs: \"diff_ids\"[0] must be a string, not an integer"},
		{"{\"rootfs\": {}, \"config\": []}", EINVAL,
		 "config: \"config\" must be an object, not an array"},
		{"{\"rootfs\": {}, \"config\": {\"Env\": \"A=b\"}}", EINVAL,
		 "config: config: \"Env\" must be an array, not a string"},
		{"{\"rootfs\": {}, \"config\": {\"Env\": [\"A=b\", \"B\"]}}", EINVAL,
		 "config: config: \"Env\"[1] is not of the form NAME=VALUE"},
		{"{\"rootfs\": {}, \"config\": {\"Env\": [\"=b\"]}}", EINVAL,
		 "config: config: \"Env\"[0] is not of the form NAME=VALUE"},
		{"{\"rootfs\": {}, \"config\": {\"Cmd\": [null]}}", EINVAL,
		 "config: config: \"Cmd\"[0] must be a string, not null"},
		{"{\"rootfs\": {}, \"config\": {\"User\": 5}}", EINVAL,
		 "config: config: \"User\" must be a string, not an integer"},
		{"{\"rootfs\": {}, \"config\": {\"ExposedPorts\": [80]}}", EINVAL,
		 "config: config: \"ExposedPorts\" must be an object, not an array"},
		{"{\"rootfs\": {}, \"config\": {\"ExposedPorts\": {\"99999/tcp\": {}}}}", EINVAL,
		 "config: config: \"ExposedPorts\": 99999/tcp is no port"},
		{"{\"rootfs\": {}, \"config\": {\"Labels\": {\"a\": {}}}}", EINVAL,
		 "config: config: the label \"a\" must be a string"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_config config = {0};
		struct strings diff_ids = {0};
		struct error err = {0};
		int result = parse(cases[i].text, &config, &diff_ids, &err);
		assert_error(result, cases[i].code, &err, cases[i].message);
		image_config_free(&config);
		strings_free(&diff_ids);
	}
}

static void test_too_many(void **state)
{
	struct buf text = {0};
	struct image_config config = {0};
	struct strings diff_ids = {0};
	struct error err = {0};

	(void)state;
	buf_puts(&text, "{\"rootfs\": {}, \"config\": {\"Env\": [\"A=1\"");
	for (unsigned i = 0; i < 4096; i++)
		buf_printf(&text, ", \"A%u=1\"", i);
	buf_puts(&text, "]}}");
	assert_error(parse(text.data, &config, &diff_ids, &err), E2BIG, &err,
				 "config: config: \"Env\" has 4097 items, more than 4096");
	image_config_free(&config);
	buf_free(&text);
}

static void test_signals(void **state)
{
	static const struct {
		const char *text;
		int number;
	} good[] = {
		{NULL, SIGTERM},  {"", SIGTERM},        {"SIGTERM", SIGTERM},   {"TERM", SIGTERM},
		{"15", SIGTERM},  {"sigquit", SIGQUIT}, {"SIGWINCH", SIGWINCH}, {"1", SIGHUP},
		{"SIGRTMIN", 34}, {"SIGRTMIN+3", 37},   {"RTMAX-1", 63},        {"RTMIN+30", 64},
		{"64", 64},       {"SIGPOLL", SIGIO},   {"KILL", SIGKILL},
	};
	static const char *const bad[] = {"0",      "65",       "-1",        "SIG",      "SIGFOO",
									  "TERMX",  "15x",      " 15",       "RTMIN+31", "RTMAX-31",
									  "RTMIN+", "RTMIN+-1", "SIGSIGTERM"};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(image_parse_signal(good[i].text, &err), good[i].number);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *message = xasprintf("%s is no signal", bad[i]);
		int result = image_parse_signal(bad[i], &err);
		assert_string_equal(err.hint, "signals are written SIGTERM, TERM, 15, or SIGRTMIN+3");
		assert_error(result, EINVAL, &err, message);
	}
}

static void test_ports(void **state)
{
	static const struct {
		const char *text;
		unsigned port;
		const char *protocol;
	} good[] = {
		{"80", 80, "tcp"},
		{"80/tcp", 80, "tcp"},
		{"53/udp", 53, "udp"},
		{"65535/UDP", 65535, "udp"},
	};
	static const char *const bad[] = {"",   "0",     "65536", "80/",        "80/icmp", "tcp",
									  "-1", "80-90", "8 0",   "80/tcp/udp", "+80"};
	struct image_port port;
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_ok(image_parse_port(good[i].text, &port, &err), &err);
		assert_int_equal(port.port, good[i].port);
		assert_string_equal(port.protocol, good[i].protocol);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *message = xasprintf("%s is no port", bad[i]);
		assert_error(image_parse_port(bad[i], &port, &err), EINVAL, &err, message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything), cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_wrong),      cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_signals),    cmocka_unit_test(test_ports),
	};

	return cmocka_run_group_tests_name("image configuration", tests, NULL, NULL);
}
