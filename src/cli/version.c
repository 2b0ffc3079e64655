// SPDX-License-Identifier: Apache-2.0
/* `lupine version`: of lupine, of the kernel it builds, and of the monitors. */
#include "base/json.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "kernel/kernel.h"
#include "vmm/vmm.h"

#include <stdio.h>

static const struct option_row options[] = {
	FORMAT_ROW,
	HELP_ROW,
	OPTION_END,
};

static int run(void *given, const struct strings *operands, struct error *err)
{
	_cleanup_json_ json_t *object = json_object();
	const char *name;
	json_t *value;

	(void)operands;
	(void)err;
	json_object_set_new(object, "lupine", json_string(LUPINE_VERSION));
	json_object_set_new(object, "kernel", json_string(KERNEL_DEFAULT_VERSION));
	for (size_t i = 0; vmm_table[i]; i++) {
		_cleanup_free_ char *version = NULL;
		_cleanup_error_ struct error ignored = {0};
		if (vmm_table[i]->version(&version, &ignored) == 0)
			json_object_set_new(object, vmm_table[i]->name, json_from_text(version));
	}
	if (wants_json(given)) {
		print_json(json_incref(object));
		return 0;
	}
	_cleanup_table_ struct text_table table = {.columns = 2};
	json_object_foreach(object, name, value)
	{
		table_cell(&table, "%s", name);
		table_cell(&table, "%s", json_string_value(value));
	}
	table_print(&table, stdout);
	return 0;
}

const struct verb verb_version = {
	.name = "version",
	.summary = "Print the versions of lupine, its kernel and the monitors",
	.options = options,
	.options_size = sizeof(struct common_options),
	.run = run,
};
