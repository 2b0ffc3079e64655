/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: kernels that were built, each a directory named by its id. */
#pragma once

#include "kernel/kernel.h"

/* The directory of all kernels, made if absent. The caller owns the text. */
int cache_directory(char **ret, struct error *err);
/* Reads a kernel of exactly that id. -ENOENT when it is not there. */
int cache_read(const char *id, struct kernel **ret, struct error *err);
/* Takes what is under that id out of the cache in one step, and removes it. */
int cache_discard(const char *id, struct error *err);
