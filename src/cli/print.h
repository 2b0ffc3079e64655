/* SPDX-License-Identifier: Apache-2.0 */
/* How verbs print lists and facts. */
#pragma once

#include "base/table.h"
#include "cli/cli.h"

struct json_t;

bool wants_json(const struct common_options *options);
/* Prints it to stdout, indented, and lets go of it. */
void print_json(struct json_t *value);
