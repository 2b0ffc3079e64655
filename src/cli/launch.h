/* SPDX-License-Identifier: Apache-2.0 */
/* Running a machine to its end, in front of the user or behind. */
#pragma once

#include "machine/machine.h"

#include <stdbool.h>

/* Returns the exit status that lupine ends with: the application's, or 125 to 127. A bad end is
 * told on stderr. A machine that is not to be kept is removed. An error only when it could not be
 * started at all. */
int launch_attached(struct machine *machine, bool console, struct error *err);

/* The same in a process of its own, whose end is not awaited: returns 0 once the application was
 * started, or the exit status with which it could not be, told on stderr. */
int launch_detached(struct machine *machine, struct error *err);

/* On a terminal, says so when "auto" comes to emulation, which is many times slower. */
void launch_tell_accelerator(const struct machine *machine, bool quiet);
