// SPDX-License-Identifier: Apache-2.0
/* `lupine ps`: the machines there are. */
#include "base/json.h"
#include "cli/machines.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <time.h>

struct ps_options {
	struct common_options common;
	bool all;
};

static const struct option_row options[] = {
	{"all", 'a', OPTION_FLAG, NULL, "also machines that do not run", NULL,
	 offsetof(struct ps_options, all)},
	QUIET_ROW("print the ids only"),
	FORMAT_ROW,
	HELP_ROW,
	OPTION_END,
};

static void command_text(const struct application *application, struct buf *ret)
{
	enum { COMMAND_WIDTH = 32 };

	for (size_t i = 0; i < application->argv.count; i++) {
		buf_puts(ret, i ? " " : "");
		format_quoted(application->argv.items[i], ret);
	}
	if (ret->length <= COMMAND_WIDTH)
		return;
	/* Cut between characters: never within the bytes of one. */
	size_t length = COMMAND_WIDTH - 3;
	while (length && ((unsigned char)ret->data[length] & 0xc0) == 0x80)
		length--;
	ret->length = length;
	buf_puts(ret, "...");
}

static void status_text(const struct machine_status *status, struct buf *ret)
{
	static const char *const ends[] = {
		[END_NONE] = "Exited",    [END_APPLICATION] = "Exited", [END_NOT_STARTED] = "Failed",
		[END_PANIC] = "Panicked", [END_MONITOR] = "Crashed",    [END_STOPPED] = "Killed",
	};
	char duration[32];
	int64_t now = time(NULL);

	switch (status->state) {
	case MACHINE_CREATED:
		buf_puts(ret, "Created");
		break;
	case MACHINE_RUNNING:
		format_duration(now - status->started, duration);
		buf_printf(ret, "Up %s", duration);
		break;
	case MACHINE_EXITED:
		buf_printf(ret, "%s (%d)", ends[status->end], status->exit_code);
		if (status->finished) {
			format_duration(now - status->finished, duration);
			buf_printf(ret, " %s ago", duration);
		}
		break;
	}
}

static void ports_text(const struct machine *machine, struct buf *ret)
{
	for (size_t i = 0; i < machine->port_count; i++) {
		const struct machine_port *port = &machine->ports[i];
		buf_printf(ret, "%s%s%s%u->%u%s", i ? ", " : "", port->address ? port->address : "",
				   port->address ? ":" : "", port->host, port->guest, port->udp ? "/udp" : "");
	}
}

static void add_row(const struct machine *machine, const struct machine_status *status, void *data)
{
	struct text_table *table = data;
	_cleanup_buf_ struct buf command = {0}, state = {0}, ports = {0};
	char created[32];

	command_text(&machine->application, &command);
	status_text(status, &state);
	ports_text(machine, &ports);
	format_duration(time(NULL) - machine->created, created);
	table_cell(table, "%s", machine->id);
	table_cell(table, "%s", machine->name);
	table_cell(table, "%s", machine->image ? machine->image : "");
	table_cell(table, "%s", command.data ? command.data : "");
	table_cell(table, "%s", state.data);
	table_cell(table, "%s", ports.data ? ports.data : "");
	table_cell(table, "%s ago", created);
}

static void add_json(const struct machine *machine, const struct machine_status *status, void *data)
{
	json_array_append_new(data, machine_summary(machine, status));
}

static void print_id(const struct machine *machine, const struct machine_status *status, void *data)
{
	(void)status;
	(void)data;
	puts(machine->id);
}

static int run(void *given, const struct strings *operands, struct error *err)
{
	static const char *const titles[] = {"ID",     "NAME",  "IMAGE",  "COMMAND",
										 "STATUS", "PORTS", "CREATED"};
	const struct ps_options *ps = given;
	_cleanup_table_ struct text_table table = {.columns = ARRAY_SIZE(titles)};

	(void)operands;
	if (wants_json(&ps->common)) {
		_cleanup_json_ json_t *array = json_array();
		if (machines_each(ps->all, add_json, array, err) < 0)
			return -err->code;
		print_json(json_incref(array));
		return 0;
	}
	if (ps->common.quiet)
		return machines_each(ps->all, print_id, NULL, err);
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_cell(&table, "%s", titles[i]);
	if (machines_each(ps->all, add_row, &table, err) < 0)
		return -err->code;
	table_print(&table, stdout);
	return 0;
}

const struct verb verb_ps = {
	.name = "ps",
	.summary = "List the machines that run",
	.options = options,
	.options_size = sizeof(struct ps_options),
	.run = run,
};
