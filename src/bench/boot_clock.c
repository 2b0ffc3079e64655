// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "bench/boot.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KERNEL_LIMIT ((size_t)1 << 30)

/* Functions that are to do nothing: xor %eax,%eax; ret, which also returns 0. */
static const char *const idle[] = {"sched_clock_init", "sched_clock_init_late"};
static const uint8_t code[] = {0x31, 0xc0, 0xc3};

/* What may stand at the beginning of a function and is looked for there by the kernel itself:
 * endbr64, and then the call of __fentry__ or the no-operation in its place. */
static size_t entry_length(const uint8_t *bytes)
{
	static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa}, nop[] = {0x0f, 0x1f, 0x44, 0, 0};
	size_t length = memcmp(bytes, endbr, sizeof(endbr)) == 0 ? sizeof(endbr) : 0;

	if (bytes[length] == 0xe8 || memcmp(bytes + length, nop, sizeof(nop)) == 0)
		length += sizeof(nop);
	return length;
}
enum { ENTRY_LIMIT = 4 + 5 + sizeof(code) };

/* The address in a System.map of lines such as "ffffffff81ac0540 t name"; 0 when it is not there.
 */
static uint64_t symbol_address(const char *symbols, const char *name)
{
	_cleanup_free_ char *tail = xasprintf(" %s\n", name);

	for (const char *at = symbols; (at = strstr(at, tail)); at++) {
		const char *line = at;
		while (line > symbols && line[-1] != '\n')
			line--;
		char *end;
		uint64_t address = strtoull(line, &end, 16);
		if (end + 2 == at && *end == ' ')
			return address;
	}
	return 0;
}

/* The bytes of a function in the file; NULL when it is not there. */
static uint8_t *function_at(struct buf *file, uint64_t address)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)file->data;

	if (file->length < sizeof(*header) || header->e_phentsize != sizeof(Elf64_Phdr) ||
		header->e_phoff > file->length || header->e_phoff % sizeof(uint64_t) ||
		header->e_phnum > (file->length - header->e_phoff) / sizeof(Elf64_Phdr))
		return NULL;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(file->data + header->e_phoff);
	for (size_t i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];
		uint64_t offset = address - segment->p_vaddr;
		if (segment->p_type != PT_LOAD || address < segment->p_vaddr ||
			segment->p_filesz < ENTRY_LIMIT || offset > segment->p_filesz - ENTRY_LIMIT)
			continue;
		if (segment->p_offset > file->length ||
			segment->p_filesz > file->length - segment->p_offset)
			return NULL;
		return (uint8_t *)file->data + segment->p_offset + offset;
	}
	return NULL;
}

int boot_exact_clock(const char *vmlinux, const char *symbols, struct error *err)
{
	_cleanup_buf_ struct buf file = {0};

	if (file_read(AT_FDCWD, vmlinux, KERNEL_LIMIT, &file, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++) {
		uint64_t address = symbol_address(symbols, idle[i]);
		uint8_t *function = address ? function_at(&file, address) : NULL;
		if (!function)
			return error_set(err, EINVAL, "%s: the function %s is not there", vmlinux, idle[i]);
		memcpy(function + entry_length(function), code, sizeof(code));
	}
	_cleanup_close_ int fd = memfd_create("lupine-kernel", MFD_CLOEXEC);
	if (fd < 0)
		return error_errno(err, errno, "cannot make a file in memory");
	if (fd_write_all(fd, file.data, file.length, err) < 0)
		return -err->code;
	int result = fd;
	fd = -1;
	return result;
}
