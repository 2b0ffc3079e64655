// SPDX-License-Identifier: Apache-2.0
/* The kernel's source: identified, unpacked in parts, patched, killed and shared. */
#include "kernel/source.h"
#include "kernel_fixture.h"

#include <signal.h>
#include <sys/wait.h>

static int describe(const char *origin, struct kernel_source *source, struct error *err)
{
	return source_describe("6.12", origin, source, err);
}

static void prepare(const char *origin, struct kernel_source *source)
{
	struct error err = {0};

	assert_ok(describe(origin, source, &err), &err);
	assert_ok(source_prepare(source, &err), &err);
}

/* The files of a source's tree, sorted, one a line. */
static char *list_tree(const struct kernel_source *source)
{
	_cleanup_free_ char *command =
		xasprintf("cd %s && find . ! -type d | LC_ALL=C sort", source->tree);

	return capture(command);
}

#define ALWAYS                                                                                     \
	"./Kbuild\n./Kconfig\n./Makefile\n./arch/x86/Makefile\n./drivers/Makefile\n"                   \
	"./drivers/fancy/Kconfig\n./drivers/fancy/Makefile\n%s./drivers/fancy/touched.c\n%s"           \
	"./init/Makefile\n./init/added.c\n./init/main.c\n./net/Makefile\n./net/hidden.c\n"             \
	"./net/ip.c\n./scripts/build.sh"

static void assert_tree(const struct kernel_source *source, const char *fancy, const char *other)
{
	_cleanup_free_ char *found = list_tree(source);
	_cleanup_free_ char *expected = xasprintf(ALWAYS, fancy, other);

	assert_string_equal(found, expected);
}

static void assert_file(const struct kernel_source *source, const char *path, const char *text)
{
	_cleanup_free_ char *absolute = xasprintf("%s/%s", source->tree, path);
	_cleanup_free_ char *found = read_text(absolute);

	assert_string_equal(found, text);
}

static void test_prepare(void **state)
{
	(void)state;
	_cleanup_source_ struct kernel_source source = {0}, again = {0};

	write_data();
	prepare("linux.tar.xz", &source);
	assert_tree(&source, "", "");
	assert_file(&source, "net/ip.c", "int ip = 4;\n");
	assert_file(&source, "drivers/fancy/touched.c", "one\n2\nthree\n");
	assert_file(&source, "init/added.c", "int added;\n");
	assert_output("ls -A cache/sources | wc -l", "1");

	/* Content counts, not where it lies. */
	run("mkdir away && cp linux.tar.xz away/other.name && rm linux.tar.xz");
	prepare("away/other.name", &again);
	assert_string_equal(again.name, source.name);
	assert_output("ls -A cache/sources | wc -l", "1");
}

static void test_what_names_a_source(void **state)
{
	(void)state;
	static const char *const changes[] = {
		"echo '/* new */' >>src/linux-mini/net/ip.h; tar -cJf linux.tar.xz -C src linux-mini",
		"echo 'int more;' >linux/files/init/more.c",
		"sed -i s/added/ADDED/ linux/files/init/added.c",
		"sed -i s/4/6/ linux/patches/6.12/0001-a.patch",
		"echo '- sound' >>linux/source.prune",
	};
	_cleanup_strings_ struct strings names = {0};
	struct error err = {0};

	write_data();
	for (size_t i = 0; i <= ARRAY_SIZE(changes); i++) {
		_cleanup_source_ struct kernel_source source = {0};
		assert_ok(describe("linux.tar.xz", &source, &err), &err);
		assert_false(strings_contain(&names, source.name));
		strings_add(&names, source.name);
		if (i < ARRAY_SIZE(changes))
			run(changes[i]);
	}
}

static void test_parts(void **state)
{
	(void)state;
	_cleanup_source_ struct kernel_source source = {0};
	_cleanup_strings_ struct strings fancy = {0}, none = {0};
	struct error err = {0};
	bool added;

	write_data();
	prepare("linux.tar.xz", &source);
	strings_add(&fancy, "drivers/fancy");
	assert_ok(source_add_parts(&source, &none, &added, &err), &err);
	assert_false(added);
	assert_ok(source_add_parts(&source, &fancy, &added, &err), &err);
	assert_true(added);
	assert_tree(&source, "./drivers/fancy/fancy.c\n", "");
	/* What was patched is not unpacked over. */
	assert_file(&source, "drivers/fancy/touched.c", "one\n2\nthree\n");
	run("mv linux.tar.xz gone");
	assert_ok(source_add_parts(&source, &fancy, &added, &err), &err);
	assert_false(added);
	run("mv gone linux.tar.xz");
	assert_ok(source_add_parts(&source, NULL, &added, &err), &err);
	assert_true(added);
	_cleanup_free_ char *index = xasprintf("%s/Documentation/index.rst", source.tree);
	assert_true(path_exists(index));
	assert_ok(source_add_parts(&source, NULL, &added, &err), &err);
	assert_false(added);
}

static void test_changed_archive(void **state)
{
	(void)state;
	_cleanup_source_ struct kernel_source source = {0};
	_cleanup_free_ char *message = NULL;
	struct error err = {0};

	write_data();
	prepare("linux.tar.xz", &source);
	run("echo x >src/linux-mini/x; tar -cJf linux.tar.xz -C src linux-mini");
	message = xasprintf("%s was changed while a kernel was built from it", source.origin);
	assert_error(source_add_parts(&source, NULL, NULL, &err), ESTALE, &err, message, "build again");
}

static void test_needed_parts(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"drivers/fancy/fancy.c", "drivers/fancy"},
		{"drivers/fancy/deep/x.c", "drivers/fancy"},
		{"drivers/x.c", NULL},
		{"drivers/kept/x.c", NULL},
		{"drivers/keptnot/x.c", "drivers/keptnot"},
		{"drivers/fancy/Kconfig.debug", NULL},
		{"drivers/fancy/Makefile", NULL},
		{"drivers/fancy/Kbuild", NULL},
		{"Documentation/a/b.rst", "Documentation"},
		{"Documentation", NULL},
		{"fs/x.c", NULL},
		{"x", NULL},
	};
	_cleanup_prune_ struct prune prune = {0};
	_cleanup_config_ struct config config = {0};
	_cleanup_strings_ struct strings parts = {0};
	struct kbuild kbuild = {0};
	struct error err = {0};

	write_data();
	assert_ok(prune_read("linux/source.prune", &prune, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *part = prune_part(&prune, cases[i][0]);
		if (cases[i][1])
			assert_string_equal(part, cases[i][1]);
		else
			assert_null(part);
	}
	write_text("c", "CONFIG_DOCS=y\n");
	assert_ok(config_read(&config, "c", "c", NULL, &err), &err);
	strings_add(&kbuild.objects, "drivers/fancy/a.o");
	strings_add(&kbuild.objects, "drivers/fancy/b.o");
	strings_add(&kbuild.objects, "net/ip.o");
	prune_needed(&prune, &kbuild, &config, &parts);
	assert_int_equal(parts.count, 2);
	assert_string_equal(parts.items[0], "drivers/fancy");
	assert_string_equal(parts.items[1], "Documentation");
	strings_free(&kbuild.objects);

	_cleanup_prune_ struct prune bad = {0};
	write_text("bad", "+ a\n* b\n");
	assert_error(prune_read("bad", &bad, &err), EINVAL, &err,
				 "bad: \"* b\" is not \"+ PATH\" or \"- PATH [OPTION...]\"", NULL);
}

static void test_directory(void **state)
{
	(void)state;
	_cleanup_source_ struct kernel_source source = {0}, slash = {0}, changed = {0}, dirty = {0};
	_cleanup_free_ char *message = NULL;
	struct error err = {0};

	write_data();
	run("mkdir src/linux-mini/.git && echo x >src/linux-mini/.git/HEAD && "
		"ln -s main.c src/linux-mini/init/link");
	prepare("src/linux-mini", &source);
	run("rm src/linux-mini/init/link && touch src/linux-mini/.git/index");
	_cleanup_free_ char *link = xasprintf("readlink %s/init/link", source.tree);
	assert_output(link, "main.c");
	assert_file(&source, "net/ip.c", "int ip = 4;\n");
	/* The user's own tree is as it was. */
	assert_output("cat src/linux-mini/net/ip.c", "int ip;");
	assert_output("find cache -name .git", "");

	prepare("src/linux-mini/", &slash);
	assert_string_not_equal(source.name, slash.name);
	run("touch -d 2020-01-01 src/linux-mini/net/ip.c");
	prepare("src/linux-mini", &changed);
	assert_string_not_equal(changed.name, slash.name);

	write_text("src/linux-mini/.config", "CONFIG_A=y\n");
	message = xasprintf("%s/src/linux-mini was built in: it holds .config", home);
	assert_error(describe("src/linux-mini", &dirty, &err), EINVAL, &err, message,
				 "run make mrproper there, or give a clean copy");
}

static void test_patch_that_does_not_apply(void **state)
{
	(void)state;
	_cleanup_source_ struct kernel_source source = {0};
	struct error err = {0};

	write_data();
	/* With fuzz, patch would take this: only the context is wrong. */
	write_text("linux/patches/6.12/0002-b.patch",
			   "--- a/drivers/fancy/touched.c\n+++ b/drivers/fancy/touched.c\n@@ -1,3 +1,3 @@\n"
			   " ONE\n-2\n+zwei\n three\n");
	assert_ok(describe("linux.tar.xz", &source, &err), &err);
	_cleanup_free_ char *message = xasprintf(
		"%s/linux/patches/6.12/0002-b.patch does not apply to this kernel's source", home);
	assert_error(source_prepare(&source, &err), EINVAL, &err, message,
				 "patching file drivers/fancy/touched.c\nHunk #1 FAILED at 1.\n"
				 "1 out of 1 hunk FAILED -- saving rejects to file drivers/fancy/touched.c.rej");
	assert_output("ls -A cache/sources", "");

	/* Moved lines are no harm. */
	write_text("linux/patches/6.12/0002-b.patch",
			   "--- a/drivers/fancy/touched.c\n+++ b/drivers/fancy/touched.c\n@@ -9,2 +9,2 @@\n"
			   "-2\n+zwei\n three\n");
	_cleanup_source_ struct kernel_source moved = {0};
	prepare("linux.tar.xz", &moved);
	assert_file(&moved, "drivers/fancy/touched.c", "one\nzwei\nthree\n");

	write_text("linux/files/net/ip.c", "int mine;\n");
	_cleanup_source_ struct kernel_source twice = {0};
	assert_ok(describe("linux.tar.xz", &twice, &err), &err);
	_cleanup_free_ char *conflict = xasprintf(
		"net/ip.c is in this kernel's source already, so %s/linux/files/net/ip.c cannot be added",
		home);
	assert_error(source_prepare(&twice, &err), EEXIST, &err, conflict, NULL);
}

static void test_bad_archives(void **state)
{
	(void)state;
	/* What makes the archive bad.tar.xz, and the error behind "cannot unpack PATH: ". */
	static const char *const cases[][2] = {
		{"mkdir -p a/b && echo x >a/b/x && echo M >a/Makefile && tar -cJf bad.tar.xz -P "
		 "--transform 's,a/b/x,a/../../../escaped,' a",
		 "cannot create ../../../escaped: Invalid cross-device link"},
		{"mkdir a && echo M >a/Makefile && echo x >a/x && ln -s /tmp a/link && "
		 "tar -cJf bad.tar.xz --transform 's,a/x,a/link/escaped,' a/Makefile a/link a/x",
		 "cannot create link/escaped: Not a directory"},
		{"head -c 900 linux.tar.xz >bad.tar.xz", "truncated"},
		{"echo nonsense >bad.tar.xz", "Unrecognized archive format"},
	};
	struct error err = {0};

	write_data();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_source_ struct kernel_source source = {0};
		run("rm -rf a");
		run(cases[i][0]);
		assert_ok(describe("bad.tar.xz", &source, &err), &err);
		assert_true(source_prepare(&source, &err) < 0);
		_cleanup_free_ char *start = xasprintf("cannot unpack %s/bad.tar.xz: ", home);
		assert_true(starts_with(err.message, start));
		if (!strcasestr(err.message, cases[i][1]))
			fail_msg("%s", err.message);
		error_clear(&err);
		assert_output("ls -A cache/sources", "");
	}
	assert_output("find . .. -maxdepth 1 -name escaped; ls /tmp/escaped 2>/dev/null || true", "");

	_cleanup_source_ struct kernel_source source = {0};
	run("mkdir -p empty/x && echo >empty/x/y && tar -cJf bad.tar.xz empty");
	assert_ok(describe("bad.tar.xz", &source, &err), &err);
	_cleanup_free_ char *message =
		xasprintf("%s/bad.tar.xz is not the source of a kernel: it has no Makefile", home);
	assert_error(source_prepare(&source, &err), EINVAL, &err, message, NULL);
	assert_output("ls -A cache/sources", "");
}

static void test_other_forms(void **state)
{
	(void)state;
	static const char *const commands[] = {"gzip -c", "cat", "xz --block-size=2000 -c"};
	struct error err = {0};

	write_data();
	run("xz -dk linux.tar.xz");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_cleanup_source_ struct kernel_source source = {0};
		_cleanup_free_ char *command = xasprintf("%s <linux.tar >again", commands[i]);
		run(command);
		prepare("again", &source);
		assert_tree(&source, "", "");
	}
	/* Without xz on PATH, libarchive decodes. */
	_cleanup_source_ struct kernel_source source = {0};
	_cleanup_free_ char *path = xstrdup(getenv("PATH"));
	run("mkdir bin; for p in patch; do ln -s $(command -v $p) bin; done; rm -rf cache");
	_cleanup_free_ char *bin = xasprintf("%s/bin", home);
	setenv("PATH", bin, 1);
	int result = describe("linux.tar.xz", &source, &err);
	result = result < 0 ? result : source_prepare(&source, &err);
	setenv("PATH", path, 1);
	assert_ok(result, &err);
	assert_tree(&source, "", "");
}

static void test_bad_requests(void **state)
{
	(void)state;
	_cleanup_source_ struct kernel_source source = {0}, spaced = {0};
	struct error err = {0};

	write_data();
	assert_error(source_describe("../6.12", NULL, &source, &err), EINVAL, &err,
				 "\"../6.12\" is not a version of Linux such as 6.12", NULL);
	assert_error(source_describe("9.99", NULL, &source, &err), ENOENT, &err,
				 "the kernel's source /usr/src/linux-source-9.99.tar.xz: No such file or directory",
				 NULL);
	assert_error(describe("absent", &source, &err), ENOENT, &err,
				 "the kernel's source absent: No such file or directory", NULL);
	_cleanup_free_ char *odd = xasprintf("%s/a b", home);
	setenv("LUPINE_HOME", odd, 1);
	assert_ok(describe("linux.tar.xz", &spaced, &err), &err);
	_cleanup_free_ char *message =
		xasprintf("kernels cannot be built in %s/cache/sources: there is a ' ' in its name", odd);
	assert_error(source_prepare(&spaced, &err), EINVAL, &err, message,
				 "set LUPINE_HOME to another directory");
}

/* --- killed and at once --- */

enum { KILLS = 8 };

/* An archive that takes some time to unpack. */
static void write_many(void)
{
	write_data();
	run("mkdir -p src/linux-mini/drivers/many src/linux-mini/net/many && cd src/linux-mini && "
		"for i in $(seq 800); do echo $i >net/many/$i.c; echo $i >drivers/many/$i.c; done && "
		"cd .. && tar -cJf ../linux.tar.xz linux-mini");
}

/* Does `work` in a child that is killed after `microseconds`, or not at all (0). Returns whether
 * it ended by itself, and well. */
static bool run_killed(int (*work)(struct error *err), unsigned microseconds)
{
	pid_t pid = fork();

	if (pid == 0) {
		_cleanup_error_ struct error err = {0};
		_exit(work(&err) < 0);
	}
	assert_true(pid > 0);
	if (microseconds) {
		usleep(microseconds);
		kill(pid, SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int prepare_many(struct error *err)
{
	_cleanup_source_ struct kernel_source source = {0};

	if (describe("linux.tar.xz", &source, err) < 0)
		return -err->code;
	return source_prepare(&source, err);
}

static int add_many(struct error *err)
{
	_cleanup_source_ struct kernel_source source = {0};
	_cleanup_strings_ struct strings parts = {0};

	strings_add(&parts, "drivers/many");
	if (describe("linux.tar.xz", &source, err) < 0 || source_prepare(&source, err) < 0)
		return -err->code;
	return source_add_parts(&source, &parts, NULL, err);
}

static void assert_whole(const char *directory)
{
	_cleanup_free_ char *command = xasprintf(
		"cd cache/sources/6.12-*/tree/%s && ls *.c | wc -l && cat *.c | sort -n | sha256sum",
		directory);
	_cleanup_free_ char *wanted = xasprintf("cd src/linux-mini/%s && ls *.c | wc -l && cat *.c | "
											"sort -n | sha256sum",
											directory);
	_cleanup_free_ char *found = capture(command), *expected = capture(wanted);

	assert_string_equal(found, expected);
}

static void test_killed_unpack(void **state)
{
	(void)state;
	unsigned ended = 0;

	write_many();
	for (unsigned i = 0; i < KILLS; i++) {
		ended += run_killed(prepare_many, 1000 + i * 10000);
		if (system("test -e cache/sources/6.12-*/tree") == 0) {
			assert_whole("net/many");
			run("rm -rf cache/sources/6.12-*");
		}
	}
	assert_in_range(ended, 0, KILLS - 2);
	assert_true(run_killed(prepare_many, 0));
	assert_whole("net/many");
	assert_output("ls -A cache/sources | wc -l", "1");
}

static void test_killed_part(void **state)
{
	(void)state;

	write_many();
	assert_true(run_killed(prepare_many, 0));
	for (unsigned i = 0; i < KILLS; i++) {
		run_killed(add_many, 1000 + i * 10000);
		/* The list names it only when it is whole. */
		if (system("grep -q many cache/sources/6.12-*/parts 2>/dev/null") == 0) {
			assert_whole("drivers/many");
			run("rm -rf cache/sources/6.12-*/parts");
		}
	}
	assert_true(run_killed(add_many, 0));
	assert_whole("drivers/many");
	assert_output("cat cache/sources/6.12-*/parts", "drivers/many");
}

static void test_at_once(void **state)
{
	(void)state;
	enum { PROCESSES = 5 };
	pid_t pids[PROCESSES];

	write_many();
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			_cleanup_error_ struct error err = {0};
			_exit((i % 2 ? add_many(&err) : prepare_many(&err)) < 0);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_whole("net/many");
	assert_whole("drivers/many");
	assert_output("ls -A cache/sources | wc -l", "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERNEL_TEST(test_prepare),
		KERNEL_TEST(test_what_names_a_source),
		KERNEL_TEST(test_parts),
		KERNEL_TEST(test_changed_archive),
		KERNEL_TEST(test_needed_parts),
		KERNEL_TEST(test_directory),
		KERNEL_TEST(test_patch_that_does_not_apply),
		KERNEL_TEST(test_bad_archives),
		KERNEL_TEST(test_other_forms),
		KERNEL_TEST(test_bad_requests),
		KERNEL_TEST(test_killed_unpack),
		KERNEL_TEST(test_killed_part),
		KERNEL_TEST(test_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
