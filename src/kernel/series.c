// SPDX-License-Identifier: Apache-2.0
#include "kernel/series.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATCH_SIZE_LIMIT = 16 << 20 };

static int is_patch(const struct dirent *entry)
{
	return ends_with(entry->d_name, ".patch");
}

/* Adds the file that a "--- a/PATH" or "+++ b/PATH" line names; /dev/null has no such prefix. */
static void add_touched(const char *line, struct strings *touched)
{
	if (!starts_with(line, "--- a/") && !starts_with(line, "+++ b/"))
		return;
	const char *path = line + strlen("--- a/");
	char *copy = xstrndup(path, strcspn(path, "\t\r\n"));
	if (strings_contain(touched, copy))
		free(copy);
	else
		strings_take(touched, copy);
}

static int read_patch(const char *path, struct series *series, struct digest *digest,
					  struct error *err)
{
	_cleanup_buf_ struct buf text = {0};

	if (file_read(AT_FDCWD, path, PATCH_SIZE_LIMIT, &text, err) < 0)
		return -err->code;
	digest_text(digest, text.length ? text.data : "");
	for (const char *line = text.data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		add_touched(line, &series->touched);
	}
	strings_add(&series->patches, path);
	return 0;
}

static int read_patches(const char *directory, struct series *series, struct digest *digest,
						struct error *err)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_patch, alphasort);
	if (count < 0)
		return errno == ENOENT ? 0 : error_errno(err, errno, "cannot read %s", directory);
	int result = 0;
	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", directory, entries[i]->d_name);
		if (result == 0)
			result = read_patch(path, series, digest, err);
		free(entries[i]);
	}
	free(entries);
	return result;
}

static int read_new_file(const char *path, struct digest *digest, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[DIGEST_SIZE];

	if (fd < 0)
		return error_errno(err, errno, "cannot open %s", path);
	if (digest_fd(fd, text, err) < 0)
		return error_wrap(err, "%s", path);
	digest_text(digest, text);
	return 0;
}

static int compare_entries(const FTSENT **left, const FTSENT **right)
{
	return strcmp((*left)->fts_name, (*right)->fts_name);
}

static int read_new_files(struct series *series, struct digest *digest, struct error *err)
{
	if (!path_exists(series->directory))
		return 0;
	char *const roots[] = {series->directory, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, compare_entries);
	int result = 0;
	if (!walk)
		return error_errno(err, errno, "cannot read %s", series->directory);
	for (const FTSENT *entry; result == 0 && (entry = fts_read(walk));) {
		if (entry->fts_info != FTS_F)
			continue;
		const char *path = entry->fts_path + strlen(series->directory) + 1;
		strings_add(&series->files, path);
		strings_add(&series->touched, path);
		digest_text(digest, path);
		result = read_new_file(entry->fts_path, digest, err);
	}
	fts_close(walk);
	return result;
}

int series_read(const char *version, struct series *ret, struct error *err)
{
	_cleanup_series_ struct series series = {0};
	_cleanup_digest_ struct digest *digest = digest_new();
	_cleanup_free_ char *linux_directory = NULL;

	/* Everything from one place, not patches from one installation and files from another. */
	if (path_data("linux", &linux_directory, err) < 0)
		return -err->code;
	_cleanup_free_ char *patches = xasprintf("%s/patches/%s", linux_directory, version);
	series.directory = xasprintf("%s/files", linux_directory);
	if (read_patches(patches, &series, digest, err) < 0 || read_new_files(&series, digest, err) < 0)
		return -err->code;
	digest_final(digest, series.digest);
	*ret = series;
	series = (struct series){0};
	return 0;
}

static void collect_line(const char *line, void *data)
{
	struct buf *output = data;

	buf_printf(output, "%s%s", output->length ? "\n" : "", line);
}

static int apply_patch(const char *patch, const char *tree, struct error *err)
{
	_cleanup_buf_ struct buf output = {0};
	_cleanup_error_ struct error failure = {0};
	char *argv[] = {(char *)"patch",     (char *)"-p1",      (char *)"--batch",
					(char *)"--forward", (char *)"--fuzz=0", (char *)"--no-backup-if-mismatch",
					(char *)"-i",        (char *)patch,      NULL};
	const struct process process = {
		.argv = argv, .directory = tree, .log = -1, .on_line = collect_line, .data = &output};

	if (process_run(&process, &failure) == 0)
		return 0;
	if (failure.code != ECHILD)
		return error_set(err, failure.code, "%s", failure.message);
	error_set(err, EINVAL, "%s does not apply to this kernel's source", patch);
	return error_hint(err, "%s", output.length ? output.data : failure.message);
}

static int add_file(const struct series *series, const char *path, const char *tree,
					struct error *err)
{
	_cleanup_free_ char *from = xasprintf("%s/%s", series->directory, path);
	_cleanup_free_ char *to = xasprintf("%s/%s", tree, path);
	_cleanup_free_ char *parent = xstrndup(to, (size_t)(strrchr(to, '/') - to));
	_cleanup_close_ int source = open(from, O_RDONLY | O_CLOEXEC);

	if (source < 0)
		return error_errno(err, errno, "cannot open %s", from);
	if (directory_make(parent, err) < 0)
		return -err->code;
	_cleanup_close_ int target = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (target < 0 && errno == EEXIST)
		return error_set(err, EEXIST,
						 "%s is in this kernel's source already, so %s cannot be added", path,
						 from);
	if (target < 0)
		return error_errno(err, errno, "cannot create %s", to);
	return file_copy_sparse(source, target, err) < 0 ? error_wrap(err, "%s", to) : 0;
}

int series_apply(const struct series *series, const char *tree, struct error *err)
{
	for (size_t i = 0; i < series->files.count; i++)
		if (add_file(series, series->files.items[i], tree, err) < 0)
			return -err->code;
	for (size_t i = 0; i < series->patches.count; i++)
		if (apply_patch(series->patches.items[i], tree, err) < 0)
			return -err->code;
	return 0;
}

void series_free(struct series *series)
{
	strings_free(&series->patches);
	strings_free(&series->files);
	strings_free(&series->touched);
	free(series->directory);
	series->directory = NULL;
}
