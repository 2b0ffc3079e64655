/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: a kernel configuration, which is a .config or a fragment of one. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_option {
	char *name;   /* without "CONFIG_" */
	char *value;  /* as a .config has it: y, m, 64, 0x100, "text"; n for "is not set" */
	char *origin; /* who asked for it, "base.config:12" */
	size_t order; /* in which it was read: of one name, the last is kept */
};

/* Sorted by name, each name once. */
struct config {
	struct config_option *options;
	size_t count;
	size_t next; /* order of the option that is read next */
};

/*
 * Adds what a file says; it overrides what `config` holds already. `label` is what the
 * file is called in errors and origins. *ret_whole (may be NULL) tells whether the file is a
 * whole .config as the kernel's own tools write it, not a fragment.
 */
int config_read(struct config *config, const char *path, const char *label, bool *ret_whole,
				struct error *err);

/* Adds copies of all options of `more`, which override. */
void config_merge(struct config *config, const struct config *more);

/* The value of an option; "n" when it is absent. Borrowed. */
const char *config_value(const struct config *config, const char *name);
const struct config_option *config_find(const struct config *config, const char *name);

/* The text of a .config: one line an option, sorted. The caller owns it. */
char *config_text(const struct config *config);

/* How many options are set to y, m, or a value other than n, "" and 0. */
uint64_t config_count(const struct config *config);

/* Whether a kernel finds the devices of QEMU's microvm by ACPI only, not by its command line and
 * the multiprocessor table. */
bool config_needs_acpi(const struct config *config);

void config_free(struct config *config);
#define _cleanup_config_ _cleanup_(config_free)
