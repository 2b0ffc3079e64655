// SPDX-License-Identifier: Apache-2.0
/* What is read of ELF files, and of the loader's cache: the same bytes taken for both. */
#include "fuzz.h"
#include "image/elf_facts.h"
#include "image/ld_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_facts facts = {0};
	struct strings found = {0};
	struct error err = {0};
	struct buf cache = {0};
	int fd = memory_file(data, size);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);

	check_result(elf_facts_read(path, &facts, &err), &err);
	error_clear(&err);
	elf_facts_free(&facts);
	close(fd);
	buf_append(&cache, data, size);
	ld_cache_find(&cache, "libc.so.6", &found);
	buf_free(&cache);
	strings_free(&found);
	return 0;
}
