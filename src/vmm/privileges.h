/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor may do: as little as it can live with. */
#pragma once

#include "vmm/accel.h"

#include <stdbool.h>
#include <sys/types.h>

struct privileges {
	bool drop; /* we are root, and it becomes `uid` */
	uid_t uid;
	gid_t gid;
	bool low_ports; /* it keeps the right to listen on ports below 1024 */
};

/* What a machine's monitor needs. */
void privileges_choose(const struct machine *machine, const struct accel *accel,
					   struct privileges *ret);

/* Takes them on, for good; in the child, between fork and exec. Returns 0 or a negative errno. */
int privileges_apply(const struct privileges *privileges);
