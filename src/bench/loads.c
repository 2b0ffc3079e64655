// SPDX-License-Identifier: Apache-2.0
#include "bench/loads.h"
#include "base/json.h"
#include "base/paths.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#define IN_GUEST "/bench/load"

/* Options go right behind the protocol: a command may follow, and --serve takes the rest. */
static void add_words(const char *program, const struct strings *args,
					  const struct strings *options, struct strings *ret)
{
	strings_add(ret, program);
	for (size_t i = 0; i < args->count; i++) {
		strings_add(ret, args->items[i]);
		if (i == 0)
			strings_extend(ret, options);
	}
}

static void add_number(struct strings *options, const char *name, unsigned number)
{
	if (!number)
		return;
	strings_add(options, name);
	strings_addf(options, "%u", number);
}

void load_in_guest(const struct strings *args, unsigned requests, unsigned wait,
				   const struct strings *server, struct strings *ret)
{
	_cleanup_strings_ struct strings options = {0};

	add_number(&options, "--requests", requests);
	add_number(&options, "--wait", wait);
	add_words(IN_GUEST, args, &options, ret);
	strings_add(ret, "--serve");
	strings_extend(ret, server);
}

static int get_latencies(const json_t *object, const char *name, struct load_result *ret,
						 struct error *err)
{
	int64_t p50 = -1, p99 = 0, max = 0;

	/* Null when another program asked, which alone knows them. */
	if (json_get_integer(object, name, "p50_ns", JSON_OPTIONAL, 0, INT64_MAX, &p50, err) < 0 ||
		json_get_integer(object, name, "p99_ns", JSON_OPTIONAL, 0, INT64_MAX, &p99, err) < 0 ||
		json_get_integer(object, name, "max_ns", JSON_OPTIONAL, 0, INT64_MAX, &max, err) < 0)
		return -err->code;
	ret->latencies = p50 >= 0;
	if (!ret->latencies)
		return 0;
	ret->p50 = (uint64_t)p50;
	ret->p99 = (uint64_t)p99;
	ret->max = (uint64_t)max;
	return 0;
}

int load_parse(const char *output, struct load_result *ret, struct error *err)
{
	static const char name[] = "the load's figures";
	_cleanup_json_ json_t *object = NULL;
	struct load_result result = {0};
	int64_t requests, errors, ticks, ready;
	size_t length = strlen(output);

	while (length && output[length - 1] == '\n')
		length--;
	const char *newline = memrchr(output, '\n', length);
	const char *line = newline ? newline + 1 : output;
	if (json_parse(line, length - (size_t)(line - output), name, &object, err) < 0 ||
		json_get_integer(object, name, "requests", JSON_REQUIRED, 1, INT64_MAX, &requests, err) <
			0 ||
		json_get_integer(object, name, "errors", JSON_REQUIRED, 0, 0, &errors, err) < 0 ||
		json_get_integer(object, name, "ticks", JSON_REQUIRED, 1, INT64_MAX, &ticks, err) < 0 ||
		json_get_integer(object, name, "ready_ticks", JSON_REQUIRED, 1, INT64_MAX, &ready, err) <
			0 ||
		get_latencies(object, name, &result, err) < 0)
		return -err->code;
	const json_t *seconds = json_object_get(object, "seconds");
	if (!json_is_number(seconds) || !(json_number_value(seconds) > 0))
		return error_set(err, EINVAL, "%s: \"seconds\" is not a number above 0", name);
	result.requests = (uint64_t)requests;
	result.ticks = (uint64_t)ticks;
	result.ready_ticks = (uint64_t)ready;
	result.seconds = json_number_value(seconds);
	*ret = result;
	return 0;
}

static int judge(struct host_process *load, enum host_event event,
				 const struct load_request *request, struct load_result *ret, struct error *err)
{
	if (event == HOST_OTHER_ENDED)
		return error_set(err, ESRCH, "the server ended under load");
	if (event == HOST_LATE)
		return error_set(err, ETIMEDOUT, "the load did not end in %g seconds", request->timeout);
	int status = host_status(load);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return load_parse(load->text.length ? load->text.data : "", ret, err);
	const char *last = host_last_line(load);
	if (*last)
		return error_set(err, ECHILD, "%s", last);
	return error_set(err, ECHILD, "load: ended with %s %d",
					 WIFSIGNALED(status) ? "signal" : "status",
					 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

int load_run(const struct load_request *request, struct load_result *ret, struct error *err)
{
	_cleanup_host_process_ struct host_process load = HOST_PROCESS_NONE;
	_cleanup_strings_ struct strings options = {0}, argv = {0};
	_cleanup_free_ char *program = NULL;

	if (path_data("guest/bench/load", &program, err) < 0)
		return -err->code;
	strings_add(&options, "--target");
	strings_addf(&options, "127.0.0.1:%u", request->port);
	add_number(&options, "--requests", request->requests);
	add_number(&options, "--wait", request->wait);
	add_words(program, request->args, &options, &argv);
	if (host_start(&argv, request->processor, &load, err) < 0)
		return -err->code;
	enum host_event event =
		host_wait(&load, NULL, request->server, host_seconds() + request->timeout);
	return judge(&load, event, request, ret, err);
}
