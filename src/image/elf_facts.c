// SPDX-License-Identifier: Apache-2.0
#include "image/elf_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENT_LIMIT = 4096, NEEDED_LIMIT = 4096 };

/* An ELF file that is being read. Addresses are found by the program headers, as the loader
 * does: section headers may have been stripped. */
struct elf_file {
	Elf *elf;
	const char *bytes;
	size_t size;
	size_t segments;
};

static void end_elf(Elf **elf)
{
	elf_end(*elf);
}

static int broken(struct error *err)
{
	return error_set(err, ENOEXEC, "a broken ELF file");
}

/* The file offset of an address in memory; SIZE_MAX when no segment loads it. */
static size_t offset_of(const struct elf_file *file, uint64_t address)
{
	for (size_t i = 0; i < file->segments; i++) {
		GElf_Phdr segment;
		if (gelf_getphdr(file->elf, (int)i, &segment) && segment.p_type == PT_LOAD &&
			address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz)
			return segment.p_offset + (address - segment.p_vaddr);
	}
	return SIZE_MAX;
}

/* The string at a file offset, a copy; NULL when it does not end inside of the file. */
static char *text_at(const struct elf_file *file, uint64_t offset)
{
	if (offset >= file->size)
		return NULL;
	size_t length = strnlen(file->bytes + offset, file->size - offset);
	if (length == file->size - offset || length >= PATH_MAX)
		return NULL;
	return xstrndup(file->bytes + offset, length);
}

/* One entry of the dynamic section whose value is a string, at `table` + value. */
static int read_string(const struct elf_file *file, const GElf_Dyn *dynamic, size_t table,
					   struct elf_facts *facts, struct error *err)
{
	if (dynamic->d_tag != DT_NEEDED && dynamic->d_tag != DT_RPATH && dynamic->d_tag != DT_RUNPATH)
		return 0;
	if (table == SIZE_MAX || dynamic->d_un.d_val > file->size || table > file->size)
		return broken(err);
	char *text = text_at(file, table + dynamic->d_un.d_val);
	if (!text || facts->needed.count > NEEDED_LIMIT) {
		free(text);
		return broken(err);
	}
	if (dynamic->d_tag == DT_NEEDED) {
		strings_take(&facts->needed, text);
		return 0;
	}
	char **place = dynamic->d_tag == DT_RPATH ? &facts->rpath : &facts->runpath;
	free(*place);
	*place = text;
	return 0;
}

static int read_dynamic(const struct elf_file *file, const GElf_Phdr *segment,
						struct elf_facts *facts, struct error *err)
{
	Elf_Data *data =
		elf_getdata_rawchunk(file->elf, (int64_t)segment->p_offset, segment->p_filesz, ELF_T_DYN);
	size_t table = SIZE_MAX;
	GElf_Dyn dynamic;

	if (!data)
		return broken(err);
	for (int i = 0; gelf_getdyn(data, i, &dynamic) && dynamic.d_tag != DT_NULL; i++) {
		if (dynamic.d_tag == DT_STRTAB)
			table = offset_of(file, dynamic.d_un.d_ptr);
		if (dynamic.d_tag == DT_FLAGS_1)
			facts->no_default_dirs = dynamic.d_un.d_val & DF_1_NODEFLIB;
	}
	for (int i = 0; gelf_getdyn(data, i, &dynamic) && dynamic.d_tag != DT_NULL; i++)
		if (read_string(file, &dynamic, table, facts, err) < 0)
			return -err->code;
	return 0;
}

static int read_segments(const struct elf_file *file, struct elf_facts *facts, struct error *err)
{
	for (size_t i = 0; i < file->segments; i++) {
		GElf_Phdr segment;
		if (!gelf_getphdr(file->elf, (int)i, &segment))
			return broken(err);
		if (segment.p_type == PT_DYNAMIC && read_dynamic(file, &segment, facts, err) < 0)
			return -err->code;
		if (segment.p_type != PT_INTERP)
			continue;
		free(facts->interpreter);
		facts->interpreter = text_at(file, segment.p_offset);
		if (!facts->interpreter)
			return broken(err);
	}
	return 0;
}

static int read_file(int fd, struct elf_facts *facts, struct error *err)
{
	elf_version(EV_CURRENT);
	_cleanup_(end_elf) Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	struct elf_file file = {.elf = elf};
	GElf_Ehdr header;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
		return error_set(err, ENOEXEC, "not an ELF file");
	file.bytes = elf_rawfile(elf, &file.size);
	if (!file.bytes || elf_getphdrnum(elf, &file.segments) < 0 || file.segments > SEGMENT_LIMIT)
		return broken(err);
	facts->machine = header.e_machine;
	facts->class = header.e_ident[EI_CLASS];
	facts->type = header.e_type;
	return read_segments(&file, facts, err);
}

int elf_facts_read(const char *path, struct elf_facts *ret, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_elf_facts_ struct elf_facts facts = {0};

	if (fd < 0)
		return error_errno(err, errno, "cannot open %s", path);
	if (read_file(fd, &facts, err) < 0)
		return error_wrap(err, "%s", path);
	*ret = facts;
	facts = (struct elf_facts){0};
	return 0;
}

void elf_facts_free(struct elf_facts *facts)
{
	free(facts->interpreter);
	strings_free(&facts->needed);
	free(facts->rpath);
	free(facts->runpath);
	*facts = (struct elf_facts){0};
}
