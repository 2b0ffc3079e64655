/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs, one file each. */
#pragma once

#include "cli/cli.h"

extern const struct verb verb_bench, verb_build, verb_completion, verb_doctor, verb_help,
	verb_inspect, verb_kernel, verb_logs, verb_ps, verb_rm, verb_run, verb_start, verb_stop,
	verb_version;
