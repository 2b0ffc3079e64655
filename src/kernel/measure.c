// SPDX-License-Identifier: Apache-2.0
/* What is known of a kernel's size, and where that is kept. */
#include "base/files.h"
#include "base/json.h"
#include "kernel/build.h"
#include "kernel/sizes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
	COMPRESSION_LEVEL = 19,
	VMLINUX_SIZE_LIMIT = 1 << 30,
	JSON_SIZE_LIMIT = 1 << 20,
};

static const char *const kinds[BYTES_KINDS] = {
	[BYTES_TEXT] = "text",
	[BYTES_RODATA] = "rodata",
	[BYTES_DATA] = "data",
	[BYTES_BSS] = "bss",
};

static json_t *parts_to_json(const struct kernel_parts *parts)
{
	json_t *object = json_object();

	for (size_t i = 0; i < parts->count; i++) {
		json_t *part = json_object();
		for (size_t kind = 0; kind < BYTES_KINDS; kind++)
			json_object_set_new(part, kinds[kind],
								json_integer((json_int_t)parts->items[i].bytes[kind]));
		json_object_set_new(object, parts->items[i].name, part);
	}
	return object;
}

int sizes_write(const struct kernel_sizes *sizes, const char *path, struct error *err)
{
	_cleanup_json_ json_t *object = json_object();

	json_object_set_new(object, "parts", parts_to_json(&sizes->parts));
	json_object_set_new(object, "details", parts_to_json(&sizes->details));
	_cleanup_free_ char *text = json_dumps(object, JSON_INDENT(2) | JSON_SORT_KEYS);
	if (!text)
		return error_set(err, ENOMEM, "cannot write %s", path);
	return file_write_atomic(path, text, strlen(text), 0644, err);
}

static int compare_parts(const void *left, const void *right)
{
	return strcmp(((const struct kernel_part *)left)->name,
				  ((const struct kernel_part *)right)->name);
}

static int read_parts(const json_t *object, const char *path, const char *member,
					  struct kernel_parts *ret, struct error *err)
{
	json_t *parts = NULL, *part;
	const char *name;

	if (json_get_object(object, path, member, JSON_REQUIRED, &parts, err) < 0)
		return -err->code;
	ret->items = xcalloc(json_object_size(parts) + 1, sizeof(*ret->items));
	json_object_foreach(parts, name, part)
	{
		struct kernel_part *item = &ret->items[ret->count++];
		item->name = xstrdup(name);
		for (size_t kind = 0; kind < BYTES_KINDS; kind++) {
			int64_t bytes = 0;
			if (json_get_integer(part, path, kinds[kind], JSON_REQUIRED, 0, INT64_MAX, &bytes,
								 err) < 0)
				return error_wrap(err, "%s", name);
			item->bytes[kind] = (uint64_t)bytes;
		}
	}
	qsort(ret->items, ret->count, sizeof(*ret->items), compare_parts);
	return 0;
}

int sizes_read(const char *path, struct kernel_sizes *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *object = NULL;

	if (!path_exists(path))
		return 0;
	if (file_read(AT_FDCWD, path, JSON_SIZE_LIMIT, &text, err) < 0 ||
		json_parse(text.length ? text.data : "", text.length, path, &object, err) < 0 ||
		read_parts(object, path, "parts", &ret->parts, err) < 0 ||
		read_parts(object, path, "details", &ret->details, err) < 0)
		return -err->code;
	return 0;
}

/* On one thread, with the size known from the start: the same bytes always give the same size. */
static int measure_compressed(const struct buf *vmlinux, uint64_t *ret, struct error *err)
{
	size_t capacity = ZSTD_compressBound(vmlinux->length);
	_cleanup_free_ void *compressed = xmalloc(capacity);
	size_t size = ZSTD_compress(compressed, capacity, vmlinux->data ? vmlinux->data : "",
								vmlinux->length, COMPRESSION_LEVEL);

	if (ZSTD_isError(size))
		return error_set(err, EIO, "cannot compress: %s", ZSTD_getErrorName(size));
	*ret = size;
	return 0;
}

/* The parts were noted when the kernel was built; since then nothing may have changed. */
static int check_sum(const struct kernel_sizes *sizes, struct error *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sizes->parts.count; i++)
		for (size_t kind = 0; kind < BYTES_KINDS; kind++)
			sum += sizes->parts.items[i].bytes[kind];
	if (sizes->parts.count && sum != sizes->loaded)
		return error_set(err, EBADMSG, "its parts have %llu bytes, but %llu are loaded",
						 (unsigned long long)sum, (unsigned long long)sizes->loaded);
	return 0;
}

static int measure(const struct kernel *kernel, struct kernel_sizes *ret, struct error *err)
{
	_cleanup_buf_ struct buf vmlinux = {0};

	if (file_read(AT_FDCWD, kernel->vmlinux, VMLINUX_SIZE_LIMIT, &vmlinux, err) < 0 ||
		sizes_loaded(kernel->vmlinux, &ret->loaded, err) < 0 ||
		measure_compressed(&vmlinux, &ret->compressed, err) < 0)
		return -err->code;
	ret->stripped = vmlinux.length;
	ret->options = kernel->options;
	/* What lies beside a file of the user's is none of ours. */
	if (!kernel->id)
		return 0;
	_cleanup_free_ char *path = xasprintf("%s/" KERNEL_SIZES, kernel->directory);
	return sizes_read(path, ret, err) < 0 ? -err->code : check_sum(ret, err);
}

int kernel_measure(const struct kernel *kernel, struct kernel_sizes *ret, struct error *err)
{
	_cleanup_kernel_sizes_ struct kernel_sizes sizes = {0};

	if (measure(kernel, &sizes, err) < 0)
		return error_wrap(err, "cannot measure the kernel %s", kernel->vmlinux);
	*ret = sizes;
	sizes = (struct kernel_sizes){0};
	return 0;
}

static void free_parts(struct kernel_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		free(parts->items[i].name);
	free(parts->items);
}

void kernel_sizes_free(struct kernel_sizes *sizes)
{
	free_parts(&sizes->parts);
	free_parts(&sizes->details);
	*sizes = (struct kernel_sizes){0};
}
