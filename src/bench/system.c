// SPDX-License-Identifier: Apache-2.0
#include "bench/system.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define APPEND ",append="
#define CONFIG_SUFFIX ".config"

int bench_system_name(const char *option, const char *text, char **ret_name, const char **ret_what,
					  struct error *err)
{
	size_t length =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");

	if (!length || text[length] != '=' || !text[length + 1]) {
		error_set(err, EINVAL, "option %s: \"%s\" is not NAME=WHAT", option, text);
		return error_hint(err, "NAME is letters, digits, '-', '_' and '.'");
	}
	if (length == strlen("lupine") && memcmp(text, "lupine", length) == 0)
		return error_set(err, EINVAL, "option %s: the name lupine is that of our own kernel",
						 option);
	*ret_name = xstrndup(text, length);
	*ret_what = text + length + 1;
	return 0;
}

/* A second handle of the same kernel. */
static int same_kernel(const struct kernel *kernel, struct kernel **ret, struct error *err)
{
	return kernel->id ? kernel_find(kernel->id, ret, err)
					  : kernel_from_file(kernel->vmlinux, ret, err);
}

/* What our kernel is built from, if it is known: a vmlinux of the user's does not say. */
static struct kernel_request request_like(const struct kernel *ours)
{
	return (struct kernel_request){
		.version = ours->version,
		.architecture = ours->architecture,
		.features = ours->features,
		.variants = ours->variants,
	};
}

static int configured_kernel(const char *path, const struct kernel *ours, struct kernel **ret,
							 struct error *err)
{
	struct kernel_request request = {.version = ours->version, .architecture = ours->architecture};

	strings_add(&request.fragments, path);
	int error = kernel_ensure(&request, ret, err);
	strings_free(&request.fragments);
	return error;
}

static int baseline_kernel(const char *what, const struct kernel *ours, struct kernel **ret,
						   struct error *err)
{
	if (strcmp(what, "lupine") == 0)
		return same_kernel(ours, ret, err);
	if (ends_with(what, CONFIG_SUFFIX))
		return configured_kernel(what, ours, ret, err);
	return kernel_open(what, ret, err);
}

int bench_system_baseline(const char *text, const struct bench_system *ours,
						  struct bench_system *ret, struct error *err)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_kernel_ struct kernel *kernel = NULL;
	const char *what = text;

	if (bench_system_name("--baseline", text, &name, &what, err) < 0)
		return -err->code;
	const char *append = strstr(what, APPEND);
	_cleanup_free_ char *source = xstrndup(what, append ? (size_t)(append - what) : strlen(what));
	if (baseline_kernel(source, ours->kernel, &kernel, err) < 0)
		return error_wrap(err, "the baseline %s", name);
	*ret = (struct bench_system){
		.name = steal(&name),
		.kernel = steal(&kernel),
		.append = append ? xstrdup(append + strlen(APPEND)) : NULL,
	};
	return 0;
}

int bench_system_lupine(const char *kernel, struct bench_system *ret, struct error *err)
{
	_cleanup_kernel_ struct kernel *found = NULL;

	if (kernel_open(kernel, &found, err) < 0)
		return kernel ? error_wrap(err, "option --kernel") : -err->code;
	*ret = (struct bench_system){.name = xstrdup("lupine"), .kernel = steal(&found)};
	return 0;
}

int bench_system_variant(const char *name, const char *fragment, const struct bench_system *ours,
						 struct bench_system *ret, struct error *err)
{
	struct kernel_request request = request_like(ours->kernel);
	_cleanup_kernel_ struct kernel *kernel = NULL;

	/* Never on a disk: the build reads it through the descriptor. */
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC);
	size_t length = strlen(fragment);
	if (fd < 0 || write(fd, fragment, length) != (ssize_t)length)
		return error_errno(err, errno, "the fragment of %s", name);
	strings_addf(&request.fragments, "/proc/self/fd/%d", fd);
	int error = kernel_ensure(&request, &kernel, err);
	strings_free(&request.fragments);
	if (error < 0)
		return error_wrap(err, "the variant %s", name);
	*ret = (struct bench_system){.name = xstrdup(name), .kernel = steal(&kernel)};
	return 0;
}

void bench_system_free(struct bench_system *system)
{
	free(system->name);
	free(system->append);
	kernel_free(&system->kernel);
	peer_free(&system->peer);
	*system = (struct bench_system){0};
}
