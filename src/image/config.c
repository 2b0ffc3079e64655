// SPDX-License-Identifier: Apache-2.0
#include "image/config.h"
#include "base/digest.h"
#include "base/json.h"

#include <errno.h>
#include <string.h>

/* Most items of each list; images have a few dozen. */
enum { ITEM_LIMIT = 4096 };

typedef int (*member_reader)(const json_t *object, const char *name, const char *member,
							 struct image_config *config, struct error *err);

static int check_count(const char *name, const char *member, size_t count, struct error *err)
{
	if (count <= ITEM_LIMIT)
		return 0;
	return error_set(err, E2BIG, "%s: \"%s\" has %zu items, more than %d", name, member, count,
					 ITEM_LIMIT);
}

static int read_list(const json_t *object, const char *name, const char *member,
					 struct strings *list, struct error *err)
{
	json_t *array = NULL;

	if (json_get_array(object, name, member, JSON_OPTIONAL, &array, err) < 0 ||
		check_count(name, member, json_array_size(array), err) < 0)
		return -err->code;
	return json_get_strings(object, name, member, JSON_OPTIONAL, list, err);
}

static int read_env(const json_t *object, const char *name, const char *member,
					struct image_config *config, struct error *err)
{
	if (read_list(object, name, member, &config->env, err) < 0)
		return -err->code;
	for (size_t i = 0; i < config->env.count; i++) {
		const char *equals = strchr(config->env.items[i], '=');
		if (!equals || equals == config->env.items[i])
			return error_set(err, EINVAL, "%s: \"%s\"[%zu] is not of the form NAME=VALUE", name,
							 member, i);
	}
	return 0;
}

static int read_entrypoint(const json_t *object, const char *name, const char *member,
						   struct image_config *config, struct error *err)
{
	return read_list(object, name, member, &config->entrypoint, err);
}

static int read_cmd(const json_t *object, const char *name, const char *member,
					struct image_config *config, struct error *err)
{
	return read_list(object, name, member, &config->cmd, err);
}

/* A member of which "" means the same as none. */
static int read_text(const json_t *object, const char *name, const char *member, char **ret,
					 struct error *err)
{
	_cleanup_free_ char *text = NULL;

	if (json_get_string(object, name, member, JSON_OPTIONAL, &text, err) < 0)
		return -err->code;
	if (text && *text)
		*ret = steal(&text);
	return 0;
}

static int read_working_dir(const json_t *object, const char *name, const char *member,
							struct image_config *config, struct error *err)
{
	_cleanup_free_ char *text = NULL;

	if (read_text(object, name, member, &text, err) < 0)
		return -err->code;
	if (text)
		config->working_dir = xasprintf("%s%s", *text == '/' ? "" : "/", text);
	return 0;
}

static int read_user(const json_t *object, const char *name, const char *member,
					 struct image_config *config, struct error *err)
{
	return read_text(object, name, member, &config->user, err);
}

static int read_stop_signal(const json_t *object, const char *name, const char *member,
							struct image_config *config, struct error *err)
{
	return read_text(object, name, member, &config->stop_signal, err);
}

/* An object that is used as a set: {"80/tcp": {}}. */
static int read_set(const json_t *object, const char *name, const char *member, json_t **ret,
					struct error *err)
{
	if (json_get_object(object, name, member, JSON_OPTIONAL, ret, err) < 0)
		return -err->code;
	return check_count(name, member, json_object_size(*ret), err);
}

static void add_port(struct image_config *config, const struct image_port *port)
{
	for (size_t i = 0; i < config->port_count; i++)
		if (memcmp(&config->ports[i], port, sizeof(*port)) == 0)
			return;
	config->ports = xrealloc(config->ports, config->port_count + 1, sizeof(*config->ports));
	config->ports[config->port_count++] = *port;
}

static int read_ports(const json_t *object, const char *name, const char *member,
					  struct image_config *config, struct error *err)
{
	json_t *set = NULL, *value;
	const char *key;

	if (read_set(object, name, member, &set, err) < 0)
		return -err->code;
	json_object_foreach(set, key, value)
	{
		struct image_port port = {0};
		/* Valid, but nothing that can be forwarded. */
		if (ends_with(key, "/sctp"))
			continue;
		if (image_parse_port(key, &port, err) < 0)
			return error_wrap(err, "%s: \"%s\"", name, member);
		add_port(config, &port);
	}
	return 0;
}

static int read_volumes(const json_t *object, const char *name, const char *member,
						struct image_config *config, struct error *err)
{
	json_t *set = NULL, *value;
	const char *key;

	if (read_set(object, name, member, &set, err) < 0)
		return -err->code;
	json_object_foreach(set, key, value) strings_add(&config->volumes, key);
	return 0;
}

static int read_labels(const json_t *object, const char *name, const char *member,
					   struct image_config *config, struct error *err)
{
	json_t *labels = NULL, *value;
	const char *key;

	if (read_set(object, name, member, &labels, err) < 0)
		return -err->code;
	json_object_foreach(labels, key, value)
	{
		if (!json_is_string(value))
			return error_set(err, EINVAL, "%s: the label \"%s\" must be a string", name, key);
		strings_addf(&config->labels, "%s=%s", key, json_string_value(value));
	}
	return 0;
}

/* The members of "config" that are honoured. */
static const struct {
	const char *member;
	member_reader read;
} members[] = {
	{"Env", read_env},
	{"Entrypoint", read_entrypoint},
	{"Cmd", read_cmd},
	{"WorkingDir", read_working_dir},
	{"User", read_user},
	{"StopSignal", read_stop_signal},
	{"ExposedPorts", read_ports},
	{"Volumes", read_volumes},
	{"Labels", read_labels},
};

static int check_platform(const json_t *json, const char *name, const char *architecture,
						  struct image_config *config, struct error *err)
{
	_cleanup_free_ char *os = NULL;

	if (read_text(json, name, "os", &os, err) < 0 ||
		read_text(json, name, "architecture", &config->architecture, err) < 0)
		return -err->code;
	if (os && strcmp(os, "linux") != 0)
		return error_set(err, ENOEXEC, "the image is for %s, not for linux", os);
	if (architecture && config->architecture && strcmp(config->architecture, architecture) != 0)
		return error_set(err, ENOEXEC, "the image is for linux/%s, not for linux/%s",
						 config->architecture, architecture);
	return 0;
}

static int read_diff_ids(const json_t *json, const char *name, struct strings *ret,
						 struct error *err)
{
	json_t *rootfs = NULL;
	_cleanup_free_ char *inner = xasprintf("%s: rootfs", name);

	if (json_get_object(json, name, "rootfs", JSON_REQUIRED, &rootfs, err) < 0 ||
		json_get_strings(rootfs, inner, "diff_ids", JSON_OPTIONAL, ret, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ret->count; i++)
		if (!digest_is_valid(ret->items[i]))
			return error_set(err, EINVAL, "%s: \"diff_ids\"[%zu] is not a SHA-256 digest", inner,
							 i);
	return 0;
}

int image_config_parse(const struct json_t *json, const char *name, const char *architecture,
					   struct image_config *ret, struct strings *ret_diff_ids, struct error *err)
{
	json_t *config = NULL;
	_cleanup_free_ char *inner = xasprintf("%s: config", name);

	if (check_platform(json, name, architecture, ret, err) < 0 ||
		read_text(json, name, "created", &ret->created, err) < 0 ||
		read_diff_ids(json, name, ret_diff_ids, err) < 0 ||
		json_get_object(json, name, "config", JSON_OPTIONAL, &config, err) < 0)
		return -err->code;
	for (size_t i = 0; config && i < ARRAY_SIZE(members); i++)
		if (members[i].read(config, inner, members[i].member, ret, err) < 0)
			return -err->code;
	return 0;
}

void image_config_free(struct image_config *config)
{
	free(config->architecture);
	strings_free(&config->env);
	strings_free(&config->entrypoint);
	strings_free(&config->cmd);
	free(config->working_dir);
	free(config->user);
	free(config->stop_signal);
	free(config->ports);
	strings_free(&config->volumes);
	strings_free(&config->labels);
	free(config->created);
	*config = (struct image_config){0};
}
