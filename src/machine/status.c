// SPDX-License-Identifier: Apache-2.0
/* What became of a machine. */
#include "base/files.h"
#include "machine/fields.h"
#include "machine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* In the order of the enumerations; as they stand in status.json. */
static const char *const state_names[] = {"created", "running", "exited"};
static const char *const end_names[] = {"none",  "application", "not-started",
										"panic", "monitor",     "stopped"};

static const struct field status_fields[] = {
	{"exit_code", offsetof(struct machine_status, exit_code), FIELD_INT, JSON_REQUIRED, 0, 255},
	{"pid", offsetof(struct machine_status, pid), FIELD_INT, JSON_REQUIRED, 0, INT32_MAX},
	{"monitor_pid", offsetof(struct machine_status, monitor_pid), FIELD_INT, JSON_REQUIRED, 0,
	 INT32_MAX},
	{"accel", offsetof(struct machine_status, accel), FIELD_TEXT, JSON_OPTIONAL, 0, 0},
	{"message", offsetof(struct machine_status, message), FIELD_TEXT, JSON_OPTIONAL, 0, 0},
	{"started", offsetof(struct machine_status, started), FIELD_I64, JSON_REQUIRED, 0, INT64_MAX},
	{"finished", offsetof(struct machine_status, finished), FIELD_I64, JSON_REQUIRED, 0, INT64_MAX},
	{"init_seconds", offsetof(struct machine_status, init_seconds), FIELD_REAL, JSON_OPTIONAL, 0,
	 0},
	{"init_ticks", offsetof(struct machine_status, init_ticks), FIELD_U64, JSON_OPTIONAL, 0,
	 INT64_MAX},
	{"output_seconds", offsetof(struct machine_status, output_seconds), FIELD_REAL, JSON_OPTIONAL,
	 0, 0},
	{"boot_seconds", offsetof(struct machine_status, boot_seconds), FIELD_REAL, JSON_OPTIONAL, 0,
	 0},
	{"boot_ticks", offsetof(struct machine_status, boot_ticks), FIELD_U64, JSON_OPTIONAL, 0,
	 INT64_MAX},
	FIELD_END,
};

const char *machine_state_name(enum machine_state state)
{
	return state_names[state];
}

static int get_choice(const json_t *json, const char *name, const char *member,
					  const char *const words[], size_t count, unsigned *ret, struct error *err)
{
	_cleanup_free_ char *word = NULL;
	int error = json_get_string(json, name, member, JSON_REQUIRED, &word, err);

	if (error < 0)
		return error;
	for (unsigned i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0) {
			*ret = i;
			return 0;
		}
	return error_set(err, EINVAL, "%s: \"%s\" cannot be \"%s\"", name, member, word);
}

static int status_from_json(const json_t *json, const char *name, struct machine_status *ret,
							struct error *err)
{
	unsigned state = 0, end = 0;
	int error = get_choice(json, name, "state", state_names, ARRAY_SIZE(state_names), &state, err);

	if (error == 0)
		error = get_choice(json, name, "end", end_names, ARRAY_SIZE(end_names), &end, err);
	if (error != 0)
		return error;
	ret->state = (enum machine_state)state;
	ret->end = (enum machine_end)end;
	return fields_from_json(status_fields, json, name, ret, err);
}

/* Does anyone run it? A machine that we hold ourselves is not running yet or no more. */
static bool is_held(const struct machine *machine)
{
	_cleanup_free_ char *path = xasprintf("%s/lock", machine->directory);
	_cleanup_error_ struct error err = {0};
	_cleanup_close_ int lock = machine->lock >= 0 ? -1 : file_lock(path, false, &err);

	return lock == -EWOULDBLOCK;
}

static int read_file(const char *path, struct machine_status *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *json = NULL;
	int error = file_read(AT_FDCWD, path, MACHINE_JSON_LIMIT, &text, err);

	/* Empty, after a crash of the host: as good as not there. */
	if (error == 0 && text.length == 0)
		return -ENOENT;
	if (error == 0)
		error = json_parse(text.data, text.length, path, &json, err);
	return error < 0 ? error : status_from_json(json, path, ret, err);
}

/* True when the file says "running" and nobody runs it. */
static bool is_stale(const struct machine *machine, const struct machine_status *status)
{
	return status->state == MACHINE_RUNNING && !is_held(machine);
}

int machine_read_status(const struct machine *machine, struct machine_status *ret,
						struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/status.json", machine->directory);
	_cleanup_machine_status_ struct machine_status status = {0};
	int error = read_file(path, &status, err);

	/* Read again: it may have ended, and said so, between our look at the file and at the lock. */
	if (error == 0 && is_stale(machine, &status)) {
		machine_status_free(&status);
		error = read_file(path, &status, err);
	}
	if (error == -ENOENT) {
		error_clear(err);
		*ret = (struct machine_status){.state = MACHINE_CREATED};
		return 0;
	}
	if (error < 0)
		return error;
	if (is_stale(machine, &status)) {
		status.state = MACHINE_EXITED;
		status.end = END_MONITOR;
		status.exit_code = 125;
		status.pid = status.monitor_pid = 0;
		free(status.message);
		status.message = xstrdup("lupine itself was killed, and the machine ended with it");
	}
	*ret = status;
	status = (struct machine_status){0};
	return 0;
}

int machine_write_status(const struct machine *machine, const struct machine_status *status,
						 struct error *err)
{
	_cleanup_json_ json_t *json = json_object();

	json_object_set_new(json, "state", json_string(state_names[status->state]));
	json_object_set_new(json, "end", json_string(end_names[status->end]));
	fields_to_json(status_fields, status, json);
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2));
	if (!text)
		return error_set(err, EINVAL, "the status of %s cannot be written as JSON", machine->name);
	return machine_write_file(machine->directory, "status.json", text, false, err);
}

void machine_status_free(struct machine_status *status)
{
	free(status->accel);
	free(status->message);
	*status = (struct machine_status){0};
}
