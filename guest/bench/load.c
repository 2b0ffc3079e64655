// SPDX-License-Identifier: Apache-2.0
/*
 * load PROTOCOL [OPTION...] [--serve COMMAND ARG...]
 * load exec [OPTION...] -- COMMAND ARG... [--serve COMMAND ARG...]
 *
 * Waits until a server answers, asks it the same again and again, checks every answer, and prints
 *   {"requests":N,"errors":0,"seconds":S,"ticks":T,"p50_ns":..,"p90_ns":..,"p99_ns":..,"max_ns":..,
 *    "ready_ticks":T}
 * ticks and seconds: around the measured requests. ready_ticks: the time stamp counter when the
 * first right answer had come. Anything wrong: words on standard error, status 1, no object.
 *
 * With exec another program asks, once the server is up and the shell lines of --prepare are done;
 * its latencies are null, for only that program knows them, and its start is measured too.
 */
#include "guest/bench/load.h"
#include "guest/init.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct protocol *const protocols[] = {
	&redis_ping, &redis_get, &redis_set, &http, &memcached_get, &memcached_set, &postgresql, NULL,
};

static const char usage[] =
	"usage: load PROTOCOL [OPTION...] [--serve COMMAND ARG...]\n"
	"       load exec [OPTION...] -- COMMAND ARG... [--serve COMMAND ARG...]\n"
	"PROTOCOL: redis-ping redis-get redis-set http memcached-get memcached-set postgresql\n"
	"  --target HOST:PORT  an IPv4 address (127.0.0.1 and the protocol's port)\n"
	"  --port PORT         the same on 127.0.0.1\n"
	"  --requests N        to measure (1000)\n"
	"  --warmup N          before these, of which nothing is counted (a tenth)\n"
	"  --connections N     at the same time (1)\n"
	"  --pipeline N        requests that a connection sends at once (1)\n"
	"  --keep-alive        http: not a connection a request\n"
	"  --wait SECONDS      for the server to be up, and for any answer (10)\n"
	"  --serve COMMAND     start it first and end it afterwards; last\n"
	"exec only; {host} {port} {requests} {connections} {each} are filled in:\n"
	"  --ready PROTOCOL    with which to see whether the server is up; its port, too\n"
	"  --prepare LINE      for the shell, before it is measured; again and again\n"
	"  --expect TEXT       that the command has to write\n";

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void sleep_ms(unsigned milliseconds)
{
	nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000,
								 .tv_nsec = (long)(milliseconds % 1000) * 1000000},
			  NULL);
}

static _Noreturn void give_up(void)
{
	fprintf(stderr, "load: %s\n", complaint());
	exit(1);
}

static _Noreturn void reject(const char *what, const char *word)
{
	fprintf(stderr, "load: %s: \"%s\"\n%s", what, word, usage);
	exit(2);
}

static const struct protocol *find_protocol(const char *name)
{
	for (unsigned i = 0; protocols[i]; i++)
		if (strcmp(protocols[i]->name, name) == 0)
			return protocols[i];
	reject("no such protocol", name);
}

static unsigned parse_number(const char *text, unsigned least, unsigned most)
{
	char *end;

	errno = 0;
	unsigned long number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || number < least || number > most)
		reject("a number that is wrong, or too great or small", text);
	return (unsigned)number;
}

static void parse_target(const char *text, struct settings *settings)
{
	const char *colon = strchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : sizeof(settings->host);

	if (length >= sizeof(settings->host))
		reject("no IPv4 address and port", text);
	memcpy(settings->host, text, length);
	settings->host[length] = '\0';
	if (inet_pton(AF_INET, settings->host, &settings->target.sin_addr) != 1)
		reject("not an IPv4 address", text);
	settings->target.sin_port = htons((uint16_t)parse_number(colon + 1, 1, 65535));
}

static void add_prepare(char *line, struct settings *settings)
{
	if (settings->prepare_count == PREPARE_LIMIT)
		reject("too many lines to prepare", line);
	settings->prepare[settings->prepare_count++] = line;
}

/* Options with a number. */
static bool parse_numeric(const char *name, const char *value, struct settings *settings)
{
	const struct {
		const char *name;
		unsigned *value;
		unsigned least, most;
	} options[] = {
		{"--requests", &settings->requests, 1, REQUEST_LIMIT},
		{"--warmup", &settings->warmup, 0, REQUEST_LIMIT},
		{"--connections", &settings->connections, 1, CONNECTION_LIMIT},
		{"--pipeline", &settings->pipeline, 1, PIPELINE_LIMIT},
		{"--wait", &settings->wait, 1, 86400},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(name, options[i].name) == 0) {
			*options[i].value = parse_number(value, options[i].least, options[i].most);
			return true;
		}
	return false;
}

static void set_ready(const char *name, struct settings *settings)
{
	settings->ready = find_protocol(name);
	if (!settings->target.sin_port)
		settings->target.sin_port = htons(settings->ready->port);
}

static void parse_option(const char *name, char *value, struct settings *settings)
{
	bool exec = !settings->protocol;

	if (!value)
		reject("an option without its value", name);
	if (parse_numeric(name, value, settings))
		return;
	if (strcmp(name, "--target") == 0)
		parse_target(value, settings);
	else if (strcmp(name, "--port") == 0)
		settings->target.sin_port = htons((uint16_t)parse_number(value, 1, 65535));
	else if (exec && strcmp(name, "--ready") == 0)
		set_ready(value, settings);
	else if (exec && strcmp(name, "--prepare") == 0)
		add_prepare(value, settings);
	else if (exec && strcmp(name, "--expect") == 0)
		settings->expect = value;
	else
		reject("no such option", name);
}

/* The command of exec, which ends where --serve begins. */
static char **parse_command(char **words, struct settings *settings)
{
	settings->command = words;
	while (*words && strcmp(*words, "--serve") != 0)
		words++;
	if (words == settings->command)
		reject("no command behind", "--");
	return words;
}

static void parse_serve(char **words, struct settings *settings)
{
	if (!words[0])
		return;
	if (!words[1])
		reject("no command behind", words[0]);
	settings->serve = words + 1;
	words[0] = NULL; /* where the command of exec ends */
}

static void check_settings(struct settings *settings)
{
	if (!settings->protocol && !settings->command)
		reject("exec without", "-- COMMAND");
	if (!settings->target.sin_port)
		reject("exec needs the port of the server", "--port");
	if (settings->protocol && settings->protocol->closes && settings->pipeline > 1 &&
		!settings->keep_alive)
		reject("a pipeline without", "--keep-alive");
	if (!settings->protocol && settings->requests % settings->connections != 0)
		reject("requests that are not the same for each connection", "--requests");
	if (settings->warmup == UINT32_MAX)
		settings->warmup = settings->requests / 10;
}

static void parse(int argc, char **argv, struct settings *settings)
{
	if (argc < 2)
		reject("nothing to do", "");
	if (strcmp(argv[1], "exec") != 0)
		settings->protocol = find_protocol(argv[1]);
	if (settings->protocol)
		settings->target.sin_port = htons(settings->protocol->port);
	char **words = argv + 2;
	while (*words && strcmp(*words, "--serve") != 0) {
		if (strcmp(*words, "--keep-alive") == 0) {
			settings->keep_alive = true;
			words++;
		} else if (!settings->protocol && strcmp(*words, "--") == 0) {
			words = parse_command(words + 1, settings);
		} else {
			parse_option(words[0], words[1], settings);
			words += 2;
		}
	}
	parse_serve(words, settings);
	check_settings(settings);
}

static int by_size(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* The least latency that this share of all does not exceed. */
static unsigned long long quantile(const uint64_t *sorted, unsigned count, unsigned percent,
								   double ns_per_tick)
{
	unsigned index = (unsigned)(((uint64_t)count * percent + 99) / 100) - 1;

	return (unsigned long long)((double)sorted[index] * ns_per_tick);
}

struct figures {
	double seconds;
	uint64_t ticks, ready_ticks;
};

static void print(const struct settings *settings, const struct figures *figures,
				  uint64_t *latencies)
{
	static const struct {
		const char *name;
		unsigned percent;
	} quantiles[] = {{"p50_ns", 50}, {"p90_ns", 90}, {"p99_ns", 99}, {"max_ns", 100}};
	unsigned count = settings->requests;
	double ns_per_tick = figures->ticks ? figures->seconds * 1e9 / (double)figures->ticks : 0;

	printf("{\"requests\":%u,\"errors\":0,\"seconds\":%.9f,\"ticks\":%llu", count, figures->seconds,
		   (unsigned long long)figures->ticks);
	if (latencies)
		qsort(latencies, count, sizeof(*latencies), by_size);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		if (latencies)
			printf(",\"%s\":%llu", quantiles[i].name,
				   quantile(latencies, count, quantiles[i].percent, ns_per_tick));
		else
			printf(",\"%s\":null", quantiles[i].name);
	printf(",\"ready_ticks\":%llu}\n", (unsigned long long)figures->ready_ticks);
	if (fflush(stdout) != 0) {
		perror("load: standard output");
		exit(1);
	}
}

/* Stores need what is asked for. */
static int fill_keys(const struct settings *settings, int timeout)
{
	struct run run;

	if (!settings->protocol->prepare)
		return 0;
	run_begin(&run, settings, settings->protocol->prepare, 1, 1, timeout);
	int result = run_requests(&run, KEYS, NULL);
	run_end(&run);
	return result;
}

static int measure(const struct settings *settings, struct figures *ret, uint64_t *latencies)
{
	int timeout = (int)settings->wait * 1000;
	struct run run;

	if (fill_keys(settings, timeout) < 0)
		return -1;
	run_begin(&run, settings, settings->protocol, settings->connections, settings->pipeline,
			  timeout);
	int result = settings->protocol->closes && !settings->keep_alive ? 0 : run_connect(&run);
	if (result == 0 && settings->warmup)
		result = run_requests(&run, settings->warmup, NULL);
	double began = seconds_now();
	uint64_t first = ticks_now();
	if (result == 0)
		result = run_requests(&run, settings->requests, latencies);
	ret->ticks = ticks_now() - first;
	ret->seconds = seconds_now() - began;
	run_end(&run);
	return result;
}

static int measure_exec(const struct settings *settings, struct figures *ret)
{
	if (exec_prepare(settings) < 0)
		return -1;
	double began = seconds_now();
	uint64_t first = ticks_now();
	int result = exec_command(settings);
	ret->ticks = ticks_now() - first;
	ret->seconds = seconds_now() - began;
	return result;
}

int main(int argc, char **argv)
{
	struct settings settings = {
		.requests = 1000,
		.warmup = UINT32_MAX,
		.connections = 1,
		.pipeline = 1,
		.wait = 10,
		.host = "127.0.0.1",
		.target = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	struct figures figures = {0};
	uint64_t *latencies = NULL;

	parse(argc, argv, &settings);
	signal(SIGPIPE, SIG_IGN);
	if (settings.serve)
		server_start(settings.serve);
	const struct protocol *protocol = settings.protocol ? settings.protocol : settings.ready;
	if (protocol && protocol->prepare)
		protocol = protocol->prepare;
	figures.ready_ticks = server_wait(&settings, protocol);
	if (!figures.ready_ticks)
		give_up();
	if (settings.protocol) {
		latencies = calloc(settings.requests, sizeof(*latencies));
		if (!latencies || measure(&settings, &figures, latencies) < 0)
			give_up();
	} else if (measure_exec(&settings, &figures) < 0) {
		give_up();
	}
	if (server_check() < 0)
		give_up();
	print(&settings, &figures, latencies);
	free(latencies);
	return 0;
}
