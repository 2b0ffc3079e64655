// SPDX-License-Identifier: Apache-2.0
/* From power-on to the application's first output, or to a server's first answer. */
#include "bench/boot.h"
#include "base/json.h"
#include "base/progress.h"
#include "bench/app.h"
#include "bench/peer.h"
#include "vmm/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const metrics[] = {"instructions", "wall", "initcall", NULL};
/* What `lupine run` gives a machine, and at least as much as any kernel here starts in: what it
 * costs to put memory in order is part of a boot, and must be the same for all. */
#define MEMORY_LEAST (256ull << 20)
enum { COUNTED_RUNS = 3, TIMED_RUNS = 10, BOOT_SECONDS = 300 };

/* A boot of one application on one accelerator, by all systems in turns. */
struct boot {
	struct bench *bench;
	const struct app *app;
	struct strings argv;
	const char *accel;
	uint64_t *firmware; /* of each of the systems, as it was last; see boot_firmware() */
};

/* The time stamp counter at what the application itself notices; 0: it does not. */
struct notes {
	uint64_t first_instruction, first_output, ready;
};

static uint64_t memory_of(const struct app *app)
{
	return app->memory < MEMORY_LEAST ? MEMORY_LEAST : app->memory;
}

static struct guest_request request_of(const struct boot *boot, const struct bench_system *system)
{
	return (struct guest_request){
		.system = system,
		.tree = boot->app->tree,
		.argv = &boot->argv,
		.user = &boot->app->user,
		.accel = boot->accel,
		.disk = !bench_counts(boot->accel),
		.memory = memory_of(boot->app),
		.cpus = 1,
		.timeout = BOOT_SECONDS,
		.processor = host_processor(1),
	};
}

/* A server is started by the program that asks it, which notes when the first answer has come. */
static void compose_argv(const struct app *app, struct strings *ret)
{
	if (app->port) {
		strings_add(ret, "/bench/load");
		strings_extend(ret, &app->probe);
		strings_add(ret, "--serve");
	}
	strings_extend(ret, &app->argv);
}

static int read_ready(const char *output, uint64_t *ret, struct error *err)
{
	static const char name[] = "the load tool's answer";
	_cleanup_json_ json_t *object = NULL;
	int64_t ticks;

	if (json_parse(output, strlen(output), name, &object, err) < 0 ||
		json_get_integer(object, name, "ready_ticks", JSON_REQUIRED, 1, INT64_MAX, &ticks, err) < 0)
		return -err->code;
	*ret = (uint64_t)ticks;
	return 0;
}

/* hello's second line is "ticks FIRST AFTER". */
static int read_notes(const struct app *app, const char *output, struct notes *ret,
					  struct error *err)
{
	static const char word[] = "\nticks ";

	if (app->port)
		return read_ready(output, &ret->ready, err);
	const char *line = strstr(output, word);
	if (app->output && !strstr(output, app->output))
		return error_set(err, EIO, "it did not print \"%s\"", app->output);
	if (!line)
		return 0;
	char *end;
	ret->first_instruction = strtoull(line + strlen(word), &end, 10);
	ret->first_output = strtoull(end, &end, 10);
	if (*end != '\n' || !ret->first_instruction || ret->first_output <= ret->first_instruction)
		return error_set(err, EIO, "its ticks are no two numbers in order");
	return 0;
}

static void add(const struct boot *boot, const struct bench_system *system, const char *variant,
				double value)
{
	bool counts = bench_counts(boot->accel);
	const struct result_key key = {
		.bench = "boot",
		.system = system->name,
		.app = boot->app->name,
		.variant = variant,
		.metric = counts ? "instructions" : "wall",
		.unit = counts ? "instructions" : "s",
		.accel = boot->accel,
	};

	if (value > 0)
		results_add(&boot->bench->results, &key, value);
}

/* Phases, and what is counted from power-on. */
static void add_counts(const struct boot *boot, const struct bench_system *system,
					   uint64_t firmware, const struct machine_status *status,
					   const struct notes *notes)
{
	add(boot, system, "firmware", (double)firmware);
	add(boot, system, "kernel", (double)status->init_ticks - (double)firmware);
	add(boot, system, "init", (double)status->boot_ticks - (double)status->init_ticks);
	add(boot, system, "first-instruction", (double)notes->first_instruction);
	add(boot, system, "first-output", (double)notes->first_output);
	add(boot, system, "ready", (double)notes->ready);
}

/*
 * Phases, and their total. The monitor's is what the wall clock shows at the application's start
 * beyond the guest's own time stamp counter, which begins when the monitor lets it run; it has in
 * it the time that this news takes to the host.
 */
static void add_times(const struct boot *boot, const struct bench_system *system,
					  const struct machine_status *status, const struct notes *notes)
{
	double hertz = clock_tsc_khz() * 1000.0;
	double monitor = status->boot_seconds - (double)status->boot_ticks / hertz;
	double ready = monitor + (double)notes->ready / hertz;

	add(boot, system, "monitor", monitor);
	add(boot, system, "kernel", (double)status->init_ticks / hertz);
	add(boot, system, "init", (double)(status->boot_ticks - status->init_ticks) / hertz);
	if (notes->ready) {
		add(boot, system, "ready", ready - status->boot_seconds);
		add(boot, system, "total", ready);
	} else {
		add(boot, system, "first-output", status->output_seconds - status->boot_seconds);
		add(boot, system, "total", status->output_seconds);
	}
}

static int measure_kernel(struct boot *boot, size_t index, struct error *err)
{
	const struct bench_system *system = &boot->bench->systems[index];
	_cleanup_guest_run_ struct guest_run run = {0};
	const struct guest_request request = request_of(boot, system);
	struct notes notes = {0};
	bool counts = bench_counts(boot->accel);

	if ((counts && boot_firmware(&request, &boot->firmware[index], err) < 0) ||
		bench_guest(&request, &run, err) < 0 || read_notes(boot->app, run.output, &notes, err) < 0)
		return -err->code;
	if (counts)
		add_counts(boot, system, boot->firmware[index], &run.status, &notes);
	else
		add_times(boot, system, &run.status, &notes);
	return 0;
}

/* Of a foreign image there is the time to its line of readiness. */
static int measure_peer(struct boot *boot, size_t index, struct error *err)
{
	const struct bench_system *system = &boot->bench->systems[index];
	_cleanup_peer_guest_ struct peer_guest guest = PEER_GUEST_NONE;

	if (bench_counts(boot->accel) || !system->peer->app ||
		strcmp(system->peer->app, boot->app->name) != 0)
		return 0;
	if (peer_start(system->peer, memory_of(boot->app) >> 20, BOOT_SECONDS, host_processor(1),
				   &guest, err) < 0)
		return -err->code;
	add(boot, system, "total", guest.seconds);
	return 0;
}

static void measure_runs(struct boot *boot)
{
	_cleanup_error_ struct error err = {0};
	struct bench *bench = boot->bench;
	unsigned runs = bench_runs(bench, bench_counts(boot->accel) ? COUNTED_RUNS : TIMED_RUNS);

	for (unsigned run = 0; run < runs; run++) {
		for (size_t i = 0; i < bench->system_count; i++) {
			const struct bench_system *system = &bench->systems[i];
			progress("boot: %s of %s on %s, run %u of %u", boot->app->name, system->name,
					 boot->accel, run + 1, runs);
			if ((system->peer ? measure_peer : measure_kernel)(boot, i, &err) < 0)
				bench_failed(bench, &err, "boot of %s with %s on %s", boot->app->name, system->name,
							 boot->accel);
		}
	}
	results_close(&bench->results);
}

static void measure_initcalls(struct boot *boot)
{
	_cleanup_error_ struct error err = {0};
	struct bench *bench = boot->bench;

	for (size_t i = 0; i < bench->system_count; i++) {
		const struct bench_system *system = &bench->systems[i];
		if (!system->kernel)
			continue;
		progress("boot: the initcalls of %s", system->name);
		const struct guest_request request = request_of(boot, system);
		if ((!boot->firmware[i] && boot_firmware(&request, &boot->firmware[i], &err) < 0) ||
			boot_initcalls(bench, &request, boot->app->name, boot->firmware[i], &err) < 0)
			bench_failed(bench, &err, "the initcalls of %s", system->name);
	}
	results_close(&bench->results);
}

/* `breakdown`: the kernel does the same whatever it boots for, so that one application is enough
 * to take it apart. */
static void measure_app(struct bench *bench, const struct app *app, const char *accel,
						bool breakdown)
{
	struct boot boot = {
		.bench = bench,
		.app = app,
		.accel = accel,
		.firmware = xcalloc(bench->system_count, sizeof(*boot.firmware)),
	};

	compose_argv(app, &boot.argv);
	if (bench_wants_of(bench, metrics, bench_counts(accel) ? "instructions" : "wall"))
		measure_runs(&boot);
	if (breakdown && bench_counts(accel) && bench_wants_of(bench, metrics, "initcall"))
		measure_initcalls(&boot);
	strings_free(&boot.argv);
	free(boot.firmware);
}

static int run(struct bench *bench, struct error *err)
{
	static const char *const usual[] = {"hello", NULL}, *const more[] = {"redis", "nginx", NULL};
	_cleanup_strings_ struct strings apps = {0};
	const char *accels[2];
	int count = bench_accels(bench, true, accels, err);

	if (count < 0)
		return count;
	bench_apps(bench, usual, more, &apps);
	for (size_t i = 0; i < apps.count; i++) {
		_cleanup_app_ struct app *app = NULL;
		if (app_open(apps.items[i], &app, err) < 0) {
			bench_failed(bench, err, "boot of %s", apps.items[i]);
			continue;
		}
		for (int accel = 0; accel < count; accel++)
			measure_app(bench, app, accels[accel], i == 0);
	}
	return 0;
}

static const char *const *const words[] = {metrics, NULL};

const struct bench_kind bench_boot = {
	.name = "boot",
	.summary = "From power-on to the application's first output",
	.words = words,
	.run = run,
};
