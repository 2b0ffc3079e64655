// SPDX-License-Identifier: Apache-2.0
/* The resource limits of an application. */
#include "machine/machine.h"

#include <string.h>

void machine_set_limit(struct application *application, const struct machine_limit *limit)
{
	for (size_t i = 0; i < application->limit_count; i++) {
		if (strcmp(application->limits[i].name, limit->name) == 0) {
			application->limits[i] = *limit;
			return;
		}
	}
	application->limits =
		xrealloc(application->limits, application->limit_count + 1, sizeof(*limit));
	application->limits[application->limit_count++] = *limit;
}

/* Soft as everywhere, so that select() is safe; hard as on today's distributions, for servers that
 * raise it themselves. The kernel's own hard limit is 4096. */
void machine_default_limits(struct application *application)
{
	static const struct machine_limit files = {.name = "nofile", .soft = 1024, .hard = 524288};

	for (size_t i = 0; i < application->limit_count; i++)
		if (strcmp(application->limits[i].name, files.name) == 0)
			return;
	machine_set_limit(application, &files);
}
