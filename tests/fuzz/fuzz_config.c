// SPDX-License-Identifier: Apache-2.0
/* The image configuration, and what it says in small languages of its own. */
#include "base/json.h"
#include "fuzz.h"
#include "image/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image_config config = {0};
	struct strings diff_ids = {0};
	struct error err = {0};
	json_t *json = NULL;
	int result = json_parse((const char *)data, size, "config", &json, &err);

	check_result(result, &err);
	error_clear(&err);
	if (result == 0) {
		int parsed = image_config_parse(json, "config", "amd64", &config, &diff_ids, &err);
		check_result(parsed, &err);
		error_clear(&err);
		for (size_t i = 0; parsed == 0 && i < diff_ids.count; i++)
			require(digest_is_valid(diff_ids.items[i]));
	}
	if (config.stop_signal) {
		int number = image_parse_signal(config.stop_signal, &err);
		require(number < 0 ? err.message != NULL : number >= 1 && number <= 64);
		error_clear(&err);
	}
	for (size_t i = 0; i < config.port_count; i++)
		require(config.ports[i].port > 0);
	json_decref(json);
	image_config_free(&config);
	strings_free(&diff_ids);
	return 0;
}
