// SPDX-License-Identifier: Apache-2.0
#include "kernel/kernel.h"
#include "base/files.h"
#include "base/json.h"
#include "kernel/build.h"
#include "kernel/cache.h"
#include "kernel/plan.h"
#include "kernel/requirements.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Describes the kernel in its directory, where cache_read() finds it again. */
static int write_description(const struct plan *plan, const struct build_result *result,
							 const char *directory, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" KERNEL_JSON, directory);
	const struct kernel kernel = {
		.id = (char *)plan->id,
		.version = plan->version,
		.release = result->release,
		.architecture = (char *)plan->architecture->name,
		.features = plan->features,
		.variants = plan->variants,
		.vmlinux_size = result->vmlinux_size,
		.options = result->options,
		.build_seconds = result->seconds,
		.built = time(NULL),
	};
	_cleanup_json_ json_t *object = kernel_to_json(&kernel);
	_cleanup_free_ char *text = json_dumps(object, JSON_INDENT(2));

	if (!text)
		return error_set(err, ENOMEM, "cannot write %s", path);
	return file_write_atomic(path, text, strlen(text), 0644, err);
}

/* Builds into a staging directory and puts the whole into the cache. */
static int build_and_store(struct plan *plan, bool verbose, struct error *err)
{
	_cleanup_staging_ struct staging staging = STAGING_NONE;
	_cleanup_(build_result_free) struct build_result result = {0};
	_cleanup_free_ char *kernels = NULL;

	if (cache_directory(&kernels, err) < 0 || staging_begin(kernels, &staging, err) < 0 ||
		build_kernel(plan, verbose, staging.path, &result, err) < 0 ||
		write_description(plan, &result, staging.path, err) < 0)
		return -err->code;
	return staging_commit(&staging, NULL, plan->id, err);
}

/* Says at once everything that is missing, not only what was found out first. */
static int check_requirements(const struct kernel_request *request, const struct plan *plan,
							  struct error *err)
{
	_cleanup_strings_ struct strings missing = {0};

	if (request->source)
		requirements_missing(NULL, &missing);
	else
		kernel_missing_packages(plan->version, &missing);
	requirements_missing(&plan->config, &missing);
	return missing.count ? requirements_error(&missing, err) : 0;
}

static int ensure(const struct kernel_request *request, struct plan *plan, struct kernel **ret,
				  struct error *err)
{
	if (plan_configuration(request, plan, err) < 0)
		return -err->code;
	/* Without compiler or source there is no id; what else is missing is then worth knowing too. */
	if (plan_identify(request, plan, err) < 0) {
		check_requirements(request, plan, err);
		return -err->code;
	}
	_cleanup_error_ struct error absent = {0};
	if (cache_read(plan->id, ret, &absent) == 0)
		return 0;
	if (check_requirements(request, plan, err) < 0)
		return -err->code;
	_cleanup_close_ int lock = kernel_lock("kernel", plan->id, "the build of this kernel", err);
	if (lock < 0)
		return lock;
	if (cache_read(plan->id, ret, &absent) == 0)
		return 0;
	/* One that somebody damaged makes room. */
	if (cache_discard(plan->id, err) < 0 || build_and_store(plan, request->verbose, err) < 0)
		return -err->code;
	return cache_read(plan->id, ret, err);
}

int kernel_ensure(const struct kernel_request *request, struct kernel **ret, struct error *err)
{
	_cleanup_plan_ struct plan plan = {0};

	if (ensure(request, &plan, ret, err) < 0)
		return error_wrap(err, "kernel %s", plan.version);
	return 0;
}
