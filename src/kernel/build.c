// SPDX-License-Identifier: Apache-2.0
#include "kernel/build.h"
#include "base/files.h"
#include "base/process.h"
#include "base/progress.h"
#include "kernel/kconfig.h"
#include "kernel/make.h"
#include "kernel/requirements.h"
#include "kernel/sizes.h"
#include "kernel/vmlinux.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RELEASE_SIZE_LIMIT = 4096 };

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int write_text(const char *path, const char *text, struct error *err)
{
	return file_write_atomic(path, text, strlen(text), 0644, err);
}

/* Makes the .config and reads it back. */
static int configure(struct make *make, struct config *ret, struct error *err)
{
	const struct plan *plan = make->plan;
	_cleanup_strings_ struct strings variables = {0};
	_cleanup_free_ char *text = config_text(&plan->config);
	_cleanup_free_ char *config = xasprintf("%s/.config", make->objects);
	_cleanup_free_ char *fragment = xasprintf("%s/fragments.config", make->objects);
	int error;

	progress("configuring the kernel");
	if (plan->whole) {
		if (write_text(config, text, err) < 0)
			return -err->code;
		error = make_run(make, "olddefconfig", &variables, err);
	} else {
		if (write_text(fragment, text, err) < 0)
			return -err->code;
		strings_addf(&variables, "KCONFIG_ALLCONFIG=%s", fragment);
		error = make_run(make, "allnoconfig", &variables, err);
	}
	if (error < 0)
		return error;
	if (config_read(ret, config, ".config", NULL, err) < 0)
		return -err->code;
	return kconfig_prove(&plan->asked, ret, plan->source.tree, plan->architecture->source, err);
}

/* Programs that only this configuration needs, and the source that it needs. */
static int prepare(struct make *make, const struct config *config, struct error *err)
{
	const struct plan *plan = make->plan;
	_cleanup_strings_ struct strings missing = {0}, parts = {0};

	requirements_missing(config, &missing);
	if (missing.count)
		return requirements_error(&missing, err);
	kbuild_read(plan->source.tree, plan->architecture->make, plan->architecture->source, config,
				&make->kbuild);
	prune_needed(&plan->source.prune, &make->kbuild, config, &parts);
	return source_add_parts(&plan->source, &parts, NULL, err);
}

static bool has_debug_info(const struct config *config)
{
	return strcmp(config_value(config, "DEBUG_INFO"), "y") == 0;
}

static int compile(struct make *make, const struct config *config, struct error *err)
{
	const struct plan *plan = make->plan;
	_cleanup_strings_ struct strings variables = {0};
	bool added = false;

	/* Debugging information names the build directory, which has another name each time, and the
	 * build id is made of that too. Of two maps that fit, gcc takes the last. */
	static const char *const flags[] = {"KCFLAGS", "KAFLAGS"};
	for (size_t i = 0; has_debug_info(config) && i < ARRAY_SIZE(flags); i++)
		strings_addf(&variables, "%s=-fdebug-prefix-map=%s=.. -fdebug-prefix-map=%s=.", flags[i],
					 plan->source.tree, make->objects);
	/* Each link leaves a map beside what it makes, "vmlinux.map" (ld: --Map); no byte of the result
	 * changes. The kernel's own CONFIG_VMLINUX_MAP is only there with CONFIG_EXPERT. */
	strings_add(&variables, "LD=ld -Map=%.map");
	int error = make_run(make, "vmlinux", &variables, err);
	if (error == 0 || !make->missing_file)
		return error;
	/* Headers that one part of the source takes from another are not in our table. */
	_cleanup_error_ struct error failure = {0};
	if (source_add_parts(&plan->source, NULL, &added, &failure) == 0 && !added)
		return error;
	error_clear(err);
	if (failure.code) {
		*err = failure;
		failure = (struct error){0};
		return -err->code;
	}
	return make_run(make, "vmlinux", &variables, err);
}

/* A crash of the host must not leave empty files under the name of a finished kernel. */
static int sync_file(const char *path, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? error_errno(err, errno, "cannot write %s", path) : 0;
}

static int run_objcopy(const struct make *make, char *const options[2], char *from, char *to,
					   struct error *err)
{
	char *argv[] = {(char *)"objcopy", options[0], options[1], from, to, NULL};
	const struct process process = {.argv = argv, .log = make->log};

	return process_run(&process, err) < 0 ? error_wrap(err, "cannot make %s", to) : 0;
}

/* The kernel without what only debuggers and linkers read; beside it the former, if there is any,
 * under the name by which debuggers know it. */
static int strip(const struct make *make, const struct config *config, const char *directory,
				 uint64_t *ret_size, struct error *err)
{
	char *const strip_options[] = {(char *)"--strip-all", (char *)"--remove-section=.comment"};
	char *const debug_options[] = {(char *)"--only-keep-debug",
								   (char *)"--compress-debug-sections"};
	_cleanup_free_ char *from = xasprintf("%s/vmlinux", make->objects);
	_cleanup_free_ char *to = xasprintf("%s/" KERNEL_VMLINUX, directory);
	_cleanup_free_ char *debug = xasprintf("%s/" KERNEL_DEBUG, directory);
	const struct kernel_architecture *architecture;

	if (run_objcopy(make, strip_options, from, to, err) < 0 ||
		vmlinux_check(to, &architecture, ret_size, err) < 0 || sync_file(to, err) < 0)
		return -err->code;
	if (!has_debug_info(config))
		return 0;
	return run_objcopy(make, debug_options, from, debug, err);
}

static int copy(const struct make *make, const char *name, const char *directory,
				const char *new_name, struct error *err)
{
	_cleanup_free_ char *from = xasprintf("%s/%s", make->objects, name);
	_cleanup_free_ char *to = xasprintf("%s/%s", directory, new_name);
	_cleanup_close_ int source = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int target = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (source < 0 || target < 0)
		return error_errno(err, errno, "cannot copy %s to %s", from, to);
	if (file_copy_sparse(source, target, err) < 0)
		return error_wrap(err, "%s", to);
	return sync_file(to, err);
}

/* What uname -r says, "6.12.117-lupine". */
static int read_release(const struct make *make, char **ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/include/config/kernel.release", make->objects);
	_cleanup_buf_ struct buf text = {0};

	if (file_read(AT_FDCWD, path, RELEASE_SIZE_LIMIT, &text, err) < 0)
		return -err->code;
	while (text.length && isspace((unsigned char)text.data[text.length - 1]))
		text.data[--text.length] = '\0';
	*ret = buf_steal(&text);
	return 0;
}

/* Notes which part of the source takes how much, if the linker has left its map: an old one cannot
 * name it so. */
static int measure(const struct make *make, const char *directory, struct error *err)
{
	_cleanup_kernel_sizes_ struct kernel_sizes sizes = {0};
	_cleanup_linker_map_ struct linker_map map = {0}, objects = {0};
	_cleanup_free_ char *map_path = xasprintf("%s/vmlinux.map", make->objects);
	_cleanup_free_ char *objects_path = xasprintf("%s/vmlinux.o.map", make->objects);
	_cleanup_free_ char *vmlinux = xasprintf("%s/" KERNEL_VMLINUX, directory);
	_cleanup_free_ char *path = xasprintf("%s/" KERNEL_SIZES, directory);

	if (!path_exists(map_path))
		return 0;
	if (linker_map_read(map_path, &map, err) < 0 ||
		(path_exists(objects_path) && linker_map_read(objects_path, &objects, err) < 0) ||
		sizes_attribute(vmlinux, &map, &objects, &sizes, err) < 0)
		return -err->code;
	return sizes_write(&sizes, path, err);
}

static int build_in(struct make *make, const char *directory, struct build_result *ret,
					struct error *err)
{
	_cleanup_config_ struct config config = {0};
	_cleanup_free_ char *release = NULL;

	if (make_begin(make, err) < 0 || configure(make, &config, err) < 0 ||
		prepare(make, &config, err) < 0 || compile(make, &config, err) < 0 ||
		strip(make, &config, directory, &ret->vmlinux_size, err) < 0 ||
		measure(make, directory, err) < 0 ||
		copy(make, ".config", directory, KERNEL_CONFIG, err) < 0 ||
		copy(make, "System.map", directory, KERNEL_SYMBOLS, err) < 0 ||
		read_release(make, &release, err) < 0)
		return -err->code;
	ret->release = steal(&release);
	ret->options = config_count(&config);
	return 0;
}

int build_kernel(struct plan *plan, bool verbose, const char *directory, struct build_result *ret,
				 struct error *err)
{
	_cleanup_staging_ struct staging objects = STAGING_NONE;

	if (source_prepare(&plan->source, err) < 0)
		return -err->code;
	double start = now();
	/*
	 * The build directory is a child of the source's tree: then Kbuild calls the source "..", and
	 * no absolute path gets into a command or an object. So the same kernel has the same bytes
	 * wherever the cache lies, and ccache finds what was compiled from another tree. What a killed
	 * build left is removed by the next one.
	 */
	if (staging_begin(plan->source.tree, &objects, err) < 0)
		return -err->code;
	_cleanup_make_ struct make make = {
		.plan = plan, .objects = objects.path, .log = -1, .verbose = verbose};
	int error = build_in(&make, directory, ret, err);
	progress_clear();
	ret->seconds = now() - start;
	return error;
}

void build_result_free(struct build_result *result)
{
	free(result->release);
	result->release = NULL;
}
