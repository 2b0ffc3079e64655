// SPDX-License-Identifier: Apache-2.0
#include "rootfs/rootfs.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	MAGIC = 6,       /* characters: "070701" */
	FIELD = 8,       /* hex digits of each number behind it */
	FIELD_SIZE = 6,  /* which of them is the file's size, */
	FIELD_NAME = 11, /* and that of its name */
	HEADER = MAGIC + 13 * FIELD,
	PAGE = 4096,
};

static uint64_t number(const char *header, unsigned field)
{
	char digits[FIELD + 1] = {0};

	memcpy(digits, header + MAGIC + (size_t)field * FIELD, FIELD);
	return strtoul(digits, NULL, 16);
}

static uint64_t aligned(uint64_t offset, uint64_t to)
{
	return (offset + to - 1) / to * to;
}

/* An entry stands at a multiple of four bytes, also behind the zeros that end an archive. */
static uint64_t count_pages(const char *bytes, uint64_t length)
{
	uint64_t at = 0, total = 0;

	while (at + HEADER <= length) {
		if (memcmp(bytes + at, "070701", MAGIC) != 0) {
			at += 4;
			continue;
		}
		uint64_t size = number(bytes + at, FIELD_SIZE);
		total += aligned(size, PAGE);
		at = aligned(at + HEADER + number(bytes + at, FIELD_NAME), 4) + aligned(size, 4);
	}
	return total;
}

uint64_t initramfs_unpacked(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0 || status.st_size == 0)
		return 0;
	char *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return 0;
	uint64_t total = count_pages(bytes, (uint64_t)status.st_size);
	munmap(bytes, (size_t)status.st_size);
	return total;
}
