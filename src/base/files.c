// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fd_read_all(int fd, size_t limit, struct buf *ret, struct error *err)
{
	enum { CHUNK = 1 << 16 };
	_cleanup_free_ char *chunk = xmalloc(CHUNK);
	_cleanup_buf_ struct buf content = {0};

	for (;;) {
		ssize_t count = read(fd, chunk, CHUNK);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot read");
		if (count == 0)
			break;
		if ((size_t)count > limit - content.length)
			return error_set(err, EFBIG, "longer than %zu bytes", limit);
		buf_append(&content, chunk, (size_t)count);
	}
	buf_append(ret, content.data, content.length);
	return 0;
}

int file_read(int dirfd, const char *path, size_t limit, struct buf *ret, struct error *err)
{
	/* Not to hang in open() on a FIFO that nobody writes; a read of one gives the end at once. */
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return error_errno(err, errno, "cannot open %s", path);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	if (fd_read_all(fd, limit, ret, err) < 0)
		return error_wrap(err, "%s", path);
	return 0;
}

int fd_write_all(int fd, const void *bytes, size_t length, struct error *err)
{
	const char *rest = bytes;

	while (length) {
		ssize_t count = write(fd, rest, length);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot write");
		rest += count;
		length -= (size_t)count;
	}
	return 0;
}

/* Makes the file's data durable before its name is: a crash of the host must not leave an
 * empty file under the final name. */
static int write_and_sync(int fd, const void *bytes, size_t length, mode_t mode, struct error *err)
{
	int error = fd_write_all(fd, bytes, length, err);

	if (error < 0)
		return error;
	if (fchmod(fd, mode) < 0 || fdatasync(fd) < 0)
		return error_errno(err, errno, "cannot write");
	return 0;
}

int file_write_atomic(const char *path, const void *bytes, size_t length, mode_t mode,
					  struct error *err)
{
	_cleanup_free_ char *beside = xasprintf("%s.XXXXXX", path);
	_cleanup_close_ int fd = mkostemp(beside, O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot create %s", path);
	int error = write_and_sync(fd, bytes, length, mode, err);
	if (error == 0 && rename(beside, path) < 0)
		error = error_errno(err, errno, "cannot rename it into place");
	if (error < 0) {
		unlink(beside);
		return error_wrap(err, "%s", path);
	}
	return 0;
}

static int make_one(const char *path, struct error *err)
{
	struct stat status;

	if (mkdir(path, 0755) == 0)
		return 0;
	int code = errno;
	/* A read-only file system reports EROFS even where the directory exists. */
	if (stat(path, &status) == 0) {
		if (S_ISDIR(status.st_mode))
			return 0;
		code = ENOTDIR;
	}
	return error_errno(err, code, "cannot make the directory %s", path);
}

int directory_make(const char *path, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(path);

	for (char *slash = copy; *slash; slash++) {
		if (*slash != '/' || slash == copy)
			continue;
		*slash = '\0';
		int error = make_one(copy, err);
		*slash = '/';
		if (error < 0)
			return error;
	}
	return make_one(copy, err);
}

static int remove_at(int parent, const char *name);

static int remove_listed(int fd, DIR *directory)
{
	int result = 0;

	for (const struct dirent *entry; result == 0 && (entry = readdir(directory));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = remove_at(fd, entry->d_name);
	return result;
}

static int remove_entries(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* A directory of ours without permissions for us: kernel sources and images have such. */
	if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
		fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	DIR *directory = fdopendir(fd);
	if (!directory) {
		close(fd);
		return -ENOMEM;
	}
	int result = remove_listed(fd, directory);
	/* Likewise one that may be read but not changed. */
	if (result == -EACCES && fchmod(fd, 0700) == 0) {
		rewinddir(directory);
		result = remove_listed(fd, directory);
	}
	closedir(directory);
	return result;
}

static int remove_at(int parent, const char *name)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	int error = remove_entries(parent, name);
	if (error < 0)
		return error;
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int directory_remove(const char *path, struct error *err)
{
	int error = remove_at(AT_FDCWD, path);

	return error < 0 ? error_errno(err, -error, "cannot remove %s", path) : 0;
}

uint64_t file_disk_usage(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (uint64_t)status.st_blocks * 512 : 0;
}

bool path_exists(const char *path)
{
	return access(path, F_OK) == 0;
}
