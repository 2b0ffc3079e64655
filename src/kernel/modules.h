/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: the modules that a guest of ours needs of a modular kernel. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "kernel/config.h"

/* Names of modules are those of lsmod: with "_" where a file may have "-". The caller owns it. */
char *module_name(const char *file);

/* The names that a module (an ELF file in memory) says it depends on, "depends=" in .modinfo.
 * -EBADMSG when it is not a module. */
int module_dependencies(const struct buf *module, struct strings *ret, struct error *err);

/*
 * What a guest needs and the configuration has as modules, in the order of loading except for what
 * they depend on. -ENOTSUP, naming all, when the configuration lacks what no guest can do without.
 */
int modules_needed(const struct config *config, struct strings *ret, struct error *err);
