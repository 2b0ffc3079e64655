// SPDX-License-Identifier: Apache-2.0
#include "vmm/loadable.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1024ull * 1024)

/* The end of what is loaded to physical addresses; 0 for what is no ELF file of 64 bits, which
 * the monitor will judge. */
static uint64_t end_of_kernel(int file)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	uint64_t end = 0;

	if (pread(file, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
		memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
		header.e_phentsize != sizeof(segment) || header.e_phoff > INT32_MAX)
		return 0;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));
		if (pread(file, &segment, sizeof(segment), at) != (ssize_t)sizeof(segment))
			return 0;
		if (segment.p_type == PT_LOAD && segment.p_paddr + segment.p_memsz > end)
			end = segment.p_paddr + segment.p_memsz;
	}
	return end;
}

int loadable_check(int kernel, int initramfs, uint64_t memory, struct error *err)
{
	uint64_t end = end_of_kernel(kernel);
	struct stat status;

	if (end && fstat(initramfs, &status) == 0)
		end += (uint64_t)status.st_size;
	if (end < memory)
		return 0;
	error_set(err, ENOMEM, "the kernel does not fit into %llu MiB of memory", memory / MIB);
	/* Its page tables, its own data and the application come on top. */
	return error_hint(err, "give it %llu MiB or more (--memory %llum)", end / MIB + 4,
					  end / MIB + 4);
}
