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

static void set_text(json_t *object, const char *member, const char *text)
{
	if (text)
		json_object_set_new(object, member, json_from_text(text));
}

/* A member that is 0 while it is not known. */
static void set_known(json_t *object, const char *member, int64_t number)
{
	if (number)
		json_object_set_new(object, member, json_integer(number));
}

/* Adds what became of a machine to an object. */
static void set_seconds(json_t *object, const char *member, double value)
{
	if (value > 0)
		json_object_set_new(object, member, json_real(value));
}

static void add_status(const struct machine_status *status, json_t *object)
{
	static const char *const ends[] = {
		[END_NONE] = NULL,     [END_APPLICATION] = "application", [END_NOT_STARTED] = "not-started",
		[END_PANIC] = "panic", [END_MONITOR] = "monitor",         [END_STOPPED] = "stopped",
	};

	set_text(object, "state", machine_state_name(status->state));
	if (status->state == MACHINE_EXITED) {
		set_text(object, "end", ends[status->end]);
		json_object_set_new(object, "exit_code", json_integer(status->exit_code));
	}
	if (status->state == MACHINE_RUNNING) {
		set_known(object, "pid", status->pid);
		set_known(object, "monitor_pid", status->monitor_pid);
	}
	set_text(object, "accel", status->accel);
	set_text(object, "message", status->message);
	set_known(object, "started", status->started);
	set_known(object, "finished", status->finished);
	set_known(object, "init_ticks", (int64_t)status->init_ticks);
	set_known(object, "boot_ticks", (int64_t)status->boot_ticks);
	set_seconds(object, "init_seconds", status->init_seconds);
	set_seconds(object, "boot_seconds", status->boot_seconds);
	set_seconds(object, "output_seconds", status->output_seconds);
}

json_t *machine_facts(const struct machine *machine, const struct machine_status *status)
{
	json_t *object = machine_to_json(machine), *inner = json_object();

	add_status(status, inner);
	json_object_set_new(object, "status", inner);
	return object;
}

json_t *machine_summary(const struct machine *machine, const struct machine_status *status)
{
	_cleanup_json_ json_t *facts = machine_to_json(machine);
	json_t *object = json_object();

	set_text(object, "id", machine->id);
	set_text(object, "name", machine->name);
	set_text(object, "image", machine->image);
	json_object_set_new(object, "command", json_from_strings(&machine->application.argv));
	json_object_set(object, "ports", json_object_get(facts, "ports"));
	set_known(object, "created", machine->created);
	add_status(status, object);
	return object;
}
