/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of the image stage share. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/files.h"
#include "image/image.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UNUSED __attribute__((unused))

UNUSED static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Whatever is an error must say so as the contract has it, and nothing else may. */
UNUSED static void check_result(int result, const struct error *err)
{
	require(result < 0 ? err->message && *err->message && result == -err->code : !err->message);
}

/* A file in memory; the caller closes it. */
UNUSED static int memory_file(const void *bytes, size_t length)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, bytes, length) == (ssize_t)length);
	return fd;
}

/* A directory in memory, which goes when the program ends. */
UNUSED static char scratch[] = "/dev/shm/lupine-fuzz-XXXXXX";

UNUSED static void remove_scratch(void)
{
	struct error err = {0};

	directory_remove(scratch, &err);
	error_clear(&err);
}

/* The first time it makes the directory, and puts the cache into it. */
UNUSED static const char *scratch_directory(void)
{
	static bool made;

	if (!made) {
		require(mkdtemp(scratch) != NULL);
		_cleanup_free_ char *home = xasprintf("%s/home", scratch);
		setenv("LUPINE_HOME", home, 1);
		atexit(remove_scratch);
		made = true;
	}
	return scratch;
}

UNUSED static int check_piece(uint64_t offset, const void *bytes, size_t length, void *data,
							  struct error *err)
{
	const struct inode *inode = data;

	(void)err;
	require(length && offset <= inode->size && length <= inode->size - offset);
	for (size_t i = 0; i < length; i++)
		(void)((const volatile unsigned char *)bytes)[i]; /* for the address sanitizer */
	return 0;
}

/* What must be true of every tree, however it came about. */
UNUSED static void check_inode(const struct tree *tree, const struct inode *inode,
							   uint64_t *entries, unsigned depth)
{
	struct error err = {0};

	require(inode->links >= 1 && depth <= TREE_PATH_LIMIT);
	require(!S_ISLNK(inode->mode) || (inode->target && strlen(inode->target) == inode->size));
	require(inode->mtime_nsec < 1000000000);
	if (S_ISREG(inode->mode) && content_read(inode, check_piece, (void *)inode, &err) < 0)
		error_clear(&err);
	require(!inode->unsorted);
	for (size_t i = 0; i < inode->entry_count; i++) {
		const struct entry *entry = &inode->entries[i];
		size_t length = strlen(entry->name);
		require(length && length <= TREE_NAME_LIMIT && !strchr(entry->name, '/'));
		require(strcmp(entry->name, ".") != 0 && strcmp(entry->name, "..") != 0);
		require(!i || strcmp(inode->entries[i - 1].name, entry->name) < 0);
		require(directory_find(inode, entry->name, length) == entry);
		++*entries;
		check_inode(tree, entry->inode, entries, depth + 1);
	}
}

UNUSED static void check_tree(const struct tree *tree)
{
	uint64_t entries = 0;

	check_inode(tree, tree->root, &entries, 0);
	require(entries == tree->entry_count);
	require(tree->inode_count <= tree->entry_count + 1);
}

/* Makes the sums of all blocks that look like headers right: a fuzzer cannot. */
UNUSED static void fix_tar_sums(uint8_t *bytes, size_t length)
{
	enum { BLOCK = 512, SUM = 148, SUM_LENGTH = 8, MAGIC = 257 };

	for (size_t at = 0; at + BLOCK <= length; at += BLOCK) {
		uint8_t *block = bytes + at;
		unsigned sum = 0;
		char text[16];
		if (memcmp(block + MAGIC, "ustar", 5) != 0)
			continue;
		memset(block + SUM, ' ', SUM_LENGTH);
		for (size_t i = 0; i < BLOCK; i++)
			sum += block[i];
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(block + SUM, text, 7);
	}
}
