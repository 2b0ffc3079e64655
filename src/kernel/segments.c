// SPDX-License-Identifier: Apache-2.0
#include "kernel/segments.h"
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>

enum { PAGE = 4096 };

/* No kernel has more memory than an x86 can address; with that, sums cannot overflow. */
#define ADDRESS_LIMIT (1ull << 52)

static void cleanup_elf(Elf **elf)
{
	elf_end(*elf);
}

static enum kernel_bytes section_kind(const GElf_Shdr *header, const char *name)
{
	if (header->sh_flags & SHF_EXECINSTR)
		return BYTES_TEXT;
	if (header->sh_type == SHT_NOBITS)
		return BYTES_BSS;
	/* x86's linker script puts what becomes read-only after the start into .rodata, and so makes it
	 * writable in name. */
	if (!(header->sh_flags & SHF_WRITE) || strcmp(name, ".rodata") == 0)
		return BYTES_RODATA;
	return BYTES_DATA;
}

/* Adds it among those from `first` on, by address. */
static void add_section(struct loaded_sections *sections, size_t first,
						const struct loaded_section *section)
{
	sections->items = xrealloc(sections->items, sections->count + 1, sizeof(*section));
	size_t place = sections->count++;

	for (; place > first && sections->items[place - 1].address > section->address; place--)
		sections->items[place] = sections->items[place - 1];
	sections->items[place] = *section;
}

/* Adds the sections that lie in the segment, in the order of their addresses. */
static void add_sections(Elf *elf, size_t names, const GElf_Phdr *segment,
						 struct loaded_sections *ret)
{
	size_t first = ret->count;

	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		const char *name;
		if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) || !header.sh_size ||
			!(name = elf_strptr(elf, names, header.sh_name)))
			continue;
		if (header.sh_addr < segment->p_vaddr || header.sh_size > segment->p_memsz ||
			header.sh_addr - segment->p_vaddr > segment->p_memsz - header.sh_size)
			continue;
		add_section(ret, first,
					&(struct loaded_section){.name = xstrdup(name),
											 .address = header.sh_addr,
											 .size = header.sh_size,
											 .kind = section_kind(&header, name)});
	}
}

/* Notes how much of [start, end) lies behind each section; fails when two overlap. */
static int set_gaps(const GElf_Phdr *segment, uint64_t length, size_t first,
					struct loaded_sections *sections, struct error *err)
{
	uint64_t position = segment->p_vaddr;

	for (size_t i = first; i < sections->count; i++) {
		struct loaded_section *section = &sections->items[i];
		if (section->address < position)
			return error_set(err, ENOEXEC, "sections overlap at %s", section->name);
		/* What is before the first belongs to it too. */
		sections->items[i > first ? i - 1 : i].gap += section->address - position;
		position = section->address + section->size;
	}
	sections->items[sections->count - 1].gap += segment->p_vaddr + length - position;
	return 0;
}

/* `end` and `page_end` are those of the segments before, physical addresses. */
static int add_segment(Elf *elf, size_t names, const GElf_Phdr *segment, uint64_t *end,
					   uint64_t *page_end, struct loaded_sections *ret, struct error *err)
{
	size_t first = ret->count;

	/* Addresses of the kernel's are at the top of the address space. */
	if (segment->p_memsz > ADDRESS_LIMIT || segment->p_paddr > ADDRESS_LIMIT ||
		segment->p_vaddr > UINT64_MAX - segment->p_memsz - PAGE)
		return error_set(err, ENOEXEC, "a segment is out of bounds");
	if (segment->p_paddr < *end)
		return error_set(err, ENOEXEC, "segments overlap, or are not in order");
	uint64_t before = segment->p_paddr % PAGE;
	/* The page in which it begins may be that in which the last one ended. */
	if (segment->p_paddr < *page_end) {
		uint64_t shared = *page_end - segment->p_paddr;
		ret->items[first - 1].gap -= shared;
		ret->loaded -= shared;
		before = 0;
	}
	*end = segment->p_paddr + segment->p_memsz;
	*page_end = (*end + PAGE - 1) / PAGE * PAGE;
	add_sections(elf, names, segment, ret);
	/* A file may do without a list of its sections. */
	if (ret->count == first)
		add_section(ret, first,
					&(struct loaded_section){
						.name = xstrdup(""), .address = segment->p_vaddr, .kind = BYTES_DATA});
	if (set_gaps(segment, *page_end - segment->p_paddr, first, ret, err) < 0)
		return -err->code;
	ret->items[first].gap += before;
	ret->loaded += *page_end - segment->p_paddr + before;
	return 0;
}

static int read_segments(Elf *elf, struct loaded_sections *ret, struct error *err)
{
	size_t count = 0, names = 0;
	uint64_t end = 0, page_end = 0;

	if (elf_getphdrnum(elf, &count) < 0 || elf_getshdrstrndx(elf, &names) < 0)
		return error_set(err, ENOEXEC, "%s", elf_errmsg(-1));
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr segment;
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD && segment.p_memsz &&
			add_segment(elf, names, &segment, &end, &page_end, ret, err) < 0)
			return -err->code;
	}
	if (!ret->count)
		return error_set(err, ENOEXEC, "nothing of it is loaded");
	return 0;
}

int segments_read(const char *vmlinux, struct loaded_sections *ret, struct error *err)
{
	_cleanup_close_ int fd = open(vmlinux, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot open the kernel %s", vmlinux);
	elf_version(EV_CURRENT);
	_cleanup_(cleanup_elf) Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return error_set(err, ENOEXEC, "%s is not an ELF file", vmlinux);
	return read_segments(elf, ret, err) < 0 ? error_wrap(err, "%s", vmlinux) : 0;
}

void segments_free(struct loaded_sections *sections)
{
	for (size_t i = 0; i < sections->count; i++)
		free(sections->items[i].name);
	free(sections->items);
	*sections = (struct loaded_sections){0};
}
