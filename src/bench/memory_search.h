/* SPDX-License-Identifier: Apache-2.0 */
/* Private to bench memory: the search for the least size that works. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* Whether it works with so many MiB: 1, 0, or a negative errno when that could not be tried. */
typedef int (*memory_works)(void *data, uint64_t mib, struct error *err);

/*
 * By bisection: of the size that is found it was seen that it works, and of one MiB less that it
 * does not. `greatest` was seen to work; that nothing works with 0 MiB needs no proof. `hint`: what
 * an earlier search found, beside which this one begins, or 0.
 */
int memory_search(memory_works works, void *data, uint64_t greatest, uint64_t hint, uint64_t *ret,
				  struct error *err);
