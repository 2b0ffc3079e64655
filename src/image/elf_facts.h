/* SPDX-License-Identifier: Apache-2.0 */
/* What the dynamic loader reads in an ELF file (System V ABI, gABI chapter 5). */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct elf_facts {
	uint16_t machine;      /* EM_X86_64 ... */
	uint8_t class;         /* ELFCLASS64 */
	uint16_t type;         /* ET_EXEC, ET_DYN */
	char *interpreter;     /* PT_INTERP; NULL: static, or a library */
	struct strings needed; /* DT_NEEDED */
	char *rpath, *runpath; /* or NULL */
	bool no_default_dirs;  /* DF_1_NODEFLIB */
};

/* -ENOEXEC when it is no ELF file, or a broken one. */
int elf_facts_read(const char *path, struct elf_facts *ret, struct error *err);
void elf_facts_free(struct elf_facts *facts);
#define _cleanup_elf_facts_ _cleanup_(elf_facts_free)
