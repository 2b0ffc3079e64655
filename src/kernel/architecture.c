// SPDX-License-Identifier: Apache-2.0
#include "kernel/architecture.h"
#include "base/buf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

static const struct kernel_architecture architectures[] = {
	{"x86_64", "x86_64", "x86", EM_X86_64, true},
};

int kernel_architecture_find(const char *name, const struct kernel_architecture **ret,
							 struct error *err)
{
	_cleanup_buf_ struct buf names = {0};
	struct utsname host;

	if (!name)
		name = uname(&host) == 0 ? host.machine : "";
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
		if (strcmp(architectures[i].name, name) == 0) {
			*ret = &architectures[i];
			return 0;
		}
		buf_printf(&names, "%s%s", i ? ", " : "", architectures[i].name);
	}
	error_set(err, ENOTSUP, "kernels for %s cannot be built", name);
	return error_hint(err, "there is: %s", names.data);
}

const struct kernel_architecture *kernel_architecture_of(int machine)
{
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
		if (architectures[i].machine == machine)
			return &architectures[i];
	return NULL;
}
