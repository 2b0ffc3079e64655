// SPDX-License-Identifier: Apache-2.0
/* A kernel of a few instructions, which tells what happened before it. */
#include "bench/boot.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT_OF(number) #number
#define STRING(number) TEXT_OF(number)

#define LOAD 0x100000 /* where it is loaded and entered */
#define STACK 0x102000
#define MESSAGE "lupine-firmware: "
enum { PVH_NOTE = 18, /* XEN_ELFNOTE_PHYS32_ENTRY in xen/interface/elfnote.h */ CODE_LIMIT = 512 };

/* In 32-bit mode without paging, as PVH has it. COM1 is a 16550: line status in port 0x3fd, bit 5
 * says that a byte can go, bit 6 that all have gone. */
// clang-format off
__asm__(
	"	.pushsection .rodata\n"
	"	.code32\n"
	"boot_firmware_start:\n"
	"	rdtsc\n"
	"	mov %eax, %esi\n"
	"	mov %edx, %edi\n"
	"	mov $" STRING(STACK) ", %esp\n"
	"	mov $" STRING(LOAD) " + (5f - boot_firmware_start), %ebx\n"
	"1:	mov (%ebx), %cl\n"
	"	test %cl, %cl\n"
	"	jz 2f\n"
	"	call 6f\n"
	"	inc %ebx\n"
	"	jmp 1b\n"
	/* 16 hexadecimal digits of EDI:ESI. */
	"2:	mov $16, %ebp\n"
	"3:	mov %edi, %ecx\n"
	"	shr $28, %ecx\n"
	"	add $'0', %cl\n"
	"	cmp $'9', %cl\n"
	"	jbe 4f\n"
	"	add $'a' - '9' - 1, %cl\n"
	"4:	call 6f\n"
	"	shld $4, %esi, %edi\n"
	"	shl $4, %esi\n"
	"	dec %ebp\n"
	"	jnz 3b\n"
	"	mov $'\\n', %cl\n"
	"	call 6f\n"
	"	mov $0x3fd, %edx\n"
	"7:	in (%dx), %al\n"
	"	test $0x40, %al\n"
	"	jz 7b\n"
	/* Without a table of interrupts the next one resets the machine, which ends the monitor. */
	"	push $0\n"
	"	push $0\n"
	"	lidt (%esp)\n"
	"	int3\n"
	"6:	mov $0x3fd, %edx\n"
	"8:	in (%dx), %al\n"
	"	test $0x20, %al\n"
	"	jz 8b\n"
	"	mov $0x3f8, %edx\n"
	"	mov %cl, %al\n"
	"	out %al, (%dx)\n"
	"	ret\n"
	"5:	.asciz \"" MESSAGE "\"\n"
	"boot_firmware_end:\n"
	"	.code64\n"
	"	.popsection\n");
// clang-format on
extern const uint8_t boot_firmware_start[], boot_firmware_end[];

/* An ELF file with the code, and the note by which monitors enter it. */
struct firmware {
	Elf64_Ehdr header;
	Elf64_Phdr segments[2];
	struct {
		Elf64_Nhdr header;
		char owner[4];
		uint64_t entry;
	} __attribute__((packed)) note;
	/* Monitors look for the magic numbers of other formats in the first kilobytes. */
	uint8_t code[4096] __attribute__((aligned(16)));
};

static void fill_firmware(struct firmware *firmware)
{
	size_t length = (size_t)(boot_firmware_end - boot_firmware_start);

	*firmware = (struct firmware){
		.header =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
							EV_CURRENT},
				.e_type = ET_EXEC,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_entry = LOAD,
				.e_phoff = offsetof(struct firmware, segments),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_phentsize = sizeof(Elf64_Phdr),
				.e_phnum = 2,
			},
		.segments =
			{
				{
					.p_type = PT_LOAD,
					.p_flags = PF_R | PF_W | PF_X,
					.p_offset = offsetof(struct firmware, code),
					.p_vaddr = LOAD,
					.p_paddr = LOAD,
					.p_filesz = length,
					.p_memsz = STACK - LOAD,
				},
				{
					.p_type = PT_NOTE,
					.p_offset = offsetof(struct firmware, note),
					.p_filesz = sizeof(firmware->note),
					.p_memsz = sizeof(firmware->note),
					.p_align = 4,
				},
			},
		.note =
			{
				.header = {.n_namesz = 4, .n_descsz = sizeof(uint64_t), .n_type = PVH_NOTE},
				.owner = "Xen",
				.entry = LOAD,
			},
	};
	memcpy(firmware->code, boot_firmware_start, length);
}

/* Returns the descriptor of a file that has no name. */
static int write_firmware(struct error *err)
{
	_cleanup_free_ struct firmware *firmware = xmalloc(sizeof(*firmware));
	int fd = memfd_create("lupine-firmware", MFD_CLOEXEC);

	fill_firmware(firmware);
	if (fd < 0 || write(fd, firmware, sizeof(*firmware)) != (ssize_t)sizeof(*firmware)) {
		int error = error_errno(err, errno, "cannot make a file in memory");
		if (fd >= 0)
			close(fd);
		return error;
	}
	return fd;
}

int boot_other_kernel(const struct guest_request *request, int file,
					  int (*run)(const struct guest_request *request, struct guest_run *ret,
								 struct error *err),
					  struct guest_run *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", file);
	struct kernel kernel = *request->system->kernel;
	struct bench_system system = *request->system;
	struct guest_request changed = *request;

	kernel.vmlinux = path;
	system.kernel = &kernel;
	changed.system = &system;
	return run(&changed, ret, err);
}

int boot_firmware(const struct guest_request *request, uint64_t *ret, struct error *err)
{
	_cleanup_guest_run_ struct guest_run run = {0};
	_cleanup_close_ int fd = write_firmware(err);

	if (fd < 0 || boot_other_kernel(request, fd, guest_run, &run, err) < 0)
		return -err->code;
	const char *message = strstr(run.log, MESSAGE);
	char *end = NULL;
	uint64_t ticks = message ? strtoull(message + strlen(MESSAGE), &end, 16) : 0;
	if (!ticks || *end != '\n')
		return error_set(err, EIO, "the firmware of %s did not reach the kernel: %s",
						 request->system->name,
						 run.status.message ? run.status.message : "nothing was printed");
	*ret = ticks;
	return 0;
}
