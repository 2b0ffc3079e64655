/* SPDX-License-Identifier: Apache-2.0 */
/* How a machine came to its end. */
#pragma once

#include "vmm/relay.h"
#include "vmm/vmm.h"

struct ending {
	bool stopped; /* we killed it: it was told to stop and did not */
	char *broken; /* we killed it: what the guest did wrong */
	int status;   /* of the monitor, from waitpid() */
};

/* Fills end, exit_code and message. The console and monitor.log are complete. */
void ending_judge(const struct ending *ending, const struct vmm *vmm, const struct machine *machine,
				  const struct relay *relay, struct machine_status *ret);
