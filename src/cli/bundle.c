// SPDX-License-Identifier: Apache-2.0
#include "cli/bundle.h"
#include "base/files.h"
#include "base/json.h"
#include "image/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTENTS "contents.json"
#define MACHINE "machine.json"
#define CONFIG "config.json"
#define KERNEL "vmlinux"
#define DISK "rootfs.img"

enum {
	FORMAT_VERSION = 1,
	DOCUMENT_LIMIT = 16 * 1024 * 1024,
	DATABASE_LIMIT = 1024 * 1024, /* of passwd and group */
};

/* Files of the image that a built machine still needs: where they are, and what they become. */
static const struct {
	const char *path, *name;
} databases[] = {
	{"/etc/passwd", "passwd"},
	{"/etc/group", "group"},
};

bool bundle_is_here(const char *path)
{
	_cleanup_free_ char *contents = xasprintf("%s/" CONTENTS, path);
	_cleanup_free_ char *machine = xasprintf("%s/" MACHINE, path);

	return path_exists(contents) && path_exists(machine);
}

static int read_document(int directory, const char *name, json_t **ret, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};

	if (file_read(directory, name, DOCUMENT_LIMIT, &text, err) < 0)
		return -err->code;
	return json_parse(text.data ? text.data : "", text.length, name, ret, err);
}

/* The absolute path of a regular file in the directory, whose size must be the recorded one. */
static int check_file(const char *directory, const char *name, int64_t size, char **ret,
					  struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	struct stat status;

	if (lstat(path, &status) < 0)
		return error_errno(err, errno, "%s", name);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s is not a regular file", name);
	if (status.st_size != size) {
		error_set(err, EBADMSG, "%s has %lld bytes, not %lld as when it was built", name,
				  (long long)status.st_size, (long long)size);
		return error_hint(err, "copy the directory again, or build it again");
	}
	free(*ret);
	*ret = steal(&path);
	return 0;
}

static int recorded_size(const json_t *contents, const char *name, int64_t *ret, struct error *err)
{
	json_t *files = NULL, *file = NULL;

	if (json_get_object(contents, CONTENTS, "files", JSON_REQUIRED, &files, err) < 0 ||
		json_get_object(files, CONTENTS ": files", name, JSON_REQUIRED, &file, err) < 0)
		return -err->code;
	return json_get_integer(file, name, "size", JSON_REQUIRED, 0, INT64_MAX, ret, err);
}

static int resolve_files(const char *directory, const json_t *contents, struct machine *machine,
						 struct error *err)
{
	int64_t size = 0;

	if (recorded_size(contents, KERNEL, &size, err) < 0 ||
		check_file(directory, KERNEL, size, &machine->kernel, err) < 0 ||
		recorded_size(contents, DISK, &size, err) < 0 ||
		check_file(directory, DISK, size, &machine->disk.path, err) < 0)
		return -err->code;
	if (!machine->disk.type)
		return error_set(err, EINVAL, MACHINE ": \"disk\" is missing");
	return 0;
}

static int read_databases(int directory, struct tree *tree, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		_cleanup_buf_ struct buf text = {0};
		int error = file_read(directory, databases[i].name, DATABASE_LIMIT, &text, err);
		if (error == -ENOENT) {
			error_clear(err);
			continue;
		}
		if (error < 0 || tree_put_file(tree, databases[i].path + 1, 0644,
									   text.data ? text.data : "", text.length, err) < 0)
			return -err->code;
	}
	return 0;
}

static int read_image(int directory, const char *path, struct image **ret, struct error *err)
{
	_cleanup_image_ struct image *image = xcalloc(1, sizeof(*image));
	_cleanup_strings_ struct strings diff_ids = {0};
	_cleanup_json_ json_t *config = NULL;

	image->reference = xstrdup(path);
	image->kind = xstrdup("built");
	const char *base = strrchr(path, '/') + 1; /* `path` is absolute */
	image->name = xstrndup(base, strlen(base) - (ends_with(base, ".lupine") ? 7 : 0));
	image->tree = tree_new();
	if (read_document(directory, CONFIG, &config, err) < 0 ||
		image_config_parse(config, CONFIG, NULL, &image->config, &diff_ids, err) < 0 ||
		read_databases(directory, image->tree, err) < 0)
		return -err->code;
	*ret = steal(&image);
	return 0;
}

static int read_all(int directory, const char *path, struct origin *ret, struct error *err)
{
	_cleanup_json_ json_t *contents = NULL, *machine = NULL;
	_cleanup_origin_ struct origin origin = {0};
	int64_t format = 0;

	if (read_document(directory, CONTENTS, &contents, err) < 0 ||
		json_get_integer(contents, CONTENTS, "format", JSON_REQUIRED, FORMAT_VERSION,
						 FORMAT_VERSION, &format, err) < 0 ||
		read_document(directory, MACHINE, &machine, err) < 0 ||
		machine_from_json(machine, &origin.built, err) < 0 ||
		resolve_files(path, contents, origin.built, err) < 0 ||
		read_image(directory, path, &origin.image, err) < 0)
		return -err->code;
	*ret = origin;
	origin = (struct origin){0};
	return 0;
}

int bundle_open(const char *path, struct origin *ret, struct error *err)
{
	_cleanup_free_ char *absolute = realpath(path, NULL);
	_cleanup_close_ int directory =
		absolute ? open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (directory < 0)
		return error_errno(err, errno, "%s", path);
	if (read_all(directory, absolute, ret, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

int bundle_contents(const char *path, json_t **ret, struct error *err)
{
	_cleanup_close_ int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return error_errno(err, errno, "%s", path);
	if (read_document(directory, CONTENTS, ret, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

static void set_text(json_t *object, const char *member, const char *text)
{
	if (text)
		json_object_set_new(object, member, json_from_text(text));
}

/* JSON has only text; what a host's arguments may hold beside must not change silently. */
static int check_text(const struct strings *list, const char *what, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		_cleanup_json_ json_t *text = json_string(list->items[i]);
		if (!text)
			return error_set(err, EILSEQ, "%s: \"%s\" is not UTF-8, which " CONFIG " cannot hold",
							 what, list->items[i]);
	}
	return 0;
}

/* An OCI image configuration (image-spec config.md) that image_config_parse() reads back. */
static json_t *config_to_json(const struct image_config *config)
{
	json_t *object = json_object(), *inner = json_object(), *volumes = json_object();

	for (size_t i = 0; i < config->volumes.count; i++)
		json_object_set_new(volumes, config->volumes.items[i], json_object());
	json_object_set_new(inner, "Env", json_from_strings(&config->env));
	json_object_set_new(inner, "Entrypoint", json_from_strings(&config->entrypoint));
	json_object_set_new(inner, "Cmd", json_from_strings(&config->cmd));
	set_text(inner, "WorkingDir", config->working_dir);
	set_text(inner, "User", config->user);
	set_text(inner, "StopSignal", config->stop_signal);
	json_object_set_new(inner, "Volumes", volumes);
	set_text(object, "architecture", config->architecture);
	set_text(object, "os", "linux");
	set_text(object, "created", config->created);
	json_object_set_new(object, "config", inner);
	json_object_set_new(object, "rootfs", json_pack("{s:s, s:[]}", "type", "layers", "diff_ids"));
	return object;
}

static int write_document(const char *directory, const char *name, const json_t *value,
						  struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	_cleanup_free_ char *text = json_dumps(value, JSON_INDENT(2));
	_cleanup_free_ char *line = xasprintf("%s\n", text ? text : "");

	return file_write_atomic(path, line, strlen(line), 0644, err);
}

static int copy_file(const char *from, const char *to, struct error *err)
{
	_cleanup_close_ int source = open(from, O_RDONLY | O_CLOEXEC);
	if (source < 0)
		return error_errno(err, errno, "cannot open %s", from);
	_cleanup_close_ int target = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (target < 0)
		return error_errno(err, errno, "cannot create %s", to);
	if (file_copy_sparse(source, target, err) < 0)
		return error_wrap(err, "cannot copy %s", from);
	return 0;
}

/* Brings a file into the directory, and makes its name in there the machine's path. */
static int take_file(const char *directory, const char *name, char **path, struct error *err)
{
	_cleanup_free_ char *target = xasprintf("%s/%s", directory, name);

	if (strcmp(*path, target) != 0 && copy_file(*path, target, err) < 0)
		return -err->code;
	if (chmod(target, 0644) < 0)
		return error_errno(err, errno, "%s", target);
	free(*path);
	*path = xstrdup(name);
	return 0;
}

static int write_databases(const char *directory, const struct tree *tree, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		_cleanup_buf_ struct buf text = {0};
		_cleanup_free_ char *target = xasprintf("%s/%s", directory, databases[i].name);
		int error = tree_read_file(tree, databases[i].path, DATABASE_LIMIT, &text, err);
		if (error == -ENOENT || error == -EISDIR) {
			error_clear(err);
			continue;
		}
		if (error < 0 || file_write_atomic(target, text.data, text.length, 0644, err) < 0)
			return error_wrap(err, "%s", databases[i].path);
	}
	return 0;
}

static int write_contents(const char *directory, const struct machine *machine, struct error *err)
{
	static const char *const names[] = {KERNEL, DISK, MACHINE, CONFIG, "passwd", "group"};
	_cleanup_json_ json_t *contents = json_object();
	json_t *image = json_object(), *files = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, names[i]);
		struct stat status;
		if (lstat(path, &status) < 0)
			continue;
		json_t *file = json_object();
		json_object_set_new(file, "size", json_integer(status.st_size));
		json_object_set_new(file, "allocated", json_integer((json_int_t)status.st_blocks * 512));
		json_object_set_new(files, names[i], file);
	}
	set_text(image, "reference", machine->image);
	set_text(image, "digest", machine->image_digest);
	json_object_set_new(contents, "format", json_integer(FORMAT_VERSION));
	set_text(contents, "lupine", LUPINE_VERSION);
	set_text(contents, "kernel", machine->kernel_id);
	json_object_set_new(contents, "image", image);
	json_object_set_new(contents, "files", files);
	return write_document(directory, CONTENTS, contents, err);
}

int bundle_fill(const char *directory, const struct origin *origin, struct machine *machine,
				struct error *err)
{
	const struct image_config *image = &origin->image->config;
	_cleanup_json_ json_t *config = config_to_json(image);

	if (machine->modules.count) {
		error_set(err, ENOTSUP, "a kernel with modules cannot be built into a directory");
		return error_hint(err, "`lupine run` takes it");
	}
	if (check_text(&image->env, "the environment", err) < 0 ||
		check_text(&image->entrypoint, "the entrypoint", err) < 0 ||
		check_text(&image->cmd, "the command", err) < 0)
		return -err->code;
	if (take_file(directory, KERNEL, &machine->kernel, err) < 0 ||
		take_file(directory, DISK, &machine->disk.path, err) < 0 ||
		write_databases(directory, origin->image->tree, err) < 0 ||
		write_document(directory, CONFIG, config, err) < 0)
		return -err->code;
	_cleanup_json_ json_t *specification = machine_to_json(machine);
	if (write_document(directory, MACHINE, specification, err) < 0)
		return -err->code;
	return write_contents(directory, machine, err);
}
