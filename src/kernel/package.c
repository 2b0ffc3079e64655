// SPDX-License-Identifier: Apache-2.0
#include "kernel/package.h"
#include "base/files.h"
#include "base/json.h"
#include "base/progress.h"
#include "kernel/build.h"
#include "kernel/cache.h"
#include "kernel/plan.h"
#include "kernel/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Changes when the same package would be stored otherwise. */
#define PACKAGE_FORMAT "package 1"
#define AR_MAGIC "!<arch>\n"

bool package_is(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[sizeof(AR_MAGIC) - 1];

	return fd >= 0 && pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
		   memcmp(magic, AR_MAGIC, sizeof(magic)) == 0;
}

static int identify(const char *path, char id[KERNEL_ID_SIZE], struct error *err)
{
	_cleanup_digest_ struct digest *digest = digest_new();
	char content[DIGEST_SIZE], text[DIGEST_SIZE];

	if (source_identify(path, content, err) < 0)
		return -err->code;
	digest_text(digest, PACKAGE_FORMAT);
	digest_text(digest, content);
	digest_final(digest, text);
	memcpy(id, text + strlen("sha256:"), KERNEL_ID_SIZE);
	return 0;
}

/* "6.12" of "6.12.117+deb12-cloud-amd64". The caller owns it. */
static char *version_of(const char *release)
{
	size_t length = strspn(release, "0123456789");

	if (release[length] == '.')
		length += 1 + strspn(release + length + 1, "0123456789");
	return xstrndup(release, length);
}

static int write_description(struct kernel *kernel, const char *directory, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" KERNEL_JSON, directory);

	kernel->version = version_of(kernel->release);
	kernel->built = time(NULL);
	_cleanup_json_ json_t *object = kernel_to_json(kernel);
	_cleanup_free_ char *text = json_dumps(object, JSON_INDENT(2));
	if (!text)
		return error_set(err, ENOMEM, "cannot write %s", path);
	return file_write_atomic(path, text, strlen(text), 0644, err);
}

static int unpack_and_store(const char *path, const char *id, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = xcalloc(1, sizeof(*kernel));
	_cleanup_staging_ struct staging staging = STAGING_NONE;
	_cleanup_free_ char *kernels = NULL;
	_cleanup_close_ int package = open(path, O_RDONLY | O_CLOEXEC);

	if (package < 0)
		return error_errno(err, errno, "cannot open it");
	kernel->id = xstrdup(id);
	progress("unpacking the kernel of %s", path);
	if (cache_directory(&kernels, err) < 0 || staging_begin(kernels, &staging, err) < 0 ||
		package_unpack(package, staging.path, kernel, err) < 0 ||
		write_description(kernel, staging.path, err) < 0)
		return -err->code;
	return staging_commit(&staging, NULL, id, err);
}

static int ensure(const char *path, struct kernel **ret, struct error *err)
{
	_cleanup_error_ struct error absent = {0};
	char id[KERNEL_ID_SIZE];

	if (identify(path, id, err) < 0)
		return -err->code;
	if (cache_read(id, ret, &absent) == 0)
		return 0;
	_cleanup_close_ int lock = kernel_lock("kernel", id, "the unpacking of this kernel", err);
	if (lock < 0)
		return lock;
	if (cache_read(id, ret, &absent) == 0)
		return 0;
	/* One that somebody damaged makes room. */
	if (cache_discard(id, err) < 0)
		return -err->code;
	int error = unpack_and_store(path, id, err);
	progress_clear();
	return error < 0 ? error : cache_read(id, ret, err);
}

int package_kernel(const char *path, struct kernel **ret, struct error *err)
{
	return ensure(path, ret, err) < 0 ? error_wrap(err, "the kernel package %s", path) : 0;
}
