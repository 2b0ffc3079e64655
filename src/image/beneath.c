// SPDX-License-Identifier: Apache-2.0
#include "image/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One component at a time, for kernels and sandboxes without openat2(2). */
static int open_by_components(int directory, const char *path, int flags)
{
	_cleanup_close_ int opened = -1;
	_cleanup_free_ char *copy = xstrdup(path);

	for (char *name = copy, *slash;; name = slash + 1) {
		slash = strchr(name, '/');
		if (slash)
			*slash = '\0';
		if (!*name || strcmp(name, "..") == 0)
			return -EXDEV;
		int how = slash ? O_PATH | O_DIRECTORY : flags;
		int next = openat(opened >= 0 ? opened : directory, name, how | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			/* O_DIRECTORY says this first of a link. */
			return errno == ENOTDIR && slash ? -ELOOP : -errno;
		if (!slash)
			return next;
		if (opened >= 0)
			close(opened);
		opened = next;
	}
}

int open_beneath(int directory, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

	if (fd >= 0)
		return (int)fd;
	if (errno == ENOSYS || errno == EPERM)
		return open_by_components(directory, path, flags);
	return -errno;
}
