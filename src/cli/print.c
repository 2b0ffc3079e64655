// SPDX-License-Identifier: Apache-2.0
#include "cli/print.h"
#include "base/json.h"

#include <string.h>

bool wants_json(const struct common_options *options)
{
	return options->format && strcmp(options->format, "json") == 0;
}

void print_json(json_t *value)
{
	_cleanup_free_ char *text =
		json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

	puts(text ? text : "null");
	json_decref(value);
}
