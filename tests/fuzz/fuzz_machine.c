// SPDX-License-Identifier: Apache-2.0
/* A machine's specification, which may come with what someone else built: what is taken can be
 * written again, and comes out the same. */
#include "base/json.h"
#include "fuzz.h"
#include "machine/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine *machine = NULL, *again = NULL;
	struct error err = {0};
	json_t *json = NULL;
	int result = json_parse((const char *)data, size, "machine", &json, &err);

	check_result(result, &err);
	error_clear(&err);
	result = result < 0 ? result : machine_from_json(json, &machine, &err);
	if (result == 0) {
		struct buf config = {0};
		json_t *first = machine_to_json(machine), *second;
		require(machine_from_json(first, &again, &err) == 0);
		second = machine_to_json(again);
		require(json_equal(first, second));
		if (machine->id) { /* what was only built has none, and is not run as it is */
			machine_guest_config(machine, &config);
			require(config.length > 0);
		}
		buf_free(&config);
		json_decref(first);
		json_decref(second);
	}
	error_clear(&err);
	machine_free(&machine);
	machine_free(&again);
	json_decref(json);
	return 0;
}
