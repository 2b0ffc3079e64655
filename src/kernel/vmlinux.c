// SPDX-License-Identifier: Apache-2.0
#include "kernel/vmlinux.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PVH_OWNER "Xen"
enum {
	PVH_NOTE = 18,                /* XEN_ELFNOTE_PHYS32_ENTRY in xen/interface/elfnote.h */
	BZIMAGE_MAGIC_OFFSET = 0x202, /* Documentation/arch/x86/boot.rst */
};

static void cleanup_elf(Elf **elf)
{
	elf_end(*elf);
}

static bool is_bzimage(int fd)
{
	char magic[4];

	return pread(fd, magic, sizeof(magic), BZIMAGE_MAGIC_OFFSET) == (ssize_t)sizeof(magic) &&
		   memcmp(magic, "HdrS", sizeof(magic)) == 0;
}

/* Whether the notes of a segment hold the PVH entry. */
static bool has_pvh_note(Elf_Data *notes)
{
	const char *bytes = notes->d_buf;
	size_t offset = 0, name, descriptor;
	GElf_Nhdr note;

	while ((offset = gelf_getnote(notes, offset, &note, &name, &descriptor)) > 0)
		if (note.n_type == PVH_NOTE && note.n_namesz == sizeof(PVH_OWNER) &&
			note.n_descsz >= sizeof(uint32_t) &&
			memcmp(bytes + name, PVH_OWNER, sizeof(PVH_OWNER)) == 0)
			return true;
	return false;
}

static bool has_pvh_entry(Elf *elf)
{
	size_t count = 0;

	if (elf_getphdrnum(elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;
		if (!gelf_getphdr(elf, (int)i, &header) || header.p_type != PT_NOTE)
			continue;
		Elf_Data *notes = elf_getdata_rawchunk(elf, (int64_t)header.p_offset, header.p_filesz,
											   header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
		if (notes && has_pvh_note(notes))
			return true;
	}
	return false;
}

static int check_elf(Elf *elf, const char *path, const struct kernel_architecture **ret,
					 struct error *err)
{
	GElf_Ehdr header;

	if (gelf_getclass(elf) != ELFCLASS64 || !gelf_getehdr(elf, &header))
		return error_set(err, ENOEXEC, "%s is not a 64-bit ELF file", path);
	*ret = kernel_architecture_of(header.e_machine);
	if (!*ret)
		return error_set(err, ENOEXEC, "%s is for a machine that is not supported (ELF machine %u)",
						 path, header.e_machine);
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return error_set(err, ENOEXEC, "%s is an ELF file, but not one that can be started", path);
	if ((*ret)->pvh && !has_pvh_entry(elf)) {
		error_set(err, ENOEXEC, "%s has no PVH entry (a note of type %d by Xen)", path, PVH_NOTE);
		return error_hint(err, "a kernel has it when it is built with CONFIG_PVH=y");
	}
	return 0;
}

int vmlinux_check(const char *path, const struct kernel_architecture **ret, uint64_t *ret_size,
				  struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, errno, "cannot open the kernel %s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, ENOEXEC, "the kernel %s is not a file", path);
	if (is_bzimage(fd)) {
		error_set(err, ENOEXEC, "%s is a compressed kernel (bzImage)", path);
		return error_hint(err, "give the vmlinux that it was made of; the kernel's own "
							   "scripts/extract-vmlinux takes it out");
	}
	elf_version(EV_CURRENT);
	_cleanup_(cleanup_elf) Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF)
		return error_set(err, ENOEXEC, "%s is not an ELF file", path);
	*ret_size = (uint64_t)status.st_size;
	return check_elf(elf, path, ret, err);
}

/* The name of a parameter stands whole in the image (include/linux/moduleparam.h), and only then
 * can it be given; the other is what arch/x86/kernel/mpparse.c prints of each table. */
static const char *const without_acpi[] = {"virtio_mmio.device",
										   "Intel MultiProcessor Specification v1."};

int vmlinux_needs_acpi(const char *path, bool *ret, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	bool needs = false;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, errno, "cannot open the kernel %s", path);
	size_t size = (size_t)status.st_size;
	void *image = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	if (image == MAP_FAILED)
		return error_errno(err, size ? errno : ENOEXEC, "cannot read the kernel %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(without_acpi); i++)
		needs = needs || !memmem(image, size, without_acpi[i], strlen(without_acpi[i]));
	munmap(image, size);
	*ret = needs;
	return 0;
}
