// SPDX-License-Identifier: Apache-2.0
/* What the processor is: valid on any machine, with KVM, without it, or with one that emulates. */
#include "base/files.h"
#include "vmm/accel.h"
#include "vmm/clock.h"
#include "vmm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/lupine-test-XXXXXX";

static int make_home(void **state)
{
	(void)state;
	if (!mkdtemp(home))
		return -1;
	return setenv("LUPINE_HOME", home, 1);
}

static int remove_home(void **state)
{
	_cleanup_error_ struct error err = {0};

	(void)state;
	return directory_remove(home, &err);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_probe_is_quick_and_says_why(void **state)
{
	char reason[160] = "";
	double start = seconds_now();
	int result = accel_probe_kvm(reason);

	(void)state;
	/* Half a second is the probe's own limit; the rest is for a busy host. */
	assert_true(seconds_now() - start < 3);
	assert_true(result <= 0);
	assert_non_null(strstr(reason, "/dev/kvm"));
	if (access("/dev/kvm", F_OK) < 0)
		assert_int_not_equal(result, 0);
	print_message("[          ] %s\n", reason);
}

/* "auto" is KVM where the probe says that it is usable, else emulation, with the probe's reason. */
static void test_auto_follows_the_probe(void **state)
{
	struct accel accel, kvm;
	char reason[160];
	_cleanup_error_ struct error err = {0};
	int usable = accel_probe_kvm(reason);

	(void)state;
	assert_int_equal(accel_choose("auto", &accel, &err), 0);
	assert_string_equal(accel.name, usable == 0 ? "kvm" : "tcg");
	assert_true(strlen(accel.reason) > 0);
	int result = accel_choose("kvm", &kvm, &err);
	assert_int_equal(result, usable == 0 ? 0 : -ENOTSUP);
	if (result < 0) {
		assert_true(starts_with(err.message, "KVM cannot be used: "));
		assert_string_equal(err.hint, "--accel tcg emulates; --accel auto does so where it must");
		/* The same words, from the cache, for both. */
		assert_string_equal(err.message + strlen("KVM cannot be used: "), accel.reason);
	}
}

static void test_named(void **state)
{
	static const struct {
		const char *name;
		enum accel_kind kind;
	} rows[] = {{"tcg", ACCEL_TCG}, {"tcg-icount", ACCEL_ICOUNT}};
	struct accel accel;
	_cleanup_error_ struct error err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(accel_choose(rows[i].name, &accel, &err), 0);
		assert_string_equal(accel.name, rows[i].name);
		assert_int_equal(accel_kind(&accel), rows[i].kind);
	}
	assert_int_equal(accel_choose("hvf", &accel, &err), -EINVAL);
	assert_string_equal(err.message, "there is no accelerator \"hvf\"");
	assert_string_equal(err.hint, "it can be auto, kvm, tcg or tcg-icount");
	assert_int_equal(accel_kind(&(struct accel){.name = "kvm"}), ACCEL_KVM);
}

static void read_boot_id(struct buf *ret)
{
	_cleanup_error_ struct error err = {0};

	assert_int_equal(file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 128, ret, &err), 0);
}

/* The cached answer is believed for this boot, and for no other. */
static void test_cache(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/cache/accel/kvm", home);
	_cleanup_buf_ struct buf boot = {0};
	_cleanup_error_ struct error err = {0};
	struct accel accel;

	(void)state;
	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		print_message("[          ] there is no /dev/kvm to remember anything of\n");
		skip();
	}
	read_boot_id(&boot);
	_cleanup_free_ char *ours = xasprintf("probe 1 boot %syes from the test\n", boot.data);
	assert_int_equal(accel_choose("auto", &accel, &err), 0); /* makes the directory */
	assert_int_equal(file_write_atomic(path, ours, strlen(ours), 0644, &err), 0);
	assert_int_equal(accel_choose("auto", &accel, &err), 0);
	assert_string_equal(accel.name, "kvm");
	assert_string_equal(accel.reason, "from the test");

	static const char *const stale[] = {
		"probe 1 boot 00000000-0000-0000-0000-000000000000\nyes from the test\n",
		"probe 0 boot 00000000-0000-0000-0000-000000000000\nyes from the test\n", "", "rubbish",
		"probe 1 boot "};
	for (size_t i = 0; i < ARRAY_SIZE(stale); i++) {
		assert_int_equal(file_write_atomic(path, stale[i], strlen(stale[i]), 0644, &err), 0);
		assert_int_equal(accel_choose("auto", &accel, &err), 0);
		assert_string_not_equal(accel.reason, "from the test");
		/* And what was found instead is written down. */
		_cleanup_buf_ struct buf text = {0};
		assert_int_equal(file_read(AT_FDCWD, path, 1024, &text, &err), 0);
		assert_non_null(strstr(text.data, accel.reason));
	}
}

/* The measured loop: its result depends on each round and on the memory that it uses. */
static void test_probe_loop(void **state)
{
	static uint64_t buffer[PROBE_BUFFER_SIZE / 8 + 1];
	const size_t last = PROBE_BUFFER_SIZE / 8;

	(void)state;
	buffer[0] = 1; /* cleared by the loop itself */
	buffer[last] = 0x1234567890abcdefull;
	uint64_t first = probe_loop(buffer, 5000), touched = 0;
	assert_true(first == probe_loop(buffer, 5000));
	assert_true(first != probe_loop(buffer, 5001));
	assert_true(first != probe_loop(buffer, 4999));
	for (size_t i = 0; i < last; i++)
		touched += buffer[i] != 0;
	assert_true(touched > 1000 && touched <= 4999);
	assert_true(buffer[last] == 0x1234567890abcdefull);
	assert_true((size_t)(probe_guest_end - probe_guest_start) < PROBE_BUFFER - PROBE_CODE);
}

static void test_clock(void **state)
{
	uint32_t told = clock_tsc_khz_from_cpuid(), measured = clock_tsc_khz_measured();
	uint32_t again = clock_tsc_khz_measured(), used = clock_tsc_khz();

	(void)state;
	/* Twice the same, to a thousandth at the very least; and what is told is what is. */
	assert_true(measured > 100000 && measured < 20000000);
	assert_true(labs((long)measured - (long)again) < (long)measured / 1000);
	assert_true(labs((long)measured - (long)used) < (long)measured / 1000);
	if (told)
		assert_int_equal(told, used);
	int64_t before = clock_milliseconds();
	nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
	assert_true(clock_milliseconds() - before >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_is_quick_and_says_why),
		cmocka_unit_test(test_auto_follows_the_probe),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_probe_loop),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, make_home, remove_home);
}
