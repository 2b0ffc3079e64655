// SPDX-License-Identifier: Apache-2.0
/* `lupine bench`: one verb for each row of the table of benches, and `all`. */
#include "bench/bench.h"
#include "base/progress.h"
#include "cli/print.h"
#include "cli/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STATUS_INCOMPLETE = 1, RUNS_MAXIMUM = 1000 };

struct options {
	struct common_options common;
	struct strings apps, only, baselines, peers;
	char *accel, *kernel, *report;
	uint64_t runs;
};

#define BENCH_ROWS                                                                                 \
	{"app",                                                                                        \
	 0,                                                                                            \
	 OPTION_LIST,                                                                                  \
	 "NAME",                                                                                       \
	 "measure this application (default: each bench's own)",                                       \
	 NULL,                                                                                         \
	 offsetof(struct options, apps)},                                                              \
		{"only",                                                                                   \
		 0,                                                                                        \
		 OPTION_LIST,                                                                              \
		 "NAME",                                                                                   \
		 "measure only this metric, variant or test",                                              \
		 NULL,                                                                                     \
		 offsetof(struct options, only)},                                                          \
		{"accel",                                                                                  \
		 0,                                                                                        \
		 OPTION_CHOICE,                                                                            \
		 NULL,                                                                                     \
		 "the processor: hardware (kvm), emulation (tcg) or emulation that counts instructions "   \
		 "(tcg-icount); default: tcg-icount where instructions are of interest, and kvm where it " \
		 "works, else tcg",                                                                        \
		 "kvm|tcg|tcg-icount",                                                                     \
		 offsetof(struct options, accel)},                                                         \
		{"runs",                                                                                   \
		 0,                                                                                        \
		 OPTION_NUMBER,                                                                            \
		 "N",                                                                                      \
		 "repeat each measurement so often (default: each bench's own)",                           \
		 NULL,                                                                                     \
		 offsetof(struct options, runs)},                                                          \
		{"baseline",                                                                               \
		 0,                                                                                        \
		 OPTION_LIST,                                                                              \
		 "NAME=WHAT[,append=TEXT]",                                                                \
		 "compare with a kernel: a configuration (*.config) to build ours from, a Debian kernel "  \
		 "package (*.deb), a vmlinux, an id of the cache, or lupine; TEXT is for its command "     \
		 "line",                                                                                   \
		 NULL,                                                                                     \
		 offsetof(struct options, baselines)},                                                     \
		{"peer",                                                                                   \
		 0,                                                                                        \
		 OPTION_LIST,                                                                              \
		 "NAME=FILE.json",                                                                         \
		 "compare with a foreign image that FILE describes",                                       \
		 NULL,                                                                                     \
		 offsetof(struct options, peers)},                                                         \
	{                                                                                              \
		"kernel", 0, OPTION_TEXT, "KERNEL",                                                        \
			"our kernel: a version such as 6.12, the id of one in the cache, or a vmlinux file",   \
			NULL, offsetof(struct options, kernel)                                                 \
	}

static const struct option_row rows[] = {
	BENCH_ROWS, FORMAT_ROW, QUIET_ROW("show no progress"), HELP_ROW, OPTION_END,
};

static const struct option_row all_rows[] = {
	BENCH_ROWS,
	{"report", 0, OPTION_TEXT, "DIR", "also write results.jsonl, report.md and charts there", NULL,
	 offsetof(struct options, report)},
	FORMAT_ROW,
	QUIET_ROW("show no progress"),
	HELP_ROW,
	OPTION_END,
};

static void add_option(struct buf *text, const char *name, const char *value)
{
	buf_printf(text, " --%s ", name);
	format_quoted(value, text);
}

/* The options that say which systems there are, as they were given. */
static char *system_options(const struct options *options)
{
	_cleanup_buf_ struct buf text = {0};

	if (options->kernel)
		add_option(&text, "kernel", options->kernel);
	for (size_t i = 0; i < options->baselines.count; i++)
		add_option(&text, "baseline", options->baselines.items[i]);
	for (size_t i = 0; i < options->peers.count; i++)
		add_option(&text, "peer", options->peers.items[i]);
	return buf_steal(&text);
}

static int check_names(const struct bench *bench, struct error *err)
{
	for (size_t i = 0; i < bench->system_count; i++)
		for (size_t other = 0; other < i; other++)
			if (strcmp(bench->systems[i].name, bench->systems[other].name) == 0)
				return error_set(err, EINVAL, "two systems have the name %s",
								 bench->systems[i].name);
	return 0;
}

static int add_systems(const struct options *options, struct bench *bench, struct error *err)
{
	size_t most = 1 + options->baselines.count + options->peers.count;

	bench->systems = xcalloc(most, sizeof(*bench->systems));
	if (bench_system_lupine(options->kernel, &bench->systems[0], err) < 0)
		return -err->code;
	bench->system_count = 1;
	for (size_t i = 0; i < options->baselines.count; i++, bench->system_count++)
		if (bench_system_baseline(options->baselines.items[i], &bench->systems[0],
								  &bench->systems[bench->system_count], err) < 0)
			return -err->code;
	for (size_t i = 0; i < options->peers.count; i++, bench->system_count++)
		if (bench_system_peer(options->peers.items[i], &bench->systems[bench->system_count], err) <
			0)
			return -err->code;
	return check_names(bench, err);
}

static int prepare(const struct options *options, struct bench *bench, struct error *err)
{
	if (options->runs > RUNS_MAXIMUM)
		return error_set(err, EINVAL, "option --runs: at most %d", RUNS_MAXIMUM);
	strings_extend(&bench->apps, &options->apps);
	bench->accel = options->accel;
	bench->runs = (unsigned)options->runs;
	bench->results.json = wants_json(&options->common);
	bench->results.options = system_options(options);
	return add_systems(options, bench, err);
}

/* One bench. That it failed does not keep the next from its turn. */
static void measure(const struct bench_kind *kind, struct bench *bench, struct error *err)
{
	if (kind->run(bench, err) < 0)
		bench_failed(bench, err, "%s", kind->name);
	results_close(&bench->results);
}

static int finish(const struct options *options, struct bench *bench, struct error *err)
{
	progress_clear();
	if (!bench->results.json)
		results_print(&bench->results);
	for (size_t i = 0; i < bench->failures.count; i++) {
		error_set(err, EIO, "%s", bench->failures.items[i]);
		error_print(err);
	}
	error_clear(err);
	if (options->report && bench_report(bench, options->report, err) < 0)
		return -err->code;
	return bench->failures.count ? STATUS_INCOMPLETE : 0;
}

static int run_kinds(const struct bench_kind *const kinds[], bool all,
					 const struct options *options, struct error *err)
{
	_cleanup_bench_ struct bench bench = {.all = all};

	strings_extend(&bench.only, &options->only);
	if (bench_check_only(&bench, kinds, err) < 0 || prepare(options, &bench, err) < 0)
		return -err->code;
	for (size_t i = 0; kinds[i]; i++)
		if (bench_wants_kind(&bench, kinds[i]))
			measure(kinds[i], &bench, err);
	return finish(options, &bench, err);
}

static int run_all(void *given, const struct strings *operands, struct error *err)
{
	(void)operands;
	return run_kinds(bench_kinds, true, given, err);
}

/* The verb of a row of the table. */
#define BENCH_VERB(word, phrase, text, shown)                                                      \
	static int run_##word(void *options, const struct strings *operands, struct error *err)        \
	{                                                                                              \
		(void)operands;                                                                            \
		const struct bench_kind *const kinds[] = {&bench_##word, NULL};                            \
		return run_kinds(kinds, false, options, err);                                              \
	}                                                                                              \
	static const struct verb verb_bench_##word = {                                                 \
		.name = "bench " #word,                                                                    \
		.summary = (phrase),                                                                       \
		.description = (text),                                                                     \
		.options = rows,                                                                           \
		.options_size = sizeof(struct options),                                                    \
		.examples = (shown),                                                                       \
		.run = run_##word,                                                                         \
	}

static const struct example size_examples[] = {
	{"lupine bench size --baseline microvm=FILE.config", "our kernel beside Firecracker's"},
	{NULL, NULL},
};
BENCH_VERB(size, "Measure how large kernel, root file system and initramfs are",
		   "The kernel as it is stored (compressed, and stripped), as it is loaded, by subsystem, "
		   "and the options that are set. --only takes metrics: compressed, stripped, loaded, "
		   "options, subsystem, rootfs, initramfs, init.",
		   size_examples);

static const struct example boot_examples[] = {
	{"lupine bench boot --accel tcg-icount", "instructions from power-on, by phase and initcall"},
	{"lupine bench boot --app redis --runs 20", "until redis answers"},
	{NULL, NULL},
};
BENCH_VERB(boot, "Measure the boot, from power-on to the application's first output or answer",
		   "Under tcg-icount in instructions of the guest, where the root is in the initramfs and "
		   "the figures repeat to the digit; else as wall time, with the root on a disk. "
		   "The systems take turns. The initcalls are those of kernels that were built here, whose "
		   "symbols are "
		   "known. --only takes metrics: instructions, initcall, wall.",
		   boot_examples);

static const struct example syscall_examples[] = {
	{"lupine bench syscall --only null --only read", "two of the tests"},
	{NULL, NULL},
};
BENCH_VERB(syscall, "Measure what system calls cost, by lmbench's method",
		   "Each test is run by a static and by a dynamic program, in instructions a call and in "
		   "nanoseconds. --only takes tests: null, read, write, stat, open-close, select, "
		   "sigaction, signal, fork, exec, context-switch, pipe, unix, tcp, page-fault, mmap.",
		   syscall_examples);

static const struct example memory_examples[] = {
	{"lupine bench memory --app redis --only least", "in which redis still answers"},
	{NULL, NULL},
};
BENCH_VERB(
	memory, "Measure the least memory that suffices, and what a machine costs the host",
	"By bisection in whole MiB, the worst of three: a server has to give a right answer to "
	"this host, another program has to write exactly its output and to exit with 0. The "
	"cost is the proportional set size (PSS) of the monitor of an idle machine, which has as "
	"much memory as all the systems surely work with; of one machine and of each of four "
	"at once. --only takes least, pss, one, many.",
	memory_examples);

static const struct example app_examples[] = {
	{"lupine bench app --app redis --only get", "one of the loads"},
	{"lupine bench app --accel tcg-icount", "instructions of a request"},
	{NULL, NULL},
};
BENCH_VERB(app, "Measure requests a second, their latency, and the instructions of a request",
		   "Each load once from this host over the network, and once in the guest over loopback, "
		   "there also in instructions (tcg-icount), which include the client's. The systems take "
		   "turns; where there are two processors, the monitor has one and the load the other. A "
		   "wrong answer fails the load, which then has no figure. --only takes network, loopback, "
		   "rps, latency, instructions_per_request, and the names of loads.",
		   app_examples);

static const struct example degrade_examples[] = {
	{"lupine bench degrade --only threads", "sleeping threads, no processes"},
	{NULL, NULL},
};
BENCH_VERB(degrade, "Measure how many sleeping processes or threads slow down system calls",
		   "1 to 1024 of them on one processor, on our kernel with and without SMP. --only takes "
		   "processes, threads, their numbers 1, 4, 16, 64, 256, 1024, and the tests "
		   "null, context-switch, pipe, fork.",
		   degrade_examples);

static const struct example all_examples[] = {
	{"lupine bench all --report DIR --baseline microvm=FILE.config",
	 "every figure of the paper, as a page with charts"},
	{NULL, NULL},
};
static const struct verb verb_bench_all = {
	.name = "bench all",
	.summary = "Measure everything, and write a report",
	.options = all_rows,
	.options_size = sizeof(struct options),
	.examples = all_examples,
	.run = run_all,
};

static const struct verb *const verbs[] = {
	&verb_bench_size, &verb_bench_boot,    &verb_bench_memory, &verb_bench_syscall,
	&verb_bench_app,  &verb_bench_degrade, &verb_bench_all,    NULL,
};

const struct verb verb_bench = {
	.name = "bench",
	.summary = "Measure size, boot, memory, system calls and throughput, beside other kernels",
	.verbs = verbs,
};
