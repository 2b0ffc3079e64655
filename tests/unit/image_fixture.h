/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the image tests share: a temporary directory with a cache of its own, tars made
 * byte by byte (also wrong ones), and OCI layouts around them.
 */
#pragma once

#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/process.h"
#include "image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

/* --- the temporary directory --- */

static char *home;

UNUSED static int fixture_begin(void **state)
{
	char name[] = "/tmp/lupine-image-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(name));
	home = strdup(name);
	setenv("LUPINE_HOME", home, 1);
	return chdir(home);
}

UNUSED static int fixture_end(void **state)
{
	struct error err = {0};

	(void)state;
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(directory_remove(home, &err), 0);
	free(home);
	return 0;
}

#define IMAGE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

UNUSED static void assert_ok(int result, struct error *err)
{
	if (result < 0)
		fail_msg("%s (%s)", err->message, err->hint ? err->hint : "no hint");
	assert_null(err->message);
}

/* The error's code and whole message; it is cleared. */
UNUSED static void assert_error(int result, int code, struct error *err, const char *message)
{
	assert_true(result < 0);
	assert_string_equal(err->message, message);
	assert_int_equal(err->code, code);
	assert_int_equal(result, -code);
	error_clear(err);
}

/* Runs a shell command in the temporary directory. */
UNUSED static void run(const char *command)
{
	struct error err = {0};
	char *const argv[] = {"sh", "-ec", (char *)command, NULL};
	struct process process = {.argv = argv, .log = -1};

	assert_ok(process_run(&process, &err), &err);
}

/* Skips the test where a program that it compares with is not installed. */
#define NEED_PROGRAM(name)                                                                         \
	do {                                                                                           \
		_cleanup_free_ char *found_ = path_find_program(name);                                     \
		if (!found_) {                                                                             \
			print_message("[  SKIPPED ] %s: %s is not installed\n", __func__, name);               \
			skip();                                                                                \
		}                                                                                          \
	} while (0)

/* Not file_write_atomic(): that waits for the disk. */
UNUSED static void write_bytes(const char *path, const void *bytes, size_t length)
{
	struct error err = {0};
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_ok(fd_write_all(fd, bytes, length, &err), &err);
}

UNUSED static void write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

/* How many things lie in cache/layers: whole layers, and what should not be there. */
UNUSED static unsigned cached_layers(void)
{
	struct error err = {0};
	char *text = NULL;
	char *const argv[] = {"sh", "-c", "ls -A cache/layers 2>/dev/null | wc -l", NULL};

	assert_ok(process_capture(argv, &text, &err), &err);
	unsigned count = (unsigned)atoi(text);
	free(text);
	return count;
}

/* --- tars --- */

struct member {
	const char *name;
	char type;        /* '0' file, '1' hard link, '2' symlink, '3' '4' devices, '5' '6' ... */
	unsigned mode;    /* 0: 0644, directories 0755 */
	const char *data; /* a file's text, or a link's target */
	size_t length;    /* of `data`; 0: strlen */
	const char *pax;  /* records "key=value", apart by newlines; NULL: none */
	unsigned uid, gid, major, minor;
	long mtime;
};

static void put_octal(char *field, size_t width, unsigned long value)
{
	char digits[32];
	int length = snprintf(digits, sizeof(digits), "%0*lo", (int)width - 1, value);

	assert_true(length > 0 && (size_t)length < width);
	memcpy(field, digits, (size_t)length + 1);
}

/* A ustar header block; `size` may lie. */
UNUSED static void tar_header(struct buf *tar, const struct member *member, size_t size)
{
	char block[512] = "";
	unsigned long sum = 0;
	bool link = member->type == '1' || member->type == '2';
	unsigned mode = member->mode ? member->mode : member->type == '5' ? 0755 : 0644;

	memcpy(block, member->name, strnlen(member->name, 100));
	put_octal(block + 100, 8, mode);
	put_octal(block + 108, 8, member->uid);
	put_octal(block + 116, 8, member->gid);
	put_octal(block + 124, 12, size);
	put_octal(block + 136, 12, (unsigned long)member->mtime);
	block[156] = member->type;
	if (link)
		memcpy(block + 157, member->data, strnlen(member->data, 100));
	memcpy(block + 257, "ustar\00000", 8);
	put_octal(block + 329, 8, member->major);
	put_octal(block + 337, 8, member->minor);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += (unsigned char)block[i];
	snprintf(block + 148, 8, "%06lo", sum);
	buf_append(tar, block, sizeof(block));
}

UNUSED static void tar_body(struct buf *tar, const void *bytes, size_t length)
{
	static const char zeros[512];

	buf_append(tar, bytes, length);
	buf_append(tar, zeros, (512 - length % 512) % 512);
}

/* One record "LENGTH key=value\n", whose length counts itself. */
UNUSED static void pax_record(struct buf *records, const char *text, size_t length)
{
	size_t total = length + 3, digits = 0;

	while (digits != (size_t)snprintf(NULL, 0, "%zu", total)) {
		digits = (size_t)snprintf(NULL, 0, "%zu", total);
		total = length + digits + 2;
	}
	buf_printf(records, "%zu ", total);
	buf_append(records, text, length);
	buf_puts(records, "\n");
}

UNUSED static void tar_pax(struct buf *tar, const struct buf *records)
{
	const struct member header = {.name = "PaxHeader", .type = 'x'};

	tar_header(tar, &header, records->length);
	tar_body(tar, records->data, records->length);
}

UNUSED static void tar_add(struct buf *tar, const struct member *member)
{
	size_t length = member->type != '0' ? 0
					: member->length    ? member->length
					: member->data      ? strlen(member->data)
										: 0;

	if (member->pax) {
		struct buf records = {0};
		for (const char *at = member->pax; *at;) {
			size_t line = strcspn(at, "\n");
			pax_record(&records, at, line);
			at += line + (at[line] == '\n');
		}
		tar_pax(tar, &records);
		buf_free(&records);
	}
	tar_header(tar, member, length);
	if (length)
		tar_body(tar, member->data, length);
}

UNUSED static void tar_end(struct buf *tar)
{
	static const char zeros[1024];

	buf_append(tar, zeros, sizeof(zeros));
}

/* A whole tar of `count` members; the caller frees it. */
UNUSED static struct buf tar_of(const struct member *members, size_t count)
{
	struct buf tar = {0};

	for (size_t i = 0; i < count; i++)
		tar_add(&tar, &members[i]);
	tar_end(&tar);
	return tar;
}

#define TAR(...)                                                                                   \
	tar_of((const struct member[]){__VA_ARGS__},                                                   \
		   sizeof((const struct member[]){__VA_ARGS__}) / sizeof(struct member))

UNUSED static void digest_of(const struct buf *bytes, char text[DIGEST_SIZE])
{
	struct digest *digest = digest_new();

	digest_update(digest, bytes->data, bytes->length);
	digest_final(digest, text);
	digest_free(&digest);
}

/* --- OCI layouts --- */

#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define INDEX_TYPE "application/vnd.oci.image.index.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"

/* Stores a blob; the result is its descriptor as JSON, without the closing brace. The caller
 * frees it. */
UNUSED static char *layout_blob(const char *layout, const char *type, const struct buf *bytes)
{
	char digest[DIGEST_SIZE];
	struct error err = {0};

	digest_of(bytes, digest);
	_cleanup_free_ char *directory = xasprintf("%s/blobs/sha256", layout);
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, digest + 7);
	assert_ok(directory_make(directory, &err), &err);
	write_bytes(path, bytes->data, bytes->length);
	return xasprintf("{\"mediaType\": \"%s\", \"digest\": \"%s\", \"size\": %zu", type, digest,
					 bytes->length);
}

UNUSED static char *layout_text(const char *layout, const char *type, const char *text)
{
	const struct buf bytes = {.data = (char *)text, .length = strlen(text)};

	return layout_blob(layout, type, &bytes);
}

/* Stores a configuration and a manifest for plain layers; the descriptor of the manifest. `config`
 * is the member "config" ("{}"). */
UNUSED static char *layout_manifest(const char *layout, const char *architecture,
									const char *config, const struct buf *layers, size_t count)
{
	struct buf diff_ids = {0}, descriptors = {0};

	for (size_t i = 0; i < count; i++) {
		char digest[DIGEST_SIZE];
		_cleanup_free_ char *descriptor = layout_blob(layout, LAYER_TYPE, &layers[i]);
		digest_of(&layers[i], digest);
		buf_printf(&diff_ids, "%s\"%s\"", i ? ", " : "", digest);
		buf_printf(&descriptors, "%s%s}", i ? ", " : "", descriptor);
	}
	_cleanup_free_ char *text = xasprintf(
		"{\"architecture\": \"%s\", \"os\": \"linux\", \"config\": %s, \"rootfs\": {\"type\": "
		"\"layers\", \"diff_ids\": [%s]}}",
		architecture, config, diff_ids.data ? diff_ids.data : "");
	_cleanup_free_ char *stored = layout_text(layout, CONFIG_TYPE, text);
	_cleanup_free_ char *manifest =
		xasprintf("{\"schemaVersion\": 2, \"config\": %s}, \"layers\": [%s]}", stored,
				  descriptors.data ? descriptors.data : "");
	buf_free(&diff_ids);
	buf_free(&descriptors);
	return layout_text(layout, MANIFEST_TYPE, manifest);
}

/* index.json with these manifests (JSON), and oci-layout. */
UNUSED static void layout_index(const char *layout, const char *manifests)
{
	_cleanup_free_ char *marker = xasprintf("%s/oci-layout", layout);
	_cleanup_free_ char *index = xasprintf("%s/index.json", layout);
	_cleanup_free_ char *text = xasprintf("{\"schemaVersion\": 2, \"manifests\": [%s]}", manifests);

	write_text(marker, "{\"imageLayoutVersion\": \"1.0.0\"}");
	write_text(index, text);
}

/* A layout with one image tagged "latest" for amd64. */
UNUSED static void layout_simple(const char *layout, const char *config, const struct buf *layers,
								 size_t count)
{
	_cleanup_free_ char *manifest = layout_manifest(layout, "amd64", config, layers, count);
	_cleanup_free_ char *entry = xasprintf(
		"%s, \"annotations\": {\"org.opencontainers.image.ref.name\": \"latest\"}}", manifest);

	layout_index(layout, entry);
}

/* Opens for amd64, whatever machine the tests run on. */
UNUSED static int open_image(const char *reference, struct image **ret, struct error *err)
{
	const struct image_options options = {.architecture = "amd64"};

	return image_open(reference, &options, ret, err);
}

UNUSED static void assert_open_fails(const char *reference, int code, const char *message)
{
	struct error err = {0};
	struct image *image = NULL;
	int result = open_image(reference, &image, &err);

	assert_error(result, code, &err, message);
	assert_null(image);
}

/* --- trees --- */

/* A file's whole text, which must be `text`. */
UNUSED static void assert_file(const struct tree *tree, const char *path, const char *text)
{
	struct error err = {0};
	struct buf found = {0};

	assert_ok(tree_read_file(tree, path, 1 << 20, &found, &err), &err);
	assert_string_equal(found.data ? found.data : "", text);
	assert_int_equal(found.length, strlen(text));
	buf_free(&found);
}

UNUSED static void assert_absent(const struct tree *tree, const char *path)
{
	if (tree_lookup(tree, path, false))
		fail_msg("%s is there", path);
}

/* The names in a directory, apart by spaces. */
UNUSED static void assert_names(const struct tree *tree, const char *path, const char *names)
{
	const struct inode *directory = tree_lookup(tree, path, false);
	struct buf found = {0};

	assert_non_null(directory);
	for (size_t i = 0; i < directory->entry_count; i++)
		buf_printf(&found, "%s%s", i ? " " : "", directory->entries[i].name);
	assert_string_equal(found.data ? found.data : "", names);
	buf_free(&found);
}
