// SPDX-License-Identifier: Apache-2.0
/* Fragments, the explanation of what a configuration lacks, and what Kbuild would compile. */
#include "kernel/kbuild.h"
#include "kernel/kconfig.h"
#include "kernel/makefile.h"
#include "kernel_fixture.h"

static void read_config(struct config *config, const char *path)
{
	struct error err = {0};

	assert_ok(config_read(config, path, path, NULL, &err), &err);
}

static void test_fragments_override(void **state)
{
	(void)state;
	_cleanup_config_ struct config config = {0};

	write_text("a.config", "# A fragment\nCONFIG_NET=y\nCONFIG_HZ=100\n\nCONFIG_SMP=y  \n"
						   "# CONFIG_PM is not set\nCONFIG_NAME=\"a # b\"\n");
	write_text("b.config", "CONFIG_HZ=250\r\n# CONFIG_SMP is not set\nCONFIG_64BIT=y\n"
						   "# CONFIG_HZ is a sentence about an option\n");
	read_config(&config, "a.config");
	read_config(&config, "b.config");
	_cleanup_free_ char *text = config_text(&config);
	assert_string_equal(text, "CONFIG_64BIT=y\nCONFIG_HZ=250\nCONFIG_NAME=\"a # b\"\nCONFIG_NET=y\n"
							  "# CONFIG_PM is not set\n# CONFIG_SMP is not set\n");
	assert_string_equal(config_find(&config, "HZ")->origin, "b.config:1");
	assert_string_equal(config_find(&config, "NET")->origin, "a.config:2");
	assert_string_equal(config_value(&config, "SMP"), "n");
	assert_string_equal(config_value(&config, "ABSENT"), "n");
	assert_null(config_find(&config, "ABSENT"));
}

static void test_same_option_many_times(void **state)
{
	(void)state;
	_cleanup_config_ struct config config = {0};
	_cleanup_buf_ struct buf text = {0};

	for (int i = 0; i < 3000; i++)
		buf_printf(&text, "CONFIG_X%d=%d\n", i % 7, i);
	write_text("a.config", text.data);
	read_config(&config, "a.config");
	assert_int_equal(config.count, 7);
	assert_string_equal(config_value(&config, "X0"), "2996");
	assert_string_equal(config_value(&config, "X3"), "2999");
}

static void test_count(void **state)
{
	(void)state;
	_cleanup_config_ struct config config = {0};

	write_text("a.config", "CONFIG_A=y\nCONFIG_B=m\nCONFIG_C=\"\"\nCONFIG_D=0\nCONFIG_E=0x0\n"
						   "# CONFIG_F is not set\nCONFIG_G=n\nCONFIG_H=\"x\"\nCONFIG_I=-1\n");
	read_config(&config, "a.config");
	assert_int_equal(config_count(&config), 4);
}

static void test_whole(void **state)
{
	(void)state;
	_cleanup_config_ struct config config = {0};
	struct error err = {0};
	bool whole = false;

	write_text("whole", "#\n# Automatically generated file; DO NOT EDIT.\n#\nCONFIG_A=y\n");
	write_text("part", "# of options\n#\n# Automatically generated file; DO NOT EDIT.\n");
	assert_ok(config_read(&config, "whole", "whole", &whole, &err), &err);
	assert_true(whole);
	assert_ok(config_read(&config, "part", "part", &whole, &err), &err);
	assert_false(whole);
}

static void test_bad_fragments(void **state)
{
	(void)state;
	static const char *const lines[] = {"NET=y",       "CONFIG_NET",    "CONFIG_=y",
										"CONFIG_NET=", "CONFIG_NET =y", "y"};
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_config_ struct config config = {0};
		_cleanup_free_ char *text = xasprintf("# fragment\nCONFIG_A=y\n%s\n", lines[i]);
		_cleanup_free_ char *message =
			xasprintf("my.config:3: \"%s\" is not a kernel option", lines[i]);
		write_text("bad", text);
		assert_error(config_read(&config, "bad", "my.config", NULL, &err), EINVAL, &err, message,
					 "a line is CONFIG_NAME=y, CONFIG_NAME=VALUE, \"# CONFIG_NAME is not set\" or "
					 "another comment");
	}
	_cleanup_config_ struct config config = {0};
	assert_error(config_read(&config, "absent", "x", NULL, &err), ENOENT, &err,
				 "cannot open absent: No such file or directory", NULL);
}

static void test_expressions(void **state)
{
	(void)state;
	static const struct {
		const char *expression;
		enum tristate value;
		const char *shown;
	} cases[] = {
		{"YES", TRISTATE_YES, "YES [=y]"},
		{"MOD", TRISTATE_MODULE, "MOD [=m]"},
		{"NO", TRISTATE_NO, "NO [=n]"},
		{"!NO", TRISTATE_YES, "!NO [=n]"},
		{"! MOD", TRISTATE_MODULE, "!MOD [=m]"},
		{"YES && MOD", TRISTATE_MODULE, "YES [=y] && MOD [=m]"},
		{"NO||YES", TRISTATE_YES, "NO [=n] || YES [=y]"},
		{"NO && YES || YES", TRISTATE_YES, "NO [=n] && YES [=y] || YES [=y]"},
		{"NO && (YES || YES)", TRISTATE_NO, "NO [=n] && (YES [=y] || YES [=y])"},
		{"!(YES && NO)", TRISTATE_YES, "!(YES [=y] && NO [=n])"},
		{"MOD=m", TRISTATE_YES, "MOD [=m] = m"},
		{"NO!=y", TRISTATE_YES, "NO [=n] != y"},
		{"64BIT", TRISTATE_NO, "64BIT [=n]"},
		{"VERSION >= 120100", TRISTATE_YES, "VERSION [=120200] >= 120100"},
		{"VERSION < 120200", TRISTATE_NO, "VERSION [=120200] < 120200"},
		{"VERSION<=120200", TRISTATE_YES, "VERSION [=120200] <= 120200"},
		{"NAME = \"x86\"", TRISTATE_YES, "NAME [=x86] = \"x86\""},
		{"\"$(ARCH)\" = \"x86\"", TRISTATE_NO, "\"$(ARCH)\" = \"x86\""},
		{"$(cc-option,-mfoo (x)) && YES", TRISTATE_YES, "$(cc-option,-mfoo (x)) && YES [=y]"},
		{"y", TRISTATE_YES, "y"},
		{"", TRISTATE_NO, ""},
		{"(((", TRISTATE_NO, "((()))"},
	};
	_cleanup_config_ struct config config = {0};

	write_text("c", "CONFIG_YES=y\nCONFIG_MOD=m\nCONFIG_VERSION=120200\nCONFIG_NAME=\"x86\"\n");
	read_config(&config, "c");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf shown = {0};
		buf_puts(&shown, "");
		assert_int_equal(expression_evaluate(cases[i].expression, &config, &shown), cases[i].value);
		assert_string_equal(shown.data, cases[i].shown);
	}
	_cleanup_buf_ struct buf deep = {0};
	for (int i = 0; i < 100000; i++)
		buf_puts(&deep, "(");
	assert_int_equal(expression_evaluate(deep.data, &config, NULL), TRISTATE_NO);
}

static void test_unmet_parts(void **state)
{
	(void)state;
	static const struct {
		const char *expression;
		const char *unmet;
	} cases[] = {
		{"A && B && C", "A [=n]; C [=n]"},
		{"B && (A && B)", "A [=n]"},
		{"A || C", "A [=n] || C [=n]"},
		{"(A || C) && B", "A [=n] || C [=n]"},
		{"B && !(B || A)", "!(B [=y] || A [=n])"},
		{"NAME = \"a && b\" && B", "NAME [=n] = \"a && b\""},
		{"B || A", ""},
		{"A && A", "A [=n]"},
	};
	_cleanup_config_ struct config config = {0};

	write_text("c", "CONFIG_B=y\n");
	read_config(&config, "c");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strings_ struct strings unmet = {0};
		_cleanup_buf_ struct buf text = {0};
		expression_unmet(cases[i].expression, &config, &unmet);
		buf_puts(&text, "");
		for (size_t j = 0; j < unmet.count; j++)
			buf_printf(&text, "%s%s", j ? "; " : "", unmet.items[j]);
		assert_string_equal(text.data, cases[i].unmet);
	}
}

/* A tree of Kconfig files with every construct that real ones have. */
static void write_kconfig(void)
{
	write_text("tree/Kconfig", "mainmenu \"Linux\"\n"
							   "success := $(shell,if true; then echo y; fi)\n"
							   "source \"arch/$(SRCARCH)/Kconfig\"\n"
							   "source \"net/Kconfig\"\n"
							   "source \"absent/Kconfig\"\n"
							   "source \"Kconfig\"\n");
	write_text("tree/arch/x86/Kconfig", "config X86\n\tdef_bool y\n\tselect HAS_CLOCK if 64BIT\n"
										"\tselect HIDDEN if NOPE\n\n"
										"config 64BIT\n\tbool \"64-bit\" if \"$(ARCH)\" = \"x86\"\n"
										"\tdefault y\n\n"
										"config HAS_CLOCK\n\tbool\n");
	write_text("tree/net/Kconfig",
			   "menuconfig NET\n\tbool \"Networking # not a comment\" # a comment\n"
			   "\thelp\n\t  config FAKE is not a block, nor is\n\n\t  menu \"this\"\n"
			   "\t  depends on NOTHING\n\n"
			   "if NET\n\n"
			   "menu \"Protocols\"\n\tdepends on \\\n\t\tPROTOCOLS && \\\n\t\t(X86 || ARM)\n"
			   "\tvisible if EXPERT\n\n"
			   "config TCP\n\ttristate \"TCP\" if ADVANCED\n\tdepends on INET\n\n"
			   "endmenu\n\n"
			   "config UDP\n\tbool\n\tprompt \"UDP\"\n\tdepends on INET\n\n"
			   "choice\n\tprompt \"Congestion\"\n\tdepends on INET\n"
			   "config CUBIC\n\tbool \"cubic\"\nconfig RENO\n\tbool \"reno\"\nendchoice\n\n"
			   "config HIDDEN\n\tbool\n\n"
			   "config SIZE\n\tint \"size\"\n\trange 1 9\n\n"
			   "endif # NET\n\n"
			   "config UDP\n\tbool \"UDP again\"\n\tdepends on FORCED\n");
}

static struct kconfig_block *find_block(struct kconfig *kconfig, const char *name)
{
	for (size_t i = 0; i < kconfig->block_count; i++)
		if (strcmp(kconfig->blocks[i].name, name) == 0)
			return &kconfig->blocks[i];
	fail_msg("no block %s", name);
	return NULL;
}

static void assert_depends(struct kconfig *kconfig, const char *name, const char *expected)
{
	const struct kconfig_block *block = find_block(kconfig, name);
	_cleanup_buf_ struct buf text = {0};

	buf_puts(&text, "");
	for (size_t i = 0; i < block->depends.count; i++)
		buf_printf(&text, "%s%s", i ? "; " : "", block->depends.items[i]);
	assert_string_equal(text.data, expected);
}

static void test_reading_kconfig(void **state)
{
	(void)state;
	_cleanup_kconfig_ struct kconfig kconfig = {0};
	struct error err = {0};

	write_kconfig();
	/* "Kconfig" sources itself: each level of it is read, but not for ever. */
	assert_ok(kconfig_read("tree", "x86", &kconfig, &err), &err);
	assert_depends(&kconfig, "NET", "");
	assert_depends(&kconfig, "64BIT", "\"$(ARCH)\" = \"x86\"");
	assert_depends(&kconfig, "TCP", "NET; PROTOCOLS && \t\t(X86 || ARM); EXPERT; ADVANCED; INET");
	assert_depends(&kconfig, "UDP", "NET; INET");
	assert_depends(&kconfig, "RENO", "NET; INET");
	assert_depends(&kconfig, "SIZE", "NET");
	assert_true(find_block(&kconfig, "UDP")->prompt);
	assert_false(find_block(&kconfig, "HIDDEN")->prompt);
	assert_int_equal(find_block(&kconfig, "RENO")->choice, find_block(&kconfig, "CUBIC")->choice);
	assert_int_equal(find_block(&kconfig, "HIDDEN")->choice, 0);
	assert_string_equal(find_block(&kconfig, "TCP")->file, "net/Kconfig");
	assert_int_equal(find_block(&kconfig, "TCP")->line, 17);
	assert_string_equal(kconfig.selects[0].selector, "X86");
	assert_string_equal(kconfig.selects[0].target, "HAS_CLOCK");
	assert_string_equal(kconfig.selects[0].condition, "64BIT");
	for (size_t i = 0; i < kconfig.block_count; i++)
		assert_string_not_equal(kconfig.blocks[i].name, "FAKE");

	_cleanup_kconfig_ struct kconfig none = {0};
	assert_error(kconfig_read("absent", "x86", &none, &err), ENOENT, &err,
				 "absent/Kconfig: No such file or directory", NULL);
}

static void assert_explained(const char *asked_text, const char *config_text, const char *message,
							 const char *hint)
{
	_cleanup_config_ struct config asked = {0}, config = {0};
	struct error err = {0};

	write_text("asked", asked_text);
	write_text("result", config_text);
	read_config(&asked, "asked");
	read_config(&config, "result");
	int result = kconfig_prove(&asked, &config, "tree", "x86", &err);
	if (message)
		assert_error(result, EINVAL, &err, message, hint);
	else
		assert_ok(result, &err);
}

static void test_proof(void **state)
{
	(void)state;
	write_kconfig();
	assert_explained("CONFIG_NET=y\n# CONFIG_UDP is not set\nCONFIG_SIZE=3\nCONFIG_TCP=n\n",
					 "CONFIG_NET=y\nCONFIG_SIZE=3\n# CONFIG_TCP is not set\n", NULL, NULL);
	assert_explained("CONFIG_TCP=y\n", "CONFIG_NET=y\nCONFIG_X86=y\n",
					 "CONFIG_TCP=y, asked for by asked:1, is not in the configuration: it is n",
					 "CONFIG_TCP=y (asked:1) became n: it needs PROTOCOLS [=n] and EXPERT [=n] and "
					 "ADVANCED [=n] and INET [=n] (net/Kconfig:17)");
	assert_explained("CONFIG_UDP=y\n", "CONFIG_NET=y\nCONFIG_X86=y\n",
					 "CONFIG_UDP=y, asked for by asked:1, is not in the configuration: it is n",
					 "CONFIG_UDP=y (asked:1) became n: it needs INET [=n] (net/Kconfig:23), or it "
					 "needs FORCED [=n] (net/Kconfig:46)");
	assert_explained("CONFIG_RENO=y\n", "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_CUBIC=y\n",
					 "CONFIG_RENO=y, asked for by asked:1, is not in the configuration: it is n",
					 "CONFIG_RENO=y (asked:1) became n: CONFIG_CUBIC is chosen in its place: unset "
					 "that one (net/Kconfig:33)");
	assert_explained(
		"# CONFIG_HAS_CLOCK is not set\n", "CONFIG_X86=y\nCONFIG_64BIT=y\nCONFIG_HAS_CLOCK=y\n",
		"CONFIG_HAS_CLOCK unset, asked for by asked:1, is not in the configuration: it "
		"is y",
		"CONFIG_HAS_CLOCK unset (asked:1) became y: it is selected by X86 [=y] "
		"(arch/x86/Kconfig:10)");
	assert_explained("# CONFIG_X86 is not set\n", "CONFIG_X86=y\n",
					 "CONFIG_X86 unset, asked for by asked:1, is not in the configuration: it is y",
					 "CONFIG_X86 unset (asked:1) became y: it cannot be unset, its default decides "
					 "(arch/x86/Kconfig:1)");
	assert_explained(
		"CONFIG_HIDDEN=y\n", "CONFIG_NET=y\nCONFIG_X86=y\n",
		"CONFIG_HIDDEN=y, asked for by asked:1, is not in the configuration: it is n",
		"CONFIG_HIDDEN=y (asked:1) became n: it cannot be asked for, only other options "
		"set it: X86 [=y] (net/Kconfig:37)");
	assert_explained("CONFIG_SIZE=12\n", "CONFIG_NET=y\nCONFIG_SIZE=9\n",
					 "CONFIG_SIZE=12, asked for by asked:1, is not in the configuration: it is 9",
					 "CONFIG_SIZE=12 (asked:1) became 9: its conditions are met, so the value is "
					 "not one it can have (net/Kconfig:40)");
	assert_explained("CONFIG_TCPP=y\n", "CONFIG_NET=y\n",
					 "CONFIG_TCPP=y, asked for by asked:1, is not in the configuration: it is n",
					 "CONFIG_TCPP=y (asked:1) became n: this kernel has no such option; did you "
					 "mean CONFIG_TCP?");
	assert_explained(
		"CONFIG_UDP=y\nCONFIG_SIZE=1\n", "CONFIG_X86=y\nCONFIG_INET=y\n",
		"CONFIG_SIZE=1, asked for by asked:2, is not in the configuration: it is n (and "
		"1 more such options)",
		"CONFIG_SIZE=1 (asked:2) became n: it needs NET [=n] (net/Kconfig:40)\n"
		"CONFIG_UDP=y (asked:1) became n: it needs NET [=n] (net/Kconfig:23), or it "
		"needs FORCED [=n] (net/Kconfig:46)");
}

static void assert_words(const struct makefile *makefile, const char *name, const char *expected)
{
	_cleanup_strings_ struct strings words = {0};
	_cleanup_buf_ struct buf text = {0};

	makefile_get(makefile, name, &words);
	buf_puts(&text, "");
	for (size_t i = 0; i < words.count; i++)
		buf_printf(&text, "%s%s", i ? " " : "", words.items[i]);
	assert_string_equal(text.data, expected);
}

static void test_makefile(void **state)
{
	(void)state;
	_cleanup_config_ struct config config = {0};
	_cleanup_makefile_ struct makefile makefile = {.tree = "tree", .config = &config};

	write_text("c", "CONFIG_A=y\nCONFIG_M=m\nCONFIG_S=\"some text\"\nCONFIG_N=64\n");
	read_config(&config, "c");
	write_text("tree/inc/more.mk", "included := yes\n");
	write_text("tree/Makefile",
			   "# comment \\\nstill := a comment\n"
			   "obj-y := a.o # trailing\n"
			   "obj-$(CONFIG_A) += b.o \\\n\tc.o\n"
			   "obj-$(CONFIG_M) += m.o\n"
			   "obj-$(CONFIG_NOT) += never.o\n"
			   "ifeq ($(CONFIG_A),y)\n  eq-y := then\nelse\n  eq-y := else\nendif\n"
			   "ifneq ($(CONFIG_NOT),)\nne := then\nelse ifeq ($(CONFIG_N),64)\nne := elseif\n"
			   "else\nne := else\nendif\n"
			   "ifdef CONFIG_NOT\nifdef CONFIG_A\ndef := inner\nendif\nelse\ndef := outer\nendif\n"
			   "ifndef CONFIG_NOT\nndef := yes\nendif\n"
			   "ifeq \"$(CONFIG_N)\" \"64\"\nquoted := yes\nendif\n"
			   "late = $(early)\nearly := seen\n"
			   "now := $(later)\nlater := unseen\n"
			   "def ?= ignored\nfresh ?= set\n"
			   "loop = $(loop) x\n"
			   "subst := $(subst m,y,$(CONFIG_M))\n"
			   "suffix := $(addsuffix .o,a b) $(addprefix d/,e f)\n"
			   "pat := $(patsubst %.c,%.o,x.c y.h) $(obj-y:.o=.c) $(obj-y:%.o=p-%)\n"
			   "filtered := $(filter %.o keep,a.o b.c keep) $(filter-out %.o,a.o b.c)\n"
			   "cond := $(if $(CONFIG_A),yes,no)$(if $(CONFIG_NOT),yes,no)\n"
			   "text := $(CONFIG_S)\nunknown := $(shell echo x)$(call f,a,b)end\n"
			   "braces := ${early} $$x $(nested-$(CONFIG_A))\nnested-y := z\n"
			   "target: prerequisite ; recipe\n\tnot := assigned\n\tobj-y += recipe.o\n"
			   "target: obj-y += target-specific.o\n"
			   "define macro\nobj-y += in-macro.o\nendef\n"
			   "include $(srctree)/inc/more.mk\n-include absent.mk\n"
			   "export exported := yes\noverride over := yes\n");
	makefile_set(&makefile, "srctree", ".");
	assert_true(makefile_read(&makefile, "Makefile"));
	assert_words(&makefile, "obj-y", "a.o b.o c.o");
	assert_words(&makefile, "obj-m", "m.o");
	assert_words(&makefile, "still", "");
	assert_words(&makefile, "eq-y", "then");
	assert_words(&makefile, "ne", "elseif");
	assert_words(&makefile, "def", "outer");
	assert_words(&makefile, "ndef", "yes");
	assert_words(&makefile, "quoted", "yes");
	assert_words(&makefile, "late", "seen");
	assert_words(&makefile, "now", "");
	assert_words(&makefile, "fresh", "set");
	assert_words(&makefile, "subst", "y");
	assert_words(&makefile, "suffix", "a.o b.o d/e d/f");
	assert_words(&makefile, "pat", "x.o y.h a.c b.c c.c p-a p-b p-c");
	assert_words(&makefile, "filtered", "a.o keep b.c");
	assert_words(&makefile, "cond", "yesno");
	assert_words(&makefile, "text", "some text");
	assert_words(&makefile, "unknown", "end");
	assert_words(&makefile, "braces", "seen $x");
	assert_words(&makefile, "not", "");
	assert_words(&makefile, "included", "yes");
	assert_words(&makefile, "exported", "yes");
	assert_words(&makefile, "over", "yes");
	_cleanup_strings_ struct strings loop = {0};
	makefile_get(&makefile, "loop", &loop);
	assert_false(makefile_read(&makefile, "absent"));
}

static void test_kbuild(void **state)
{
	(void)state;
	_cleanup_config_ struct config config = {0};
	_cleanup_kbuild_ struct kbuild kbuild = {0};
	_cleanup_buf_ struct buf text = {0};

	write_text("c", "CONFIG_NET=y\nCONFIG_MOD=m\nCONFIG_64BIT=y\n");
	read_config(&config, "c");
	write_text("tree/Makefile",
			   "libs-y := lib/\nSRCARCH := $(ARCH)\nifeq ($(ARCH),x86_64)\n"
			   "SRCARCH := x86\nendif\ninclude $(srctree)/arch/$(SRCARCH)/Makefile\n"
			   "export ARCH_LIB := $(filter %/,$(libs-y))\n");
	write_text("tree/arch/x86/Makefile", "ifeq ($(CONFIG_64BIT),y)\nBITS := 64\nendif\n"
										 "libs-y += arch/x86/lib/ libgcc.a\n");
	write_text("tree/Kbuild", "obj-y += init/ arch/$(SRCARCH)/ $(ARCH_LIB)\n"
							  "obj-$(CONFIG_NET) += net/\nobj-$(CONFIG_USB) += usb/\n");
	write_text("tree/init/Makefile", "obj-y := main.o ../init/loop/\n");
	write_text("tree/lib/Makefile", "lib-y := string.o\nobj-y += crc.o crc.o\n");
	write_text("tree/arch/x86/lib/Makefile", "lib-y := memcpy_$(BITS).o\n");
	write_text("tree/arch/x86/Kbuild", "obj-y += entry.o\n");
	write_text("tree/arch/x86/lib/Kbuild", "obj-y += kbuild_wins.o\n");
	write_text("tree/net/Makefile", "obj-y += core/ absent/\nobj-$(CONFIG_MOD) += mod.o mods/\n"
									"obj-y += stack.o driver.o\nstack-y := ip.o sub/tcp.o\n"
									"stack-$(CONFIG_MOD) += never.o\ndriver-objs := d1.o\n"
									"driver-$(CONFIG_NET) += d2.o\n");
	write_text("tree/net/core/Makefile", "obj-y := dev.o\nobj-y += ../core/\n");
	write_text("tree/net/mods/Makefile", "obj-y := in_module.o\n");
	kbuild_read("tree", "x86_64", "x86", &config, &kbuild);
	for (size_t i = 0; i < kbuild.objects.count; i++)
		if (!strstr(kbuild.objects.items[i], ".."))
			buf_printf(&text, "%s ", kbuild.objects.items[i]);
	assert_string_equal(text.data,
						"arch/x86/entry.o arch/x86/lib/kbuild_wins.o init/main.o lib/crc.o "
						"lib/string.o net/core/dev.o net/d1.o net/d2.o net/ip.o "
						"net/sub/tcp.o ");
	assert_true(kbuild_has_object(&kbuild, "net/ip.o"));
	assert_false(kbuild_has_object(&kbuild, "net/stack.o"));
	const struct kbuild empty = {0};
	assert_false(kbuild_has_object(&empty, "net/ip.o"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERNEL_TEST(test_fragments_override),
		KERNEL_TEST(test_same_option_many_times),
		KERNEL_TEST(test_count),
		KERNEL_TEST(test_whole),
		KERNEL_TEST(test_bad_fragments),
		KERNEL_TEST(test_expressions),
		KERNEL_TEST(test_unmet_parts),
		KERNEL_TEST(test_reading_kconfig),
		KERNEL_TEST(test_proof),
		KERNEL_TEST(test_makefile),
		KERNEL_TEST(test_kbuild),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
