// SPDX-License-Identifier: Apache-2.0
/* A machine's directory: made, locked, saved, removed. */
#include "machine/machine.h"
#include "base/files.h"
#include "base/json.h"
#include "base/paths.h"
#include "machine/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_MEMORY (256ull * 1024 * 1024)
#define DEFAULT_STOP_TIMEOUT 10 /* seconds, docker's */

int machine_directory(char **ret, struct error *err)
{
	return path_state("machines", ret, err);
}

int machine_write_file(const char *directory, const char *name, const char *text, bool durable,
					   struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, name);
	/* No other process writes at the same time: whoever does holds the machine's lock. */
	_cleanup_free_ char *fresh = xasprintf("%s/%s.new", directory, name);

	if (durable)
		return file_write_atomic(path, text, strlen(text), 0600, err);
	_cleanup_close_ int fd =
		open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, errno, "cannot create %s", fresh);
	int error = fd_write_all(fd, text, strlen(text), err);
	if (error < 0)
		return error_wrap(err, "%s", fresh);
	return rename(fresh, path) < 0 ? error_errno(err, errno, "cannot rename %s", fresh) : 0;
}

static void random_id(char id[MACHINE_ID_LENGTH + 1])
{
	uint8_t bytes[MACHINE_ID_LENGTH / 2];

	/* Cannot fail or be short for so few bytes (getrandom(2)), except before the first entropy of
	 * a boot, where it waits. */
	while (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

int machine_remove_directory(const char *directory, const char *id, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", directory, id);
	_cleanup_free_ char *away = xasprintf("%s/.removed-%s", directory, id);

	if (rename(path, away) < 0)
		return error_errno(err, errno, "cannot remove %s", path);
	return directory_remove(away, err);
}

/* True for what only a killed process can have left; `lock` is held on it. */
static bool is_leftover(const char *directory, const char *id)
{
	_cleanup_machine_ struct machine *machine = NULL;
	_cleanup_error_ struct error err = {0};
	int error = machine_load(directory, id, &machine, &err);

	return error == -ENOENT || (error == 0 && !machine->keep);
}

/* What is damaged is left for the user to look at. Errors do not matter: the next one tries again.
 */
static void sweep(const char *directory)
{
	_cleanup_strings_ struct strings ids = {0};
	_cleanup_error_ struct error err = {0};

	if (machine_ids(directory, &ids, &err) < 0)
		return;
	for (size_t i = 0; i < ids.count; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s/lock", directory, ids.items[i]);
		if (!is_leftover(directory, ids.items[i]))
			continue;
		_cleanup_close_ int lock = file_lock(path, false, &err);
		/* Asked again: it may have been saved before we had the lock. */
		if (lock >= 0 && is_leftover(directory, ids.items[i]))
			machine_remove_directory(directory, ids.items[i], &err);
	}
	machine_sweep_removed(directory);
}

static int claim_name(const char *directory, const char *name, struct error *err)
{
	_cleanup_strings_ struct strings ids = {0};
	int error = machine_ids(directory, &ids, err);

	for (size_t i = 0; error == 0 && i < ids.count; i++) {
		_cleanup_free_ char *other = machine_claimed_name(directory, ids.items[i]);
		if (!other || strcmp(other, name) != 0)
			continue;
		error_set(err, EEXIST, "the name %s is in use by the machine %s", name, ids.items[i]);
		return error_hint(err, "`lupine rm %s` removes that one; `lupine start %s` starts it again",
						  name, name);
	}
	return error;
}

/* The directory, with its name if it has one beside its id; returns its lock. Called with the lock
 * on all machines held. */
static int make_directory(const char *path, const char *name, struct error *err)
{
	_cleanup_free_ char *lock_path = xasprintf("%s/lock", path);

	/* Environments and disks hold secrets. */
	if (mkdir(path, 0700) < 0)
		return error_errno(err, errno, "cannot make %s", path);
	_cleanup_close_ int lock = file_lock(lock_path, false, err);
	if (lock < 0)
		return lock;
	int error = name ? machine_write_file(path, "name", name, true, err) : 0;
	if (error < 0)
		return error;
	int held = lock;
	lock = -1;
	return held;
}

static struct machine *machine_with_defaults(const char *id, const char *name, const char *path)
{
	struct machine *machine = xcalloc(1, sizeof(*machine));

	machine->id = xstrdup(id);
	machine->name = xstrdup(name);
	machine->directory = xstrdup(path);
	machine->vmm = xstrdup("qemu");
	machine->accel = xstrdup("auto");
	machine->initramfs = xasprintf("%s/initramfs.cpio", path);
	machine->memory = DEFAULT_MEMORY;
	machine->cpus = 1;
	machine->stop_signal = SIGTERM;
	machine->stop_timeout = DEFAULT_STOP_TIMEOUT;
	machine->created = time(NULL);
	machine->lock = -1;
	return machine;
}

int machine_new(const char *name, struct machine **ret, struct error *err)
{
	_cleanup_free_ char *directory = NULL, *guard_path = NULL, *path = NULL;
	_cleanup_close_ int guard = -1;
	char id[MACHINE_ID_LENGTH + 1];

	random_id(id);
	if (!name || !*name)
		name = id;
	if (!machine_name_is_valid(name)) {
		error_set(err, EINVAL, "\"%s\" cannot be a machine's name", name);
		return error_hint(err,
						  "a name is a letter or digit, then letters, digits, '_', '.', '-', "
						  "at most %d in all",
						  MACHINE_NAME_MAX);
	}
	int error = machine_directory(&directory, err);
	if (error < 0)
		return error;
	guard_path = xasprintf("%s/.lock", directory);
	guard = file_lock(guard_path, true, err);
	if (guard < 0)
		return guard;
	sweep(directory);
	error = claim_name(directory, name, err);
	if (error < 0)
		return error;
	path = xasprintf("%s/%s", directory, id);
	int lock = make_directory(path, name == id ? NULL : name, err);
	if (lock < 0)
		return lock;
	*ret = machine_with_defaults(id, name, path);
	(*ret)->lock = lock;
	return 0;
}

static void application_free(struct application *application)
{
	strings_free(&application->argv);
	strings_free(&application->env);
	strings_free(&application->tmpfs);
	free(application->cwd);
	free(application->hostname);
	free(application->limits);
	image_user_free(&application->user);
}

void machine_free(struct machine **pointer)
{
	struct machine *machine = *pointer;

	if (!machine)
		return;
	char *const texts[] = {
		machine->id,        machine->name,      machine->directory, machine->image,
		machine->vmm,       machine->accel,     machine->kernel,    machine->kernel_id,
		machine->append,    machine->disk.path, machine->disk.type, machine->image_digest,
		machine->initramfs,
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < machine->port_count; i++)
		free(machine->ports[i].address);
	free(machine->ports);
	strings_free(&machine->modules);
	application_free(&machine->application);
	if (machine->lock >= 0)
		close(machine->lock);
	free(machine);
	*pointer = NULL;
}

int machine_save(struct machine *machine, struct error *err)
{
	_cleanup_json_ json_t *json = machine_to_json(machine);
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2));

	if (!text)
		return error_set(err, EINVAL, "the machine %s cannot be written as JSON", machine->name);
	int error = machine_write_file(machine->directory, "machine.json", text, machine->keep, err);
	if (error < 0)
		return error;
	/* A leftover has no machine.json, or is not to be kept: this is neither now. */
	if (machine->keep && machine->lock >= 0) {
		close(machine->lock);
		machine->lock = -1;
	}
	return 0;
}

int machine_lock_directory(const char *directory, struct error *err)
{
	enum { ATTEMPTS = 20, PAUSE_NS = 10 * 1000 * 1000 };
	_cleanup_free_ char *path = xasprintf("%s/lock", directory);
	int lock = file_lock(path, false, err);

	/* `lupine ps` and the sweep hold the lock for a moment, to see whether anyone else does. */
	for (int i = 0; lock == -EWOULDBLOCK && i < ATTEMPTS; i++) {
		nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
		error_clear(err);
		lock = file_lock(path, false, err);
	}
	return lock;
}

int machine_lock(const struct machine *machine, struct error *err)
{
	if (machine->lock >= 0) {
		int copy = fcntl(machine->lock, F_DUPFD_CLOEXEC, 0);
		return copy < 0 ? error_errno(err, errno, "cannot hold the machine's lock") : copy;
	}
	int lock = machine_lock_directory(machine->directory, err);
	if (lock == -ENOENT)
		return error_set(err, ENOENT, "the machine %s was removed", machine->name);
	if (lock == -EWOULDBLOCK) {
		error_set(err, EBUSY, "the machine %s is running", machine->name);
		return error_hint(err, "`lupine stop %s` stops it", machine->name);
	}
	return lock;
}

int machine_remove(const struct machine *machine, struct error *err)
{
	_cleanup_close_ int lock = machine_lock(machine, err);
	_cleanup_free_ char *parent = NULL;

	if (lock < 0)
		return error_wrap(err, "cannot remove %s", machine->name);
	int error = machine_directory(&parent, err);
	return error < 0 ? error : machine_remove_directory(parent, machine->id, err);
}
