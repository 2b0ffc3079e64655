/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vmm/vmm.h"

/* supervise() with any monitor, for tests. */
int supervise_with(const struct vmm *vmm, struct machine *machine,
				   const struct supervise_options *options, struct machine_status *ret,
				   struct error *err);
