// SPDX-License-Identifier: Apache-2.0
#include "cli/machines.h"
#include "base/json.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static void machines_free(struct machine **machines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		machine_free(&machines[i]);
	free(machines);
}

int machines_each(bool all,
				  void (*each)(const struct machine *machine, const struct machine_status *status,
							   void *data),
				  void *data, struct error *err)
{
	_cleanup_strings_ struct strings damaged = {0};
	struct machine **machines = NULL;
	size_t count = 0;

	if (machine_list(&machines, &count, &damaged, err) < 0)
		return -err->code;
	for (size_t i = 0; i < count; i++) {
		_cleanup_machine_status_ struct machine_status status = {0};
		_cleanup_error_ struct error problem = {0};
		if (machine_read_status(machines[i], &status, &problem) < 0)
			strings_add(&damaged, machines[i]->id);
		else if (all || status.state == MACHINE_RUNNING)
			each(machines[i], &status, data);
	}
	machines_free(machines, count);
	for (size_t i = 0; i < damaged.count; i++)
		fprintf(stderr, "lupine: the machine %s is damaged; `lupine inspect %s` says how\n",
				damaged.items[i], damaged.items[i]);
	return 0;
}

int machines_act(const struct strings *names,
				 int (*act)(struct machine *machine, void *data, struct error *err), void *data)
{
	int result = 0;

	for (size_t i = 0; i < names->count; i++) {
		_cleanup_machine_ struct machine *machine = NULL;
		_cleanup_error_ struct error err = {0};
		int status = machine_find(names->items[i], &machine, &err);
		if (status == 0)
			status = act(machine, data, &err);
		if (status == 0) {
			puts(names->items[i]);
			continue;
		}
		if (status < 0)
			error_print(&err);
		result = status < 0 ? STATUS_FAILED : status;
	}
	return result;
}

json_t *machine_with_status_to_json(const struct machine *machine,
									const struct machine_status *status)
{
	static const char *const ends[] = {
		[END_APPLICATION] = "application", [END_NOT_STARTED] = "not-started", [END_PANIC] = "panic",
		[END_MONITOR] = "monitor",         [END_STOPPED] = "stopped",
	};
	json_t *object = machine_to_json(machine), *inner = json_object();

	json_object_set_new(inner, "state", json_from_text(machine_state_name(status->state)));
	if (status->state == MACHINE_EXITED) {
		json_object_set_new(inner, "exit_code", json_integer(status->exit_code));
		if (status->end != END_NONE)
			json_object_set_new(inner, "end", json_from_text(ends[status->end]));
	}
	if (status->state == MACHINE_RUNNING) {
		json_object_set_new(inner, "pid", json_integer(status->pid));
		json_object_set_new(inner, "monitor_pid", json_integer(status->monitor_pid));
	}
	if (status->accel)
		json_object_set_new(inner, "accel", json_from_text(status->accel));
	if (status->message)
		json_object_set_new(inner, "message", json_from_text(status->message));
	if (status->started)
		json_object_set_new(inner, "started", json_integer(status->started));
	if (status->finished)
		json_object_set_new(inner, "finished", json_integer(status->finished));
	if (status->boot_seconds > 0)
		json_object_set_new(inner, "boot_seconds", json_real(status->boot_seconds));
	if (status->boot_ticks)
		json_object_set_new(inner, "boot_ticks", json_integer((json_int_t)status->boot_ticks));
	json_object_set_new(object, "status", inner);
	return object;
}
