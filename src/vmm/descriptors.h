/* SPDX-License-Identifier: Apache-2.0 */
/* What a monitor's process gets to see of the machine, opened by us, who may. */
#pragma once

#include "vmm/vmm.h"

struct channels {
	struct vmm_descriptors monitor; /* the monitor's ends */
	int control, console;           /* ours, non-blocking */
};

#define CHANNELS_NONE                                                                              \
	{                                                                                              \
		.monitor = {-1, -1, -1, -1, -1}, .control = -1, .console = -1                              \
	}

/* Opens all. `foreign`: the monitor is another user than we are. */
int channels_open(struct channels *channels, const struct machine *machine, bool foreign,
				  struct error *err);
/* Closes the monitor's ends, which it has now. */
void channels_close_monitor(struct channels *channels);
void channels_close(struct channels *channels);

/* Closes it unless it is -1, which it becomes. */
void descriptor_close(int *fd);
