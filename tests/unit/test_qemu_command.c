// SPDX-License-Identifier: Apache-2.0
/* QEMU's command line, whole, for the kinds of machines there are. */
#include "base/files.h"
#include "base/paths.h"
#include "vmm/vmm.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MACHINE                                                                                    \
	"-M\nmicrovm,acpi=off,pit=off,pic=off,rtc=off,isa-serial=on,x-option-roms=on,"                 \
	"auto-kernel-cmdline=on\n"
#define FIXED                                                                                      \
	"-nodefaults\n-no-user-config\n-no-reboot\n-display\nnone\n"                                   \
	"-sandbox\non,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny\n"
#define DEVICES                                                                                    \
	"-device\nvirtio-serial-device,max_ports=2\n"                                                  \
	"-device\nvirtserialport,chardev=control,nr=1,name=org.lupine.control\n"                       \
	"-device\nvirtio-rng-device\n"
#define KERNEL_ALWAYS                                                                              \
	"rdinit=/.lupine/init console=ttyS0 loglevel=4 panic=-1 reboot=t no_timer_check"

static struct machine machine_of(const char *name)
{
	return (struct machine){
		.id = "0123456789ab",
		.name = (char *)name,
		.kernel = "/k/vmlinux",
		.initramfs = "/m/initramfs.cpio",
		.memory = 256 << 20,
		.cpus = 1,
		.lock = -1,
	};
}

/* The arguments behind the program, one a line; what differs each time (the clock's frequency
 * and the time) as N. */
static char *command(const struct machine *machine, const char *accel_name,
					 const struct vmm_descriptors *descriptors)
{
	static const char *const varying[] = {" tsc_khz=", " tsc_early_khz=", " wallclock_ns="};
	const struct accel accel = {.name = accel_name};
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings argv = {0};
	struct buf text = {0};

	if (vmm_table[0]->command(machine, &accel, descriptors, &argv, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(ends_with(argv.items[0], "qemu-system-x86_64"));
	for (size_t i = 1; i < argv.count; i++)
		buf_printf(&text, "%s\n", argv.items[i]);
	for (size_t i = 0; i < ARRAY_SIZE(varying); i++) {
		char *found = strstr(text.data, varying[i]);
		if (!found || strcmp(accel_name, "tcg") != 0)
			continue;
		char *digits = found + strlen(varying[i]);
		size_t count = strspn(digits, "0123456789");
		assert_true(count > 0);
		*digits = 'N';
		memmove(digits + 1, digits + count, strlen(digits + count) + 1);
	}
	return buf_steal(&text);
}

static void test_plain(void **state)
{
	struct machine machine = machine_of("plain");
	_cleanup_free_ char *text = command(&machine, "tcg", NULL);

	(void)state;
	assert_string_equal(
		text, "-name\nlupine-plain\n" MACHINE "-accel\ntcg\n-cpu\nmax\n-smp\n1\n-m\n262144k\n" FIXED
			  "-kernel\n/k/vmlinux\n-initrd\n/m/initramfs.cpio\n-append\n" KERNEL_ALWAYS
			  " tsc=reliable tsc_khz=N tsc_early_khz=N lapic_timer_khz=1000000 wallclock_ns=N\n"
			  "-chardev\nsocket,id=console,fd=CONSOLE\n-serial\nchardev:console\n"
			  "-chardev\nsocket,id=control,fd=CONTROL\n" DEVICES
			  "-netdev\nuser,id=network,ipv6=off\n-device\nvirtio-net-device,netdev=network\n");
}

/* Hardware tells the guest its own clocks, and is the guest's processor. */
static void test_kvm(void **state)
{
	struct machine machine = machine_of("kvm");

	(void)state;
	machine.cpus = 3;
	machine.memory = 1 << 30;
	machine.append = "quiet x=\"a b\"";
	_cleanup_free_ char *text = command(&machine, "kvm", NULL);
	assert_string_equal(
		text, "-name\nlupine-kvm\n" MACHINE "-accel\nkvm\n-cpu\nhost\n-smp\n3\n-m\n1048576k\n" FIXED
			  "-kernel\n/k/vmlinux\n-initrd\n/m/initramfs.cpio\n-append\n" KERNEL_ALWAYS
			  " quiet x=\"a b\"\n"
			  "-chardev\nsocket,id=console,fd=CONSOLE\n-serial\nchardev:console\n"
			  "-chardev\nsocket,id=control,fd=CONTROL\n" DEVICES
			  "-netdev\nuser,id=network,ipv6=off\n-device\nvirtio-net-device,netdev=network\n");
}

/* Everything that could differ from run to run is fixed. */
static void test_icount(void **state)
{
	struct machine machine = machine_of("count");
	_cleanup_free_ char *text = command(&machine, "tcg-icount", NULL);
	_cleanup_free_ char *again = command(&machine, "tcg-icount", NULL);

	(void)state;
	assert_string_equal(text, again);
	assert_non_null(strstr(text, "-accel\ntcg,thread=single\n-icount\nshift=0,sleep=off,rr=record,"
								 "rrfile=/dev/null\n-seed\n1\n"
								 "-cpu\nmax\n"));
	assert_non_null(strstr(text,
						   KERNEL_ALWAYS " tsc=reliable tsc_khz=1000000 tsc_early_khz=1000000 "
										 "lapic_timer_khz=1000000 "
										 "wallclock_ns=1735689600000000000\n"));
}

/* Nothing but the guest's own clock may decide when something reaches it. */
static void test_icount_devices(void **state)
{
	struct machine machine = machine_of("count");

	(void)state;
	_cleanup_free_ char *plain = command(&machine, "tcg-icount", NULL);
	assert_null(strstr(plain, "virtio-rng"));
	assert_non_null(strstr(plain, "virtio-net-device,netdev=network,tx=timer\n"));
	assert_null(strstr(plain, "-rtc"));
	machine.acpi = true;
	assert_non_null(strstr(plain, "sleep=off,rr=record,rrfile=/dev/null\n"));
	_cleanup_free_ char *acpi = command(&machine, "tcg-icount", NULL);
	struct machine_port port = {.host = 1, .guest = 2};
	machine.ports = &port;
	machine.port_count = 1;
	_cleanup_free_ char *outside = command(&machine, "tcg-icount", NULL);
	assert_non_null(strstr(outside, "-icount\nshift=0,sleep=off\n"));
	machine.port_count = 0;
	machine.disk = (struct machine_disk){.path = "/d/root.img", .type = "ext2"};
	_cleanup_free_ char *disk = command(&machine, "tcg-icount", NULL);
	assert_non_null(strstr(disk, "-icount\nshift=0,sleep=off\n"));
	assert_non_null(strstr(acpi, "-rtc\nbase=2025-01-01T00:00:00,clock=vm\n"));
}

static void test_acpi(void **state)
{
	struct machine machine = machine_of("acpi");

	(void)state;
	machine.acpi = true;
	_cleanup_free_ char *text = command(&machine, "tcg", NULL);
	assert_non_null(strstr(text, "microvm,acpi=on,pit=off,pic=off,rtc=on,isa-serial=on,"
								 "x-option-roms=on,auto-kernel-cmdline=off\n"));
	assert_null(strstr(text, "-rtc"));
}

static void test_root_in_memory(void **state)
{
	struct machine machine = machine_of("memory");

	(void)state;
	machine.disk = (struct machine_disk){.path = "/d/root.img", .type = "initramfs"};
	_cleanup_free_ char *text = command(&machine, "tcg", NULL);
	assert_null(strstr(text, "-drive"));
	assert_null(strstr(text, "virtio-blk"));
}

static void test_disks(void **state)
{
	static const struct {
		bool read_only, discard;
		const char *mode;
	} rows[] = {
		{false, false, "discard=unmap,auto-read-only=off"},
		{true, false, "read-only=on"},
		{false, true, "snapshot=on,cache=unsafe"},
		{true, true, "snapshot=on,cache=unsafe"},
	};
	const struct vmm_descriptors descriptors = {
		.control = 10, .console = 11, .kernel = 12, .initramfs = 13, .disk = 14};
	struct machine machine = machine_of("disk");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		machine.disk = (struct machine_disk){.path = "/d/a,b=c.img",
											 .type = "ext2",
											 .read_only = rows[i].read_only,
											 .discard = rows[i].discard};
		_cleanup_free_ char *by_name = command(&machine, "tcg", NULL);
		_cleanup_free_ char *expected = xasprintf("-drive\nif=none,id=disk,format=raw,"
												  "file=/d/a,,b=c.img,%s\n"
												  "-device\nvirtio-blk-device,drive=disk\n",
												  rows[i].mode);
		assert_non_null(strstr(by_name, expected));
		/* By descriptors, no name of a file is left. */
		_cleanup_free_ char *by_number = command(&machine, "tcg", &descriptors);
		_cleanup_free_ char *wanted = xasprintf("-add-fd\nfd=14,set=1\n-drive\n"
												"if=none,id=disk,format=raw,file=/dev/fdset/1,%s\n",
												rows[i].mode);
		assert_non_null(strstr(by_number, wanted));
		assert_non_null(strstr(by_number, "-kernel\n/proc/self/fd/12\n"
										  "-initrd\n/proc/self/fd/13\n"));
		assert_non_null(strstr(by_number, "-chardev\nsocket,id=console,fd=11\n"));
		assert_non_null(strstr(by_number, "-chardev\nsocket,id=control,fd=10\n"));
		assert_null(strstr(by_number, "/k/"));
		assert_null(strstr(by_number, "/d/"));
		assert_null(strstr(by_number, "/m/"));
	}
}

static void test_ports(void **state)
{
	struct machine_port ports[] = {
		{.host = 8080, .guest = 80},
		{.address = "127.0.0.1", .host = 53, .guest = 5353, .udp = true},
	};
	struct machine machine = machine_of("ports");

	(void)state;
	machine.ports = ports;
	machine.port_count = ARRAY_SIZE(ports);
	_cleanup_free_ char *text = command(&machine, "tcg", NULL);
	assert_non_null(strstr(text, "-netdev\nuser,id=network,ipv6=off,hostfwd=tcp::8080-:80,"
								 "hostfwd=udp:127.0.0.1:53-:5353\n"));
}

static void test_refusals(void **state)
{
	struct machine_port port = {.address = "::1", .host = 8080, .guest = 80};
	const struct accel accel = {.name = "tcg"};
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings argv = {0};
	char append[1800];

	(void)state;
	struct machine six = machine_of("six");
	six.ports = &port;
	six.port_count = 1;
	assert_int_equal(vmm_table[0]->command(&six, &accel, NULL, &argv, &err), -ENOTSUP);
	assert_string_equal(
		err.message, "port 8080: QEMU's user-mode network cannot listen on the IPv6 address ::1");
	assert_string_equal(err.hint, "leave the address out, or use one of IPv4");

	struct machine bare = machine_of("bare");
	bare.kernel = NULL;
	assert_int_equal(vmm_table[0]->command(&bare, &accel, NULL, &argv, &err), -EINVAL);
	assert_string_equal(err.message, "the machine bare has no kernel");

	/* The devices stand at the end of the command line, and would be cut off. */
	struct machine wordy = machine_of("wordy");
	memset(append, 'x', sizeof(append));
	append[sizeof(append) - 1] = '\0';
	wordy.append = append;
	assert_int_equal(vmm_table[0]->command(&wordy, &accel, NULL, &argv, &err), -E2BIG);
	assert_non_null(strstr(err.message, "more than 1792"));
	assert_string_equal(err.hint, "give less with --append");
}

static void test_table(void **state)
{
	const struct vmm *vmm = NULL;
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_int_equal(vmm_find(NULL, &vmm, &err), 0);
	assert_ptr_equal(vmm, vmm_table[0]);
	assert_int_equal(vmm_find("", &vmm, &err), 0);
	assert_int_equal(vmm_find("qemu", &vmm, &err), 0);
	assert_string_equal(vmm->name, "qemu");
	assert_int_equal(vmm_find("vmware", &vmm, &err), -ENOENT);
	assert_string_equal(err.message, "there is no monitor \"vmware\"");
	assert_string_equal(err.hint, "there is: qemu");
	_cleanup_free_ char *program = path_find_program("qemu-system-x86_64");
	if (!program) {
		assert_string_equal(vmm->missing(), "qemu-system-x86_64 (Debian: qemu-system-x86)");
		return;
	}
	_cleanup_free_ char *version = NULL;
	assert_null(vmm->missing());
	error_clear(&err);
	assert_int_equal(vmm->version(&version, &err), 0);
	assert_true(starts_with(version, "QEMU emulator version "));
	assert_null(strchr(version, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),  cmocka_unit_test(test_kvm),
		cmocka_unit_test(test_icount), cmocka_unit_test(test_disks),
		cmocka_unit_test(test_ports),  cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_table),  cmocka_unit_test(test_icount_devices),
		cmocka_unit_test(test_acpi),   cmocka_unit_test(test_root_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
