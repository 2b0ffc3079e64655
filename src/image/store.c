// SPDX-License-Identifier: Apache-2.0
#include "image/store.h"
#include "image/archive_index.h"
#include "image/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct store {
	int directory;                 /* -1: it is an archive */
	struct archive_index *archive; /* NULL: it is a directory */
};

int store_open_directory(const char *path, struct store **ret, struct error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot open the directory %s", path);
	struct store *store = xcalloc(1, sizeof(*store));
	store->directory = fd;
	*ret = store;
	return 0;
}

int store_open_archive(const char *path, uint64_t limit, struct store **ret, struct error *err)
{
	struct archive_index *archive;

	if (archive_index_open(path, limit, &archive, err) < 0)
		return -err->code;
	struct store *store = xcalloc(1, sizeof(*store));
	store->directory = -1;
	store->archive = archive;
	*ret = store;
	return 0;
}

void store_close(struct store **store)
{
	if (!*store)
		return;
	if ((*store)->directory >= 0)
		close((*store)->directory);
	archive_index_close(&(*store)->archive);
	free(*store);
	*store = NULL;
}

static int get_from_directory(int directory, const char *name, struct blob *ret, struct error *err)
{
	/* Not to hang on a FIFO. */
	_cleanup_close_ int fd = open_beneath(directory, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat status;

	if (fd == -ENOENT)
		return error_set(err, ENOENT, "%s is not there", name);
	if (fd == -ELOOP)
		return error_set(err, ELOOP, "%s is behind a symbolic link, which is not followed", name);
	if (fd < 0)
		return error_errno(err, -fd, "cannot open %s", name);
	if (fstat(fd, &status) < 0)
		return error_errno(err, errno, "cannot read %s", name);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s is not a regular file", name);
	*ret = (struct blob){.fd = fd, .length = (uint64_t)status.st_size};
	fd = -1;
	return 0;
}

bool store_has(const struct store *store, const char *name)
{
	_cleanup_error_ struct error ignored = {0};
	_cleanup_blob_ struct blob blob = BLOB_NONE;

	return store_get(store, name, &blob, &ignored) == 0;
}

int store_get(const struct store *store, const char *name, struct blob *ret, struct error *err)
{
	if (store->archive)
		return archive_index_get(store->archive, name, ret, err);
	return get_from_directory(store->directory, name, ret, err);
}
