// SPDX-License-Identifier: Apache-2.0
#include "kernel/bzimage.h"
#include "kernel/decompress.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

/* Fields of the setup header, "The Real-Mode Kernel Header" in boot.rst; little-endian. */
enum {
	SETUP_SECTS = 0x1f1,
	MAGIC = 0x202, /* "HdrS" */
	VERSION = 0x206,
	PAYLOAD_OFFSET = 0x248, /* from the protected-mode code on; since version 2.08 */
	PAYLOAD_LENGTH = 0x24c,
	HEADER_END = 0x250,
	SECTOR = 512,
	SETUP_SECTS_DEFAULT = 4, /* what 0 stands for */
	VERSION_WITH_PAYLOAD = 0x208,
	SIZE_FIELD = 4,
};
#define GZIP_MAGIC "\x1f\x8b"

bool bzimage_is(const void *bytes, size_t length)
{
	return length >= HEADER_END && memcmp((const char *)bytes + MAGIC, "HdrS", 4) == 0;
}

static uint32_t read32(const char *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

/* The end of what lies at [offset, offset + size), or UINT64_MAX when there is no such place. */
static uint64_t end_of(uint64_t offset, uint64_t size)
{
	return size > UINT64_MAX - offset ? UINT64_MAX : offset + size;
}

static void raise_to(uint64_t *end, uint64_t other)
{
	if (other > *end)
		*end = other;
}

/*
 * Where an ELF file ends, by what its headers say; 0 when they are not all there. Behind a kernel
 * there is a table of relocations (arch/x86/boot/compressed/Makefile).
 */
static uint64_t elf_end(const struct buf *file)
{
	Elf64_Ehdr header;

	if (file->length < sizeof(header))
		return 0;
	memcpy(&header, file->data, sizeof(header));
	if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
		header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_phentsize != sizeof(Elf64_Phdr) ||
		(header.e_shnum && header.e_shentsize != sizeof(Elf64_Shdr)))
		return 0;
	uint64_t end = sizeof(header);
	raise_to(&end, end_of(header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf64_Phdr)));
	raise_to(&end, end_of(header.e_shoff, (uint64_t)header.e_shnum * sizeof(Elf64_Shdr)));
	if (end > file->length)
		return 0;
	for (size_t i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		memcpy(&segment, file->data + header.e_phoff + i * sizeof(segment), sizeof(segment));
		raise_to(&end, end_of(segment.p_offset, segment.p_filesz));
	}
	for (size_t i = 0; i < header.e_shnum; i++) {
		Elf64_Shdr section;
		memcpy(&section, file->data + header.e_shoff + i * sizeof(section), sizeof(section));
		if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL)
			raise_to(&end, end_of(section.sh_offset, section.sh_size));
	}
	return end <= file->length ? end : 0;
}

int bzimage_unpack(const void *image, size_t length, struct buf *ret, struct error *err)
{
	const char *bytes = image;
	_cleanup_error_ struct error rest = {0};

	if (!bzimage_is(image, length))
		return error_set(err, EBADMSG, "it is not a kernel image (bzImage)");
	if ((read32(bytes + VERSION) & 0xffff) < VERSION_WITH_PAYLOAD)
		return error_set(err, EBADMSG, "its boot protocol is older than 2.08");
	uint64_t sectors = (unsigned char)bytes[SETUP_SECTS];
	uint64_t start = ((sectors ? sectors : SETUP_SECTS_DEFAULT) + 1) * SECTOR;
	start += read32(bytes + PAYLOAD_OFFSET);
	uint64_t size = read32(bytes + PAYLOAD_LENGTH);
	if (start >= length || size > length - start)
		return error_set(err, EBADMSG, "it is cut off");
	/* The decompressed size is gzip's last field; behind other streams it is added, of which it is
	 * no part (size_append in scripts/Makefile.lib). */
	if (size > SIZE_FIELD && memcmp(bytes + start, GZIP_MAGIC, strlen(GZIP_MAGIC)) != 0)
		size -= SIZE_FIELD;
	int error = decompress(bytes + start, (size_t)size, BZIMAGE_VMLINUX_LIMIT, ret, &rest);
	uint64_t end = elf_end(ret);
	if (!end && error < 0)
		return error_set(err, rest.code, "%s", rest.message);
	if (!end)
		return error_set(err, EBADMSG, "what is compressed in it is not a whole 64-bit ELF file");
	ret->length = (size_t)end;
	return 0;
}
