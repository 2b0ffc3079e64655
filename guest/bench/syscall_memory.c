// SPDX-License-Identifier: Apache-2.0
#include "guest/bench/measure.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* The kernel maps what is cached within 64 KiB of a fault (fault_around_bytes in mm/memory.c); the
 * file is a hole but for the first page of each such stretch, so that a fault maps one page. */
enum { STRIDE = 64 * 1024, MAP_SIZE = 1 << 20 };

static int file = -1;
static char *mapping;
static size_t mapped;

static void unmap(void)
{
	if (mapping)
		check(munmap(mapping, mapped) == 0, "munmap");
	mapping = NULL;
}

static void open_file(void)
{
	char path[] = "/tmp/bench-XXXXXX";

	file = mkstemp(path);
	check(file >= 0 && fcntl(file, F_SETFD, FD_CLOEXEC) == 0, "a file in /tmp");
	unlink(path);
}

static void close_file(void)
{
	unmap();
	close(file);
}

/* lat_pagefault: reading a page of a file that is in the page cache and not yet mapped. The batch
 * that is thrown away brings the pages into the cache. */
static void map_afresh(unsigned rounds)
{
	unmap();
	mapped = (size_t)rounds * STRIDE;
	check(ftruncate(file, (off_t)mapped) == 0, "ftruncate");
	void *at = mmap(NULL, mapped, PROT_READ, MAP_PRIVATE, file, 0);
	check(at != MAP_FAILED, "mmap");
	mapping = at;
	/* No reading ahead, where the file system does that. */
	check(madvise(mapping, mapped, MADV_RANDOM) == 0, "madvise");
}

static void run_page_fault(unsigned rounds)
{
	struct rusage before, after;
	const volatile char *at = mapping;

	getrusage(RUSAGE_SELF, &before);
	for (unsigned i = 0; i < rounds; i++)
		(void)at[(size_t)i * STRIDE];
	getrusage(RUSAGE_SELF, &after);
	check(after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt >= rounds,
		  "pages were mapped without a fault");
}
const struct test test_page_fault = {.name = "page-fault",
									 .rounds = 500,
									 .operations = 1,
									 .begin = open_file,
									 .prepare = map_afresh,
									 .run = run_page_fault,
									 .end = close_file};

/* lat_mmap: mapping a file and unmapping it, 1 MiB. lmbench touches pages in between; here that is
 * page-fault's. */
static void run_mmap(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		void *at = mmap(NULL, MAP_SIZE, PROT_READ, MAP_SHARED, file, 0);
		if (at == MAP_FAILED || munmap(at, MAP_SIZE) != 0)
			fail("mmap and munmap");
	}
}
const struct test test_mmap = {.name = "mmap",
							   .rounds = 2000,
							   .operations = 1,
							   .begin = open_file,
							   .run = run_mmap,
							   .end = close_file};
