// SPDX-License-Identifier: Apache-2.0
/* The applications that are measured: their descriptions, right and wrong, and their roots. */
#include "bench/app.h"
#include "image_fixture.h"

/* What an application must have to be measured at all. */
static void assert_usable(const struct app *app)
{
	const struct inode *program = tree_lookup(app->tree, app->argv.items[0], true);

	assert_non_null(program);
	assert_true(S_ISREG(program->mode));
	assert_int_equal(program->mode & 0111, 0111);
	assert_true(app->memory >= 16 << 20);
	assert_non_null(tree_lookup(app->tree, "tmp", false));
	if (!app->port) {
		assert_non_null(app->output);
		assert_int_equal(app->load_count, 0);
		return;
	}
	assert_non_null(tree_lookup(app->tree, "bench/load", false));
	assert_true(app->probe.count > 0);
	assert_true(app->load_count > 0);
	for (size_t i = 0; i < app->load_count; i++) {
		assert_true(app->loads[i].args.count > 0);
		for (size_t j = 0; j < app->loads[i].args.count; j++)
			assert_true(strchr(app->loads[i].args.items[j], '*') == NULL ||
						strchr(app->loads[i].args.items[j], ' ') != NULL);
	}
}

static void test_every_application(void **state)
{
	struct error err = {0};
	struct strings names = {0};
	size_t opened = 0;

	(void)state;
	assert_ok(app_names(&names, &err), &err);
	assert_true(strings_contain(&names, "hello") && strings_contain(&names, "redis") &&
				strings_contain(&names, "nginx") && strings_contain(&names, "memcached") &&
				strings_contain(&names, "postgresql"));
	for (size_t i = 0; i < names.count; i++) {
		struct app *app = NULL;
		if (i)
			assert_true(strcmp(names.items[i - 1], names.items[i]) < 0);
		if (app_open(names.items[i], &app, &err) < 0) {
			/* Only because the machine does not have it. */
			assert_int_equal(err.code, ENOENT);
			assert_non_null(strstr(err.message, " is not on this machine, and "));
			assert_true(starts_with(err.hint, "install it: apt-get install "));
			print_message("%s: %s\n", names.items[i], err.message);
			error_clear(&err);
			continue;
		}
		assert_string_equal(app->name, names.items[i]);
		assert_usable(app);
		app_free(&app);
		assert_null(app);
		opened++;
	}
	assert_true(opened >= 1);
	strings_free(&names);
}

static void test_hello_is_small(void **state)
{
	struct error err = {0};
	struct app *app = NULL;

	(void)state;
	assert_ok(app_open("hello", &app, &err), &err);
	assert_string_equal(app->output, "Hello, world!");
	assert_int_equal(app->user.uid, 0);
	assert_true(app->tree->data_bytes < 4096);
	app_free(&app);
}

/* Writes guest/bench/apps/a.json into the temporary directory, where data is looked for first. */
static int open_description(const char *text, struct app **ret, struct error *err)
{
	struct error mkdir_error = {0};

	assert_ok(directory_make("data/guest/bench/apps", &mkdir_error), &mkdir_error);
	write_text("data/guest/bench/apps/a.json", text);
	_cleanup_free_ char *data = xasprintf("%s/data", home);
	setenv("LUPINE_DATA", data, 1);
	int result = app_open("a", ret, err);
	unsetenv("LUPINE_DATA");
	return result;
}

static void assert_wrong(const char *text, int code, const char *message, const char *hint)
{
	struct error err = {0};
	struct app *app = NULL;
	int result = open_description(text, &app, &err);

	assert_null(app);
	if (hint && err.hint)
		assert_string_equal(err.hint, hint);
	assert_error(result, code, &err, message);
}

static void test_description(void **state)
{
	struct error err = {0};
	struct app *app = NULL;

	(void)state;
	assert_int_equal(mkdir("tool-1", 0755), 0);
	assert_int_equal(mkdir("tool-2", 0755), 0);
	assert_int_equal(mkdir("tool-2/below", 0700), 0);
	write_text("single", "alone");
	write_text("tool-2/below/file", "inside");
	_cleanup_free_ char *text = xasprintf(
		"{\"programs\": [\"/bin/sh\", \"sleep\"], \"copies\": [\"%s/tool-*\", \"%s/single\"],"
		"\"users\": [\"wolf:x:12:13::/:/bin/sh\"], \"user\": \"wolf\","
		"\"directories\": [{\"path\": \"/d\", \"mode\": \"1700\", \"owner\": 12}],"
		"\"files\": [{\"path\": \"/d/f\", \"lines\": [\"a\", \"b\"], \"mode\": \"755\"},"
		"            {\"path\": \"/empty\", \"lines\": []}],"
		"\"argv\": [\"sleep\", \"sleep\", \"%s/tool-*\", \"a *\"], \"port\": 12, "
		"\"memory\": \"32m\","
		"\"probe\": [\"http\"], \"loads\": {\"b\": [\"http\"], \"a\": [\"http\", "
		"\"--keep-alive\"]}}",
		home, home, home);
	assert_ok(open_description(text, &app, &err), &err);
	_cleanup_free_ char *copy = xasprintf("%s/tool-2", home);
	assert_true(ends_with(app->argv.items[0], "/bin/sleep"));
	assert_string_equal(app->argv.items[1], "sleep");
	assert_string_equal(app->argv.items[2], copy);
	assert_string_equal(app->argv.items[3], "a *");
	assert_non_null(tree_lookup(app->tree, app->argv.items[0], true));
	assert_non_null(tree_lookup(app->tree, "bin/sh", true));
	_cleanup_free_ char *file = xasprintf("%s/below/file", copy + 1);
	assert_file(app->tree, file, "inside");
	_cleanup_free_ char *single = xasprintf("%s/single", home + 1);
	assert_file(app->tree, single, "alone");
	_cleanup_free_ char *below = xasprintf("%s/below", copy + 1);
	assert_int_equal(tree_lookup(app->tree, below, false)->mode, S_IFDIR | 0700);
	const struct inode *directory = tree_lookup(app->tree, "d", false);
	assert_int_equal(directory->mode, S_IFDIR | 01700);
	assert_int_equal(directory->uid, 12);
	assert_file(app->tree, "d/f", "a\nb\n");
	assert_int_equal(tree_lookup(app->tree, "d/f", false)->mode, S_IFREG | 0755);
	assert_file(app->tree, "empty", "");
	assert_int_equal(app->user.uid, 12);
	assert_int_equal(app->user.gid, 13);
	assert_int_equal(app->port, 12);
	assert_int_equal(app->memory, 32 << 20);
	/* In the order of the description. */
	assert_int_equal(app->load_count, 2);
	assert_string_equal(app->loads[0].name, "b");
	assert_string_equal(app->loads[1].args.items[1], "--keep-alive");
	app_free(&app);
}

static void test_wrong_descriptions(void **state)
{
	(void)state;
	assert_wrong("[]", EINVAL, "guest/bench/apps/a.json: not an object", NULL);
	assert_wrong("{\"prot\": 1}", EINVAL, "guest/bench/apps/a.json: unknown member \"prot\"", NULL);
	assert_wrong("{\"argv\": [], \"memory\": \"1m\"}", EINVAL, "a: \"argv\" is empty", NULL);
	assert_wrong("{\"argv\": [\"x\"], \"memory\": \"1m\"}", EINVAL,
				 "a: nothing says when it works: neither a port with a probe nor an output", NULL);
	assert_wrong("{\"argv\": [\"x\"], \"memory\": \"1m\", \"port\": 1}", EINVAL,
				 "a: nothing says when it works: neither a port with a probe nor an output", NULL);
#define REST "\"argv\": [\"x\"], \"memory\": \"1m\", \"output\": \"\""
	assert_wrong("{\"programs\": [\"no-such-wolf\"], \"package\": \"wolves\"," REST "}", ENOENT,
				 "no-such-wolf is not on this machine, and a is made of it",
				 "install it: apt-get install wolves");
	assert_wrong("{\"copies\": [\"/no-such-wolf/*\"], \"package\": \"wolves\"," REST "}", ENOENT,
				 "/no-such-wolf/* is not on this machine, and a is made of it",
				 "install it: apt-get install wolves");
	assert_wrong("{\"users\": [\"wolf\"]," REST "}", EINVAL,
				 "a: \"wolf\" is no line of /etc/passwd", NULL);
	assert_wrong("{\"files\": [{\"path\": \"/f\", \"lines\": [], \"mode\": \"9\"}]," REST "}",
				 EINVAL, "a: the mode \"9\" is not octal", NULL);
	assert_wrong("{\"directories\": [{\"path\": \"d\"}]," REST "}", EINVAL,
				 "a: the path d is not absolute", NULL);
}

static void test_unknown_name(void **state)
{
	struct error err = {0};
	struct app *app = NULL;

	(void)state;
	int result = app_open("../apps/hello", &app, &err);
	assert_string_equal(err.hint, "there are: hello, memcached, nginx, postgresql, redis");
	assert_error(result, ENOENT, &err, "there is no application \"../apps/hello\" to measure");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMAGE_TEST(test_every_application), IMAGE_TEST(test_hello_is_small),
		IMAGE_TEST(test_description),       IMAGE_TEST(test_wrong_descriptions),
		IMAGE_TEST(test_unknown_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
