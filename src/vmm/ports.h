/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "machine/machine.h"

/* Says in time, and in our own words, when a port of the host cannot be listened on. (One that is
 * taken afterwards makes the monitor end, with its own words.) */
int ports_check(const struct machine *machine, struct error *err);
