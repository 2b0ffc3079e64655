// SPDX-License-Identifier: Apache-2.0
/*
 * Requests a second, and what one costs.
 *
 * Over the network: the server runs with its root on a disk, as `lupine run` has it, behind the
 * user-mode network, and is loaded from this host. Over loopback: the load runs in the guest with
 * the server as its child; under tcg-icount that gives the instructions of a request, the client's
 * share included.
 */
#include "base/progress.h"
#include "bench/bench.h"
#include "bench/loads.h"
#include "bench/server.h"

#include <errno.h>
#include <string.h>

#define MIB (1024ull * 1024)
enum {
	TIMED_RUNS = 5,
	COUNTED_RUNS = 2, /* two, to see that they are the same to the digit */
	ANSWER_SECONDS = 120,
	LOAD_SECONDS = 900,
};

/* Requests of one run, unless the load's description says so itself. */
static const struct amount {
	const char *accel;
	unsigned requests;
} amounts[] = {{"kvm", 100000}, {"tcg", 2000}, {"tcg-icount", 1000}};

static const char *const places[] = {"network", "loopback", NULL};
static const char *const metrics[] = {"rps", "latency", "instructions_per_request", NULL};

/* All runs of one load on one system. */
struct cell {
	const struct bench_system *system;
	const struct app_load *load;
	struct load_result *results;
	unsigned count;
	bool failed; /* it gives no row: the runs that went well do not make up for it */
};

/* One application on one accelerator at one place. */
struct table {
	struct bench *bench;
	const struct app *app;
	const char *accel, *place;
	unsigned runs, requests;
	struct cell *cells;
	size_t count;
};

static unsigned requests_for(const char *accel)
{
	for (size_t i = 0; i < ARRAY_SIZE(amounts); i++)
		if (strcmp(amounts[i].accel, accel) == 0)
			return amounts[i].requests;
	return 0;
}

/* --only may name loads of any application. */
static bool wants_load(const struct table *table, const char *name)
{
	const struct app *app = table->app;
	_cleanup_free_ const char **names = xcalloc(app->load_count + 1, sizeof(*names));

	for (size_t i = 0; i < app->load_count; i++)
		names[i] = app->loads[i].name;
	return bench_wants_of(table->bench, names, name);
}

static void make_cells(struct table *table)
{
	const struct bench *bench = table->bench;
	bool network = strcmp(table->place, "network") == 0;

	table->cells = xcalloc(bench->system_count * table->app->load_count, sizeof(*table->cells));
	for (size_t s = 0; s < bench->system_count; s++) {
		const struct bench_system *system = &bench->systems[s];
		/* What is in a foreign image is not ours to choose. */
		if (system->peer &&
			(!network || !system->peer->port || strcmp(system->peer->app, table->app->name) != 0))
			continue;
		for (size_t l = 0; l < table->app->load_count; l++)
			if (wants_load(table, table->app->loads[l].name))
				table->cells[table->count++] = (struct cell){
					.system = system,
					.load = &table->app->loads[l],
					.results = xcalloc(table->runs, sizeof(struct load_result)),
				};
	}
}

static void fail(struct table *table, struct cell *cell, struct error *err)
{
	cell->failed = true;
	bench_failed(table->bench, err, "%s of %s in %s over %s on %s", cell->load->name,
				 table->app->name, cell->system->name, table->place, table->accel);
}

static void run_in_guest(struct table *table, struct cell *cell)
{
	const struct app *app = table->app;
	bool counts = bench_counts(table->accel);
	_cleanup_error_ struct error err = {0};
	_cleanup_guest_run_ struct guest_run run = {0};
	_cleanup_strings_ struct strings argv = {0};
	/* Without a disk the files are in memory, for a moment twice. */
	const struct guest_request request = {
		.system = cell->system,
		.tree = app->tree,
		.argv = &argv,
		.user = &app->user,
		.accel = table->accel,
		.disk = !counts,
		.memory = app->memory + (counts ? 3 * app->tree->data_bytes / MIB * MIB : 0),
		.cpus = 1,
		.timeout = LOAD_SECONDS,
		.processor = counts ? -1 : host_processor(0),
	};

	load_in_guest(&cell->load->args, table->requests, ANSWER_SECONDS, &app->argv, &argv);
	if (bench_guest(&request, &run, &err) < 0 ||
		load_parse(run.output, &cell->results[cell->count], &err) < 0)
		fail(table, cell, &err);
	else
		cell->count++;
}

static void run_loopback(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		progress("app: %s of %s in %s over loopback on %s", table->cells[i].load->name,
				 table->app->name, table->cells[i].system->name, table->accel);
		if (!table->cells[i].failed)
			run_in_guest(table, &table->cells[i]);
	}
}

/* The user-mode network's forwarded ports have a queue of one: of connections that come at the
 * same time, all the time, it resets some. So loads with a connection a request have one at once.
 */
static void words_for_network(const struct strings *args, struct strings *ret)
{
	bool stays = strcmp(args->items[0], "http") != 0 || strings_contain(args, "--keep-alive");

	for (size_t i = 0; i < args->count; i++) {
		bool number = i > 0 && strcmp(args->items[i - 1], "--connections") == 0;
		strings_add(ret, number && !stays ? "1" : args->items[i]);
	}
}

static void run_from_host(struct table *table, struct cell *cell, struct server *server)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings args = {0};
	const struct load_request request = {
		.args = &args,
		.port = server->port,
		.requests = table->requests,
		.wait = ANSWER_SECONDS,
		.timeout = LOAD_SECONDS,
		.processor = host_processor(1),
		.server = &server->process,
	};

	words_for_network(&cell->load->args, &args);
	if (load_run(&request, &cell->results[cell->count], &err) < 0)
		fail(table, cell, &err);
	else
		cell->count++;
}

/* One machine for all loads of a system, which are `count` cells in a row. */
static void load_system(struct table *table, struct cell *cells, size_t count)
{
	_cleanup_server_ struct server server = SERVER_NONE;
	_cleanup_error_ struct error err = {0};
	const struct server_request request = {
		.system = cells->system,
		.app = table->app,
		.accel = table->accel,
		.memory = table->app->memory / MIB,
		.timeout = ANSWER_SECONDS,
		.processor = host_processor(0),
	};

	if (server_start(&request, &server, &err) < 0) {
		fail(table, cells, &err);
		for (size_t i = 1; i < count; i++)
			cells[i].failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		progress("app: %s of %s in %s over the network on %s", cells[i].load->name,
				 table->app->name, cells->system->name, table->accel);
		if (!cells[i].failed)
			run_from_host(table, &cells[i], &server);
	}
}

static void run_network(struct table *table)
{
	for (size_t i = 0, count; i < table->count; i += count) {
		bool failed = true;
		for (count = 0;
			 i + count < table->count && table->cells[i + count].system == table->cells[i].system;
			 count++)
			failed &= table->cells[i + count].failed;
		if (!failed)
			load_system(table, &table->cells[i], count);
	}
}

static void add(const struct table *table, const struct cell *cell, const char *metric,
				const char *quantile, const char *unit, double value)
{
	_cleanup_free_ char *variant =
		xasprintf("%s/%s%s%s", table->place, cell->load->name, *quantile ? "/" : "", quantile);
	const struct result_key key = {
		.bench = "app",
		.system = cell->system->name,
		.app = table->app->name,
		.variant = variant,
		.metric = metric,
		.unit = unit,
		.accel = table->accel,
	};

	if (bench_wants_of(table->bench, metrics, metric))
		results_add(&table->bench->results, &key, value);
}

static void add_cell(const struct table *table, const struct cell *cell)
{
	for (unsigned run = 0; run < cell->count && !cell->failed; run++) {
		const struct load_result *result = &cell->results[run];
		if (bench_counts(table->accel)) {
			add(table, cell, "instructions_per_request", "", "instructions",
				(double)result->ticks / (double)result->requests);
			continue;
		}
		add(table, cell, "rps", "", "requests/s", (double)result->requests / result->seconds);
		if (!result->latencies)
			continue;
		add(table, cell, "latency", "p50", "s", (double)result->p50 / 1e9);
		add(table, cell, "latency", "p99", "s", (double)result->p99 / 1e9);
	}
}

static void measure(struct bench *bench, const struct app *app, const char *accel,
					const char *place)
{
	bool counts = bench_counts(accel), network = strcmp(place, "network") == 0;
	struct table table = {
		.bench = bench,
		.app = app,
		.accel = accel,
		.place = place,
		.runs = bench_runs(bench, counts ? COUNTED_RUNS : TIMED_RUNS),
		.requests = requests_for(accel),
	};

	/* Under icount the guest's time is not the host's, so from outside nothing can be told. */
	if (!bench_wants_of(bench, places, place) || (counts && network))
		return;
	make_cells(&table);
	for (unsigned run = 0; run < table.runs; run++)
		network ? run_network(&table) : run_loopback(&table);
	for (size_t i = 0; i < table.count; i++) {
		add_cell(&table, &table.cells[i]);
		free(table.cells[i].results);
	}
	free(table.cells);
	results_close(&bench->results);
}

static int run(struct bench *bench, struct error *err)
{
	static const char *const usual[] = {"nginx", "redis", "memcached", NULL};
	static const char *const more[] = {"postgresql", NULL};
	_cleanup_strings_ struct strings names = {0};
	const char *accels[2];
	int count = bench_accels(bench, true, accels, err);

	bench_apps(bench, usual, more, &names);
	for (size_t i = 0; count > 0 && i < names.count; i++) {
		_cleanup_app_ struct app *app = NULL;
		if (app_open(names.items[i], &app, err) < 0) {
			bench_failed(bench, err, "throughput of %s", names.items[i]);
			continue;
		}
		for (int accel = 0; accel < count; accel++)
			for (size_t place = 0; places[place]; place++)
				measure(bench, app, accels[accel], places[place]);
	}
	return count < 0 ? count : 0;
}

/* The loads of all applications. */
static int add_loads(struct strings *ret, struct error *err)
{
	_cleanup_strings_ struct strings names = {0};

	if (app_names(&names, err) < 0)
		return -err->code;
	for (size_t i = 0; i < names.count; i++)
		if (app_load_names(names.items[i], ret, err) < 0)
			return -err->code;
	return 0;
}

static const char *const *const words[] = {places, metrics, NULL};

const struct bench_kind bench_app = {
	.name = "app",
	.summary = "Requests a second and their latency, and the instructions of a request",
	.words = words,
	.more_words = add_loads,
	.run = run,
};
