// SPDX-License-Identifier: Apache-2.0
/*
 * OCI layouts: the input is oci-layout, index.json, an inner index, a manifest and a configuration,
 * apart by bytes of 0xff. In each, "@index", "@manifest", "@config" and "@layer" stand for the
 * digest and the size of the blob of that name, so that a fuzzer finds its way through them.
 */
#include "fuzz.h"
#include "image/oci.h"

#include <sys/types.h>

enum { PARTS = 5 };
static const char *const names[PARTS] = {NULL, NULL, "@index", "@manifest", "@config"};
static const char *root;

/* "@name" -> "digest": "sha256:...", "size": N */
static void replace(struct buf *text, const char *name, const struct buf *blob)
{
	struct buf result = {0};
	char digest[DIGEST_SIZE];
	struct digest *context = digest_new();

	digest_update(context, blob->data ? blob->data : "", blob->length);
	digest_final(context, digest);
	digest_free(&context);
	for (size_t at = 0; at < text->length; at++) {
		if (text->length - at >= strlen(name) && memcmp(text->data + at, name, strlen(name)) == 0) {
			buf_printf(&result, "\"digest\": \"%s\", \"size\": %zu", digest, blob->length);
			at += strlen(name) - 1;
		} else {
			buf_append(&result, text->data + at, 1);
		}
	}
	buf_free(text);
	*text = result;
}

static void store(const char *name, const struct buf *bytes)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", root, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(fd >= 0 &&
			write(fd, bytes->data ? bytes->data : "", bytes->length) == (ssize_t)bytes->length);
	close(fd);
}

/* Stores a blob; its path is to be removed again. */
static char *store_blob(const struct buf *bytes)
{
	char digest[DIGEST_SIZE];
	struct digest *context = digest_new();

	digest_update(context, bytes->data ? bytes->data : "", bytes->length);
	digest_final(context, digest);
	digest_free(&context);
	_cleanup_free_ char *name = xasprintf("blobs/sha256/%s", digest + 7);
	store(name, bytes);
	return xasprintf("%s/%s", root, name);
}

static void prepare(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	root = scratch_directory();
	_cleanup_free_ char *blobs = xasprintf("%s/blobs", root);
	_cleanup_free_ char *sha256 = xasprintf("%s/blobs/sha256", root);
	require(mkdir(blobs, 0755) == 0 && mkdir(sha256, 0755) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf parts[PARTS] = {0}, layer = {0};
	char *paths[PARTS] = {0};
	size_t part = 0;

	prepare();
	for (size_t i = 0; i < size && part < PARTS; i++) {
		if (data[i] == 0xff)
			part++;
		else
			buf_append(&parts[part], &data[i], 1);
	}
	/* From the innermost out: each is named by the digest of its final text. */
	for (size_t i = 0; i < 1024; i++)
		buf_append(&layer, "", 1);
	for (size_t i = PARTS; i--;) {
		replace(&parts[i], "@layer", &layer);
		for (size_t inner = PARTS - 1; inner > i && names[inner]; inner--)
			replace(&parts[i], names[inner], &parts[inner]);
		if (names[i])
			paths[i] = store_blob(&parts[i]);
	}
	char *layer_path = store_blob(&layer);
	store("oci-layout", &parts[0]);
	store("index.json", &parts[1]);

	static const char *const tags[] = {"", ":latest"};
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		const struct image_options options = {.architecture = "amd64"};
		struct image *image = NULL;
		struct error err = {0};
		_cleanup_free_ char *reference = xasprintf("oci:%s%s", root, tags[i]);
		check_result(image_open(reference, &options, &image, &err), &err);
		require(!image == !!err.message);
		if (image)
			check_tree(image->tree);
		error_clear(&err);
		image_free(&image);
	}
	for (size_t i = 0; i < PARTS; i++) {
		if (paths[i])
			unlink(paths[i]);
		free(paths[i]);
		buf_free(&parts[i]);
	}
	unlink(layer_path);
	free(layer_path);
	buf_free(&layer);
	return 0;
}
