// SPDX-License-Identifier: Apache-2.0
#include "cli/compose.h"
#include "cli/bundle.h"
#include "kernel/kernel.h"
#include "rootfs/rootfs.h"
#include "vmm/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNTED_HOSTNAME "lupine"
#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	MEMORY_MINIMUM = 32 << 20, /* with 28 MiB our general kernel hangs, with 24 it resets */
	CPUS_MAXIMUM = 255,        /* of QEMU's microvm without x2APIC */
	HOSTNAME_MAXIMUM = 64,     /* of sethostname(2) on Linux */
};

int origin_open(const char *reference, struct origin *ret, struct error *err)
{
	const struct image_options options = {0};

	if (bundle_is_here(reference))
		return bundle_open(reference, ret, err);
	int error = image_open(reference, &options, &ret->image, err);
	if (error < 0)
		explain_reference(reference, err);
	return error;
}

void origin_free(struct origin *origin)
{
	image_free(&origin->image);
	machine_free(&origin->built);
}

static void replace(char **text, const char *with)
{
	if (!with)
		return;
	free(*text);
	*text = xstrdup(with);
}

/* What the command line says differently from the image, by docker's rules: arguments take the
 * place of Cmd; an entrypoint that of Entrypoint and Cmd; an empty one of Entrypoint alone. */
static int override_config(const struct specification *given, const struct strings *arguments,
						   struct image_config *config, struct error *err)
{
	if (compose_environment(&given->env_files, &given->env, &config->env, err) < 0)
		return -err->code;
	if (given->entrypoint) {
		strings_free(&config->entrypoint);
		strings_free(&config->cmd);
		if (*given->entrypoint)
			strings_add(&config->entrypoint, given->entrypoint);
	}
	if (arguments->count) {
		strings_free(&config->cmd);
		strings_extend(&config->cmd, arguments);
	}
	if (given->working_dir && *given->working_dir != '/')
		return error_set(err, EINVAL, "option --workdir: \"%s\" is not an absolute path",
						 given->working_dir);
	replace(&config->working_dir, given->working_dir);
	replace(&config->user, given->user);
	replace(&config->stop_signal, given->stop_signal);
	return 0;
}

static int check_hostname(const char *name, struct error *err)
{
	size_t length =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");

	if (!*name || name[length] || length > HOSTNAME_MAXIMUM)
		return error_set(err, EINVAL,
						 "option --hostname: \"%s\" is not 1 to %d letters, digits, '-' and '.'",
						 name, HOSTNAME_MAXIMUM);
	return 0;
}

static int compose_command(const struct image *image, struct strings *argv, struct error *err)
{
	strings_free(argv);
	strings_extend(argv, &image->config.entrypoint);
	strings_extend(argv, &image->config.cmd);
	if (argv->count && !*argv->items[0])
		return error_set(err, EINVAL, "the command that %s would run has an empty name",
						 image->reference);
	return 0;
}

/* Adds NAME=VALUE unless the name is set. */
static void set_default(struct strings *environment, const char *assignment)
{
	_cleanup_free_ char *name = xstrndup(assignment, strcspn(assignment, "="));

	if (!strings_get_env(environment, name))
		strings_add(environment, assignment);
}

static void environment_defaults(struct application *application)
{
	_cleanup_free_ char *hostname = xasprintf("HOSTNAME=%s", application->hostname);
	const char *terminal = getenv("TERM");
	_cleanup_free_ char *term = xasprintf("TERM=%s", terminal && *terminal ? terminal : "xterm");

	set_default(&application->env, DEFAULT_PATH);
	set_default(&application->env, hostname);
	if (application->terminal)
		set_default(&application->env, term);
}

/* With a read-only root, what has to be writable in any system, and what the image says so of. */
static void compose_tmpfs(const struct image_config *config, struct strings *tmpfs)
{
	static const char *const always[] = {"/tmp", "/run"};

	strings_free(tmpfs);
	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		strings_add(tmpfs, always[i]);
	for (size_t i = 0; i < config->volumes.count; i++)
		if (!strings_contain(tmpfs, config->volumes.items[i]))
			strings_add(tmpfs, config->volumes.items[i]);
}

static int compose_application(const struct image *image, const struct specification *given,
							   struct machine *machine, struct error *err)
{
	struct application *application = &machine->application;
	const struct image_config *config = &image->config;

	if (compose_command(image, &application->argv, err) < 0)
		return -err->code;
	image_user_free(&application->user);
	if (image_resolve_user(image->tree, config->user ? config->user : "", &application->user, err) <
		0)
		return -err->code;
	free(application->cwd);
	application->cwd =
		xasprintf("%s%s", config->working_dir && *config->working_dir == '/' ? "" : "/",
				  config->working_dir ? config->working_dir : "");
	if (given->hostname && check_hostname(given->hostname, err) < 0)
		return -err->code;
	replace(&application->hostname, given->hostname);
	/* The kernel's random numbers begin with the host's name, and all that depends on them follows:
	 * where instructions are counted, it is not to differ each time. */
	const char *accel = given->accel ? given->accel : machine->accel;
	if (!application->hostname)
		application->hostname =
			xstrdup(strcmp(accel, "tcg-icount") == 0 ? COUNTED_HOSTNAME : machine->id);
	strings_free(&application->env);
	strings_extend(&application->env, &config->env);
	environment_defaults(application);
	for (size_t i = 0; i < given->ulimits.count; i++) {
		struct machine_limit limit;
		if (machine_parse_limit(given->ulimits.items[i], &limit, err) < 0)
			return error_wrap(err, "option --ulimit");
		machine_set_limit(application, &limit);
	}
	machine_default_limits(application);
	if (machine->disk.read_only)
		compose_tmpfs(config, &application->tmpfs);
	else
		strings_free(&application->tmpfs);
	return 0;
}

static int compose_ports(const struct strings *publish, struct machine *machine, struct error *err)
{
	if (!publish->count)
		return 0;
	for (size_t i = 0; i < machine->port_count; i++)
		free(machine->ports[i].address);
	free(machine->ports);
	machine->port_count = 0;
	machine->ports = xcalloc(publish->count, sizeof(*machine->ports));
	for (size_t i = 0; i < publish->count; i++) {
		if (machine_parse_port(publish->items[i], &machine->ports[i], err) < 0)
			return error_wrap(err, "option --publish");
		machine->port_count++;
	}
	return 0;
}

static int compose_hardware(const struct specification *given, struct machine *machine,
							struct error *err)
{
	const struct vmm *vmm;

	if (given->memory && given->memory < MEMORY_MINIMUM)
		return error_set(err, EINVAL, "option --memory: no machine runs with less than %d MiB",
						 MEMORY_MINIMUM >> 20);
	if (given->cpus > CPUS_MAXIMUM)
		return error_set(err, EINVAL, "option --cpus: a machine has at most %d processors",
						 CPUS_MAXIMUM);
	if (given->memory)
		machine->memory = given->memory;
	if (given->cpus)
		machine->cpus = (unsigned)given->cpus;
	if (vmm_find(given->vmm ? given->vmm : machine->vmm, &vmm, err) < 0)
		return error_wrap(err, "option --vmm");
	replace(&machine->vmm, vmm->name);
	replace(&machine->accel, given->accel);
	replace(&machine->append, given->append);
	return compose_ports(&given->publish, machine, err);
}

static int compose_stop(const struct image_config *config, const struct specification *given,
						struct machine *machine, struct error *err)
{
	uint64_t seconds = machine->stop_timeout;
	int signal = image_parse_signal(config->stop_signal, err);

	if (signal < 0)
		return given->stop_signal ? error_wrap(err, "option --stop-signal") : signal;
	if (given->stop_timeout && parse_number(given->stop_timeout, 0, INT32_MAX, &seconds, err) < 0)
		return error_wrap(err, "option --stop-timeout");
	machine->stop_signal = signal;
	machine->stop_timeout = (unsigned)seconds;
	return 0;
}

int compose_kernel(const char *description, struct machine *machine, struct error *err)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;

	int error = kernel_open(description, &kernel, err);
	if (error < 0)
		return description ? error_wrap(err, "option --kernel") : error;
	char *path = realpath(kernel->vmlinux, NULL);
	if (!path)
		return error_errno(err, errno, "%s", kernel->vmlinux);
	free(machine->kernel);
	machine->kernel = path;
	free(machine->kernel_id);
	machine->kernel_id = steal(&kernel->id);
	machine->acpi = kernel->acpi;
	strings_free(&machine->modules);
	strings_extend(&machine->modules, &kernel->modules);
	return 0;
}

/* Takes over what was built and does not come from the image's configuration. */
static void take_built(const struct machine *built, struct machine *machine)
{
	machine->memory = built->memory;
	machine->cpus = built->cpus;
	machine->stop_timeout = built->stop_timeout;
	machine->kernel_mode = built->kernel_mode;
	machine->disk.read_only = built->disk.read_only;
	replace(&machine->accel, built->accel);
	replace(&machine->vmm, built->vmm);
	replace(&machine->append, built->append);
	replace(&machine->image, built->image);
	replace(&machine->image_digest, built->image_digest);
	replace(&machine->application.hostname, built->application.hostname);
	machine->ports = xcalloc(built->port_count, sizeof(*machine->ports));
	machine->port_count = built->port_count;
	for (size_t i = 0; i < built->port_count; i++) {
		machine->ports[i] = built->ports[i];
		if (built->ports[i].address)
			machine->ports[i].address = xstrdup(built->ports[i].address);
	}
	for (size_t i = 0; i < built->application.limit_count; i++)
		machine_set_limit(&machine->application, &built->application.limits[i]);
}

int compose_machine(struct origin *origin, const struct specification *given,
					const struct strings *arguments, struct machine *machine, struct error *err)
{
	struct image *image = origin->image;

	replace(&machine->image, image->reference);
	replace(&machine->image_digest, image->digest);
	if (origin->built)
		take_built(origin->built, machine);
	if (given->read_only)
		machine->disk.read_only = given->read_only > 0;
	if (given->kernel_mode)
		machine->kernel_mode = given->kernel_mode > 0;
	if (override_config(given, arguments, &image->config, err) < 0 ||
		compose_application(image, given, machine, err) < 0 ||
		compose_hardware(given, machine, err) < 0 ||
		compose_stop(&image->config, given, machine, err) < 0)
		return -err->code;
	if (origin->built && !given->kernel) {
		replace(&machine->kernel, origin->built->kernel);
		replace(&machine->kernel_id, origin->built->kernel_id);
		machine->acpi = origin->built->acpi;
		return 0;
	}
	return compose_kernel(given->kernel, machine, err);
}

static int write_own_disk(const struct tree *tree, const struct rootfs_options *options,
						  const char *path, struct error *err)
{
	struct rootfs_stats stats;
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_errno(err, errno, "cannot create %s", path);
	return rootfs_write(tree, options, fd, &stats, err);
}

int compose_disk(const struct origin *origin, const struct specification *given, const char *own,
				 struct machine_disk *ret, struct error *err)
{
	struct rootfs_options options = {.type = ROOTFS_EXT2, .size = given->disk_size};

	if (origin->built) {
		if (given->filesystem || given->disk_size) {
			error_set(err, EINVAL,
					  "%s has a disk already, which --fs and --disk-size cannot change",
					  origin->image->reference);
			return error_hint(err, "give them to `lupine build`");
		}
		replace(&ret->path, origin->built->disk.path);
		replace(&ret->type, origin->built->disk.type);
		return 0;
	}
	if (given->filesystem && rootfs_type_parse(given->filesystem, &options.type, err) < 0)
		return error_wrap(err, "option --fs");
	replace(&ret->type, rootfs_type_name(options.type));
	free(ret->path);
	ret->path = NULL;
	if (origin->image->digest)
		return rootfs_cached(origin->image, &options, &ret->path, err);
	ret->path = xstrdup(own);
	return write_own_disk(origin->image->tree, &options, own, err);
}
