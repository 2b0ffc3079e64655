// SPDX-License-Identifier: Apache-2.0
/* What a kernel's source is: the digest of an archive, or of a directory's state. */
#include "base/files.h"
#include "base/paths.h"
#include "kernel/source.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Adds what tells one state of a file from another without reading it. */
static void digest_status(struct digest *digest, const char *path, const struct stat *status)
{
	_cleanup_free_ char *text =
		xasprintf("%o %jd %jd.%09ld", status->st_mode, (intmax_t)status->st_size,
				  (intmax_t)status->st_mtim.tv_sec, status->st_mtim.tv_nsec);

	digest_text(digest, path);
	digest_text(digest, text);
}

/*
 * The digest of an archive's content. Reading 150 MB takes most of a second, so it is
 * remembered by the file's place, inode, size and times.
 */
static int identify_archive(const char *path, const struct stat *status, char text[DIGEST_SIZE],
							struct error *err)
{
	_cleanup_digest_ struct digest *digest = digest_new();
	_cleanup_free_ char *directory = NULL, *real = realpath(path, NULL);
	_cleanup_buf_ struct buf known = {0};
	_cleanup_error_ struct error ignored = {0};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char key[DIGEST_SIZE];

	if (fd < 0)
		return error_errno(err, errno, "cannot open %s", path);
	if (path_cache("digests", &directory, err) < 0)
		return -err->code;
	digest_status(digest, real ? real : path, status);
	_cleanup_free_ char *more =
		xasprintf("%ju %jd.%09ld", (uintmax_t)status->st_ino, (intmax_t)status->st_ctim.tv_sec,
				  status->st_ctim.tv_nsec);
	digest_text(digest, more);
	digest_final(digest, key);
	_cleanup_free_ char *note = xasprintf("%s/%s", directory, key + strlen("sha256:"));
	if (file_read(AT_FDCWD, note, DIGEST_SIZE, &known, &ignored) == 0 && known.length &&
		digest_is_valid(known.data)) {
		memcpy(text, known.data, known.length + 1);
		return 0;
	}
	if (digest_fd(fd, text, err) < 0)
		return error_wrap(err, "%s", path);
	return file_write_atomic(note, text, strlen(text), 0644, err);
}

static int compare_entries(const FTSENT **left, const FTSENT **right)
{
	return strcmp((*left)->fts_name, (*right)->fts_name);
}

/* A directory is as its files' names, sizes and times are: reading a kernel tree takes seconds. */
static int identify_directory(const char *path, char text[DIGEST_SIZE], struct error *err)
{
	_cleanup_digest_ struct digest *digest = digest_new();
	char *const roots[] = {(char *)path, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, compare_entries);
	int result = 0;

	if (!walk)
		return error_errno(err, errno, "cannot read %s", path);
	for (FTSENT *entry; result == 0 && (entry = fts_read(walk));) {
		const char *name = entry->fts_path + strlen(path);
		if (strcmp(name, "/.git") == 0)
			fts_set(walk, entry, FTS_SKIP);
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
				 entry->fts_info == FTS_NS)
			result = error_errno(err, entry->fts_errno, "cannot read %s", entry->fts_path);
		else if (!S_ISDIR(entry->fts_statp->st_mode))
			digest_status(digest, name, entry->fts_statp);
	}
	fts_close(walk);
	if (result == 0)
		digest_final(digest, text);
	return result;
}

int source_identify(const char *path, char text[DIGEST_SIZE], struct error *err)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return error_errno(err, errno, "the kernel's source %s", path);
	return S_ISDIR(status.st_mode) ? identify_directory(path, text, err)
								   : identify_archive(path, &status, text, err);
}
