// SPDX-License-Identifier: Apache-2.0
/* The least memory that an application works in, and what a running machine costs the host. */
#include "base/progress.h"
#include "bench/bench.h"
#include "bench/memory_probe.h"
#include "bench/memory_search.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define MIB (1024.0 * 1024)
static const char *const metrics[] = {"least", "pss", "one", "many", NULL};

enum {
	RUNS = 3,
	GREATEST = 1024,    /* MiB, to try */
	FIRST_LIMIT = 300,  /* seconds for the first boot, of which nothing is known yet */
	LIMIT_FACTOR = 5,   /* times what that took, for those with less memory ... */
	LIMIT_LEAST = 15,   /* ... and at least so many seconds */
	MANY = 4,           /* machines at once */
	SETTLE_SECONDS = 2, /* from the first answer to a machine that idles */
};

/* One system's search. */
struct search {
	struct memory_probe probe;
	uint64_t greatest, found; /* MiB */
	bool failed;
};

static void add(struct bench *bench, const struct search *search, const char *metric,
				const char *variant, double mib)
{
	const struct result_key key = {
		.bench = "memory",
		.system = search->probe.system->name,
		.app = search->probe.app->name,
		.variant = variant,
		.metric = metric,
		.unit = "MiB",
		.accel = search->probe.accel,
		.value = strcmp(metric, "least") == 0 ? VALUE_MAXIMUM : VALUE_MEDIAN,
	};

	results_add(&bench->results, &key, mib);
}

static int not_working(const struct search *search, struct error *err)
{
	return error_set(err, EIO, "it does not work with %llu MiB: %s",
					 (unsigned long long)search->greatest, search->probe.why);
}

static void give_up(struct bench *bench, struct search *search, struct error *err)
{
	search->failed = true;
	bench_failed(bench, err, "memory of %s in %s on %s", search->probe.app->name,
				 search->probe.system->name, search->probe.accel);
}

/* To see that it works at all, in how much that is more than enough, and how long it takes. The
 * application's own memory is enough for our kernel; others need more. */
static void try_first(struct bench *bench, struct search *search)
{
	_cleanup_error_ struct error err = {0};
	int result = memory_probe_works(&search->probe, search->greatest, &err);

	while (result == 0 && search->greatest * 2 <= GREATEST) {
		search->greatest *= 2;
		result = memory_probe_works(&search->probe, search->greatest, &err);
	}
	if (result == 0)
		not_working(search, &err);
	if (result != 1)
		give_up(bench, search, &err);
	search->probe.limit = fmax(LIMIT_LEAST, LIMIT_FACTOR * search->probe.needed);
}

/* All begin with the same memory, which is also what they have when they are weighed. */
static void try_all_first(struct bench *bench, struct search *searches, size_t count)
{
	uint64_t greatest = 0;

	for (size_t i = 0; i < count; i++) {
		try_first(bench, &searches[i]);
		if (!searches[i].failed && searches[i].greatest > greatest)
			greatest = searches[i].greatest;
	}
	for (size_t i = 0; i < count; i++)
		searches[i].greatest = greatest;
}

static void find_least(struct bench *bench, struct search *search)
{
	_cleanup_error_ struct error err = {0};

	progress("memory: the least for %s in %s on %s", search->probe.app->name,
			 search->probe.system->name, search->probe.accel);
	if (memory_search(memory_probe_works, &search->probe, search->greatest, search->found,
					  &search->found, &err) < 0)
		give_up(bench, search, &err);
	else
		add(bench, search, "least", NULL, (double)search->found);
}

/* The mean of what the monitors cost, once all idle. */
static int add_cost(struct bench *bench, const struct search *search, const char *variant,
					const struct server *servers, size_t count, struct error *err)
{
	uint64_t sum = 0, bytes;

	sleep(SETTLE_SECONDS);
	for (size_t i = 0; i < count; i++, sum += bytes)
		if (host_pss(servers[i].guest.monitor, &bytes, err) < 0)
			return -err->code;
	if (bench_wants_of(bench, (const char *const[]){"one", "many", NULL}, variant))
		add(bench, search, "pss", variant, (double)sum / (double)count / MIB);
	return 0;
}

static int start_many(struct bench *bench, struct search *search, struct server servers[MANY],
					  struct error *err)
{
	for (size_t i = 0; i < MANY; i++) {
		int result = memory_start_server(&search->probe, search->greatest, &servers[i], err);
		if (result == 0)
			return not_working(search, err);
		if (result < 0 || (i == 0 && add_cost(bench, search, "one", servers, 1, err) < 0))
			return -err->code;
	}
	return add_cost(bench, search, "many", servers, MANY, err);
}

static void find_cost(struct bench *bench, struct search *search)
{
	_cleanup_error_ struct error err = {0};
	struct server servers[MANY];

	progress("memory: the cost of %s in %s on %s", search->probe.app->name,
			 search->probe.system->name, search->probe.accel);
	for (size_t i = 0; i < MANY; i++)
		servers[i] = SERVER_NONE;
	if (start_many(bench, search, servers, &err) < 0)
		give_up(bench, search, &err);
	for (size_t i = 0; i < MANY; i++)
		server_stop(&servers[i]);
}

/* Peers are compared in the application that they are; their monitor is not known to us, and so is
 * not what it costs. */
static size_t begin(const struct bench *bench, const struct app *app, const char *accel,
					struct search *searches)
{
	size_t count = 0;

	for (size_t i = 0; i < bench->system_count; i++) {
		const struct bench_system *system = &bench->systems[i];
		if (system->peer && strcmp(system->peer->app, app->name) != 0)
			continue;
		searches[count++] = (struct search){
			.probe = {.system = system, .app = app, .accel = accel, .limit = FIRST_LIMIT},
			.greatest = (uint64_t)((double)app->memory / MIB),
		};
	}
	return count;
}

static void measure(struct bench *bench, const struct app *app, const char *accel)
{
	_cleanup_free_ struct search *searches = xcalloc(bench->system_count, sizeof(*searches));
	size_t count = begin(bench, app, accel, searches);
	unsigned runs = bench_runs(bench, RUNS);
	bool least = bench_wants_of(bench, metrics, "least");
	bool cost = app->port &&
				(bench_wants_of(bench, metrics, "pss") || bench_wants_of(bench, metrics, "one") ||
				 bench_wants_of(bench, metrics, "many"));

	if (least || cost)
		try_all_first(bench, searches, count);
	for (unsigned run = 0; run < runs; run++) {
		for (size_t i = 0; i < count; i++) {
			if (least && !searches[i].failed)
				find_least(bench, &searches[i]);
			if (cost && !searches[i].failed && !searches[i].probe.system->peer)
				find_cost(bench, &searches[i]);
		}
	}
	results_close(&bench->results);
	for (size_t i = 0; i < count; i++)
		memory_probe_free(&searches[i].probe);
}

static int run(struct bench *bench, struct error *err)
{
	static const char *const usual[] = {"hello", "nginx", "redis", NULL};
	static const char *const more[] = {"memcached", "postgresql", NULL};
	_cleanup_strings_ struct strings names = {0};
	const char *accels[2];
	int count = bench_accels(bench, false, accels, err);

	bench_apps(bench, usual, more, &names);
	for (size_t i = 0; count > 0 && i < names.count; i++) {
		_cleanup_app_ struct app *app = NULL;
		if (app_open(names.items[i], &app, err) < 0) {
			bench_failed(bench, err, "memory of %s", names.items[i]);
			continue;
		}
		for (int accel = 0; accel < count; accel++)
			measure(bench, app, accels[accel]);
	}
	return count < 0 ? count : 0;
}

static const char *const *const words[] = {metrics, NULL};

const struct bench_kind bench_memory = {
	.name = "memory",
	.summary = "The least memory that an application works in, and what a machine costs the host",
	.words = words,
	.run = run,
};
