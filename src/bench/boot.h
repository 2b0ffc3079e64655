/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the bench of boots: what a boot is taken apart with. */
#pragma once

#include "bench/bench.h"

#include <stdint.h>

enum { BOOT_TICKS_A_MICROSECOND = 1000 }; /* under tcg-icount: an instruction is a nanosecond */

/* The machine of a request with another kernel, the file `kernel`, by guest_run() or bench_guest().
 */
int boot_other_kernel(const struct guest_request *request, int kernel,
					  int (*run)(const struct guest_request *request, struct guest_run *ret,
								 struct error *err),
					  struct guest_run *ret, struct error *err);

/*
 * The time stamp counter at the first instruction of a kernel, in a machine that is started as
 * `request` says: instead of its kernel a few instructions are loaded, entered in the same way
 * (PVH boot ABI), which print the counter to the serial port.
 */
int boot_firmware(const struct guest_request *request, uint64_t *ret, struct error *err);

/*
 * A copy of a kernel whose log has exact times. From sched_clock_init() until the last initcalls
 * the log's clock is bound to the timer's ticks (kernel/sched/clock.c): it stands still for up to
 * some milliseconds, and with it what happens then. In the copy that function and
 * sched_clock_init_late() do nothing, so that the clock is the time stamp counter all the way.
 * `symbols` is its System.map. Returns the descriptor of a file that has no name.
 */
int boot_exact_clock(const char *vmlinux, const char *symbols, struct error *err);

/* A kernel's own account of its boot (initcall_debug, Documentation/admin-guide/
 * kernel-parameters.txt), in microseconds of its log's clock. */
struct initcall {
	char *name;            /* the function's; its address where the kernel does not know names */
	uint64_t microseconds; /* of all calls of that name, with the log's own line for each */
};

struct boot_log {
	struct initcall *calls;
	size_t count;
	uint64_t first, last; /* when the first one was called and the last one had returned */
	uint64_t init;        /* when init wrote its line */
	uint64_t ticks;       /* the time stamp counter then, which that line tells */
};

/*
 * Reads a machine's log, which comes from the guest: of what is malformed, too long or too much,
 * nothing is taken. `symbols` is the kernel's System.map, or NULL. -EINVAL when init's line or
 * any initcall before it is not there.
 */
int boot_log_read(const char *log, const char *symbols, struct boot_log *ret, struct error *err);
void boot_log_free(struct boot_log *log);
#define _cleanup_boot_log_ _cleanup_(boot_log_free)

/* Boots once more with initcall_debug, and adds a row for each initcall and for what is before,
 * between and after them. `firmware` as of boot_firmware(). Kernels whose symbols are not known, as
 * those of others, get none. */
int boot_initcalls(struct bench *bench, const struct guest_request *request, const char *app,
				   uint64_t firmware, struct error *err);
