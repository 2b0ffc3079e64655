// SPDX-License-Identifier: Apache-2.0
#include "vmm/loadable.h"
#include "rootfs/rootfs.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1024ull * 1024)
#define KERNEL_DATA (2 * MIB) /* that it takes before it unpacks the initramfs */
#define OWN_FILES MIB         /* the initramfs has no more than this unless an image is in it */

struct span {
	uint64_t start, end;
};

/* Where the kernel is loaded, in physical addresses; false for what is no ELF file of 64 bits,
 * which the monitor will judge. */
static bool span_of_kernel(int file, struct span *ret)
{
	struct span span = {.start = UINT64_MAX};
	Elf64_Ehdr header;
	Elf64_Phdr segment;

	if (pread(file, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
		memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
		header.e_phentsize != sizeof(segment) || header.e_phoff > INT32_MAX)
		return false;
	for (unsigned i = 0; i < header.e_phnum; i++) {
		off_t at = (off_t)(header.e_phoff + i * sizeof(segment));
		if (pread(file, &segment, sizeof(segment), at) != (ssize_t)sizeof(segment))
			return false;
		if (segment.p_type != PT_LOAD)
			continue;
		if (segment.p_paddr + segment.p_memsz > span.end)
			span.end = segment.p_paddr + segment.p_memsz;
		if (segment.p_paddr < span.start)
			span.start = segment.p_paddr;
	}
	*ret = span;
	return span.end > span.start;
}

/*
 * What an image in the initramfs needs: the archive, until its files are there, and these, in a
 * tmpfs of half of the memory that neither the kernel, nor the archive, nor the kernel's record of
 * all pages takes (mm/shmem.c, shmem_default_max_blocks(); struct page has a 64th of a page).
 */
static uint64_t needed_to_unpack(const struct span *kernel, uint64_t archive, uint64_t files)
{
	uint64_t needed = kernel->end - kernel->start + archive + 2 * files + KERNEL_DATA;

	return needed / 63 * 64;
}

int loadable_check(int kernel, int initramfs, uint64_t memory, struct error *err)
{
	struct stat status;
	struct span span;

	if (!span_of_kernel(kernel, &span) || fstat(initramfs, &status) < 0)
		return 0;
	uint64_t archive = (uint64_t)status.st_size;
	uint64_t needed = span.end + archive;
	uint64_t files = initramfs_unpacked(initramfs);
	bool image = files > OWN_FILES;
	uint64_t unpacking = image ? needed_to_unpack(&span, archive, files) : 0;
	if (needed < unpacking)
		needed = unpacking;
	if (needed < memory)
		return 0;
	error_set(err, ENOMEM, "the kernel%s not fit into %llu MiB of memory",
			  image ? " and the image, which is unpacked into memory, do" : " does", memory / MIB);
	/* Page tables, the kernel's own data and the application come on top. */
	return error_hint(err, "give it %llu MiB or more (--memory %llum)", needed / MIB + 4,
					  needed / MIB + 4);
}
