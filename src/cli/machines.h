/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that deal with machines share. */
#pragma once

#include "machine/machine.h"

struct json_t;

/* Calls `each` for every machine, newest first; without `all` for those that run. Damaged ones
 * are named on stderr. */
int machines_each(bool all,
				  void (*each)(const struct machine *machine, const struct machine_status *status,
							   void *data),
				  void *data, struct error *err);

/* Finds each named machine and calls `act`, then prints the name; a failure is told on stderr and
 * does not keep the others from their turn. Returns an exit status. */
int machines_act(const struct strings *names,
				 int (*act)(struct machine *machine, void *data, struct error *err), void *data);

/* All that is known of a machine: its specification, with "status" in it. */
struct json_t *machine_facts(const struct machine *machine, const struct machine_status *status);
/* What `lupine ps` says of it, with the status beside the name. */
struct json_t *machine_summary(const struct machine *machine, const struct machine_status *status);
