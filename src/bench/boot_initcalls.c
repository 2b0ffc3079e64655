// SPDX-License-Identifier: Apache-2.0
/* Where a kernel's boot goes, by initcall. */
#include "base/files.h"
#include "bench/boot.h"

#include <fcntl.h>

#define APPEND "initcall_debug printk.time=1 log_buf_len=512K"
enum {
	SYMBOLS_LIMIT = 64 << 20,
	BOOT_SECONDS = 600,
};

static void add(struct bench *bench, const struct guest_request *request, const char *app,
				const char *variant, double instructions)
{
	const struct result_key key = {
		.bench = "boot",
		.system = request->system->name,
		.app = app,
		.variant = variant,
		.metric = "initcall",
		.unit = "instructions",
		.accel = request->accel,
		.detail = true,
	};

	results_add(&bench->results, &key, instructions);
}

static void add_rows(struct bench *bench, const struct guest_request *request, const char *app,
					 uint64_t firmware, const struct guest_run *run, const struct boot_log *log)
{
	/* When the log's clock began, which may be long after the kernel's first instruction. */
	double zero = (double)log->ticks - (double)log->init * BOOT_TICKS_A_MICROSECOND;
	uint64_t within = 0;

	for (size_t i = 0; i < log->count; i++) {
		add(bench, request, app, log->calls[i].name,
			(double)log->calls[i].microseconds * BOOT_TICKS_A_MICROSECOND);
		within += log->calls[i].microseconds;
	}
	uint64_t all = log->last - log->first, between = all > within ? all - within : 0;
	add(bench, request, app, "before-initcalls",
		zero + (double)log->first * BOOT_TICKS_A_MICROSECOND - (double)firmware);
	add(bench, request, app, "between-initcalls", (double)between * BOOT_TICKS_A_MICROSECOND);
	add(bench, request, app, "after-initcalls",
		(double)run->status.init_ticks - zero - (double)log->last * BOOT_TICKS_A_MICROSECOND);
}

/* The kernel's System.map, which is kept beside those that we built; empty for others. */
static void read_symbols(const struct kernel *kernel, struct buf *ret)
{
	_cleanup_error_ struct error absent = {0};
	_cleanup_free_ char *path =
		kernel->directory ? xasprintf("%s/System.map", kernel->directory) : NULL;

	if (path)
		file_read(AT_FDCWD, path, SYMBOLS_LIMIT, ret, &absent);
}

int boot_initcalls(struct bench *bench, const struct guest_request *request, const char *app,
				   uint64_t firmware, struct error *err)
{
	_cleanup_guest_run_ struct guest_run run = {0};
	_cleanup_boot_log_ struct boot_log log = {0};
	_cleanup_buf_ struct buf symbols = {0};
	struct guest_request traced = *request;

	read_symbols(request->system->kernel, &symbols);
	if (!symbols.length)
		return 0;
	_cleanup_close_ int kernel =
		boot_exact_clock(request->system->kernel->vmlinux, symbols.data, err);
	traced.append = APPEND;
	traced.timeout = BOOT_SECONDS;
	if (kernel < 0 || boot_other_kernel(&traced, kernel, bench_guest, &run, err) < 0 ||
		boot_log_read(run.log, symbols.data, &log, err) < 0)
		return -err->code;
	add_rows(bench, request, app, firmware, &run, &log);
	return 0;
}
