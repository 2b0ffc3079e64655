// SPDX-License-Identifier: Apache-2.0
/* What is taken out of a Debian kernel package. */
#include "base/files.h"
#include "kernel/build.h"
#include "kernel/bzimage.h"
#include "kernel/decompress.h"
#include "kernel/modules.h"
#include "kernel/package.h"
#include "kernel/vmlinux.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BLOCK_SIZE = 256 << 10,
	CONFIG_SIZE_LIMIT = 4 << 20,
	MODULE_SIZE_LIMIT = 128 << 20,
	MODULES_MAX = 20000,
	MODULES_LOADED_MAX = 64,
	NAME_LIMIT = 128,
};
/* Of all modules together, as they are stored in the package. */
#define MODULES_SIZE_LIMIT (4ull << 30)

#define PACKED "packed" /* all modules, as they are stored; removed in the end */

struct unpacking {
	const char *directory;
	struct kernel *kernel;
	struct buf image; /* the bzImage */
	bool config;      /* it was there */
	size_t modules;   /* seen */
	uint64_t bytes;   /* of these */
	struct archive *outer;
	struct strings begun; /* modules that are being stored, or have been */
};

static void cleanup_archive(struct archive **archive)
{
	archive_read_free(*archive);
}

static void cleanup_unpacking(struct unpacking *unpacking)
{
	buf_free(&unpacking->image);
	strings_free(&unpacking->begun);
}

/* The content of the archive's current file. */
static int read_file(struct archive *archive, size_t limit, struct buf *ret, struct error *err)
{
	_cleanup_free_ char *block = xmalloc(BLOCK_SIZE);
	ssize_t got;

	while ((got = archive_read_data(archive, block, BLOCK_SIZE)) > 0) {
		if ((size_t)got > limit - ret->length)
			return error_set(err, EFBIG, "it has more than %zu MiB", limit >> 20);
		buf_append(ret, block, (size_t)got);
	}
	return got < 0 ? error_set(err, EBADMSG, "%s", archive_error_string(archive)) : 0;
}

/* Names become those of files and parameters: nothing but what kernels are called by. */
static bool is_plain(const char *name)
{
	return *name && strlen(name) <= NAME_LIMIT && *name != '.' &&
		   name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
							 "._+~-")] == '\0';
}

static int write_file(const struct unpacking *unpacking, const char *name,
					  const struct buf *content, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", unpacking->directory, name);

	return file_write_atomic(path, content->data ? content->data : "", content->length, 0644, err);
}

/* The same for what is not to stay: it need not reach the disk. */
static int write_packed(const struct unpacking *unpacking, const char *name,
						const struct buf *content, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" PACKED "/%s", unpacking->directory, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, errno, "cannot create %s", path);
	return content->length ? fd_write_all(fd, content->data, content->length, err) : 0;
}

static int take_image(struct unpacking *unpacking, struct archive *archive, const char *release,
					  struct error *err)
{
	if (unpacking->kernel->release)
		return error_set(err, EBADMSG, "there is more than one kernel in it");
	if (!is_plain(release))
		return error_set(err, EBADMSG, "its kernel has a strange name");
	unpacking->kernel->release = xstrdup(release);
	return read_file(archive, BZIMAGE_SIZE_LIMIT, &unpacking->image, err);
}

static int take_config(struct unpacking *unpacking, struct archive *archive, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};

	unpacking->config = true;
	return read_file(archive, CONFIG_SIZE_LIMIT, &text, err) < 0
			   ? -err->code
			   : write_file(unpacking, KERNEL_CONFIG, &text, err);
}

/* Which modules are needed is only known when all have been seen. */
static int take_module(struct unpacking *unpacking, struct archive *archive, const char *file,
					   struct error *err)
{
	_cleanup_buf_ struct buf content = {0};
	_cleanup_free_ char *name = module_name(file);

	if (!is_plain(name))
		return error_set(err, EBADMSG, "it has a module with a strange name");
	if (++unpacking->modules > MODULES_MAX)
		return error_set(err, EFBIG, "it has more than %d modules", MODULES_MAX);
	if (read_file(archive, MODULE_SIZE_LIMIT, &content, err) < 0)
		return -err->code;
	unpacking->bytes += content.length;
	if (unpacking->bytes > MODULES_SIZE_LIMIT)
		return error_set(err, EFBIG, "its modules have more than %llu GiB",
						 MODULES_SIZE_LIMIT >> 30);
	return write_packed(unpacking, name, &content, err);
}

static bool is_module(const char *path)
{
	static const char *const suffixes[] = {".ko", ".ko.xz", ".ko.gz", ".ko.zst"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (ends_with(path, suffixes[i]))
			return starts_with(path, "lib/modules/");
	return false;
}

static int take_entry(struct unpacking *unpacking, struct archive *archive,
					  struct archive_entry *entry, struct error *err)
{
	static const char image[] = "boot/vmlinuz-", config[] = "boot/config-";
	const char *path = archive_entry_pathname(entry);

	if (!path || archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	path += starts_with(path, "./") ? 2 : 0;
	path += starts_with(path, "usr/lib/") ? strlen("usr/") : 0;
	if (starts_with(path, image))
		return take_image(unpacking, archive, path + strlen(image), err);
	if (starts_with(path, config))
		return take_config(unpacking, archive, err);
	return is_module(path) ? take_module(unpacking, archive, path, err) : 0;
}

static la_ssize_t read_outer(struct archive *inner, void *data, const void **ret)
{
	const struct unpacking *unpacking = data;
	size_t length;
	la_int64_t offset;

	/* A member of an ar archive has no holes, so the offset is where the last block ended. */
	int status = archive_read_data_block(unpacking->outer, ret, &length, &offset);
	if (status == ARCHIVE_EOF)
		return 0;
	if (status == ARCHIVE_OK)
		return (la_ssize_t)length;
	archive_set_error(inner, EBADMSG, "%s", archive_error_string(unpacking->outer));
	return -1;
}

static int take_entries(struct unpacking *unpacking, struct error *err)
{
	_cleanup_(cleanup_archive) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int status;

	archive_read_support_format_tar(archive);
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_zstd(archive);
	if (archive_read_open(archive, unpacking, NULL, read_outer, NULL) != ARCHIVE_OK)
		return error_set(err, EBADMSG, "%s", archive_error_string(archive));
	while ((status = archive_read_next_header(archive, &entry)) >= ARCHIVE_WARN &&
		   status != ARCHIVE_EOF)
		if (take_entry(unpacking, archive, entry, err) < 0)
			return -err->code;
	return status == ARCHIVE_EOF ? 0 : error_set(err, EBADMSG, "%s", archive_error_string(archive));
}

static int read_package(int fd, struct unpacking *unpacking, struct error *err)
{
	_cleanup_(cleanup_archive) struct archive *outer = archive_read_new();
	struct archive_entry *entry;

	unpacking->outer = outer;
	archive_read_support_format_ar(outer);
	if (archive_read_open_fd(outer, fd, BLOCK_SIZE) != ARCHIVE_OK)
		return error_set(err, EBADMSG, "%s", archive_error_string(outer));
	for (;;) {
		int status = archive_read_next_header(outer, &entry);
		if (status == ARCHIVE_EOF)
			return error_set(err, EBADMSG, "it has no data.tar");
		if (status < ARCHIVE_WARN)
			return error_set(err, EBADMSG, "%s", archive_error_string(outer));
		const char *name = archive_entry_pathname(entry);
		if (name && starts_with(name, "data.tar"))
			return take_entries(unpacking, err);
	}
}

static int store_vmlinux(struct unpacking *unpacking, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" KERNEL_VMLINUX, unpacking->directory);
	_cleanup_buf_ struct buf vmlinux = {0};
	const struct kernel_architecture *architecture;
	struct kernel *kernel = unpacking->kernel;

	if (bzimage_unpack(unpacking->image.data, unpacking->image.length, &vmlinux, err) < 0)
		return error_wrap(err, "boot/vmlinuz-%s", kernel->release);
	if (write_file(unpacking, KERNEL_VMLINUX, &vmlinux, err) < 0 ||
		vmlinux_check(path, &architecture, &kernel->vmlinux_size, err) < 0)
		return -err->code;
	kernel->architecture = xstrdup(architecture->name);
	return 0;
}

/* Puts a module behind those that it depends on. One that is not there is built in. */
static int store_module(struct unpacking *unpacking, const char *name, struct error *err)
{
	_cleanup_free_ char *packed = xasprintf("%s/" PACKED "/%s", unpacking->directory, name);
	_cleanup_free_ char *file = xasprintf("%s.ko", name);
	_cleanup_free_ char *place = xasprintf(KERNEL_MODULES "/%s", file);
	_cleanup_buf_ struct buf content = {0}, module = {0};
	_cleanup_strings_ struct strings dependencies = {0};

	if (!path_exists(packed) || strings_contain(&unpacking->kernel->modules, file))
		return 0;
	if (strings_contain(&unpacking->begun, name))
		return error_set(err, EBADMSG, "the module %s depends on itself", name);
	if (unpacking->begun.count == MODULES_LOADED_MAX)
		return error_set(err, EFBIG, "it needs more than %d modules", MODULES_LOADED_MAX);
	strings_add(&unpacking->begun, name);
	if (file_read(AT_FDCWD, packed, MODULE_SIZE_LIMIT, &content, err) < 0)
		return -err->code;
	if (decompress(content.data ? content.data : "", content.length, MODULE_SIZE_LIMIT, &module,
				   err) < 0 ||
		module_dependencies(&module, &dependencies, err) < 0)
		return error_wrap(err, "the module %s", name);
	for (size_t i = 0; i < dependencies.count; i++)
		if (store_module(unpacking, dependencies.items[i], err) < 0)
			return -err->code;
	strings_add(&unpacking->kernel->modules, file);
	return write_file(unpacking, place, &module, err);
}

static int store_modules(struct unpacking *unpacking, struct error *err)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_strings_ struct strings needed = {0};
	_cleanup_free_ char *path = xasprintf("%s/" KERNEL_CONFIG, unpacking->directory);

	if (config_read(&config, path, "its configuration", NULL, err) < 0 ||
		modules_needed(&config, &needed, err) < 0)
		return -err->code;
	unpacking->kernel->options = config_count(&config);
	for (size_t i = 0; i < needed.count; i++) {
		_cleanup_free_ char *packed =
			xasprintf("%s/" PACKED "/%s", unpacking->directory, needed.items[i]);
		if (!path_exists(packed))
			return error_set(err, EBADMSG, "the module %s is not in it", needed.items[i]);
		if (store_module(unpacking, needed.items[i], err) < 0)
			return -err->code;
	}
	return 0;
}

int package_unpack(int package, const char *directory, struct kernel *ret, struct error *err)
{
	_cleanup_(cleanup_unpacking) struct unpacking unpacking = {.directory = directory,
															   .kernel = ret};
	_cleanup_free_ char *packed = xasprintf("%s/" PACKED, directory);
	_cleanup_free_ char *modules = xasprintf("%s/" KERNEL_MODULES, directory);

	if (directory_make(packed, err) < 0 || directory_make(modules, err) < 0 ||
		read_package(package, &unpacking, err) < 0)
		return -err->code;
	if (!ret->release || !unpacking.config) {
		error_set(err, ENOENT, "it has no kernel, or not its configuration");
		return error_hint(err, "give a package linux-image-VERSION; those without a version only "
							   "depend on one");
	}
	if (store_vmlinux(&unpacking, err) < 0 || store_modules(&unpacking, err) < 0)
		return -err->code;
	return directory_remove(packed, err);
}
