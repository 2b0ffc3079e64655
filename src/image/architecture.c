// SPDX-License-Identifier: Apache-2.0
#include "image/architecture.h"
#include "base/mem.h"

#include <elf.h>
#include <string.h>
#include <sys/utsname.h>

static const struct architecture table[] = {
	{"amd64", "x86_64", EM_X86_64, "v1"},   {"arm64", "aarch64", EM_AARCH64, "v8"},
	{"riscv64", "riscv64", EM_RISCV, NULL}, {"386", "i686", EM_386, NULL},
	{"arm", "armv7l", EM_ARM, "v7"},        {"ppc64le", "ppc64le", EM_PPC64, NULL},
	{"s390x", "s390x", EM_S390, NULL},
};

const struct architecture *architecture_find(const char *name)
{
	struct utsname host;

	if (!name) {
		if (uname(&host) < 0)
			return NULL;
		name = host.machine;
	}
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, name) == 0 || strcmp(table[i].machine, name) == 0)
			return &table[i];
	return NULL;
}

const struct architecture *architecture_of_elf(uint16_t elf_machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].elf_machine == elf_machine)
			return &table[i];
	return NULL;
}
