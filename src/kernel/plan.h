/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: a request, resolved to everything that goes into the kernel. */
#pragma once

#include "kernel/architecture.h"
#include "kernel/config.h"
#include "kernel/kernel.h"
#include "kernel/source.h"

#define KERNEL_ID_SIZE 65 /* 64 hex digits and NUL */

struct plan {
	const struct kernel_architecture *architecture;
	char *version;
	struct strings features;
	struct strings variants;
	struct config config; /* what the build starts from */
	struct config asked;  /* what the result must hold */
	bool whole;           /* `config` is a whole .config to bring forward, not a set of fragments */
	struct kernel_source source;
	char *compiler; /* what gcc, ld and, if it is used, pahole say of their versions */
	char id[KERNEL_ID_SIZE];
};

/* Reads the fragments. */
int plan_configuration(const struct kernel_request *request, struct plan *plan, struct error *err);
/* Looks at source and compiler, and so finds the kernel's id. */
int plan_identify(const struct kernel_request *request, struct plan *plan, struct error *err);
void plan_free(struct plan *plan);
#define _cleanup_plan_ _cleanup_(plan_free)

/* Whether the kernel describes its types, which pahole does. */
bool plan_has_btf(const struct plan *plan);

/* NAME=VALUE for make's command line: what makes a kernel's bytes the same wherever and whenever
 * it is built. NULL-terminated; part of the id. */
extern const char *const kernel_make_variables[];
