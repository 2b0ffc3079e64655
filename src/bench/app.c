// SPDX-License-Identifier: Apache-2.0
/*
 * guest/bench/apps/NAME.json: what makes the root (app_tree.h), and
 *   argv    of the server, or of the program
 *   user    as in an image's configuration; absent: root
 *   port    absent: it serves nothing, and then has
 *   output  that it must print
 *   memory  "128m", that it surely works with
 *   probe   words of guest/bench/load: one request whose answer is checked
 *   loads   {"NAME": words of guest/bench/load}
 */
#include "bench/app.h"
#include "base/files.h"
#include "base/options.h"
#include "base/paths.h"
#include "bench/app_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define APPS "guest/bench/apps"
#define SUFFIX ".json"

enum { DESCRIPTION_LIMIT = 1024 * 1024 };

static const char *const members[] = {
	"SPDX-License-Identifier",
	"package",
	"programs",
	"bench",
	"copies",
	"users",
	"directories",
	"files",
	"argv",
	"user",
	"port",
	"output",
	"memory",
	"probe",
	"loads",
};

static int by_name(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

int app_names(struct strings *ret, struct error *err)
{
	_cleanup_free_ char *directory = NULL;

	if (path_data(APPS, &directory, err) < 0)
		return -err->code;
	DIR *entries = opendir(directory);
	if (!entries)
		return error_errno(err, errno, "cannot read the directory %s", directory);
	size_t first = ret->count;
	for (const struct dirent *entry; (entry = readdir(entries));)
		if (ends_with(entry->d_name, SUFFIX) && *entry->d_name != '.')
			strings_take(ret, xstrndup(entry->d_name, strlen(entry->d_name) - strlen(SUFFIX)));
	closedir(entries);
	if (ret->count > first)
		qsort(ret->items + first, ret->count - first, sizeof(*ret->items), by_name);
	return 0;
}

static int check_name(const char *name, struct error *err)
{
	_cleanup_strings_ struct strings names = {0};
	_cleanup_buf_ struct buf list = {0};

	if (app_names(&names, err) < 0)
		return -err->code;
	if (strings_contain(&names, name))
		return 0;
	for (size_t i = 0; i < names.count; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", names.items[i]);
	error_set(err, ENOENT, "there is no application \"%s\" to measure", name);
	return error_hint(err, "there are: %s", list.length ? list.data : "none");
}

/* A member that nobody reads is a typing error. */
static int check_members(const json_t *description, const char *name, struct error *err)
{
	const char *member;
	json_t *value;

	json_object_foreach((json_t *)description, member, value)
	{
		bool known = false;
		for (size_t i = 0; i < ARRAY_SIZE(members); i++)
			known |= strcmp(members[i], member) == 0;
		if (!known)
			return error_set(err, EINVAL, "%s: unknown member \"%s\"", name, member);
	}
	return 0;
}

static int read_description(const char *name, json_t **ret, struct error *err)
{
	_cleanup_free_ char *data = xasprintf(APPS "/%s" SUFFIX, name), *path = NULL;
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *description = NULL;

	if (path_data(data, &path, err) < 0 ||
		file_read(AT_FDCWD, path, DESCRIPTION_LIMIT, &text, err) < 0 ||
		json_parse(text.data, text.length, data, &description, err) < 0)
		return -err->code;
	if (!json_is_object(description))
		return error_set(err, EINVAL, "%s: not an object", data);
	if (check_members(description, data, err) < 0)
		return -err->code;
	*ret = steal(&description);
	return 0;
}

/* A list of words among the members of `object`, into which paths of this host are put. */
static int get_words(const json_t *description, const char *name, const json_t *object,
					 const char *member, enum json_need need, struct strings *ret,
					 struct error *err)
{
	_cleanup_strings_ struct strings words = {0};

	if (json_get_strings(object, name, member, need, &words, err) < 0)
		return -err->code;
	return app_words(description, name, &words, ret, err);
}

static int get_loads(const json_t *description, const char *name, struct app *app,
					 struct error *err)
{
	json_t *loads = NULL, *words;
	const char *member;

	if (json_get_object(description, name, "loads", JSON_OPTIONAL, &loads, err) < 0)
		return -err->code;
	app->loads = xcalloc(json_object_size(loads) + 1, sizeof(*app->loads));
	json_object_foreach(loads, member, words)
	{
		struct app_load *load = &app->loads[app->load_count++];
		load->name = xstrdup(member);
		if (get_words(description, name, loads, member, JSON_REQUIRED, &load->args, err) < 0)
			return -err->code;
	}
	return 0;
}

int app_load_names(const char *name, struct strings *ret, struct error *err)
{
	_cleanup_json_ json_t *description = NULL;
	json_t *loads = NULL, *words;
	const char *member;

	if (read_description(name, &description, err) < 0 ||
		json_get_object(description, name, "loads", JSON_OPTIONAL, &loads, err) < 0)
		return -err->code;
	json_object_foreach(loads, member, words)
	{
		if (!strings_contain(ret, member))
			strings_add(ret, member);
	}
	return 0;
}

static int get_server(const json_t *description, const char *name, struct app *app,
					  struct error *err)
{
	_cleanup_free_ char *memory = NULL;
	int64_t port = 0;

	if (get_words(description, name, description, "argv", JSON_REQUIRED, &app->argv, err) < 0 ||
		get_words(description, name, description, "probe", JSON_OPTIONAL, &app->probe, err) < 0 ||
		json_get_integer(description, name, "port", JSON_OPTIONAL, 1, UINT16_MAX, &port, err) < 0 ||
		json_get_string(description, name, "output", JSON_OPTIONAL, &app->output, err) < 0 ||
		json_get_string(description, name, "memory", JSON_REQUIRED, &memory, err) < 0 ||
		parse_size(memory, &app->memory, err) < 0)
		return -err->code;
	app->port = (uint16_t)port;
	if (!app->argv.count)
		return error_set(err, EINVAL, "%s: \"argv\" is empty", name);
	if (port ? !app->probe.count : !app->output)
		return error_set(err, EINVAL,
						 "%s: nothing says when it works: neither a port with a probe "
						 "nor an output",
						 name);
	return get_loads(description, name, app, err);
}

static int open_app(const char *name, struct app *app, struct error *err)
{
	_cleanup_json_ json_t *description = NULL;
	_cleanup_free_ char *user = NULL;

	if (check_name(name, err) < 0 || read_description(name, &description, err) < 0)
		return -err->code;
	app->name = xstrdup(name);
	if (get_server(description, name, app, err) < 0 ||
		json_get_string(description, name, "user", JSON_OPTIONAL, &user, err) < 0 ||
		app_tree(description, name, &app->tree, err) < 0)
		return -err->code;
	return image_resolve_user(app->tree, user ? user : "", &app->user, err);
}

int app_open(const char *name, struct app **ret, struct error *err)
{
	struct app *app = xcalloc(1, sizeof(*app));

	if (open_app(name, app, err) < 0) {
		app_free(&app);
		return -err->code;
	}
	*ret = app;
	return 0;
}

void app_free(struct app **app)
{
	struct app *gone = *app;

	*app = NULL;
	if (!gone)
		return;
	for (size_t i = 0; i < gone->load_count; i++) {
		free(gone->loads[i].name);
		strings_free(&gone->loads[i].args);
	}
	free(gone->loads);
	free(gone->name);
	free(gone->output);
	tree_free(&gone->tree);
	strings_free(&gone->argv);
	strings_free(&gone->probe);
	image_user_free(&gone->user);
	free(gone);
}
