// SPDX-License-Identifier: Apache-2.0
/* Calls that do next to nothing, or name a file. */
#include "guest/bench/measure.h"

#include <fcntl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int device;

/* lat_syscall null: getppid(), which no C library answers by itself. */
static void run_null(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		syscall(SYS_getppid);
}
const struct test test_null = {.name = "null", .rounds = 10000, .operations = 1, .run = run_null};

static void close_device(void)
{
	close(device);
}

/* lat_syscall read: one byte of /dev/zero. */
static void open_zero(void)
{
	device = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	check(device >= 0, "/dev/zero");
}

static void run_read(unsigned rounds)
{
	char byte;

	for (unsigned i = 0; i < rounds; i++)
		if (read(device, &byte, 1) != 1)
			fail("read of /dev/zero");
}
const struct test test_read = {.name = "read",
							   .rounds = 10000,
							   .operations = 1,
							   .begin = open_zero,
							   .run = run_read,
							   .end = close_device};

/* lat_syscall write: one byte to /dev/null. */
static void open_null(void)
{
	device = open("/dev/null", O_WRONLY | O_CLOEXEC);
	check(device >= 0, "/dev/null");
}

static void run_write(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		if (write(device, "", 1) != 1)
			fail("write to /dev/null");
}
const struct test test_write = {.name = "write",
								.rounds = 10000,
								.operations = 1,
								.begin = open_null,
								.run = run_write,
								.end = close_device};

/* lat_syscall stat, on the program itself: a file that is surely there. */
static void run_stat(unsigned rounds)
{
	const char *path = own_path();
	struct stat status;

	for (unsigned i = 0; i < rounds; i++)
		if (stat(path, &status) != 0)
			fail("stat");
}
const struct test test_stat = {.name = "stat", .rounds = 5000, .operations = 1, .run = run_stat};

/* lat_syscall open: opening and closing it, which counts as one. */
static void run_open_close(unsigned rounds)
{
	const char *path = own_path();

	for (unsigned i = 0; i < rounds; i++) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || close(fd) != 0)
			fail("open and close");
	}
}
const struct test test_open_close = {
	.name = "open-close", .rounds = 5000, .operations = 1, .run = run_open_close};

/* lat_select -n 10 file and -n 100 file: which of so many descriptors of a file can be read,
 * without waiting. All can. */
static int selected[100];
static unsigned selected_count;

static void open_selected(unsigned count)
{
	for (selected_count = 0; selected_count < count; selected_count++) {
		selected[selected_count] = open(own_path(), O_RDONLY | O_CLOEXEC);
		check(selected[selected_count] >= 0 && selected[selected_count] < FD_SETSIZE,
			  "files for select");
	}
}

static void open_10(void)
{
	open_selected(10);
}

static void open_100(void)
{
	open_selected(100);
}

static void close_selected(void)
{
	while (selected_count)
		close(selected[--selected_count]);
}

static void run_select(unsigned rounds)
{
	int most = 0;
	fd_set all;

	FD_ZERO(&all);
	for (unsigned i = 0; i < selected_count; i++) {
		FD_SET(selected[i], &all);
		if (selected[i] > most)
			most = selected[i];
	}
	for (unsigned i = 0; i < rounds; i++) {
		struct timeval now = {0};
		fd_set ready = all;
		if (select(most + 1, &ready, NULL, NULL, &now) != (int)selected_count)
			fail("select");
	}
}
const struct test test_select = {.name = "select",
								 .rounds = 5000,
								 .operations = 1,
								 .begin = open_10,
								 .run = run_select,
								 .end = close_selected};
const struct test test_select_100 = {.name = "select-100",
									 .rounds = 1000,
									 .operations = 1,
									 .begin = open_100,
									 .run = run_select,
									 .end = close_selected};
