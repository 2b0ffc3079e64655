/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small suite of system calls, by the method of lmbench (McVoy and Staelin, USENIX 1996): each
 * test is a loop that does nothing but the operation, run in batches, of which the best counts.
 *
 * The rounds of a batch are fixed, never fitted to the clock, so that where the clock counts
 * instructions (QEMU's icount) the figures repeat to the digit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One test. Whatever goes wrong ends the program with words and status 1: a figure of a call that
 * failed is no figure. */
struct test {
	const char *name;
	unsigned rounds;                  /* of a batch, unless --rounds says other */
	unsigned operations;              /* in each round; what is counted */
	void (*begin)(void);              /* once, not timed; may be NULL, as the next two */
	void (*prepare)(unsigned rounds); /* before each batch, not timed */
	void (*end)(void);                /* once, not timed */
	void (*run)(unsigned rounds);     /* timed */
};

/*
 * Runs one batch that is thrown away, which warms the caches, then five; prints
 *   {"test":"null","count":N,"ticks":T,"seconds":S,"batches":5,"total_ticks":T,"total_seconds":S}
 * where count, ticks and seconds are of the best batch (by ticks). `rounds` 0: the test's own.
 */
void test_run(const struct test *test, unsigned rounds);

/*
 * In a guest (our parent is init), returns once the processor is left alone: stock kernels test
 * themselves for half a second after their boot, which would halve what is measured. After ten
 * seconds what still runs belongs to the system.
 */
void settle(void);

/* The tests; the names of lmbench's are at their definitions. */
extern const struct test test_null, test_read, test_write, test_stat, test_open_close;
extern const struct test test_select, test_select_100;
extern const struct test test_sigaction, test_signal;
extern const struct test test_fork, test_exec;
extern const struct test test_context_switch, test_pipe, test_unix, test_tcp;
extern const struct test test_page_fault, test_mmap;

/* The program of `exec`: what main() has to do first. It ends the process if this is such a
 * start. */
void exec_marker(const char *first_argument);

/* The path of the running program. */
const char *own_path(void);

/* Ends the program unless `condition`, with what was attempted and errno. */
void check(bool condition, const char *what);
/* Ends the program: "NAME: what: why", status 1. */
_Noreturn void fail(const char *what);

/* A whole decimal number of at most `most`, or the end of the program with status 2. */
unsigned parse_count(const char *text, unsigned most, const char *what);
