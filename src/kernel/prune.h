/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/kernel: the table of linux/source.prune, which tells the parts of the kernel's
 * source that are unpacked only for configurations that need them.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "kernel/config.h"
#include "kernel/kbuild.h"

struct prune_row {
	char *path; /* may end in a "*" that stands for one directory */
	bool keep;
	struct strings options; /* any of these also needs it */
};

struct prune {
	struct prune_row *rows;
	size_t count;
};

int prune_read(const char *path, struct prune *ret, struct error *err);
/*
 * The part that a file (a path relative to the tree) belongs to, "drivers/net/wireless/ath", or
 * NULL when it is always unpacked. The caller owns it.
 */
char *prune_part(const struct prune *prune, const char *file);
/* Adds the parts that a configuration needs to `ret`, each once. */
void prune_needed(const struct prune *prune, const struct kbuild *kbuild,
				  const struct config *config, struct strings *ret);
void prune_free(struct prune *prune);
#define _cleanup_prune_ _cleanup_(prune_free)
