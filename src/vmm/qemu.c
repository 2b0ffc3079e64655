// SPDX-License-Identifier: Apache-2.0
/* QEMU's microvm (docs/system/i386/microvm.rst in QEMU): virtio-mmio devices and a serial port. */
#include "base/paths.h"
#include "base/process.h"
#include "guest/protocol.h"
#include "vmm/cmdline.h"
#include "vmm/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define PROGRAM "qemu-system-x86_64"
/* x86's COMMAND_LINE_SIZE is 2048; what is longer is cut off, and QEMU adds the devices at the
 * end: at most 24 of them, 38 bytes each, of which a machine has four. */
#define CMDLINE_LIMIT 1792
#define COUNTED_DATE "2025-01-01T00:00:00"
#define DISK_SET 1 /* of file descriptors, "/dev/fdset/1" */

static const char *qemu_missing(void)
{
	_cleanup_free_ char *path = path_find_program(PROGRAM);

	return path ? NULL : PROGRAM " (Debian: qemu-system-x86)";
}

static int qemu_version(char **ret, struct error *err)
{
	char *const argv[] = {PROGRAM, "--version", NULL};
	_cleanup_free_ char *output = NULL;
	int error = process_capture(argv, &output, err);

	if (error < 0)
		return error;
	*ret = xstrndup(output, strcspn(output, "\n"));
	return 0;
}

static void add(struct strings *argv, const char *option, const char *value)
{
	strings_add(argv, option);
	strings_add(argv, value);
}

#define addf(argv, option, ...) (strings_add(argv, option), strings_addf(argv, __VA_ARGS__))

/* A comma ends a value in QEMU's options, two are one. */
static char *escape_commas(const char *text)
{
	struct buf escaped = {0};

	buf_puts(&escaped, "");
	for (; *text; text++)
		buf_append(&escaped, *text == ',' ? ",," : text, *text == ',' ? 2 : 1);
	return buf_steal(&escaped);
}

/*
 * True for a machine that nothing of the host's reaches while it runs, so that it can repeat.
 *
 * It is recorded, though nobody wants the record: then QEMU's main thread and the processor's take
 * turns. Else the main thread may see the processor halt before its last instructions are counted,
 * and lets idle time begin there (softmmu/icount.c, icount_start_warp_timer()): some ns more, once
 * in a while. With a disk or with connections from outside, turns would only be slow.
 */
static bool is_alone(const struct machine *machine)
{
	return (!machine->disk.path || machine_root_in_memory(machine)) && machine->port_count == 0;
}

static void add_machine(struct strings *argv, const struct machine *machine, enum accel_kind kind)
{
	addf(argv, "-name", "lupine-%s", machine->name);
	/* No timer, interrupt controller or clock of the 1980s: the local APIC and the command line
	 * give what a kernel needs. The option ROM is the loader of kernels with a PVH entry. Kernels
	 * that look for devices in ACPI's tables are distributions', whose driver of the real-time
	 * clock waits for one without end. */
	addf(argv, "-M",
		 "microvm,acpi=%s,pit=off,pic=off,rtc=%s,isa-serial=on,x-option-roms=on,"
		 "auto-kernel-cmdline=%s",
		 machine->acpi ? "on" : "off", machine->acpi ? "on" : "off", machine->acpi ? "off" : "on");
	add(argv, "-accel",
		kind == ACCEL_KVM      ? "kvm"
		: kind == ACCEL_ICOUNT ? "tcg,thread=single"
							   : "tcg");
	if (kind == ACCEL_ICOUNT) {
		/* Idle time passes at once; RDRAND repeats too. */
		addf(argv, "-icount", "shift=0,sleep=off%s",
			 is_alone(machine) ? ",rr=record,rrfile=/dev/null" : "");
		add(argv, "-seed", "1");
		if (machine->acpi)
			add(argv, "-rtc", "base=" COUNTED_DATE ",clock=vm");
	}
	add(argv, "-cpu", kind == ACCEL_KVM ? "host" : "max");
	addf(argv, "-smp", "%u", machine->cpus);
	addf(argv, "-m", "%" PRIu64 "k", machine->memory / 1024);
	strings_add(argv, "-nodefaults");
	strings_add(argv, "-no-user-config");
	strings_add(argv, "-no-reboot");
	add(argv, "-display", "none");
	/* A guest that breaks out finds a process that may not start others, nor become anyone. */
	add(argv, "-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
}

/* A file by its name, or by its descriptor. */
static void add_file(struct strings *argv, const char *option, const char *path, int fd)
{
	if (fd >= 0)
		addf(argv, option, "/proc/self/fd/%d", fd);
	else
		add(argv, option, path);
}

static int add_kernel(struct strings *argv, const struct machine *machine,
					  const struct accel *accel, const struct vmm_descriptors *descriptors,
					  struct error *err)
{
	_cleanup_free_ char *cmdline = cmdline_new(machine, accel);

	if (strlen(cmdline) > CMDLINE_LIMIT) {
		error_set(err, E2BIG, "the kernel's command line has %zu bytes, more than %d",
				  strlen(cmdline), CMDLINE_LIMIT);
		return error_hint(err, "give less with --append");
	}
	add_file(argv, "-kernel", machine->kernel, descriptors->kernel);
	add_file(argv, "-initrd", machine->initramfs, descriptors->initramfs);
	add(argv, "-append", cmdline);
	return 0;
}

/* A connected socket, or its name for people. */
static void add_socket(struct strings *argv, const char *id, const char *name, int fd)
{
	if (fd >= 0)
		addf(argv, "-chardev", "socket,id=%s,fd=%d", id, fd);
	else
		addf(argv, "-chardev", "socket,id=%s,fd=%s", id, name);
}

static void add_channels(struct strings *argv, const struct vmm_descriptors *descriptors,
						 enum accel_kind kind)
{
	add_socket(argv, "console", "CONSOLE", descriptors->console);
	add(argv, "-serial", "chardev:console");
	add_socket(argv, "control", "CONTROL", descriptors->control);
	/* Port 0 is reserved for a console. */
	add(argv, "-device", "virtio-serial-device,max_ports=2");
	add(argv, "-device", "virtserialport,chardev=control,nr=1,name=" PROTOCOL_PORT);
	/* With an instruction counter the answers of this device, which come from another thread of
	 * QEMU's, would be the one thing that reaches the guest at a moment that does not repeat. The
	 * processor's RDRAND is there. */
	if (kind != ACCEL_ICOUNT)
		add(argv, "-device", "virtio-rng-device");
}

static void add_disk(struct strings *argv, const struct machine_disk *disk, int fd)
{
	_cleanup_free_ char *path = escape_commas(disk->path);
	/* Of a disk that is thrown away only a temporary file is written, which has no name. Nothing
	 * of it needs to reach the host's disk. One that is written is opened so at once: by default
	 * QEMU opens it for reading first, and of a set takes only a descriptor of that very mode. */
	const char *mode = disk->discard     ? "snapshot=on,cache=unsafe"
					   : disk->read_only ? "read-only=on"
										 : "discard=unmap,auto-read-only=off";

	if (fd >= 0) {
		addf(argv, "-add-fd", "fd=%d,set=%d", fd, DISK_SET);
		addf(argv, "-drive", "if=none,id=disk,format=raw,file=/dev/fdset/%d,%s", DISK_SET, mode);
	} else {
		addf(argv, "-drive", "if=none,id=disk,format=raw,file=%s,%s", path, mode);
	}
	add(argv, "-device", "virtio-blk-device,drive=disk");
}

static int add_network(struct strings *argv, const struct machine *machine, enum accel_kind kind,
					   struct error *err)
{
	_cleanup_buf_ struct buf network = {0};

	buf_puts(&network, "user,id=network,ipv6=off");
	for (size_t i = 0; i < machine->port_count; i++) {
		const struct machine_port *port = &machine->ports[i];
		if (port->address && strchr(port->address, ':')) {
			error_set(err, ENOTSUP,
					  "port %u: QEMU's user-mode network cannot listen on the IPv6 "
					  "address %s",
					  port->host, port->address);
			return error_hint(err, "leave the address out, or use one of IPv4");
		}
		buf_printf(&network, ",hostfwd=%s:%s:%u-:%u", port->udp ? "udp" : "tcp",
				   port->address ? port->address : "", port->host, port->guest);
	}
	add(argv, "-netdev", network.data);
	/* A packet leaves at a time of the guest's own clock (hw/net/virtio-net.c, x-txtimer), not when
	 * another thread of QEMU's comes to it: a kernel sends some by itself, for IPv6. */
	addf(argv, "-device", "virtio-net-device,netdev=network%s",
		 kind == ACCEL_ICOUNT ? ",tx=timer" : "");
	return 0;
}

static int qemu_command(const struct machine *machine, const struct accel *accel,
						const struct vmm_descriptors *descriptors, struct strings *ret_argv,
						struct error *err)
{
	static const struct vmm_descriptors none = {-1, -1, -1, -1, -1};
	_cleanup_free_ char *program = path_find_program(PROGRAM);

	if (!machine->kernel)
		return error_set(err, EINVAL, "the machine %s has no kernel", machine->name);
	if (!descriptors)
		descriptors = &none;
	strings_add(ret_argv, program ? program : PROGRAM);
	add_machine(ret_argv, machine, accel_kind(accel));
	int error = add_kernel(ret_argv, machine, accel, descriptors, err);
	if (error < 0)
		return error;
	add_channels(ret_argv, descriptors, accel_kind(accel));
	if (machine->disk.path && !machine_root_in_memory(machine))
		add_disk(ret_argv, &machine->disk, descriptors->disk);
	return add_network(ret_argv, machine, accel_kind(accel), err);
}

const struct vmm vmm_qemu = {
	.name = "qemu",
	.help = "QEMU's microvm",
	.missing = qemu_missing,
	.version = qemu_version,
	.command = qemu_command,
};
