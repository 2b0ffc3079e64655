// SPDX-License-Identifier: Apache-2.0
#include "vmm/vmm.h"
#include "vmm/rows.h"

#include <errno.h>
#include <string.h>

const struct vmm *const vmm_table[] = {&vmm_qemu, NULL};

int vmm_find(const char *name, const struct vmm **ret, struct error *err)
{
	_cleanup_buf_ struct buf names = {0};

	if (!name || !*name) {
		*ret = vmm_table[0];
		return 0;
	}
	for (size_t i = 0; vmm_table[i]; i++) {
		if (strcmp(vmm_table[i]->name, name) == 0) {
			*ret = vmm_table[i];
			return 0;
		}
		buf_printf(&names, "%s%s", i ? ", " : "", vmm_table[i]->name);
	}
	error_set(err, ENOENT, "there is no monitor \"%s\"", name);
	return error_hint(err, "there is: %s", names.data);
}
