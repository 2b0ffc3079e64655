// SPDX-License-Identifier: Apache-2.0
#include "kernel/unpack.h"
#include "base/buf.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/progress.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCK_SIZE = 1 << 20 };

/* Where files go. The directory of the last file is kept open: archives list files by directory. */
struct target {
	int root;
	char *parent; /* path of `parent_fd`, or NULL */
	int parent_fd;
	unsigned long files;
};

static void target_close(struct target *target)
{
	if (target->parent_fd >= 0)
		close(target->parent_fd);
	if (target->root >= 0)
		close(target->root);
	free(target->parent);
}

/* Opens a directory beneath the root, making it and those above it; symbolic links and ".." are
 * refused. Returns the descriptor or a negative errno. */
static int open_directory(int root, const char *path)
{
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);

	while (fd >= 0 && *(path += strspn(path, "/"))) {
		_cleanup_close_ int above = fd;
		_cleanup_free_ char *name = xstrndup(path, strcspn(path, "/"));
		path += strlen(name);
		if (strcmp(name, "..") == 0)
			return -EXDEV;
		if (mkdirat(above, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(above, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/* The name that is to be made in target->parent_fd, or NULL with errno set. */
static const char *enter_parent(struct target *target, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");

	if (!target->parent || strcmp(target->parent, parent) != 0) {
		int fd = open_directory(target->root, parent);
		if (fd < 0) {
			errno = -fd;
			return NULL;
		}
		if (target->parent_fd >= 0)
			close(target->parent_fd);
		free(target->parent);
		target->parent_fd = fd;
		target->parent = steal(&parent);
	}
	return slash ? slash + 1 : path;
}

/* A new, empty file; what is there already makes room. */
static int create_file(struct target *target, const char *path, bool executable, struct error *err)
{
	const char *name = enter_parent(target, path);
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = -1;

	if (name) {
		fd = openat(target->parent_fd, name, flags, executable ? 0755 : 0644);
		if (fd < 0 && errno == EEXIST && unlinkat(target->parent_fd, name, 0) == 0)
			fd = openat(target->parent_fd, name, flags, executable ? 0755 : 0644);
	}
	if (fd < 0)
		return error_errno(err, errno, "cannot create %s", path);
	if (++target->files % 256 == 0)
		progress("unpacking the kernel's source: %lu files", target->files);
	return fd;
}

static int create_link(struct target *target, const char *path, const char *to, struct error *err)
{
	const char *name = enter_parent(target, path);

	if (!name || ((unlinkat(target->parent_fd, name, 0) < 0 && errno != ENOENT) ||
				  symlinkat(to, target->parent_fd, name) < 0))
		return error_errno(err, errno, "cannot create %s", path);
	return 0;
}

/* The path without the archive's top directory; NULL for that directory itself. */
static const char *strip_top(const char *path)
{
	while (starts_with(path, "./"))
		path += 2;
	const char *slash = strchr(path, '/');
	return slash && slash[1] ? slash + 1 : NULL;
}

static int copy_entry(struct archive *archive, struct archive_entry *entry, const char *path,
					  struct target *target, struct error *err)
{
	const char *link = archive_entry_symlink(entry);

	if (archive_entry_filetype(entry) == AE_IFLNK && link)
		return create_link(target, path, link, err);
	_cleanup_close_ int fd =
		create_file(target, path, (archive_entry_perm(entry) & 0111) != 0, err);
	if (fd < 0)
		return fd;
	for (;;) {
		const void *bytes;
		size_t length;
		la_int64_t offset;
		int status = archive_read_data_block(archive, &bytes, &length, &offset);
		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return error_set(err, EIO, "%s", archive_error_string(archive));
		if (lseek(fd, offset, SEEK_SET) < 0)
			return error_errno(err, errno, "cannot write %s", path);
		if (fd_write_all(fd, bytes, length, err) < 0)
			return error_wrap(err, "%s", path);
	}
}

static int copy_entries(struct archive *archive, unpack_filter wanted, void *data,
						struct target *target, struct error *err)
{
	struct archive_entry *entry;
	int status;

	while ((status = archive_read_next_header(archive, &entry)) >= ARCHIVE_WARN &&
		   status != ARCHIVE_EOF) {
		const char *name = archive_entry_pathname(entry);
		const char *path = name ? strip_top(name) : NULL;
		mode_t type = archive_entry_filetype(entry);
		if (path && (type == AE_IFREG || type == AE_IFLNK) && wanted(path, data) &&
			copy_entry(archive, entry, path, target, err) < 0)
			return -err->code;
	}
	if (status != ARCHIVE_EOF)
		return error_set(err, EIO, "%s", archive_error_string(archive));
	return 0;
}

static int read_archive(int fd, unpack_filter wanted, void *data, struct target *target,
						struct error *err)
{
	struct archive *archive = archive_read_new();

	archive_read_support_filter_all(archive);
	archive_read_support_format_tar(archive);
	int result = archive_read_open_fd(archive, fd, BLOCK_SIZE) == ARCHIVE_OK
					 ? copy_entries(archive, wanted, data, target, err)
					 : error_set(err, EIO, "%s", archive_error_string(archive));
	archive_read_free(archive);
	return result;
}

/*
 * Starts `xz -dc -T0` on `archive`: it decodes the blocks of Debian's archive on all processors,
 * which liblzma's plain decoder in libarchive does not (9.1 s against 7.0 s on two). It ends by
 * itself when we are gone and nobody reads. Returns its pid, 0 when there is no xz.
 */
static pid_t start_xz(int archive, int *ret_output)
{
	_cleanup_free_ char *program = path_find_program("xz");
	char *argv[] = {(char *)"xz", (char *)"-dcq", (char *)"-T0", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int pipes[2];
	pid_t pid = 0;

	if (!program || pipe2(pipes, O_CLOEXEC) < 0)
		return 0;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, archive, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	sigaddset(&signals, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (posix_spawn(&pid, program, &actions, &attributes, argv, environ) != 0)
		pid = 0;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (pid)
		*ret_output = pipes[0];
	else
		close(pipes[0]);
	return pid;
}

static bool is_xz(int fd)
{
	static const char magic[] = {(char)0xfd, '7', 'z', 'X', 'Z', '\0'};
	char start[sizeof(magic)];

	return pread(fd, start, sizeof(start), 0) == (ssize_t)sizeof(start) &&
		   memcmp(start, magic, sizeof(magic)) == 0;
}

static int unpack_archive(int fd, unpack_filter wanted, void *data, struct target *target,
						  struct error *err)
{
	int output = -1, status = 0;
	pid_t pid = is_xz(fd) ? start_xz(fd, &output) : 0;

	if (!pid)
		return read_archive(fd, wanted, data, target, err);
	int result = read_archive(output, wanted, data, target, err);
	close(output);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* libarchive stops at the archive's end mark, so SIGPIPE is a good end too. */
	bool failed = WIFEXITED(status) && WEXITSTATUS(status) != 0;
	if (result == 0 && failed)
		return error_set(err, EIO, "the xz data is damaged");
	return result;
}

static int copy_plain(const FTSENT *entry, const char *path, struct target *target,
					  struct error *err)
{
	char link[4096];

	if (entry->fts_info == FTS_SL || entry->fts_info == FTS_SLNONE) {
		ssize_t length = readlink(entry->fts_accpath, link, sizeof(link) - 1);
		if (length < 0)
			return error_errno(err, errno, "cannot read %s", entry->fts_path);
		link[length] = '\0';
		return create_link(target, path, link, err);
	}
	_cleanup_close_ int from = open(entry->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0)
		return error_errno(err, errno, "cannot open %s", entry->fts_path);
	_cleanup_close_ int to =
		create_file(target, path, (entry->fts_statp->st_mode & 0111) != 0, err);
	if (to < 0)
		return to;
	return file_copy_sparse(from, to, err) < 0 ? error_wrap(err, "%s", path) : 0;
}

static int unpack_directory(const char *from, unpack_filter wanted, void *data,
							struct target *target, struct error *err)
{
	char *const roots[] = {(char *)from, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	size_t top = strlen(from);
	int result = 0;

	if (!walk)
		return error_errno(err, errno, "cannot read %s", from);
	for (FTSENT *entry; result == 0 && (entry = fts_read(walk));) {
		const char *path = entry->fts_path + top;
		path += strspn(path, "/");
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
			result = error_errno(err, entry->fts_errno, "cannot read %s", entry->fts_path);
		else if (strcmp(path, ".git") == 0) /* a directory, or a file that points to one */
			fts_set(walk, entry, FTS_SKIP);
		else if ((entry->fts_info == FTS_F || entry->fts_info == FTS_SL ||
				  entry->fts_info == FTS_SLNONE) &&
				 wanted(path, data))
			result = copy_plain(entry, path, target, err);
	}
	fts_close(walk);
	return result;
}

int unpack_source(const char *from, unpack_filter wanted, void *data, const char *to,
				  struct error *err)
{
	_cleanup_(target_close) struct target target = {
		.root = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC), .parent_fd = -1};
	_cleanup_close_ int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (target.root < 0)
		return error_errno(err, errno, "cannot open %s", to);
	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, errno, "cannot open %s", from);
	int result = S_ISDIR(status.st_mode) ? unpack_directory(from, wanted, data, &target, err)
										 : unpack_archive(fd, wanted, data, &target, err);
	return result < 0 ? error_wrap(err, "cannot unpack %s", from) : 0;
}
