// SPDX-License-Identifier: Apache-2.0
/* Kernels from Debian packages: made here, of a miniature kernel and miniature modules. */
#include "base/json.h"
#include "kernel/bzimage.h"
#include "kernel/kernel.h"
#include "kernel/modules.h"
#include "kernel_fixture.h"

#include <elf.h>
#include <stdlib.h>

#define RELEASE "6.12.9+deb12-cloud-amd64"

/* A kernel that is an ELF file with a PVH note, and a table behind it as relocations are. */
static void write_vmlinux(void)
{
	write_text("main.s", ".section .note.Xen, \"a\", @note\n.long 4, 8, 18\n.asciz \"Xen\"\n"
						 ".quad 0x1000000\n.text\n.globl _start\n_start: jmp _start\n"
						 ".fill 5000, 1, 0x90\n");
	run("as -o main.o main.s && ld -static -o vmlinux main.o && cp vmlinux payload && head -c 100 "
		"/dev/urandom >>payload");
}

/* Puts what was compressed behind a setup header of one sector and some code. */
static void write_image(const char *compressor)
{
	enum { SECTOR = 512, CODE = 64 };
	_cleanup_free_ char *command = xasprintf("%s <payload >packed", compressor);
	_cleanup_buf_ struct buf packed = {0}, image = {0};
	struct error err = {0};
	char start[2 * SECTOR + CODE] = {[0x1f1] = 1, [0x202] = 'H', 'd', 'r', 'S', 0x0f, 0x02};
	uint32_t offset = CODE;

	run(command);
	assert_ok(file_read(AT_FDCWD, "packed", 1 << 20, &packed, &err), &err);
	/* The size of what is decompressed stands behind it, but in gzip's own format is in it. */
	if (strcmp(compressor, "gzip") != 0)
		buf_append(&packed, "\x12\x34\x56\x78", 4);
	uint32_t length = (uint32_t)packed.length;
	memcpy(start + 0x248, &offset, sizeof(offset));
	memcpy(start + 0x24c, &length, sizeof(length));
	buf_append(&image, start, sizeof(start));
	buf_append(&image, packed.data, packed.length);
	buf_append(&image, "checksum", 8);
	assert_ok(file_write_atomic("root/boot/vmlinuz-" RELEASE, image.data, image.length, 0644, &err),
			  &err);
}

static void write_module(const char *name, const char *dependencies)
{
	_cleanup_free_ char *text =
		xasprintf(".section .modinfo, \"a\"\n.asciz \"license=GPL\"\n.asciz \"depends=%s\"\n"
				  ".asciz \"name=%s\"\n",
				  dependencies, name);
	_cleanup_free_ char *command =
		xasprintf("d=root/lib/modules/" RELEASE "/kernel/drivers; mkdir -p $d; as -o $d/%s.ko "
				  "module.s",
				  name);

	write_text("module.s", text);
	run(command);
}

#define CONFIG                                                                                     \
	"CONFIG_BLK_DEV_INITRD=y\nCONFIG_BINFMT_ELF=y\nCONFIG_DEVTMPFS=y\n"                            \
	"CONFIG_SERIAL_8250_CONSOLE=y\nCONFIG_VIRTIO_CONSOLE=y\nCONFIG_VIRTIO_BLK=y\n"                 \
	"CONFIG_ACPI=y\n"

static void write_root(void)
{
	write_text("root/boot/config-" RELEASE,
			   CONFIG "CONFIG_VIRTIO_MMIO=m\nCONFIG_VIRTIO_NET=m\nCONFIG_EXT4_FS=y\n");
	write_vmlinux();
	write_image("zstd -q");
	write_module("virtio_net", "net_failover,virtio-ring");
	write_module("net_failover", "failover");
	write_module("failover", "");
	write_module("virtio-mmio", "");
	write_module("unneeded", "virtio_net");
}

#define PACK                                                                                       \
	"echo 2.0 >debian-binary; tar -cJf control.tar.xz -C root boot; tar -cJf data.tar.xz -C "      \
	"root ./boot ./lib; rm -f k.deb; ar rc k.deb debian-binary control.tar.xz data.tar.xz"

static void test_kernel_of_a_package(void **state)
{
	_cleanup_kernel_ struct kernel *kernel = NULL, *again = NULL;
	struct error err = {0};

	(void)state;
	write_root();
	run("xz root/lib/modules/*/kernel/drivers/*");
	run(PACK);
	assert_ok(kernel_from_file("k.deb", &kernel, &err), &err);
	assert_string_equal(kernel->version, "6.12");
	assert_string_equal(kernel->release, RELEASE);
	assert_string_equal(kernel->architecture, "x86_64");
	assert_int_equal(kernel->options, 10);
	assert_true(kernel->acpi);
	_cleanup_free_ char *compare = xasprintf("cmp vmlinux %s", kernel->vmlinux);
	run(compare);
	/* In the order of loading, and nothing that is not needed. */
	static const char *const order[] = {"virtio_mmio", "failover", "net_failover", "virtio_net"};
	assert_int_equal(kernel->modules.count, ARRAY_SIZE(order));
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		_cleanup_free_ char *path = xasprintf("%s/modules/%s.ko", kernel->directory, order[i]);
		_cleanup_free_ char *info = xasprintf(
			"objcopy -O binary --only-section=.modinfo %s /dev/stdout | tr '\\0' '\\n'", path);
		assert_string_equal(kernel->modules.items[i], path);
		_cleanup_free_ char *text = capture(info);
		assert_true(starts_with(text, "license=GPL\n"));
	}
	assert_output("cd cache/kernels/* && find . | sort",
				  ".\n./config\n./kernel.json\n./modules\n./modules/failover.ko\n"
				  "./modules/net_failover.ko\n./modules/virtio_mmio.ko\n./modules/virtio_net.ko\n"
				  "./vmlinux");

	/* It is unpacked once for the same content, wherever that lies, and found by its id. */
	run("touch $(echo cache/kernels/*)/mark; cp k.deb copy.deb");
	assert_ok(kernel_from_file("copy.deb", &again, &err), &err);
	assert_string_equal(again->id, kernel->id);
	run("test -e cache/kernels/*/mark");
	kernel_free(&again);
	assert_ok(kernel_find(kernel->id, &again, &err), &err);
	assert_int_equal(again->modules.count, ARRAY_SIZE(order));
	assert_ok(kernel_remove(again, &err), &err);
	assert_output("ls -A cache/kernels", "");
}

static void test_compressions(void **state)
{
	static const char *const compressors[] = {"gzip", "bzip2",   "xz --check=crc32",
											  "lzma", "zstd -q", "lz4 -l"};
	struct error err = {0};

	(void)state;
	write_text("root/boot/mark", "");
	write_vmlinux();
	for (size_t i = 0; i < ARRAY_SIZE(compressors); i++) {
		_cleanup_buf_ struct buf image = {0}, vmlinux = {0};
		write_image(compressors[i]);
		assert_ok(file_read(AT_FDCWD, "root/boot/vmlinuz-" RELEASE, 1 << 20, &image, &err), &err);
		assert_ok(bzimage_unpack(image.data, image.length, &vmlinux, &err), &err);
		assert_ok(file_write_atomic("unpacked", vmlinux.data, vmlinux.length, 0644, &err), &err);
		run("cmp vmlinux unpacked");
	}
}

/* --- refused --- */

static void assert_refused(const char *message, const char *hint)
{
	_cleanup_free_ char *whole = xasprintf("the kernel package k.deb: %s", message);
	struct kernel *kernel = NULL;
	struct error err = {0};

	int result = kernel_from_file("k.deb", &kernel, &err);
	assert_error(result, -result, &err, whole, hint);
	assert_null(kernel);
	assert_output("ls -A cache/kernels", "");
}

/* Each is made by a command in the good package's parts. */
static void test_refused_packages(void **state)
{
	static const struct {
		const char *command, *message;
	} cases[] = {
		{"echo CONFIG_ACPI=y >$config",
		 "its configuration lacks CONFIG_BLK_DEV_INITRD, CONFIG_BINFMT_ELF, CONFIG_DEVTMPFS, "
		 "CONFIG_SERIAL_8250_CONSOLE, CONFIG_VIRTIO_MMIO, CONFIG_VIRTIO_CONSOLE, "
		 "CONFIG_VIRTIO_BLK, without which no guest starts"},
		{"rm $modules/virtio-mmio.ko", "the module virtio_mmio is not in it"},
		{"cp $modules/unneeded.ko $modules/failover.ko", "the module virtio_net depends on itself"},
		{"echo text >$modules/failover.ko", "the module failover: it is not a kernel module"},
		{"printf '\\375\\067zXZ\\000damaged' >$modules/failover.ko.xz; rm $modules/failover.ko",
		 "the module failover: cannot decompress: Lzma library error: Corrupted input data"},
		{"cp $image $image-too", "there is more than one kernel in it"},
		{"mv $image $image' '", "its kernel has a strange name"},
		{"cp $modules/failover.ko $modules/'a b.ko'", "it has a module with a strange name"},
		{"truncate -s 700 $image", "boot/vmlinuz-" RELEASE ": it is cut off"},
		{"truncate -s 100 $image", "boot/vmlinuz-" RELEASE ": it is not a kernel image (bzImage)"},
		{"printf '\\007' | dd of=$image bs=1 seek=518 conv=notrunc 2>$null",
		 "boot/vmlinuz-" RELEASE ": its boot protocol is older than 2.08"},
		{"printf '\\377' | dd of=$image bs=1 seek=591 conv=notrunc 2>$null",
		 "boot/vmlinuz-" RELEASE ": it is cut off"},
		{"printf '\\100' | dd of=$image bs=1 seek=584 conv=notrunc 2>$null; head -c 9000 "
		 "/dev/zero | dd of=$image bs=1 seek=1088 conv=notrunc 2>$null",
		 "boot/vmlinuz-" RELEASE ": what is compressed in it is not a whole 64-bit ELF file"},
	};

	(void)state;
	write_root();
	run("cp -a root good");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *command =
			xasprintf("rm -rf root; cp -a good root; null=/dev/null image=root/boot/vmlinuz-%s "
					  "config=root/boot/config-%s modules=root/lib/modules/%s/kernel/drivers; %s",
					  RELEASE, RELEASE, RELEASE, cases[i].command);
		run(command);
		run(PACK);
		assert_refused(cases[i].message, NULL);
	}
}

static void test_refused_archives(void **state)
{
	(void)state;
	write_root();
	run(PACK "; ar d k.deb data.tar.xz");
	assert_refused("it has no data.tar", NULL);
	run("rm root/boot/config*; " PACK);
	assert_refused("it has no kernel, or not its configuration",
				   "give a package linux-image-VERSION; those without a version only depend on "
				   "one");
	run(PACK "; truncate -s $(($(stat -c %s k.deb) / 2)) k.deb");
	assert_refused("truncated input", NULL);
	run("rm k.deb; printf 'no archive at all' >data.tar; ar rc k.deb data.tar");
	assert_refused("Unrecognized archive format", NULL);
	run("printf '!<arch>\\nrubbish' >k.deb");
	assert_refused("it has no data.tar", NULL);
}

/* --- what a kernel needs --- */

static void test_dependencies_of_modules(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{".section .modinfo\n.ascii \"depends=a,b-c\"", NULL},
		{".section .modinfo\n.asciz \"depends=a,../x\"",
		 "it depends on something that is not a module's name"},
		{".section .modinfo\n.asciz \"depends=a,,b\"",
		 "it depends on something that is not a module's name"},
		{".section .modinfo\n.ascii \"depends=\"\n.rept 65\n.ascii \"a,\"\n.endr",
		 "it depends on more than 64 modules"},
		{".section .modinfo", "it is not a kernel module"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strings_ struct strings names = {0};
		_cleanup_buf_ struct buf module = {0};
		_cleanup_free_ char *text = xasprintf("%s\n", cases[i].text);
		struct error err = {0};
		write_text("module.s", text);
		run("as -o module.ko module.s");
		assert_ok(file_read(AT_FDCWD, "module.ko", 1 << 20, &module, &err), &err);
		int result = module_dependencies(&module, &names, &err);
		if (cases[i].error) {
			assert_error(result, EBADMSG, &err, cases[i].error, NULL);
			continue;
		}
		assert_ok(result, &err);
		assert_int_equal(names.count, 2);
		assert_string_equal(names.items[0], "a");
		assert_string_equal(names.items[1], "b_c");
	}
}

static void test_which_kernels_need_acpi(void **state)
{
	static const struct {
		const char *config;
		bool acpi;
	} cases[] = {
		{"CONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y\nCONFIG_X86_MPPARSE=y\n",
		 false},
		{"CONFIG_ACPI=y\nCONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y\n"
		 "CONFIG_X86_MPPARSE=y\n",
		 false},
		{"CONFIG_ACPI=y\nCONFIG_VIRTIO_MMIO=y\nCONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y\n", true},
		{"CONFIG_ACPI=y\nCONFIG_VIRTIO_MMIO=m\nCONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y\n"
		 "CONFIG_X86_MPPARSE=y\n",
		 true},
		{"CONFIG_ACPI=y\nCONFIG_VIRTIO_MMIO=y\nCONFIG_X86_MPPARSE=y\n", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_config_ struct config config = {0};
		struct error err = {0};
		write_text("config", cases[i].config);
		assert_ok(config_read(&config, "config", "config", NULL, &err), &err);
		assert_int_equal(config_needs_acpi(&config), cases[i].acpi);
	}
}

/* Of a kernel without its configuration, the texts in it tell. */
static void test_which_files_need_acpi(void **state)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;
	struct error err = {0};

	(void)state;
	write_vmlinux();
	assert_ok(kernel_from_file("vmlinux", &kernel, &err), &err);
	assert_true(kernel->acpi);
	kernel_free(&kernel);
	run("cat >>main.s <<'END'\n.section .rodata\n.asciz \"virtio_mmio.device\"\n"
		".asciz \"\\0016Intel MultiProcessor Specification v1.%d\\n\"\nEND\n"
		"as -o main.o main.s && ld -static -o vmlinux main.o");
	assert_ok(kernel_from_file("vmlinux", &kernel, &err), &err);
	assert_false(kernel->acpi);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERNEL_TEST(test_kernel_of_a_package),     KERNEL_TEST(test_compressions),
		KERNEL_TEST(test_refused_packages),        KERNEL_TEST(test_refused_archives),
		KERNEL_TEST(test_dependencies_of_modules), KERNEL_TEST(test_which_kernels_need_acpi),
		KERNEL_TEST(test_which_files_need_acpi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
