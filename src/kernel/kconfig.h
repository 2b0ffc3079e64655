/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/kernel: what the kernel's Kconfig files say of an option, to explain why a
 * configuration did not come out as asked (Documentation/kbuild/kconfig-language.rst).
 *
 * The configuration itself is always made by the kernel's own tools. This only reads, and
 * what it cannot read, such as a $(shell) macro, it shows as it is written.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "kernel/config.h"

/* One "config" or "menuconfig" block; an option may have several. */
struct kconfig_block {
	char *name;
	char *file; /* relative to the tree */
	unsigned line;
	bool prompt;            /* can be asked for; else only other options set it */
	unsigned choice;        /* members of one choice have the same number; 0: none */
	struct strings depends; /* expressions: of the block, and of the menus, ifs and choices around
							   it */
};

/* "config SELECTOR ... select TARGET if CONDITION" */
struct kconfig_select {
	char *target;
	char *selector;
	char *condition; /* or NULL */
};

struct kconfig {
	struct kconfig_block *blocks;
	size_t block_count;
	struct kconfig_select *selects;
	size_t select_count;
};

/* Reads the Kconfig file at the top of a tree and all that it sources; `source_arch` is the
 * name of a directory in arch/ ("x86"). */
int kconfig_read(const char *tree, const char *source_arch, struct kconfig *ret, struct error *err);
void kconfig_free(struct kconfig *kconfig);
#define _cleanup_kconfig_ _cleanup_(kconfig_free)

/*
 * Why an option has not the value that was asked for, one line: the conditions that are not met,
 * with the present value of each symbol; what selects it; which other member of its choice is
 * set; or that there is no such option. The caller owns the text.
 */
char *kconfig_explain(const struct kconfig *kconfig, const struct config *config,
					  const struct config_option *asked);

/*
 * Proves that every option of `asked` is in `config`. Otherwise -EINVAL, with the first that is
 * not in the message, and what each of them lacks in the hint.
 */
int kconfig_prove(const struct config *asked, const struct config *config, const char *tree,
				  const char *source_arch, struct error *err);

enum tristate { TRISTATE_NO, TRISTATE_MODULE, TRISTATE_YES };

/* The value of an expression; the text with " [=value]" behind each symbol is added to `shown`,
 * which may be NULL. */
enum tristate expression_evaluate(const char *expression, const struct config *config,
								  struct buf *shown);
/* Adds those parts of a conjunction that are not met, with values shown, to `ret`. */
void expression_unmet(const char *expression, const struct config *config, struct strings *ret);
