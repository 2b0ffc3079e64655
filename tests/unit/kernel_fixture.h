/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel tests share: a temporary directory that is LUPINE_HOME and LUPINE_DATA, and in
 * it a miniature "kernel" whose build takes a second: a Makefile that understands allnoconfig,
 * olddefconfig and vmlinux, with Kconfig and Kbuild files of the real shape.
 */
#pragma once

#include "base/files.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

static char *home;

UNUSED static void assert_ok(int result, struct error *err)
{
	if (result < 0)
		fail_msg("%s\n  %s", err->message, err->hint ? err->hint : "(no hint)");
	assert_null(err->message);
}

/* The error's code, message and hint (NULL: none); it is cleared. */
UNUSED static void assert_error(int result, int code, struct error *err, const char *message,
								const char *hint)
{
	assert_true(result < 0);
	assert_string_equal(err->message, message);
	if (hint)
		assert_string_equal(err->hint, hint);
	else
		assert_null(err->hint);
	assert_int_equal(result, -code);
	error_clear(err);
}

/* Writes a file, making its directory. Paths are relative to the temporary directory. */
UNUSED static void write_text(const char *path, const char *text)
{
	struct error err = {0};
	const char *slash = strrchr(path, '/');

	if (slash) {
		_cleanup_free_ char *parent = xstrndup(path, (size_t)(slash - path));
		assert_ok(directory_make(parent, &err), &err);
	}
	assert_ok(file_write_atomic(path, text, strlen(text), 0644, &err), &err);
}

/* A file's text; the caller owns it. */
UNUSED static char *read_text(const char *path)
{
	struct error err = {0};
	struct buf text = {0};

	assert_ok(file_read(AT_FDCWD, path, 1 << 20, &text, &err), &err);
	return buf_steal(&text);
}

/* The output of a shell command that must succeed; the caller owns it. */
UNUSED static char *capture(const char *command)
{
	struct error err = {0};
	char *const argv[] = {(char *)"sh", (char *)"-ec", (char *)command, NULL};
	char *text = NULL;

	assert_ok(process_capture(argv, &text, &err), &err);
	return text;
}

UNUSED static void run(const char *command)
{
	free(capture(command));
}

UNUSED static void assert_output(const char *command, const char *expected)
{
	_cleanup_free_ char *text = capture(command);

	assert_string_equal(text, expected);
}

UNUSED static int fixture_begin(void **state)
{
	char name[] = "/tmp/lupine-kernel-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(name));
	home = xstrdup(name);
	setenv("LUPINE_HOME", home, 1);
	setenv("LUPINE_DATA", home, 1);
	return chdir(home);
}

UNUSED static int fixture_end(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(directory_remove(home, &err), 0);
	free(home);
	return 0;
}

#define KERNEL_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

/* --- the miniature kernel --- */

/*
 * "make vmlinux" of the miniature compiles what its configuration says, prints the lines that
 * Kbuild prints, and links a file with a PVH note. Options steer it: CONFIG_TALLY="FILE" gets a
 * line each build, CONFIG_WAIT="FILE" makes it wait until that file is there. The option LOST
 * never gets into a configuration.
 */
UNUSED static void write_miniature(const char *top)
{
	static const struct {
		const char *path;
		const char *text;
	} files[] = {
		{"Makefile", "SRCARCH := x86\n"
					 "allnoconfig:\n"
					 "\t@echo '  HOSTCC  scripts/kconfig/conf'\n"
					 "\t@grep -v LOST $(KCONFIG_ALLCONFIG) >$(O)/.config\n"
					 "olddefconfig:\n"
					 "\t@grep -v LOST $(O)/.config >$(O)/new; echo CONFIG_NEW=y >>$(O)/new\n"
					 "\t@mv $(O)/new $(O)/.config\n"
					 "vmlinux:\n"
					 "\t@O=$(O) CC='$(CC)' LD='$(or $(LD),ld)' HOST='$(KBUILD_BUILD_HOST)' "
					 "FLAGS='$(KCFLAGS)' sh -e "
					 "scripts/build.sh\n"},
		{"scripts/build.sh",
		 "case \"$POISON$FLAGS\" in *POISON*) exit 1; esac\n"
		 "cd \"$O\"\n"
		 "mkdir -p include/config\n"
		 "echo 6.12.0-mini >include/config/kernel.release\n"
		 "value() { sed -n \"s/^CONFIG_$1=//p\" .config | tr -d '\"'; }\n"
		 "tally=$(value TALLY) wait=$(value WAIT)\n"
		 "test -z \"$tally\" || echo built >>\"$tally\"\n"
		 "objects='init/main'\n"
		 "test \"$(value NET)\" != y || objects=\"$objects net/ip\"\n"
		 "test \"$(value FANCY)\" != y || objects=\"$objects drivers/fancy/fancy\"\n"
		 "test \"$(value HIDDEN)\" != y || objects=\"$objects net/hidden\"\n"
		 "for object in $objects; do\n"
		 "\tmkdir -p ${object%/*}\n"
		 "\techo \"  CC      $object.o\"\n"
		 "\t$CC -g $FLAGS -DHOST=\"\\\"$HOST\\\"\" -c -o $object.o ../$object.c\n"
		 "\tlist=\"$list $object.o\"\n"
		 "done\n"
		 "test -z \"$wait\" || while ! test -e \"$wait\"; do sleep 0.02; done\n"
		 "echo '  LD      vmlinux'\n"
		 "$LD -static -e start --build-id=none -o vmlinux $list\n"
		 "nm vmlinux >System.map\n"},
		{"Kconfig", "config BASE\n\tbool \"base\"\n"
					"config LOST\n\tbool \"lost\"\n\tdepends on NET && ABSENT\n"
					"source \"drivers/fancy/Kconfig\"\n"},
		{"Kbuild", "obj-y += init/ drivers/\nobj-$(CONFIG_NET) += net/\n"},
		{"arch/x86/Makefile", "BITS := 64\n"},
		{"init/Makefile", "obj-y := main.o\n"},
		{"init/main.c", "const char banner[] = \"Linux made on \" HOST;\n"
						"void start(void) { for (;;); }\n"
						"__asm__(\".pushsection .note.Xen, \\\"a\\\", @note\\n.long 4, 8, "
						"18\\n.asciz \\\"Xen\\\"\\n\"\n"
						"        \".quad 0x1000000\\n.popsection\\n\");\n"},
		{"net/Makefile", "obj-y := ip.o\nobj-$(CONFIG_HIDDEN) += hidden.o\n"},
		{"net/ip.c", "int ip;\n"},
		{"net/hidden.c", "#include \"../drivers/other/hidden.h\"\n"},
		{"drivers/Makefile", "obj-$(CONFIG_FANCY) += fancy/\n"},
		{"drivers/fancy/Kconfig", "config FANCY\n\tbool \"fancy\"\n"},
		{"drivers/fancy/Makefile", "obj-y := fancy.o\n"},
		{"drivers/fancy/fancy.c", "int fancy;\n"},
		{"drivers/fancy/touched.c", "one\ntwo\nthree\n"},
		{"drivers/other/hidden.h", "extern int hidden;\n"},
		{"Documentation/index.rst", "Much text\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", top, files[i].path);
		write_text(path, files[i].text);
	}
}

/* Our own data for it, and the archive "linux.tar.xz". */
UNUSED static void write_data(void)
{
	write_text("linux/config/base.config", "# Always\nCONFIG_BASE=y\n");
	write_text("linux/config/x86_64.config", "CONFIG_ARCH_OPTION=y\n");
	write_text("linux/config/general.list", "# all of them\nnet # the network\n");
	write_text("linux/config/features/net.config", "CONFIG_NET=y\n");
	write_text("linux/config/features/fancy.config", "CONFIG_FANCY=y\n");
	write_text("linux/config/variants/debug.config", "CONFIG_DEBUG=y\n");
	write_text("linux/source.prune",
			   "# parts\n+ drivers/kept\n- drivers/*\n- Documentation DOCS\n");
	write_text("linux/files/init/added.c", "int added;\n");
	write_text("linux/patches/6.12/0001-a.patch",
			   "--- a/net/ip.c\n+++ b/net/ip.c\n@@ -1 +1 @@\n-int ip;\n+int ip = 4;\n"
			   "--- a/drivers/fancy/touched.c\n+++ b/drivers/fancy/touched.c\n@@ -2 +2 @@\n-two\n"
			   "+2\n");
	write_miniature("src/linux-mini");
	run("tar -cJf linux.tar.xz -C src linux-mini");
}
