// SPDX-License-Identifier: Apache-2.0
/*
 * The layer cache: cache/layers/HEX/ holds `tar`, the uncompressed layer whose diff_id is HEX,
 * and `length`, how many bytes it must have. The directory appears there whole or not at all;
 * `length` still tells when a crash of the host or a full disk has cut the tar afterwards.
 */
#include "base/digest.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/progress.h"
#include "image/layer.h"
#include "image/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAR_NAME "tar"
#define LENGTH_NAME "length"

/* Opens what is in `directory` if it is whole; -ENOENT if not. */
static int open_cached(const char *directory, struct blob *ret)
{
	_cleanup_error_ struct error ignored = {0};
	_cleanup_free_ char *tar = xasprintf("%s/" TAR_NAME, directory);
	_cleanup_free_ char *length = xasprintf("%s/" LENGTH_NAME, directory);
	_cleanup_close_ int fd = open(tar, O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf text = {0};
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || file_read(AT_FDCWD, length, 32, &text, &ignored) < 0)
		return -ENOENT;
	_cleanup_free_ char *found = xasprintf("%llu\n", (unsigned long long)status.st_size);
	if (!S_ISREG(status.st_mode) || !text.data || strcmp(text.data, found) != 0)
		return -ENOENT;
	*ret = (struct blob){.fd = fd, .length = (uint64_t)status.st_size};
	fd = -1;
	return 0;
}

static int check_digest(const char *what, const char *wanted, const char *found, struct error *err)
{
	if (!wanted || strcmp(wanted, found) == 0)
		return 0;
	error_set(err, EBADMSG, "wrong %s: it is %s, and should be %s", what, found, wanted);
	return error_hint(err, "the image is damaged: fetch or save it again");
}

/* Uncompresses into `directory`, and checks what came out. */
static int unpack(const struct layer_blob *layer, uint64_t limit, const char *directory,
				  uint64_t *ret_length, struct error *err)
{
	_cleanup_free_ char *tar = xasprintf("%s/" TAR_NAME, directory);
	_cleanup_close_ int fd = open(tar, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	_cleanup_digest_ struct digest *content = digest_new(), *stored = NULL;
	char diff_id[DIGEST_SIZE], digest[DIGEST_SIZE];
	bool plain = compression_of(&layer->blob) == COMPRESSION_NONE;

	if (fd < 0)
		return error_errno(err, errno, "cannot create %s", tar);
	/* A plain blob is its own uncompressed tar; once is enough. */
	if (!plain)
		stored = digest_new();
	if (stream_copy(&layer->blob, limit, stored, content, fd, ret_length, err) < 0)
		return -err->code;
	digest_final(content, diff_id);
	if (stored)
		digest_final(stored, digest);
	if (check_digest("digest", layer->digest, stored ? digest : diff_id, err) < 0 ||
		check_digest("diff_id", layer->diff_id, diff_id, err) < 0)
		return -err->code;
	if (fchmod(fd, 0400) < 0)
		return error_errno(err, errno, "cannot protect %s", tar);
	return 0;
}

static int write_length(const char *directory, uint64_t length, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" LENGTH_NAME, directory);
	_cleanup_free_ char *text = xasprintf("%llu\n", (unsigned long long)length);

	return file_write_atomic(path, text, strlen(text), 0400, err);
}

static int add_to_cache(const struct layer_blob *layer, uint64_t limit, const char *cache,
						const char *name, struct error *err)
{
	_cleanup_staging_ struct staging staging = STAGING_NONE;
	uint64_t length = 0;

	if (staging_begin(cache, &staging, err) < 0 ||
		unpack(layer, limit, staging.path, &length, err) < 0 ||
		write_length(staging.path, length, err) < 0)
		return -err->code;
	return staging_commit(&staging, NULL, name, err);
}

int layer_open(const struct layer_blob *layer, uint64_t *budget, struct blob *ret,
			   struct error *err)
{
	_cleanup_free_ char *cache = NULL, *directory = NULL;
	_cleanup_blob_ struct blob tar = BLOB_NONE;
	const char *name = strchr(layer->diff_id, ':') + 1;

	if (path_cache("layers", &cache, err) < 0)
		return -err->code;
	directory = xasprintf("%s/%s", cache, name);
	if (open_cached(directory, &tar) < 0) {
		progress("unpacking layer %.12s", name);
		/* What is there and not whole would keep the new one out. */
		if (directory_remove(directory, err) < 0 ||
			add_to_cache(layer, *budget, cache, name, err) < 0)
			return -err->code;
		if (open_cached(directory, &tar) < 0)
			return error_set(err, EIO, "%s was changed by someone else", directory);
	}
	if (tar.length > *budget)
		return error_set(err, EFBIG, "it comes to more than the limit of %llu bytes uncompressed",
						 (unsigned long long)*budget);
	*budget -= tar.length;
	*ret = tar;
	tar = BLOB_NONE;
	return 0;
}
