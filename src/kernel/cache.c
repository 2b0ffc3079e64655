// SPDX-License-Identifier: Apache-2.0
#include "kernel/cache.h"
#include "base/files.h"
#include "base/json.h"
#include "base/paths.h"
#include "kernel/build.h"
#include "kernel/package.h"
#include "kernel/plan.h"
#include "kernel/vmlinux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	JSON_SIZE_LIMIT = 1 << 20,
	ID_DIGITS = KERNEL_ID_SIZE - 1,
	PREFIX_DIGITS_MIN = 4,
};

int cache_directory(char **ret, struct error *err)
{
	return path_cache("kernels", ret, err);
}

void kernel_free(struct kernel **kernel)
{
	struct kernel *old = *kernel;

	if (!old)
		return;
	free(old->id);
	free(old->version);
	free(old->release);
	free(old->architecture);
	strings_free(&old->features);
	strings_free(&old->variants);
	free(old->directory);
	free(old->vmlinux);
	free(old->config);
	strings_free(&old->modules);
	free(old);
	*kernel = NULL;
}

/* Adds a text that is known. */
static void set_text(json_t *object, const char *name, const char *text)
{
	if (text)
		json_object_set_new(object, name, json_from_text(text));
}

struct json_t *kernel_to_json(const struct kernel *kernel)
{
	json_t *object = json_object();

	set_text(object, "id", kernel->id);
	set_text(object, "version", kernel->version);
	set_text(object, "release", kernel->release);
	set_text(object, "architecture", kernel->architecture);
	json_object_set_new(object, "features", json_from_strings(&kernel->features));
	json_object_set_new(object, "variants", json_from_strings(&kernel->variants));
	set_text(object, "directory", kernel->directory);
	set_text(object, "vmlinux", kernel->vmlinux);
	set_text(object, "config", kernel->config);
	json_object_set_new(object, "vmlinux_size", json_integer((json_int_t)kernel->vmlinux_size));
	json_object_set_new(object, "options", json_integer((json_int_t)kernel->options));
	json_object_set_new(object, "build_seconds", json_real(kernel->build_seconds));
	json_object_set_new(object, "built", json_integer(kernel->built));
	json_object_set_new(object, "acpi", json_boolean(kernel->acpi));
	json_object_set_new(object, "modules", json_from_strings(&kernel->modules));
	return object;
}

static int read_members(const json_t *object, const char *name, struct kernel *kernel,
						struct error *err)
{
	const struct {
		const char *member;
		char **text;
	} texts[] = {{"version", &kernel->version},
				 {"release", &kernel->release},
				 {"architecture", &kernel->architecture}};
	const struct {
		const char *member;
		struct strings *list;
	} lists[] = {{"features", &kernel->features}, {"variants", &kernel->variants}};
	int64_t size = 0, options = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (json_get_string(object, name, texts[i].member, JSON_REQUIRED, texts[i].text, err) < 0)
			return -err->code;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (json_get_strings(object, name, lists[i].member, JSON_REQUIRED, lists[i].list, err) < 0)
			return -err->code;
	if (json_get_integer(object, name, "vmlinux_size", JSON_REQUIRED, 0, INT64_MAX, &size, err) <
			0 ||
		json_get_integer(object, name, "options", JSON_REQUIRED, 0, INT64_MAX, &options, err) < 0 ||
		json_get_integer(object, name, "built", JSON_REQUIRED, 0, INT64_MAX, &kernel->built, err) <
			0)
		return -err->code;
	kernel->vmlinux_size = (uint64_t)size;
	kernel->options = (uint64_t)options;
	kernel->build_seconds = json_number_value(json_object_get(object, "build_seconds"));
	return 0;
}

/* Modules are noted by name; they lie in the kernel's directory. */
static int read_modules(const json_t *object, const char *name, struct kernel *kernel,
						struct error *err)
{
	_cleanup_strings_ struct strings names = {0};

	if (json_get_strings(object, name, "modules", JSON_OPTIONAL, &names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.count; i++) {
		const char *slash = strrchr(names.items[i], '/');
		strings_addf(&kernel->modules, "%s/" KERNEL_MODULES "/%s", kernel->directory,
					 slash ? slash + 1 : names.items[i]);
	}
	return 0;
}

int cache_read(const char *id, struct kernel **ret, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = xcalloc(1, sizeof(*kernel));
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *kernels = NULL;
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *object = NULL;

	if (cache_directory(&kernels, err) < 0)
		return -err->code;
	/* Nothing but the id and what is beside it is taken from outside of the directory, so that the
	 * cache may be moved. */
	kernel->id = xstrdup(id);
	kernel->directory = xasprintf("%s/%s", kernels, id);
	kernel->vmlinux = xasprintf("%s/" KERNEL_VMLINUX, kernel->directory);
	kernel->config = xasprintf("%s/" KERNEL_CONFIG, kernel->directory);
	_cleanup_free_ char *path = xasprintf("%s/" KERNEL_JSON, kernel->directory);
	if (file_read(AT_FDCWD, path, JSON_SIZE_LIMIT, &text, err) < 0 ||
		json_parse(text.length ? text.data : "", text.length, path, &object, err) < 0 ||
		read_members(object, path, kernel, err) < 0 ||
		read_modules(object, path, kernel, err) < 0 ||
		config_read(&config, kernel->config, kernel->config, NULL, err) < 0)
		return -err->code;
	kernel->acpi = config_needs_acpi(&config);
	if (!path_exists(kernel->vmlinux))
		return error_errno(err, ENOENT, "%s", kernel->vmlinux);
	*ret = steal(&kernel);
	return 0;
}

static int is_id(const struct dirent *entry)
{
	return strlen(entry->d_name) == ID_DIGITS &&
		   strspn(entry->d_name, "0123456789abcdef") == ID_DIGITS;
}

/* The ids of all kernels. */
static int list_ids(struct strings *ret, struct error *err)
{
	_cleanup_free_ char *kernels = NULL;
	struct dirent **entries;

	if (cache_directory(&kernels, err) < 0)
		return -err->code;
	int count = scandir(kernels, &entries, is_id, alphasort);
	if (count < 0)
		return error_errno(err, errno, "cannot read %s", kernels);
	for (int i = 0; i < count; i++) {
		strings_add(ret, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int kernel_find(const char *id, struct kernel **ret, struct error *err)
{
	_cleanup_strings_ struct strings ids = {0};
	const char *found = NULL;

	if (strlen(id) < PREFIX_DIGITS_MIN)
		return error_set(err, ENOENT,
						 "\"%s\" is too short for the id of a kernel: %d digits or more", id,
						 PREFIX_DIGITS_MIN);
	if (list_ids(&ids, err) < 0)
		return -err->code;
	for (size_t i = 0; i < ids.count; i++) {
		if (!starts_with(ids.items[i], id))
			continue;
		if (found) {
			error_set(err, EEXIST, "more than one kernel's id begins with %s", id);
			return error_hint(err, "write more digits; `lupine kernel list` shows them");
		}
		found = ids.items[i];
	}
	if (!found) {
		error_set(err, ENOENT, "there is no kernel with the id %s", id);
		return error_hint(err, "`lupine kernel list` shows those there are");
	}
	return cache_read(found, ret, err);
}

static int compare_age(const void *left, const void *right)
{
	const struct kernel *const *a = left, *const *b = right;
	int age = ((*a)->built < (*b)->built) - ((*a)->built > (*b)->built);

	return age ? age : strcmp((*a)->id, (*b)->id);
}

int kernel_list(struct kernel ***ret, size_t *ret_count, struct error *err)
{
	_cleanup_strings_ struct strings ids = {0};
	size_t count = 0;

	if (list_ids(&ids, err) < 0)
		return -err->code;
	struct kernel **kernels = xcalloc(ids.count + 1, sizeof(struct kernel *));
	for (size_t i = 0; i < ids.count; i++) {
		/* One that was just removed, or that somebody damaged, is not there. */
		_cleanup_error_ struct error ignored = {0};
		count += cache_read(ids.items[i], &kernels[count], &ignored) == 0;
	}
	qsort(kernels, count, sizeof(struct kernel *), compare_age);
	*ret = kernels;
	*ret_count = count;
	return 0;
}

int cache_discard(const char *id, struct error *err)
{
	_cleanup_staging_ struct staging staging = STAGING_NONE;
	_cleanup_free_ char *kernels = NULL;

	if (cache_directory(&kernels, err) < 0)
		return -err->code;
	_cleanup_free_ char *place = xasprintf("%s/%s", kernels, id);
	if (!path_exists(place))
		return 0;
	if (staging_begin(kernels, &staging, err) < 0)
		return -err->code;
	/* The staging directory goes with what is in it. */
	_cleanup_free_ char *away = xasprintf("%s/%s", staging.path, id);
	if (rename(place, away) < 0 && errno != ENOENT)
		return error_errno(err, errno, "cannot remove %s", place);
	return 0;
}

int kernel_remove(const struct kernel *kernel, struct error *err)
{
	_cleanup_free_ char *locks = NULL;

	if (!kernel->id)
		return error_set(err, EINVAL, "%s is not a kernel of the cache", kernel->vmlinux);
	if (path_cache("locks", &locks, err) < 0)
		return -err->code;
	_cleanup_free_ char *path = xasprintf("%s/kernel-%s", locks, kernel->id);
	_cleanup_close_ int lock = file_lock(path, false, err);
	if (lock == -EWOULDBLOCK) {
		error_set(err, EBUSY, "the kernel %.12s is being built", kernel->id);
		return error_hint(err, "try again when that has ended");
	}
	if (lock < 0 || cache_discard(kernel->id, err) < 0)
		return -err->code;
	unlink(path);
	return 0;
}

int kernel_from_file(const char *path, struct kernel **ret, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = xcalloc(1, sizeof(*kernel));
	const struct kernel_architecture *architecture;

	if (package_is(path))
		return package_kernel(path, ret, err);
	if (vmlinux_check(path, &architecture, &kernel->vmlinux_size, err) < 0 ||
		vmlinux_needs_acpi(path, &kernel->acpi, err) < 0)
		return -err->code;
	kernel->vmlinux = realpath(path, NULL);
	if (!kernel->vmlinux)
		return error_errno(err, errno, "%s", path);
	kernel->directory =
		xstrndup(kernel->vmlinux, (size_t)(strrchr(kernel->vmlinux, '/') - kernel->vmlinux));
	kernel->architecture = xstrdup(architecture->name);
	*ret = steal(&kernel);
	return 0;
}
