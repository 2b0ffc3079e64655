/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: the kernel's own build, started, followed and logged. */
#pragma once

#include "kernel/kbuild.h"
#include "kernel/plan.h"

enum { MAKE_LAST_LINES = 15 };

struct make {
	const struct plan *plan;
	const char *objects; /* the build directory, directly in the source's tree */
	char *log_path;
	int log;
	bool verbose;
	struct kbuild kbuild; /* what there is to compile; empty while that is not known */
	size_t built;         /* of these */
	/* For the error: lines that look like one, and the last lines. */
	struct strings errors;
	char *last[MAKE_LAST_LINES];
	size_t line_count;
	bool failed;       /* the last run did */
	bool missing_file; /* a compiler or make could not find a file */
};

/* Opens the log. */
int make_begin(struct make *make, struct error *err);
/* Runs `make TARGET`; `variables` are NAME=VALUE for its command line. */
int make_run(struct make *make, const char *target, const struct strings *variables,
			 struct error *err);
/* Removes the log, unless the last run failed: then the error names it. */
void make_free(struct make *make);
#define _cleanup_make_ _cleanup_(make_free)
