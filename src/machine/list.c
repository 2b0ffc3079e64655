// SPDX-License-Identifier: Apache-2.0
/*
 * Finding machines. Others may make and remove some at the same time, and a kill may have left
 * one half made: what is not there (any more) is no error.
 */
#include "base/files.h"
#include "base/json.h"
#include "machine/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The names in a directory that `wanted` takes. */
static int read_names(const char *directory, bool (*wanted)(const char *name), struct strings *ret,
					  struct error *err)
{
	DIR *stream = opendir(directory);

	if (!stream)
		return error_errno(err, errno, "cannot read %s", directory);
	for (const struct dirent *entry; (entry = readdir(stream));)
		if (wanted(entry->d_name))
			strings_add(ret, entry->d_name);
	closedir(stream);
	return 0;
}

int machine_ids(const char *directory, struct strings *ret, struct error *err)
{
	return read_names(directory, machine_id_is_valid, ret, err);
}

static bool was_removed(const char *name)
{
	return starts_with(name, ".removed-");
}

void machine_sweep_removed(const char *directory)
{
	_cleanup_strings_ struct strings names = {0};
	_cleanup_error_ struct error err = {0};

	if (read_names(directory, was_removed, &names, &err) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, names.items[i]);
		directory_remove(path, &err);
	}
}

char *machine_claimed_name(const char *directory, const char *id)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/name", directory, id);
	_cleanup_buf_ struct buf name = {0};
	_cleanup_error_ struct error err = {0};

	return file_read(AT_FDCWD, path, MACHINE_NAME_MAX, &name, &err) < 0 ? NULL : buf_steal(&name);
}

int machine_load(const char *directory, const char *id, struct machine **ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s/machine.json", directory, id);
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *json = NULL;
	_cleanup_machine_ struct machine *machine = NULL;
	int error = file_read(AT_FDCWD, path, MACHINE_JSON_LIMIT, &text, err);

	/* Empty: of one that was not to be kept, after a crash of the host. */
	if (error == 0 && text.length == 0)
		error = error_set(err, ENOENT, "%s: empty", path);
	if (error == 0)
		error = json_parse(text.data, text.length, path, &json, err);
	if (error == 0)
		error = machine_from_json(json, &machine, err);
	if (error == 0 && (!machine->id || strcmp(machine->id, id) != 0 || !machine->name))
		error = error_set(err, EINVAL, "%s: it is not that of the machine %s", path, id);
	if (error != 0)
		return error;
	free(machine->directory);
	machine->directory = xasprintf("%s/%s", directory, id);
	*ret = steal(&machine);
	return 0;
}

/* The id that is meant: by name, by id, by unique beginning of an id. NULL when there is none. */
static int resolve(const char *directory, const struct strings *ids, const char *name,
				   const char **ret, struct error *err)
{
	const char *found = NULL;

	for (size_t i = 0; i < ids->count; i++) {
		_cleanup_free_ char *claimed = machine_claimed_name(directory, ids->items[i]);
		if ((claimed && strcmp(claimed, name) == 0) || strcmp(ids->items[i], name) == 0) {
			*ret = ids->items[i];
			return 0;
		}
	}
	for (size_t i = 0; *name && i < ids->count; i++) {
		if (!starts_with(ids->items[i], name))
			continue;
		if (found) {
			error_set(err, EEXIST, "\"%s\" is the beginning of more than one machine's id: %s, %s",
					  name, found, ids->items[i]);
			return error_hint(err, "give more of its digits, or its name");
		}
		found = ids->items[i];
	}
	*ret = found;
	return 0;
}

int machine_find(const char *name, struct machine **ret, struct error *err)
{
	_cleanup_free_ char *directory = NULL;
	_cleanup_strings_ struct strings ids = {0};
	const char *id = NULL;
	int error = machine_directory(&directory, err);

	if (error == 0)
		error = machine_ids(directory, &ids, err);
	if (error == 0)
		error = resolve(directory, &ids, name, &id, err);
	if (error < 0)
		return error;
	error = id ? machine_load(directory, id, ret, err) : -ENOENT;
	if (error == -ENOENT) {
		error_set(err, ENOENT, "there is no machine \"%s\"", name);
		return error_hint(err, "`lupine ps -a` lists the ones there are");
	}
	if (error < 0)
		return error_hint(err, "remove the directory %s/%s", directory, id);
	return 0;
}

static int compare_newest_first(const void *left, const void *right)
{
	const struct machine *a = *(struct machine *const *)left, *b = *(struct machine *const *)right;

	if (a->created != b->created)
		return a->created < b->created ? 1 : -1;
	return strcmp(a->id, b->id);
}

int machine_list(struct machine ***ret, size_t *ret_count, struct strings *ret_damaged,
				 struct error *err)
{
	_cleanup_free_ char *directory = NULL;
	_cleanup_strings_ struct strings ids = {0};
	size_t count = 0;
	int error = machine_directory(&directory, err);

	if (error == 0)
		error = machine_ids(directory, &ids, err);
	if (error < 0)
		return error;
	struct machine **list = xcalloc(ids.count + 1, sizeof(struct machine *));
	for (size_t i = 0; i < ids.count; i++) {
		_cleanup_error_ struct error damage = {0};
		error = machine_load(directory, ids.items[i], &list[count], &damage);
		if (error == 0)
			count++;
		else if (error != -ENOENT && ret_damaged)
			strings_add(ret_damaged, ids.items[i]);
	}
	qsort(list, count, sizeof(struct machine *), compare_newest_first);
	*ret = list;
	*ret_count = count;
	return 0;
}
