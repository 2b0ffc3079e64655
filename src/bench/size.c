// SPDX-License-Identifier: Apache-2.0
/* Bytes: kernels as stored and as loaded, roots, initramfs, init. No machine is started. */
#include "base/paths.h"
#include "base/progress.h"
#include "bench/app.h"
#include "bench/bench.h"
#include "machine/machine.h"
#include "rootfs/rootfs.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void add(struct bench *bench, const char *system, const char *app, const char *metric,
				uint64_t bytes)
{
	const struct result_key key = {
		.bench = "size", .system = system, .app = app, .metric = metric, .unit = "bytes"};

	if (bench_wants(bench, metric))
		results_add(&bench->results, &key, (double)bytes);
}

static void add_options(struct bench *bench, const char *system, uint64_t options)
{
	const struct result_key key = {
		.bench = "size", .system = system, .metric = "options", .unit = "options"};

	if (options && bench_wants(bench, key.metric))
		results_add(&bench->results, &key, (double)options);
}

static void add_parts(struct bench *bench, const char *system, const char *metric,
					  const struct kernel_parts *parts)
{
	for (size_t i = 0; bench_wants(bench, metric) && i < parts->count; i++) {
		const struct kernel_part *part = &parts->items[i];
		const struct result_key key = {
			.bench = "size",
			.system = system,
			.variant = part->name,
			.metric = metric,
			.unit = "bytes",
			.detail = true,
		};
		uint64_t bytes = 0;
		for (size_t kind = 0; kind < BYTES_KINDS; kind++)
			bytes += part->bytes[kind];
		results_add(&bench->results, &key, (double)bytes);
	}
}

static int measure_kernel(struct bench *bench, const struct bench_system *system, struct error *err)
{
	_cleanup_kernel_sizes_ struct kernel_sizes sizes = {0};

	if (kernel_measure(system->kernel, &sizes, err) < 0)
		return -err->code;
	add(bench, system->name, NULL, "stripped", sizes.stripped);
	add(bench, system->name, NULL, "compressed", sizes.compressed);
	add(bench, system->name, NULL, "loaded", sizes.loaded);
	add_options(bench, system->name, sizes.options);
	add_parts(bench, system->name, "subsystem", &sizes.parts);
	add_parts(bench, system->name, "directory", &sizes.details);
	return 0;
}

/* Of a foreign image only its file can be measured. */
static int measure_peer(struct bench *bench, const struct bench_system *system, struct error *err)
{
	struct stat status;

	if (!system->peer->kernel)
		return 0;
	if (stat(system->peer->kernel, &status) < 0)
		return error_errno(err, errno, "%s", system->peer->kernel);
	add(bench, system->name, NULL, "stripped", (uint64_t)status.st_size);
	return 0;
}

/* A file that has no name and no disk. Returns its descriptor. */
static int memory_file(struct error *err)
{
	int fd = memfd_create("lupine-bench", MFD_CLOEXEC);

	return fd < 0 ? error_errno(err, errno, "cannot make a file in memory") : fd;
}

/* What is stored of the disk that `lupine run` makes: the free space in it is a hole. */
static int measure_root(struct bench *bench, const struct app *app, struct error *err)
{
	const struct rootfs_options options = {.type = ROOTFS_EXT2};
	struct rootfs_stats stats;
	struct stat status;
	_cleanup_close_ int fd = memory_file(err);

	if (fd < 0 || rootfs_write(app->tree, &options, fd, &stats, err) < 0)
		return -err->code;
	if (fstat(fd, &status) < 0)
		return error_errno(err, errno, "the root of %s", app->name);
	/* Blocks of 512 bytes, as stat(2) counts them. */
	add(bench, bench->systems[0].name, app->name, "rootfs", (uint64_t)status.st_blocks * 512);
	return 0;
}

/* Init, its instructions and the kernel's modules, as `lupine run` makes it at each start. */
static int measure_initramfs(struct bench *bench, const struct bench_system *system,
							 const struct app *app, struct error *err)
{
	struct stat status;
	_cleanup_close_ int fd = memory_file(err);
	if (fd < 0)
		return fd;
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);
	const struct machine machine = {
		.initramfs = path,
		.modules = system->kernel->modules,
		.disk = {.path = (char *)"disk", .type = (char *)rootfs_type_name(ROOTFS_EXT2)},
		.application = {.argv = app->argv, .user = app->user, .hostname = (char *)"guest"},
	};

	if (machine_write_initramfs(&machine, err) < 0)
		return -err->code;
	if (fstat(fd, &status) < 0)
		return error_errno(err, errno, "the initramfs");
	add(bench, system->name, app->name, "initramfs", (uint64_t)status.st_size);
	return 0;
}

static int measure_app(struct bench *bench, const char *name, struct error *err)
{
	_cleanup_app_ struct app *app = NULL;

	if (app_open(name, &app, err) < 0 ||
		(bench_wants(bench, "rootfs") && measure_root(bench, app, err) < 0))
		return -err->code;
	for (size_t i = 0; bench_wants(bench, "initramfs") && i < bench->system_count; i++)
		if (bench->systems[i].kernel && measure_initramfs(bench, &bench->systems[i], app, err) < 0)
			return -err->code;
	return 0;
}

static int measure_init(struct bench *bench, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	struct stat status;

	if (path_data("guest/init", &path, err) < 0)
		return -err->code;
	if (stat(path, &status) < 0)
		return error_errno(err, errno, "%s", path);
	add(bench, bench->systems[0].name, NULL, "init", (uint64_t)status.st_size);
	return 0;
}

static const char *const of_kernels[] = {"stripped",  "compressed", "loaded", "options",
										 "subsystem", "directory",  NULL};
static const char *const of_others[] = {"rootfs", "initramfs", "init", NULL};

/* Whether any figure of kernels is asked for, which take seconds. */
static bool wants_kernels(const struct bench *bench)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_kernels) - 1; i++)
		if (bench_wants(bench, of_kernels[i]))
			return true;
	return false;
}

static int run(struct bench *bench, struct error *err)
{
	static const char *const usual[] = {"hello", NULL}, *const more[] = {"redis", "nginx", NULL};
	_cleanup_strings_ struct strings apps = {0};

	for (size_t i = 0; wants_kernels(bench) && i < bench->system_count; i++) {
		const struct bench_system *system = &bench->systems[i];
		progress("size: the kernel of %s", system->name);
		if ((system->peer ? measure_peer : measure_kernel)(bench, system, err) < 0)
			bench_failed(bench, err, "size of %s", system->name);
	}
	results_close(&bench->results);
	bench_apps(bench, usual, more, &apps);
	for (size_t i = 0; i < apps.count; i++) {
		progress("size: the root of %s", apps.items[i]);
		if (measure_app(bench, apps.items[i], err) < 0)
			bench_failed(bench, err, "size of %s", apps.items[i]);
	}
	return measure_init(bench, err);
}

static const char *const *const words[] = {of_kernels, of_others, NULL};

const struct bench_kind bench_size = {
	.name = "size",
	.summary = "Kernel, root file system and initramfs",
	.words = words,
	.run = run,
};
