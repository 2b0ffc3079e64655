// SPDX-License-Identifier: Apache-2.0
/* Resource limits by the names of docker's --ulimit. */
#include "guest/init.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

int limit_parse(const char *text, struct limit *ret)
{
	static const struct {
		const char *name;
		int resource;
	} names[] = {
		{"as", RLIMIT_AS},
		{"core", RLIMIT_CORE},
		{"cpu", RLIMIT_CPU},
		{"data", RLIMIT_DATA},
		{"fsize", RLIMIT_FSIZE},
		{"locks", 10 /* RLIMIT_LOCKS */},
		{"memlock", RLIMIT_MEMLOCK},
		{"msgqueue", 12 /* RLIMIT_MSGQUEUE */},
		{"nice", 13 /* RLIMIT_NICE */},
		{"nofile", RLIMIT_NOFILE},
		{"nproc", RLIMIT_NPROC},
		{"rss", RLIMIT_RSS},
		{"rtprio", 14 /* RLIMIT_RTPRIO */},
		{"rttime", 15 /* RLIMIT_RTTIME */},
		{"sigpending", 11 /* RLIMIT_SIGPENDING */},
		{"stack", RLIMIT_STACK},
	};
	const char *space = strchr(text, ' ');
	for (size_t i = 0; space && i < ARRAY_COUNT(names); i++) {
		size_t length = strlen(names[i].name);
		if (length != (size_t)(space - text) || memcmp(text, names[i].name, length) != 0)
			continue;
		ret->resource = names[i].resource;
		uint64_t *values[] = {&ret->soft, &ret->hard};
		for (size_t v = 0; v < 2; v++) {
			static const char unlimited[] = "unlimited";
			if (*space++ != ' ')
				return -EINVAL;
			if (strncmp(space, unlimited, sizeof(unlimited) - 1) == 0) {
				space += sizeof(unlimited) - 1;
				*values[v] = UINT64_MAX; /* RLIM_INFINITY */
			} else if (number_parse(&space, UINT64_MAX, values[v]) < 0) {
				return -EINVAL;
			}
		}
		return *space ? -EINVAL : 0;
	}
	return -EINVAL;
}
