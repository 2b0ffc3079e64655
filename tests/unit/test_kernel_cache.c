// SPDX-License-Identifier: Apache-2.0
/* kernel_ensure() and the cache, on the miniature kernel. */
#include "base/json.h"
#include "base/progress.h"
#include "kernel/kernel.h"
#include "kernel_fixture.h"

#include <elf.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static int begin(void **state)
{
	int result = fixture_begin(state);

	/* The developer's own compiler cache is no part of a test. */
	setenv("CCACHE_DISABLE", "1", 1);
	write_data();
	return result;
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, fixture_end)

/* Asks for a kernel of the miniature, with `fragment` (or none) as a file of the user's. */
static int ensure(const char *fragment, struct kernel **ret, struct error *err)
{
	struct kernel_request request = {.source = "linux.tar.xz"};

	if (fragment) {
		write_text("my.config", fragment);
		strings_add(&request.fragments, "my.config");
	}
	int result = kernel_ensure(&request, ret, err);
	strings_free(&request.fragments);
	return result;
}

/* The fragment that counts builds in the file "tally", with more lines. */
static char *tallied(const char *more)
{
	return xasprintf("CONFIG_TALLY=\"%s/tally\"\n%s", home, more);
}

/* Nothing is left that is not a whole kernel or source. */
static void assert_no_leavings(void)
{
	assert_output("find cache -name '.staging*'", "");
}

static void test_build_and_find_again(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL, *again = NULL, *found = NULL;
	_cleanup_free_ char *fragment = tallied("");
	struct error err = {0};

	assert_ok(ensure(fragment, &kernel, &err), &err);
	assert_int_equal(strlen(kernel->id), 64);
	assert_string_equal(kernel->version, "6.12");
	assert_string_equal(kernel->release, "6.12.0-mini");
	assert_string_equal(kernel->architecture, "x86_64");
	assert_int_equal(kernel->features.count, 1);
	assert_string_equal(kernel->features.items[0], "net");
	assert_int_equal(kernel->options, 4);
	assert_in_range(kernel->built, time(NULL) - 60, time(NULL));
	assert_true(kernel->build_seconds > 0);
	_cleanup_free_ char *config = read_text(kernel->config);
	_cleanup_free_ char *expected = xasprintf(
		"CONFIG_ARCH_OPTION=y\nCONFIG_BASE=y\nCONFIG_NET=y\nCONFIG_TALLY=\"%s/tally\"\n", home);
	assert_string_equal(config, expected);
	_cleanup_free_ char *size = capture("stat -c %s cache/kernels/*/vmlinux");
	assert_int_equal(kernel->vmlinux_size, strtoul(size, NULL, 10));
	assert_output("ls cache/kernels/*", "System.map\nconfig\nkernel.json\nsizes.json\nvmlinux");
	assert_output("ls -A cache/logs", "");
	assert_no_leavings();

	assert_ok(ensure(fragment, &again, &err), &err);
	assert_string_equal(again->id, kernel->id);
	assert_string_equal(again->vmlinux, kernel->vmlinux);
	assert_output("cat tally", "built");

	_cleanup_free_ char *prefix = xstrndup(kernel->id, 4);
	assert_ok(kernel_find(prefix, &found, &err), &err);
	_cleanup_json_ json_t *left = kernel_to_json(kernel), *right = kernel_to_json(found);
	assert_true(json_equal(left, right));
	assert_string_equal(json_string_value(json_object_get(left, "vmlinux")), kernel->vmlinux);
}

static void test_cache_may_move(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL, *moved = NULL;
	struct error err = {0};

	assert_ok(ensure(NULL, &kernel, &err), &err);
	run("mkdir other && mv cache other/");
	_cleanup_free_ char *place = xasprintf("%s/other", home);
	setenv("LUPINE_HOME", place, 1);
	assert_ok(kernel_find(kernel->id, &moved, &err), &err);
	_cleanup_free_ char *vmlinux = xasprintf("%s/cache/kernels/%s/vmlinux", place, kernel->id);
	assert_string_equal(moved->vmlinux, vmlinux);
	assert_true(path_exists(moved->config));
}

/* The id of the kernel with that fragment, after a change by a shell command. */
static char *id_after(const char *command, const char *fragment)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error err = {0};

	run(command);
	assert_ok(ensure(fragment, &kernel, &err), &err);
	return xstrdup(kernel->id);
}

static void test_what_names_a_kernel(void **state)
{
	(void)state;
	static const char *const same[][2] = {
		{"true", "# a comment\nCONFIG_A=y\n"},
		{"mv linux.tar.xz moved && cp moved linux.tar.xz", "CONFIG_A=n\nCONFIG_A=y\n"},
		{"echo '# comment' >>linux/config/base.config", "CONFIG_A=y\n"},
		{"echo '- sound' >>linux/source.prune", "CONFIG_A=y\n"},
	};
	static const char *const other[][2] = {
		{"true", "CONFIG_A=m\n"},
		{"true", NULL},
		{"echo CONFIG_B=y >>linux/config/base.config", "CONFIG_A=y\n"},
		{"sed -i s/4/6/ linux/patches/6.12/0001-a.patch", "CONFIG_A=y\n"},
		{"echo 'int more;' >linux/files/init/more.c", "CONFIG_A=y\n"},
		{"echo >src/linux-mini/x; tar -cJf linux.tar.xz -C src linux-mini", "CONFIG_A=y\n"},
	};
	_cleanup_strings_ struct strings ids = {0};

	strings_take(&ids, id_after("true", "CONFIG_A=y\n"));
	for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
		_cleanup_free_ char *id = id_after(same[i][0], same[i][1]);
		assert_string_equal(id, ids.items[0]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(other); i++) {
		_cleanup_free_ char *id = id_after(other[i][0], other[i][1]);
		assert_false(strings_contain(&ids, id));
		strings_add(&ids, id);
	}
}

static void test_features_and_variants(void **state)
{
	(void)state;
	struct kernel_request request = {.source = "linux.tar.xz"};
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error err = {0};

	strings_add(&request.features, "fancy");
	strings_add(&request.variants, "debug");
	assert_ok(kernel_ensure(&request, &kernel, &err), &err);
	_cleanup_free_ char *config = read_text(kernel->config);
	assert_string_equal(config, "CONFIG_ARCH_OPTION=y\nCONFIG_BASE=y\nCONFIG_DEBUG=y\n"
								"CONFIG_FANCY=y\n");
	assert_string_equal(kernel->variants.items[0], "debug");
	/* Its driver was not unpacked at first. */
	assert_output("cat cache/sources/*/parts", "drivers/fancy");

	strings_add(&request.features, "fanzy");
	assert_error(kernel_ensure(&request, &kernel, &err), ENOENT, &err,
				 "kernel 6.12: there is no kernel feature \"fanzy\"", "did you mean fancy?");
	strings_free(&request.features);
	strings_add(&request.features, "../base");
	assert_error(kernel_ensure(&request, &kernel, &err), ENOENT, &err,
				 "kernel 6.12: there is no kernel feature \"../base\"", "there is: fancy, net");
	strings_free(&request.features);
	strings_free(&request.variants);
	request.architecture = "vax";
	assert_error(kernel_ensure(&request, &kernel, &err), ENOTSUP, &err,
				 "kernel 6.12: kernels for vax cannot be built", "there is: x86_64");
}

static void test_whole_configuration(void **state)
{
	(void)state;
	static const char whole[] = "#\n# Automatically generated file; DO NOT EDIT.\n"
								"# Linux/x86 6.1.0 Kernel Configuration\n#\n"
								"CONFIG_OLD=y\nCONFIG_LOST=y\n";
	struct kernel_request request = {.source = "linux.tar.xz"};
	_cleanup_kernel_ struct kernel *kernel = NULL, *failed = NULL;
	struct error err = {0};

	write_text("whole.config", whole);
	write_text("my.config", "CONFIG_MINE=y\n");
	strings_add(&request.fragments, "my.config");
	strings_add(&request.fragments, "whole.config");
	assert_ok(kernel_ensure(&request, &kernel, &err), &err);
	_cleanup_free_ char *config = read_text(kernel->config);
	/* Brought forward, without base and general; what is lost on the way is no error ... */
	assert_string_equal(config, "CONFIG_MINE=y\nCONFIG_OLD=y\nCONFIG_NEW=y\n");
	assert_int_equal(kernel->features.count, 0);
	/* ... unless it is asked for beside it. */
	write_text("my.config", "CONFIG_LOST=y\n");
	assert_error(
		kernel_ensure(&request, &failed, &err), EINVAL, &err,
		"kernel 6.12: CONFIG_LOST=y, asked for by my.config:1, is not in the configuration: "
		"it is n",
		"CONFIG_LOST=y (my.config:1) became n: it needs NET [=n] and ABSENT [=n] "
		"(Kconfig:3)");
	strings_add(&request.fragments, "whole.config");
	assert_error(kernel_ensure(&request, &failed, &err), EINVAL, &err,
				 "kernel 6.12: whole.config is a second whole configuration",
				 "give one, and beside it only fragments of a few options");
	strings_free(&request.fragments);
}

static void test_option_that_is_lost(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error err = {0};

	assert_error(
		ensure("CONFIG_LOST=y\n", &kernel, &err), EINVAL, &err,
		"kernel 6.12: CONFIG_LOST=y, asked for by my.config:1, is not in the configuration: "
		"it is n",
		"CONFIG_LOST=y (my.config:1) became n: it needs ABSENT [=n] (Kconfig:3)");
	assert_null(kernel);
	assert_output("ls -A cache/kernels cache/logs", "cache/kernels:\n\ncache/logs:");
	assert_no_leavings();
}

static void test_build_that_fails(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error err = {0};

	run("sed -i 's/int ip/int int ip/' src/linux-mini/net/ip.c linux/patches/6.12/0001-a.patch && "
		"tar -cJf linux.tar.xz -C src linux-mini");
	assert_true(ensure(NULL, &kernel, &err) == -ECHILD);
	_cleanup_free_ char *log = capture("echo $PWD/cache/logs/*");
	_cleanup_free_ char *message =
		xasprintf("kernel 6.12: make vmlinux failed; its output is in %s", log);
	assert_string_equal(err.message, message);
	assert_non_null(strstr(err.hint, "net/ip.c:1:5: error: two or more data types"));
	assert_null(strstr(err.hint, "make: ***"));
	assert_null(strstr(err.hint, "  CC      init/main.o"));
	_cleanup_free_ char *text = read_text(log);
	assert_non_null(strstr(text, "  CC      init/main.o"));
	assert_non_null(strstr(text, "two or more data types"));
	error_clear(&err);
	assert_output("ls -A cache/kernels", "");
	assert_no_leavings();

	/* Without any line that looks like an error, the last ones. */
	run("sed -i 's/int int/int/' src/linux-mini/net/ip.c linux/patches/6.12/0001-a.patch && "
		"printf 'seq 30\\nkill -9 $PPID\\n' >src/linux-mini/scripts/build.sh && "
		"tar -cJf linux.tar.xz -C src linux-mini");
	assert_true(ensure(NULL, &kernel, &err) == -ECHILD);
	_cleanup_free_ char *last = capture("seq 17 30; echo 'make: *** [Makefile:9: vmlinux] Killed'");
	if (!starts_with(err.hint, last))
		fail_msg("%s", err.hint);
	error_clear(&err);
}

static void test_part_that_no_table_knows(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_free_ char *fragment = tallied("CONFIG_HIDDEN=y\n");
	struct error err = {0};

	/* net/hidden.c includes a header of a part that the configuration does not need. */
	assert_ok(ensure(fragment, &kernel, &err), &err);
	assert_output("cat tally cache/sources/*/parts", "built\nbuilt\n*");
	assert_output("ls -A cache/logs", "");
}

static void test_no_pvh_entry(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error err = {0};

	run("sed -i 's/4, 8, 18/4, 8, 19/' src/linux-mini/init/main.c && "
		"tar -cJf linux.tar.xz -C src linux-mini");
	assert_true(ensure(NULL, &kernel, &err) == -ENOEXEC);
	assert_non_null(strstr(err.message, "has no PVH entry (a note of type 18 by Xen)"));
	assert_string_equal(err.hint, "a kernel has it when it is built with CONFIG_PVH=y");
	error_clear(&err);
	assert_output("ls -A cache/kernels", "");
}

static void test_same_bytes_anywhere(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *one = NULL, *two = NULL;
	struct error err = {0};

	assert_ok(ensure("CONFIG_DEBUG_INFO=y\n", &one, &err), &err);
	_cleanup_free_ char *place = xasprintf("%s/some/where/else", home);
	setenv("LUPINE_HOME", place, 1);
	setenv("KBUILD_BUILD_HOST", "another", 1);
	setenv("POISON", "POISON", 1);
	setenv("KCFLAGS", "-DPOISON", 1);
	setenv("MAKEFLAGS", "-n", 1);
	int result = ensure("CONFIG_DEBUG_INFO=y\n", &two, &err);
	unsetenv("KBUILD_BUILD_HOST");
	unsetenv("POISON");
	unsetenv("KCFLAGS");
	unsetenv("MAKEFLAGS");
	assert_ok(result, &err);
	assert_string_equal(one->id, two->id);
	_cleanup_free_ char *compare = xasprintf("cmp %s %s && cmp %s.debug %s.debug", one->vmlinux,
											 two->vmlinux, one->vmlinux, two->vmlinux);
	run(compare);
	/* What is loaded has no debugging information, and what debuggers read names no place. */
	_cleanup_free_ char *stripped =
		xasprintf("readelf -SW %s | grep -c debug_info || true; cd $(dirname %s) && readelf -SW "
				  "vmlinux.debug | grep -c debug_info; objdump -g vmlinux.debug | grep -c -e /tmp/ "
				  "-e staging || true",
				  one->vmlinux, one->vmlinux);
	assert_output(stripped, "0\n1\n0");
	_cleanup_free_ char *host = xasprintf("grep -c 'made on lupine' %s", one->vmlinux);
	assert_output(host, "1");
}

static void test_missing_packages(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_strings_ struct strings missing = {0};
	_cleanup_free_ char *path = xstrdup(getenv("PATH"));
	struct kernel_request request = {.version = "6.99"};
	struct error err = {0};

	run("mkdir bin && ln -s $(command -v make) $(command -v gcc) bin");
	_cleanup_free_ char *bin = xasprintf("%s/bin", home);
	setenv("PATH", bin, 1);
	int result = kernel_ensure(&request, &kernel, &err);
	kernel_missing_packages("6.99", &missing);
	setenv("PATH", path, 1);
	/* Header files are there or not, whatever PATH says. */
	assert_true(result == -ENOPKG);
	assert_true(starts_with(err.message, "kernel 6.99: building a kernel needs packages that are "
										 "missing: "));
	assert_true(starts_with(err.hint, "install them: apt-get install "));
	static const char *const packages[] = {"binutils", "flex",  "bison",
										   "bc",       "patch", "linux-source-6.99"};
	for (size_t i = 0; i < ARRAY_SIZE(packages); i++) {
		assert_non_null(strstr(err.hint, packages[i]));
		assert_true(strings_contain(&missing, packages[i]));
	}
	assert_false(strings_contain(&missing, "make"));
	assert_false(strings_contain(&missing, "gcc"));
	error_clear(&err);
}

static void test_progress(void **state)
{
	(void)state;
	pid_t pid = fork();

	if (pid == 0) {
		_cleanup_kernel_ struct kernel *kernel = NULL;
		_cleanup_error_ struct error err = {0};
		int fd = open("shown", O_WRONLY | O_CREAT, 0600);
		dup2(fd, STDERR_FILENO);
		progress_enable(true);
		_exit(ensure("CONFIG_FANCY=y\n", &kernel, &err) < 0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	_cleanup_free_ char *shown = read_text("shown");
	assert_non_null(strstr(shown, "unpacking the kernel's source"));
	/* Redrawn at most every 50 ms, so which of the three objects is shown depends. */
	assert_non_null(strstr(shown, "/3] "));
}

/* --- several processes --- */

/* Asks for the kernel of "my.config" in another process. */
static pid_t start(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		_cleanup_kernel_ struct kernel *kernel = NULL;
		_cleanup_error_ struct error err = {0};
		struct kernel_request request = {.source = "linux.tar.xz"};
		strings_add(&request.fragments, "my.config");
		int result = kernel_ensure(&request, &kernel, &err);
		strings_free(&request.fragments);
		_exit(result < 0);
	}
	assert_true(pid > 0);
	return pid;
}

static int finish(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Waits until a file has something in it, at most some seconds. */
static void wait_for(const char *path)
{
	for (int i = 0; i < 1000; i++) {
		_cleanup_free_ char *command = xasprintf("test -s %s", path);
		if (system(command) == 0)
			return;
		usleep(10000);
	}
	fail_msg("%s did not appear", path);
}

static void test_two_builds_share_one(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_free_ char *wait = xasprintf("CONFIG_WAIT=\"%s/go\"\n", home);
	_cleanup_free_ char *fragment = tallied(wait);
	struct error err = {0};

	write_text("my.config", fragment);
	pid_t one = start();
	wait_for("tally");
	pid_t two = start(), three = start();
	usleep(200000);
	write_text("go", "go");
	assert_int_equal(finish(one), 0);
	assert_int_equal(finish(two), 0);
	assert_int_equal(finish(three), 0);
	assert_output("cat tally; ls cache/kernels | wc -l", "built\n1");
	assert_ok(ensure(fragment, &kernel, &err), &err);
	assert_no_leavings();
}

static void test_waiter_builds_when_the_first_dies(void **state)
{
	(void)state;
	_cleanup_free_ char *wait = xasprintf("CONFIG_WAIT=\"%s/go\"\n", home);
	_cleanup_free_ char *fragment = tallied(wait);

	write_text("my.config", fragment);
	pid_t one = start();
	wait_for("tally");
	pid_t two = start();
	usleep(100000);
	kill(one, SIGKILL);
	finish(one);
	write_text("go", "go");
	assert_int_equal(finish(two), 0);
	assert_output("cat tally; ls cache/kernels | wc -l", "built\nbuilt\n1");
	assert_no_leavings();
}

static void test_killed_anywhere(void **state)
{
	(void)state;
	enum { KILLS = 10 };
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_free_ char *fragment = tallied("");
	struct error err = {0};
	unsigned killed = 0;

	write_text("my.config", fragment);
	for (unsigned i = 0; i < KILLS; i++) {
		pid_t pid = start();
		usleep(2000 + i * i * 2500);
		kill(pid, SIGKILL);
		killed += WIFSIGNALED(finish(pid));
		/* What is in the cache is whole. */
		run("for k in cache/kernels/*; do case $k in *'*') ;; *) "
			"test -s $k/vmlinux && test -s $k/kernel.json;; esac; done");
	}
	assert_in_range(killed, 2, KILLS);
	assert_ok(ensure(fragment, &kernel, &err), &err);
	assert_true(path_exists(kernel->vmlinux));
	/* The build after next has removed what the killed ones left. */
	_cleanup_kernel_ struct kernel *other = NULL;
	assert_ok(ensure("CONFIG_OTHER=y\n", &other, &err), &err);
	assert_no_leavings();
}

static void test_removal(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL, *gone = NULL;
	_cleanup_free_ char *fragment = tallied("");
	struct error err = {0};

	assert_ok(ensure(fragment, &kernel, &err), &err);
	assert_ok(kernel_remove(kernel, &err), &err);
	assert_output("ls -A cache/kernels; find cache/locks -name 'kernel*'", "");
	_cleanup_free_ char *message = xasprintf("there is no kernel with the id %s", kernel->id);
	assert_error(kernel_find(kernel->id, &gone, &err), ENOENT, &err, message,
				 "`lupine kernel list` shows those there are");
	kernel_free(&kernel);
	assert_ok(ensure(fragment, &kernel, &err), &err);
	assert_output("cat tally", "built\nbuilt");
}

static void test_removal_during_a_build(void **state)
{
	(void)state;
	_cleanup_free_ char *wait = xasprintf("CONFIG_WAIT=\"%s/go\"\n", home);
	_cleanup_free_ char *fragment = tallied(wait);
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error err = {0};

	write_text("go", "go");
	assert_ok(ensure(fragment, &kernel, &err), &err);
	/* Someone damages it, so that the next one builds it again. */
	run("rm go tally cache/kernels/*/kernel.json");
	pid_t pid = start();
	wait_for("tally");
	_cleanup_free_ char *message = xasprintf("the kernel %.12s is being built", kernel->id);
	assert_error(kernel_remove(kernel, &err), EBUSY, &err, message,
				 "try again when that has ended");
	write_text("go", "go");
	assert_int_equal(finish(pid), 0);
	assert_output("ls cache/kernels/*", "System.map\nconfig\nkernel.json\nsizes.json\nvmlinux");
	assert_ok(kernel_remove(kernel, &err), &err);
	assert_output("ls -A cache/kernels", "");
}

/* --- the list --- */

/* A kernel in the cache that was never built. */
static void write_kernel(const char *digits, int built)
{
	_cleanup_free_ char *id = xasprintf("%s%0*d", digits, (int)(64 - strlen(digits)), 0);
	_cleanup_free_ char *json = xasprintf("cache/kernels/%s/kernel.json", id);
	_cleanup_free_ char *vmlinux = xasprintf("cache/kernels/%s/vmlinux", id);
	_cleanup_free_ char *config = xasprintf("cache/kernels/%s/config", id);
	_cleanup_free_ char *text =
		xasprintf("{\"version\": \"6.12\", \"release\": \"r\", \"architecture\": \"x86_64\", "
				  "\"features\": [], "
				  "\"variants\": [], \"vmlinux_size\": 3, \"options\": 2, \"build_seconds\": 1.5, "
				  "\"built\": %d}",
				  built);

	write_text(json, text);
	write_text(vmlinux, "elf");
	write_text(config, "CONFIG_BASE=y\n");
}

static void test_list_and_prefixes(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct kernel **kernels = NULL;
	struct error err = {0};
	size_t count = 1;

	assert_ok(kernel_list(&kernels, &count, &err), &err);
	assert_int_equal(count, 0);
	free(kernels);
	write_kernel("abcd1", 100);
	write_kernel("abcd2", 300);
	write_kernel("beef", 200);
	write_kernel("dead", 400);
	run("cd cache/kernels && mkdir .staging-x strange && for k in dead*; do echo '{' "
		">$k/kernel.json; done");
	assert_ok(kernel_list(&kernels, &count, &err), &err);
	assert_int_equal(count, 3);
	assert_true(starts_with(kernels[0]->id, "abcd2"));
	assert_true(starts_with(kernels[1]->id, "beef"));
	assert_true(starts_with(kernels[2]->id, "abcd1"));
	for (size_t i = 0; i < count; i++)
		kernel_free(&kernels[i]);
	free(kernels);
	assert_ok(kernel_find("beef", &kernel, &err), &err);
	assert_int_equal(kernel->options, 2);
	kernel_free(&kernel);
	assert_error(kernel_find("abcd", &kernel, &err), EEXIST, &err,
				 "more than one kernel's id begins with abcd",
				 "write more digits; `lupine kernel list` shows them");
	assert_error(kernel_find("bee", &kernel, &err), ENOENT, &err,
				 "\"bee\" is too short for the id of a kernel: 4 digits or more", NULL);
	assert_error(kernel_find("0000", &kernel, &err), ENOENT, &err,
				 "there is no kernel with the id 0000",
				 "`lupine kernel list` shows those there are");
	assert_true(kernel_find("dead", &kernel, &err) < 0);
	error_clear(&err);
}

/* --- files of the user's --- */

static void patch_byte(const char *path, off_t offset, unsigned char byte)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
}

static void assert_refused(const char *path, const char *message, const char *hint)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error err = {0};

	assert_error(kernel_from_file(path, &kernel, &err), ENOEXEC, &err, message, hint);
	assert_null(kernel);
}

static void test_own_file(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *built = NULL, *kernel = NULL;
	struct error err = {0};

	assert_ok(ensure(NULL, &built, &err), &err);
	_cleanup_free_ char *copy = xasprintf("cp %s vmlinux", built->vmlinux);
	run(copy);
	assert_ok(kernel_from_file("vmlinux", &kernel, &err), &err);
	_cleanup_free_ char *path = xasprintf("%s/vmlinux", home);
	assert_string_equal(kernel->vmlinux, path);
	assert_string_equal(kernel->directory, home);
	assert_int_equal(kernel->vmlinux_size, built->vmlinux_size);
	assert_null(kernel->id);
	_cleanup_json_ json_t *json = kernel_to_json(kernel);
	assert_null(json_object_get(json, "id"));
	_cleanup_free_ char *message = xasprintf("%s is not a kernel of the cache", path);
	assert_error(kernel_remove(kernel, &err), EINVAL, &err, message, NULL);
}

static void test_refused_files(void **state)
{
	(void)state;
	_cleanup_kernel_ struct kernel *built = NULL, *kernel = NULL;
	struct error err = {0};

	assert_ok(ensure(NULL, &built, &err), &err);
	_cleanup_free_ char *copy = xasprintf(
		"for i in a b c d e f; do cp %s $i; done; objcopy -R .note.Xen f; head -c 70 a >short",
		built->vmlinux);
	run(copy);
	write_text("text", "not an ELF file");
	patch_byte("a", EI_CLASS, ELFCLASS32);
	patch_byte("b", offsetof(Elf64_Ehdr, e_machine), EM_AARCH64);
	patch_byte("c", offsetof(Elf64_Ehdr, e_type), ET_REL);
	patch_byte("d", offsetof(Elf64_Ehdr, e_phoff) + 3, 0x7f);
	run("head -c 1000 /dev/zero >e && printf HdrS | dd of=e bs=1 seek=514 conv=notrunc "
		"2>/dev/null");
	assert_refused("text", "text is not an ELF file", NULL);
	assert_refused("a", "a is not a 64-bit ELF file", NULL);
	assert_refused("b", "b is for a machine that is not supported (ELF machine 183)", NULL);
	assert_refused("c", "c is an ELF file, but not one that can be started", NULL);
	assert_refused("d", "d has no PVH entry (a note of type 18 by Xen)",
				   "a kernel has it when it is built with CONFIG_PVH=y");
	assert_refused("e", "e is a compressed kernel (bzImage)",
				   "give the vmlinux that it was made of; the kernel's own scripts/extract-vmlinux "
				   "takes it out");
	assert_refused("f", "f has no PVH entry (a note of type 18 by Xen)",
				   "a kernel has it when it is built with CONFIG_PVH=y");
	assert_refused("short", "short has no PVH entry (a note of type 18 by Xen)",
				   "a kernel has it when it is built with CONFIG_PVH=y");
	assert_refused(".", "the kernel . is not a file", NULL);
	assert_error(kernel_from_file("absent", &kernel, &err), ENOENT, &err,
				 "cannot open the kernel absent: No such file or directory", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(test_build_and_find_again),
		CACHE_TEST(test_cache_may_move),
		CACHE_TEST(test_what_names_a_kernel),
		CACHE_TEST(test_features_and_variants),
		CACHE_TEST(test_whole_configuration),
		CACHE_TEST(test_option_that_is_lost),
		CACHE_TEST(test_build_that_fails),
		CACHE_TEST(test_part_that_no_table_knows),
		CACHE_TEST(test_no_pvh_entry),
		CACHE_TEST(test_same_bytes_anywhere),
		CACHE_TEST(test_missing_packages),
		CACHE_TEST(test_progress),
		CACHE_TEST(test_two_builds_share_one),
		CACHE_TEST(test_waiter_builds_when_the_first_dies),
		CACHE_TEST(test_killed_anywhere),
		CACHE_TEST(test_removal),
		CACHE_TEST(test_removal_during_a_build),
		CACHE_TEST(test_list_and_prefixes),
		CACHE_TEST(test_own_file),
		CACHE_TEST(test_refused_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
