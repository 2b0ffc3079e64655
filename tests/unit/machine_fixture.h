/* SPDX-License-Identifier: Apache-2.0 */
/* A LUPINE_HOME of the test's own, and what is common to the tests of machines. */
#pragma once

#include "base/files.h"
#include "base/json.h"
#include "machine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define assert_ok(call, err)                                                                       \
	do {                                                                                           \
		if ((call) < 0)                                                                            \
			fail_msg("%s:%d: %s", __FILE__, __LINE__, (err)->message);                             \
	} while (0)

static char fixture_home[] = "/tmp/lupine-test-XXXXXX";

static void fixture_write(const char *name, const void *bytes, size_t length)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", fixture_home, name);
	_cleanup_error_ struct error err = {0};

	assert_ok(file_write_atomic(path, bytes, length, 0644, &err), &err);
}

/* For cmocka_run_group_tests(). */
static int fixture_begin(void **state)
{
	_cleanup_free_ char *guest = NULL;

	(void)state;
	if (!mkdtemp(fixture_home))
		return -1;
	guest = xasprintf("%s/guest", fixture_home);
	mkdir(guest, 0755);
	fixture_write("guest/init", "the init", 8);
	fixture_write("kernel", "a kernel", 8);
	setenv("LUPINE_HOME", fixture_home, 1);
	setenv("LUPINE_DATA", fixture_home, 1);
	return 0;
}

static int fixture_end(void **state)
{
	_cleanup_error_ struct error err = {0};

	(void)state;
	return directory_remove(fixture_home, &err);
}

/* One that only lacks to be saved. */
__attribute__((unused)) static struct machine *fixture_machine(const char *name)
{
	struct machine *machine = NULL;
	_cleanup_error_ struct error err = {0};

	assert_ok(machine_new(name, &machine, &err), &err);
	machine->keep = name != NULL;
	machine->kernel = xasprintf("%s/kernel", fixture_home);
	free(machine->accel);
	machine->accel = xstrdup("tcg");
	strings_add(&machine->application.argv, "/bin/true");
	return machine;
}
