/* SPDX-License-Identifier: Apache-2.0 */
/* glibc's cache of libraries, /etc/ld.so.cache, as ldconfig(8) writes it. */
#pragma once

#include "base/buf.h"

#define LD_CACHE_PATH "/etc/ld.so.cache"

/* The paths at which the cache text has the library of that name, best first. Variants for certain
 * processors are left out: the guest's may be a simpler one. Nothing when the cache is broken. */
void ld_cache_find(const struct buf *cache, const char *name, struct strings *ret);
