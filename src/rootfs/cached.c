// SPDX-License-Identifier: Apache-2.0
/* Root file systems that were written already. */
#include "base/digest.h"
#include "base/files.h"
#include "base/paths.h"
#include "rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Part of the key. To be changed with whatever changes the bytes that are written for a tree. */
#define WRITER_VERSION "1"

/* The file's name: 64 hex digits of all that its content depends on. The caller owns it. */
static char *make_name(const char *digest, const struct rootfs_options *options)
{
	_cleanup_digest_ struct digest *key = digest_new();
	_cleanup_free_ char *size = xasprintf("%llu", (unsigned long long)options->size);
	char text[DIGEST_SIZE];

	digest_text(key, WRITER_VERSION);
	digest_text(key, digest);
	digest_text(key, rootfs_type_name(options->type));
	digest_text(key, size);
	digest_final(key, text);
	return xasprintf("%s.img", text + strlen("sha256:"));
}

/* Writes the disk at `path`, all of it on the host's disk before anyone can find it. */
static int write_disk(const struct image *image, const struct rootfs_options *options,
					  const char *path, struct error *err)
{
	struct rootfs_stats stats;
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, errno, "cannot make %s", path);
	if (rootfs_write(image->tree, options, fd, &stats, err) < 0)
		return -err->code;
	/* Nobody's to change: it stands for its key. */
	if (fchmod(fd, 0444) < 0 || fdatasync(fd) < 0)
		return error_errno(err, errno, "cannot write %s", path);
	return 0;
}

static int build(const struct image *image, const struct rootfs_options *options,
				 const char *directory, const char *name, const char *lock_path, struct error *err)
{
	_cleanup_staging_ struct staging staging = STAGING_NONE;
	int error = staging_begin(directory, &staging, err);

	if (error == 0) {
		_cleanup_free_ char *path = xasprintf("%s/%s", staging.path, name);
		error = write_disk(image, options, path, err);
	}
	/* Before the disk has its name, so that being killed between the two leaves no lock behind.
	 * Who comes right now makes the same disk once more. */
	unlink(lock_path);
	return error < 0 ? error : staging_commit(&staging, name, name, err);
}

int rootfs_cached(const struct image *image, const struct rootfs_options *options, char **ret_path,
				  struct error *err)
{
	_cleanup_free_ char *directory = NULL;

	if (!image->digest)
		return error_set(err, ENOTSUP, "%s has no digest to keep its root file system by",
						 image->reference);
	if (path_cache("rootfs", &directory, err) < 0)
		return -err->code;
	_cleanup_free_ char *name = make_name(image->digest, options);
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	_cleanup_free_ char *lock_path = xasprintf("%s.lock", path);

	if (!path_exists(path)) {
		/* Others who want the same wait here, and find it made. */
		_cleanup_close_ int lock = file_lock(lock_path, true, err);
		if (lock < 0)
			return -err->code;
		if (path_exists(path))
			unlink(lock_path);
		else if (build(image, options, directory, name, lock_path, err) < 0)
			return -err->code;
	}
	*ret_path = steal(&path);
	return 0;
}
