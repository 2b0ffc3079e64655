// SPDX-License-Identifier: Apache-2.0
/*
 * The specification as JSON: machine.json, and what `lupine build` makes. The latter may come
 * from anyone, so that everything is checked here that others rely on.
 */
#include "machine/fields.h"
#include "machine/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#define FORMAT_VERSION 1
#define COUNT_LIMIT 4096 /* of ports, limits, and words of any list but arguments */
#define MEMORY_MINIMUM (1ll << 20)
#define MEMORY_MAXIMUM (1ll << 46) /* x86-64's physical address space on common processors */

#define TEXT(type, member, need)                                                                   \
	{                                                                                              \
#member, offsetof(type, member), FIELD_TEXT, need, 0, 0                                    \
	}
#define TEXTS(type, member, need)                                                                  \
	{                                                                                              \
#member, offsetof(type, member), FIELD_TEXTS, need, 0, 0                                   \
	}
#define BOOL(type, member)                                                                         \
	{                                                                                              \
#member, offsetof(type, member), FIELD_BOOL, JSON_OPTIONAL, 0, 0                           \
	}
#define NUMBER(type, member, kind, minimum, maximum)                                               \
	{                                                                                              \
#member, offsetof(type, member), kind, JSON_REQUIRED, minimum, maximum                     \
	}

static const struct field machine_fields[] = {
	TEXT(struct machine, id, JSON_OPTIONAL),
	TEXT(struct machine, name, JSON_OPTIONAL),
	BOOL(struct machine, keep),
	TEXT(struct machine, directory, JSON_OPTIONAL),
	TEXT(struct machine, image, JSON_OPTIONAL),
	TEXT(struct machine, image_digest, JSON_OPTIONAL),
	TEXT(struct machine, vmm, JSON_REQUIRED),
	TEXT(struct machine, accel, JSON_REQUIRED),
	TEXT(struct machine, kernel, JSON_OPTIONAL),
	TEXT(struct machine, kernel_id, JSON_OPTIONAL),
	TEXT(struct machine, initramfs, JSON_OPTIONAL),
	TEXT(struct machine, append, JSON_OPTIONAL),
	BOOL(struct machine, kernel_mode),
	BOOL(struct machine, acpi),
	TEXTS(struct machine, modules, JSON_OPTIONAL),
	NUMBER(struct machine, memory, FIELD_U64, MEMORY_MINIMUM, MEMORY_MAXIMUM),
	NUMBER(struct machine, cpus, FIELD_U32, 1, 255),
	NUMBER(struct machine, stop_signal, FIELD_INT, 1, 64),
	NUMBER(struct machine, stop_timeout, FIELD_U32, 0, INT32_MAX),
	NUMBER(struct machine, created, FIELD_I64, 0, INT64_MAX),
	FIELD_END,
};

static const struct field disk_fields[] = {
	TEXT(struct machine_disk, path, JSON_REQUIRED),
	TEXT(struct machine_disk, type, JSON_REQUIRED),
	BOOL(struct machine_disk, read_only),
	BOOL(struct machine_disk, discard),
	FIELD_END,
};

static const struct field port_fields[] = {
	TEXT(struct machine_port, address, JSON_OPTIONAL),
	NUMBER(struct machine_port, host, FIELD_U16, 1, UINT16_MAX),
	NUMBER(struct machine_port, guest, FIELD_U16, 1, UINT16_MAX),
	BOOL(struct machine_port, udp),
	FIELD_END,
};

/* -1 is "unlimited", as getrlimit(2)'s RLIM_INFINITY looks in a signed number. */
static const struct field limit_fields[] = {
	NUMBER(struct machine_limit, soft, FIELD_U64, -1, INT64_MAX),
	NUMBER(struct machine_limit, hard, FIELD_U64, -1, INT64_MAX),
	FIELD_END,
};

static const struct field application_fields[] = {
	TEXTS(struct application, argv, JSON_REQUIRED),
	TEXTS(struct application, env, JSON_OPTIONAL),
	TEXT(struct application, cwd, JSON_OPTIONAL),
	{"uid", offsetof(struct application, user.uid), FIELD_U32, JSON_REQUIRED, 0, UINT32_MAX - 1},
	{"gid", offsetof(struct application, user.gid), FIELD_U32, JSON_REQUIRED, 0, UINT32_MAX - 1},
	{"home", offsetof(struct application, user.home), FIELD_TEXT, JSON_OPTIONAL, 0, 0},
	TEXT(struct application, hostname, JSON_OPTIONAL),
	TEXTS(struct application, tmpfs, JSON_OPTIONAL),
	BOOL(struct application, terminal),
	BOOL(struct application, interactive),
	FIELD_END,
};

static void ports_to_json(const struct machine *machine, json_t *object)
{
	json_t *array = json_array();

	for (size_t i = 0; i < machine->port_count; i++) {
		json_t *port = json_object();
		fields_to_json(port_fields, &machine->ports[i], port);
		json_array_append_new(array, port);
	}
	json_object_set_new(object, "ports", array);
}

static json_t *application_to_json(const struct application *application)
{
	json_t *object = json_object(), *groups = json_array(), *limits = json_object();

	fields_to_json(application_fields, application, object);
	for (size_t i = 0; i < application->user.group_count; i++)
		json_array_append_new(groups, json_integer(application->user.groups[i]));
	json_object_set_new(object, "groups", groups);
	for (size_t i = 0; i < application->limit_count; i++) {
		json_t *limit = json_object();
		fields_to_json(limit_fields, &application->limits[i], limit);
		json_object_set_new(limits, application->limits[i].name, limit);
	}
	json_object_set_new(object, "limits", limits);
	return object;
}

json_t *machine_to_json(const struct machine *machine)
{
	json_t *object = json_object();

	json_object_set_new(object, "version", json_integer(FORMAT_VERSION));
	fields_to_json(machine_fields, machine, object);
	if (machine->disk.path) {
		json_t *disk = json_object();
		fields_to_json(disk_fields, &machine->disk, disk);
		json_object_set_new(object, "disk", disk);
	}
	ports_to_json(machine, object);
	json_object_set_new(object, "application", application_to_json(&machine->application));
	return object;
}

static int ports_from_json(const json_t *json, struct machine *machine, struct error *err)
{
	json_t *array = NULL;
	const json_t *item;
	size_t index;
	int error = json_get_array(json, "machine", "ports", JSON_OPTIONAL, &array, err);

	if (error < 0 || !array)
		return error;
	if (json_array_size(array) > COUNT_LIMIT)
		return error_set(err, EINVAL, "machine: more than %d ports", COUNT_LIMIT);
	machine->ports = xcalloc(json_array_size(array), sizeof(struct machine_port));
	json_array_foreach(array, index, item)
	{
		struct machine_port *port = &machine->ports[machine->port_count++];
		unsigned char binary[sizeof(struct in6_addr)];
		error = fields_from_json(port_fields, item, "machine's port", port, err);
		if (error < 0)
			return error;
		if (port->address && inet_pton(AF_INET, port->address, binary) != 1 &&
			inet_pton(AF_INET6, port->address, binary) != 1)
			return error_set(err, EINVAL, "machine's port: \"%s\" is not an IP address",
							 port->address);
	}
	return 0;
}

static int limits_from_json(const json_t *json, struct application *application, struct error *err)
{
	json_t *limits = NULL, *item;
	const char *name;
	int error = json_get_object(json, "application", "limits", JSON_OPTIONAL, &limits, err);

	if (error < 0 || !limits)
		return error;
	application->limits = xcalloc(json_object_size(limits), sizeof(struct machine_limit));
	json_object_foreach(limits, name, item)
	{
		struct machine_limit *limit = &application->limits[application->limit_count];
		if (!machine_limit_is_known(name))
			return error_set(err, EINVAL, "application: there is no limit \"%s\"", name);
		error = fields_from_json(limit_fields, item, name, limit, err);
		if (error < 0)
			return error;
		if (limit->soft > limit->hard)
			return error_set(err, EINVAL,
							 "application: limit \"%s\": the soft limit is above the "
							 "hard one",
							 name);
		strncpy(limit->name, name, sizeof(limit->name) - 1);
		application->limit_count++;
	}
	return 0;
}

static int groups_from_json(const json_t *json, struct image_user *user, struct error *err)
{
	json_t *groups = NULL;
	const json_t *item;
	size_t index;
	int error = json_get_array(json, "application", "groups", JSON_OPTIONAL, &groups, err);

	if (error < 0)
		return error;
	if (json_array_size(groups) > ARRAY_SIZE(user->groups))
		return error_set(err, EINVAL, "application: more than %zu groups",
						 ARRAY_SIZE(user->groups));
	json_array_foreach(groups, index, item)
	{
		json_int_t group = json_is_integer(item) ? json_integer_value(item) : -1;
		if (group < 0 || group >= UINT32_MAX)
			return error_set(err, EINVAL, "application: groups must be numbers of groups");
		user->groups[user->group_count++] = (uint32_t)group;
	}
	return 0;
}

static bool all_absolute(const struct strings *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		if (paths->items[i][0] != '/')
			return false;
	return true;
}

static bool all_assignments(const struct strings *environment)
{
	for (size_t i = 0; i < environment->count; i++)
		if (!strchr(environment->items[i], '=') || environment->items[i][0] == '=')
			return false;
	return true;
}

/* What init takes for granted. */
static int check_application(const struct application *application, struct error *err)
{
	const struct {
		bool wrong;
		const char *what;
	} checks[] = {
		{application->argv.count && !*application->argv.items[0], "\"argv\" begins with \"\""},
		{!all_assignments(&application->env), "\"env\" holds what is not NAME=VALUE"},
		{application->cwd && application->cwd[0] != '/', "\"cwd\" is not absolute"},
		{!all_absolute(&application->tmpfs), "\"tmpfs\" holds a path that is not absolute"},
		{application->tmpfs.count > COUNT_LIMIT, "\"tmpfs\" is too long"},
		{application->hostname && strlen(application->hostname) > 64,
		 "\"hostname\" is longer than 64 bytes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i].wrong)
			return error_set(err, EINVAL, "application: %s", checks[i].what);
	return 0;
}

static int application_from_json(const json_t *json, struct application *application,
								 struct error *err)
{
	json_t *object = NULL;
	int error = json_get_object(json, "machine", "application", JSON_REQUIRED, &object, err);

	if (error == 0)
		error = fields_from_json(application_fields, object, "application", application, err);
	if (error == 0)
		error = groups_from_json(object, &application->user, err);
	if (error == 0)
		error = limits_from_json(object, application, err);
	return error < 0 ? error : check_application(application, err);
}

static int check_version(const json_t *json, struct error *err)
{
	int64_t version;
	int error =
		json_get_integer(json, "machine", "version", JSON_REQUIRED, 0, INT64_MAX, &version, err);

	if (error == 0 && version != FORMAT_VERSION) {
		error_set(err, EPROTONOSUPPORT, "machine: its format is version %lld, not %d",
				  (long long)version, FORMAT_VERSION);
		return error_hint(err, "it was made by another version of lupine; build it again");
	}
	return error;
}

static int check_names(const struct machine *machine, struct error *err)
{
	if (machine->id && !machine_id_is_valid(machine->id))
		return error_set(err, EINVAL, "machine: \"%s\" is not an id", machine->id);
	if (machine->name && !machine_name_is_valid(machine->name))
		return error_set(err, EINVAL, "machine: \"%s\" cannot be a name", machine->name);
	return 0;
}

int machine_from_json(const json_t *json, struct machine **ret, struct error *err)
{
	_cleanup_machine_ struct machine *machine = xcalloc(1, sizeof(*machine));
	json_t *disk = NULL;
	int error = check_version(json, err);

	machine->lock = -1;
	if (error == 0)
		error = fields_from_json(machine_fields, json, "machine", machine, err);
	if (error == 0)
		error = check_names(machine, err);
	if (error == 0)
		error = json_get_object(json, "machine", "disk", JSON_OPTIONAL, &disk, err);
	if (error == 0 && disk)
		error = fields_from_json(disk_fields, disk, "machine's disk", &machine->disk, err);
	if (error == 0)
		error = ports_from_json(json, machine, err);
	if (error == 0)
		error = application_from_json(json, &machine->application, err);
	/* What was built of an image without a command gets one when it is run. */
	if (error == 0 && machine->id && machine->application.argv.count == 0)
		error = error_set(err, EINVAL, "application: \"argv\" is empty");
	if (error < 0)
		return error;
	*ret = steal(&machine);
	return 0;
}
