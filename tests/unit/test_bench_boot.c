// SPDX-License-Identifier: Apache-2.0
/* What is read from the log of a boot with initcall_debug, a recorded one and hostile ones. */
#include "base/files.h"
#include "base/paths.h"
#include "bench/boot.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define INIT "[    9.000000] lupine-init: 10000000000 ticks since power-on\n"

static char *read_golden(const char *name)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *data = xasprintf("tests/golden/%s", name), *path = NULL;
	struct buf text = {0};

	if (path_data(data, &path, &err) < 0 || file_read(AT_FDCWD, path, 1 << 20, &text, &err) < 0)
		fail_msg("%s", err.message);
	return buf_steal(&text);
}

static const struct initcall *find(const struct boot_log *log, const char *name)
{
	for (size_t i = 0; i < log->count; i++)
		if (strcmp(log->calls[i].name, name) == 0)
			return &log->calls[i];
	return NULL;
}

static uint64_t sum(const struct boot_log *log)
{
	uint64_t all = 0;

	for (size_t i = 0; i < log->count; i++)
		all += log->calls[i].microseconds;
	return all;
}

/* A kernel without a table of symbols writes addresses, which its System.map tells the names of. */
static void recorded_log(void **state)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_boot_log_ struct boot_log log = {0};
	_cleanup_free_ char *text = read_golden("boot-initcalls.log");
	_cleanup_free_ char *symbols = read_golden("boot-initcalls.map");

	(void)state;
	assert_int_equal(boot_log_read(text, symbols, &log, &err), 0);
	/* 229 lines, two of them of functions of one name. */
	assert_int_equal(log.count, 228);
	assert_int_equal(sum(&log), 8225);
	assert_int_equal(log.first, 12803);
	assert_int_equal(log.last, 22739);
	assert_int_equal(log.init, 24199);
	assert_int_equal(log.ticks, 32896045);
	/* The log's own times; the kernel's figure is 2753. */
	const struct initcall *slab = find(&log, "slab_late_init");
	assert_non_null(slab);
	assert_int_equal(slab->microseconds, 22571 - 19813);
	for (size_t i = 0; i < log.count; i++)
		assert_false(starts_with(log.calls[i].name, "0x"));
}

static void without_symbols(void **state)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_boot_log_ struct boot_log log = {0};
	_cleanup_free_ char *text = read_golden("boot-initcalls.log");

	(void)state;
	assert_int_equal(boot_log_read(text, NULL, &log, &err), 0);
	assert_int_equal(log.count, 229);
	assert_int_equal(sum(&log), 8225);
	assert_non_null(find(&log, "0xffffffff81ac1f20"));
}

static void names_and_modules(void **state)
{
	static const char text[] =
		"[    1.000000] calling  a_init+0x0/0x50 @ 1\n"
		"[    1.000010] probe of serial8250 returned 0 after 4 usecs\n"
		"[    1.000020] initcall a_init+0x0/0x50 returned 0 after 4 usecs\n"
		"[    1.000025] calling  b_init+0x0/0x1000 [virtio_mmio] @ 44\n"
		"[    1.000125] initcall b_init+0x0/0x1000 [virtio_mmio] returned -19 after 4 usecs\n"
		"[    1.000200] calling  a_init+0x0/0x10 @ 1\n"
		"[    1.000202] initcall a_init+0x0/0x10 returned 0 after 4 usecs\n" INIT
		/* What init starts may write there too. */
		"[    9.000001] calling  late+0x0/0x50 @ 1\n"
		"[    9.000020] initcall late+0x0/0x50 returned 0 after 4 usecs\n";
	_cleanup_error_ struct error err = {0};
	_cleanup_boot_log_ struct boot_log log = {0};

	(void)state;
	assert_int_equal(boot_log_read(text, NULL, &log, &err), 0);
	assert_int_equal(log.count, 2);
	assert_int_equal(find(&log, "a_init")->microseconds, 22);
	assert_int_equal(find(&log, "b_init")->microseconds, 100);
	assert_int_equal(log.first, 1000000);
	assert_int_equal(log.last, 1000202);
	assert_int_equal(log.ticks, 10000000000);
}

/* Each line of these is passed over. */
static void malformed_lines(void **state)
{
	static const char *const lines[] = {
		"calling  x+0x0/0x50 @ 1\n",
		"[ calling  x+0x0/0x50 @ 1\n",
		"[    2.] calling  x+0x0/0x50 @ 1\n",
		"[    2.5000000] calling  x+0x0/0x50 @ 1\n",
		"[99999999999999999999.000000] calling  x+0x0/0x50 @ 1\n",
		"[    2.000000] initcall x+0x0/0x50 returned 0 after 4 usecs\n",
		"[    2.000000] calling  y+0x0/0x50 @ 1\n[    2.000001] initcall x+0x0/0x50 returned 0\n",
		"[    2.000000] calling  x+0x0/0x50 @ 1\n[    1.000000] initcall x+0x0/0x50 returned 0\n",
		"[    2.000000] calling  \n[    2.000001] initcall \n",
		"[    2.000000] lupine-init: ticks since power-on\n",
		"[    2.000000] lupine-init: 99999999999999999999 ticks since power-on\n",
		"[    2.000000] lupine-init: 7 ticks\n",
		"[",
	};
	static const char good[] = "[    1.000000] calling  good+0x0/0x50 @ 1\n"
							   "[    1.000020] initcall good+0x0/0x50 returned 0 after 4 usecs\n";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_error_ struct error err = {0};
		_cleanup_boot_log_ struct boot_log log = {0};
		_cleanup_free_ char *text = xasprintf("%s%s\n" INIT, good, lines[i]);
		if (boot_log_read(text, NULL, &log, &err) < 0 || log.count != 1 ||
			log.calls[0].microseconds != 20)
			fail_msg("line %zu was not passed over", i);
	}
}

static void long_names(void **state)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_boot_log_ struct boot_log log = {0};
	char name[1000];

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	_cleanup_free_ char *text = xasprintf("[    1.000000] calling  %s @ 1\n"
										  "[    1.000001] initcall %s returned 0\n" INIT,
										  name, name);
	assert_int_equal(boot_log_read(text, NULL, &log, &err), -EINVAL);
	assert_string_equal(err.message, "the log has no initcalls");
}

static void many_calls(void **state)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_boot_log_ struct boot_log log = {0};
	_cleanup_buf_ struct buf text = {0};

	(void)state;
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "[    1.000000] calling  f%d @ 1\n[    1.000001] initcall f%d returned\n",
				   i, i);
	buf_puts(&text, INIT);
	assert_int_equal(boot_log_read(text.data, NULL, &log, &err), 0);
	assert_int_equal(log.count, 4096);
}

static void what_is_missing(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "the log does not say when init began"},
		{"[    1.000000] calling  a @ 1\n[    1.000001] initcall a returned\n",
		 "the log does not say when init began"},
		{INIT, "the log has no initcalls"},
		{"[    1.000000] calling  a @ 1\n[   99.000001] initcall a returned\n" INIT,
		 "the log's times are in no order"},
		{"[    1.000000] calling  a @ 1\n[    1.000001] initcall a returned\n"
		 "[    9.000000] lupine-init: 5 ticks since power-on\n",
		 "the log's times are in no order"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct error err = {0};
		struct boot_log log = {0};
		assert_int_equal(boot_log_read(cases[i].text, NULL, &log, &err), -EINVAL);
		assert_string_equal(err.message, cases[i].message);
	}
}

/* Only a whole address is one, and only at the beginning of a line. */
static void symbols_of_part_of_an_address(void **state)
{
	static const char text[] = "[    1.000000] calling  0x81a0 @ 1\n"
							   "[    1.000001] initcall 0x81a0 returned\n" INIT;
	static const struct {
		const char *symbols, *name;
	} cases[] = {
		{"ffff81a0 t wrong\n81a0 t right\n", "right"},
		{"81a01 t wrong\n", "0x81a0"},
		{"81a0 ", "0x81a0"},
		{"81a0 t", "0x81a0"},
		{"81a0 t last", "last"},
		{"", "0x81a0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_error_ struct error err = {0};
		_cleanup_boot_log_ struct boot_log log = {0};
		assert_int_equal(boot_log_read(text, cases[i].symbols, &log, &err), 0);
		assert_string_equal(log.calls[0].name, cases[i].name);
	}
}

/* A kernel with two functions in one segment. */
struct kernel_file {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	uint8_t code[64];
};
#define BASE 0xffffffff81000000ull
#define SYMBOLS                                                                                    \
	"ffffffff81000020 t sched_clock_init_late\nffffffff81000000 T sched_clock_init\n"              \
	"ffffffff8100003f t past_the_end\n"

static struct kernel_file small_kernel(void)
{
	return (struct kernel_file){
		.header = {.e_phoff = offsetof(struct kernel_file, segment),
				   .e_phentsize = sizeof(Elf64_Phdr),
				   .e_phnum = 1},
		.segment = {.p_type = PT_LOAD,
					.p_offset = offsetof(struct kernel_file, code),
					.p_vaddr = BASE,
					.p_filesz = 64,
					.p_memsz = 64},
		/* endbr64, call, push; the other begins with a push. */
		.code = {0xf3, 0x0f, 0x1e, 0xfa, 0xe8, 1, 2, 3, 4, 0x55, 0x55, 0x55, [32] = 0x55},
	};
}

static int exact_clock(const void *bytes, size_t length, const char *symbols, struct error *err)
{
	char path[] = "/tmp/lupine-test-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	int result = boot_exact_clock(path, symbols, err);
	unlink(path);
	return result;
}

static void exact_clock_patches_two_functions(void **state)
{
	static const uint8_t idle[] = {0x31, 0xc0, 0xc3};
	const struct kernel_file kernel = small_kernel();
	_cleanup_error_ struct error err = {0};
	struct kernel_file copy;

	(void)state;
	_cleanup_close_ int fd = exact_clock(&kernel, sizeof(kernel), SYMBOLS, &err);
	if (fd < 0)
		fail_msg("%s", err.message);
	assert_int_equal(pread(fd, &copy, sizeof(copy), 0), sizeof(copy));
	/* What the kernel looks for at a function's beginning stays. */
	assert_memory_equal(copy.code, kernel.code, 9);
	assert_memory_equal(copy.code + 9, idle, sizeof(idle));
	assert_memory_equal(copy.code + 32, idle, sizeof(idle));
	memcpy(copy.code + 9, kernel.code + 9, sizeof(idle));
	memcpy(copy.code + 32, kernel.code + 32, sizeof(idle));
	assert_memory_equal(&copy, &kernel, sizeof(kernel));
}

static void exact_clock_of_what_is_no_such_kernel(void **state)
{
	static const char *const symbols[] = {
		"",
		"ffffffff81000000 T sched_clock_init\n",
		"T sched_clock_init\n",
		"ffffffff8100003f T sched_clock_init\nffffffff81000020 t sched_clock_init_late\n",
		"1000 T sched_clock_init\nffffffff81000020 t sched_clock_init_late\n",
	};
	struct kernel_file kernel = small_kernel();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		_cleanup_error_ struct error err = {0};
		assert_int_equal(exact_clock(&kernel, sizeof(kernel), symbols[i], &err), -EINVAL);
	}
	_cleanup_error_ struct error err = {0};
	/* Damaged: too short, and with numbers that lead out of it. */
	assert_true(exact_clock(&kernel, 10, SYMBOLS, &err) < 0);
	assert_true(exact_clock(&kernel, sizeof(kernel) - 1, SYMBOLS, &err) < 0);
	kernel.segment.p_offset = UINT64_MAX;
	assert_true(exact_clock(&kernel, sizeof(kernel), SYMBOLS, &err) < 0);
	kernel = small_kernel();
	kernel.segment.p_filesz = UINT64_MAX;
	assert_true(exact_clock(&kernel, sizeof(kernel), SYMBOLS, &err) < 0);
	kernel = small_kernel();
	kernel.header.e_phoff = UINT64_MAX - 7;
	assert_true(exact_clock(&kernel, sizeof(kernel), SYMBOLS, &err) < 0);
	kernel = small_kernel();
	kernel.header.e_phnum = UINT16_MAX;
	assert_true(exact_clock(&kernel, sizeof(kernel), SYMBOLS, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_log),
		cmocka_unit_test(without_symbols),
		cmocka_unit_test(names_and_modules),
		cmocka_unit_test(malformed_lines),
		cmocka_unit_test(long_names),
		cmocka_unit_test(many_calls),
		cmocka_unit_test(what_is_missing),
		cmocka_unit_test(symbols_of_part_of_an_address),
		cmocka_unit_test(exact_clock_patches_two_functions),
		cmocka_unit_test(exact_clock_of_what_is_no_such_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
