// SPDX-License-Identifier: Apache-2.0
/* Staging directories, locks, and copies: the parts of files.h that make things atomic. */
#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGING_PREFIX ".staging-"

static int lock_fd(int fd, bool wait)
{
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Removes staging directories whose owners are gone: nobody holds the lock on them. */
static void remove_leftovers(const char *parent)
{
	DIR *directory = opendir(parent);

	if (!directory)
		return;
	for (const struct dirent *entry; (entry = readdir(directory));) {
		if (!starts_with(entry->d_name, STAGING_PREFIX))
			continue;
		_cleanup_close_ int fd = openat(dirfd(directory), entry->d_name,
										O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || lock_fd(fd, false) < 0)
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", parent, entry->d_name);
		_cleanup_error_ struct error ignored = {0};
		directory_remove(path, &ignored);
	}
	closedir(directory);
}

int staging_begin(const char *parent, struct staging *ret, struct error *err)
{
	if (directory_make(parent, err) < 0)
		return -err->code;
	/* The parent's own lock covers the moment between a staging directory's making and its
	 * locking, in which another process would take it for a dead one's. */
	_cleanup_close_ int guard = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = guard < 0 ? -errno : lock_fd(guard, true);
	if (error < 0)
		return error_errno(err, -error, "cannot lock %s", parent);
	remove_leftovers(parent);

	_cleanup_free_ char *path = xasprintf("%s/" STAGING_PREFIX "XXXXXX", parent);
	if (!mkdtemp(path))
		return error_errno(err, errno, "cannot make a directory in %s", parent);
	_cleanup_close_ int lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = lock < 0 ? -errno : lock_fd(lock, true);
	if (error == 0 && fchmod(lock, 0755) < 0)
		error = -errno;
	if (error < 0) {
		rmdir(path);
		return error_errno(err, -error, "cannot lock %s", path);
	}
	*ret = (struct staging){.parent = xstrdup(parent), .path = steal(&path), .lock = lock};
	lock = -1;
	return 0;
}

/* rename() that refuses to replace, also where the file system has no RENAME_NOREPLACE. */
static int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (path_exists(to))
		return -EEXIST;
	return rename(from, to) == 0 ? 0 : -errno;
}

int staging_commit(struct staging *staging, const char *from, const char *name, struct error *err)
{
	_cleanup_free_ char *source =
		from ? xasprintf("%s/%s", staging->path, from) : xstrdup(staging->path);
	_cleanup_free_ char *target = xasprintf("%s/%s", staging->parent, name);
	int error = rename_new(source, target);

	if (error == -EEXIST || error == -ENOTEMPTY)
		return 0;
	if (error < 0)
		return error_errno(err, -error, "cannot rename %s to %s", source, target);
	if (!from) {
		free(staging->path);
		staging->path = NULL;
	}
	return 0;
}

void staging_end(struct staging *staging)
{
	_cleanup_error_ struct error ignored = {0};

	if (staging->path)
		directory_remove(staging->path, &ignored);
	if (staging->lock >= 0)
		close(staging->lock);
	free(staging->path);
	free(staging->parent);
	*staging = STAGING_NONE;
}

/* False when the file was removed or replaced while we waited: then the lock protects nothing. */
static bool still_named(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
		   ours.st_dev == named.st_dev;
}

int file_lock(const char *path, bool wait, struct error *err)
{
	for (;;) {
		_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return error_errno(err, errno, "cannot open %s", path);
		int error = lock_fd(fd, wait);
		if (error == -EWOULDBLOCK)
			return error_set(err, EWOULDBLOCK, "%s is locked by another process", path);
		if (error < 0)
			return error_errno(err, -error, "cannot lock %s", path);
		if (still_named(fd, path)) {
			int locked = fd;
			fd = -1;
			return locked;
		}
	}
}

/* Copies [offset, end) through memory, for when the kernel will not do it. */
static int copy_through_memory(int from, int to, off_t offset, off_t end, struct error *err)
{
	enum { CHUNK = 1 << 18 };
	_cleanup_free_ char *chunk = xmalloc(CHUNK);

	while (offset < end) {
		size_t want = end - offset < CHUNK ? (size_t)(end - offset) : CHUNK;
		ssize_t count = pread(from, chunk, want, offset);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot read");
		if (count == 0)
			return error_set(err, EIO, "the file became shorter while it was copied");
		for (ssize_t done = 0; done < count;) {
			ssize_t written = pwrite(to, chunk + done, (size_t)(count - done), offset + done);
			if (written < 0 && errno == EINTR)
				continue;
			if (written < 0)
				return error_errno(err, errno, "cannot write");
			done += written;
		}
		offset += count;
	}
	return 0;
}

static int copy_range(int from, int to, off_t offset, off_t end, struct error *err)
{
	while (offset < end) {
		loff_t source = offset, target = offset;
		ssize_t count = copy_file_range(from, &source, to, &target, (size_t)(end - offset), 0);
		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) /* not on these file systems, or a real error: the plain way tells */
			return copy_through_memory(from, to, offset, end, err);
		offset += count;
	}
	return 0;
}

int file_copy_sparse(int from, int to, struct error *err)
{
	struct stat status;

	if (fstat(from, &status) < 0)
		return error_errno(err, errno, "cannot read");
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	/* Emptied first, so that holes of the source are holes in an old target too. */
	if (ftruncate(to, 0) < 0 || ftruncate(to, status.st_size) < 0)
		return error_errno(err, errno, "cannot set the size");
	for (off_t end = 0; end < status.st_size;) {
		off_t data = lseek(from, end, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		end = data < 0 ? status.st_size : lseek(from, data, SEEK_HOLE);
		if (end < 0)
			return error_errno(err, errno, "cannot find the holes");
		int error = copy_range(from, to, data < 0 ? 0 : data, end, err);
		if (error < 0)
			return error;
	}
	return 0;
}
