// SPDX-License-Identifier: Apache-2.0
/* Init and its instructions: the initramfs of guest/protocol.h. */
#include "base/files.h"
#include "base/paths.h"
#include "guest/protocol.h"
#include "machine/internal.h"
#include "rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT ((size_t)64 * 1024 * 1024) /* of init, and of a kernel module */

/* QEMU's user-mode network ("-netdev user", its default net=10.0.2.0/24): the first address it
 * gives away, itself as the gateway, and its DNS proxy. */
#define GUEST_ADDRESS "10.0.2.15"
#define GUEST_GATEWAY "10.0.2.2"
#define GUEST_NAMESERVER "10.0.2.3"

/* docker's choice; every image's terminfo has it. */
#define GUEST_TERM "xterm"

static void record(struct buf *config, const char *key, const char *value)
{
	buf_append(config, key, strlen(key) + 1);
	buf_append(config, value, strlen(value) + 1);
}

#define recordf(config, key, ...)                                                                  \
	({                                                                                             \
		_cleanup_free_ char *text_ = xasprintf(__VA_ARGS__);                                       \
		record(config, key, text_);                                                                \
	})

static void record_all(struct buf *config, const char *key, const struct strings *values)
{
	for (size_t i = 0; i < values->count; i++)
		record(config, key, values->items[i]);
}

static void record_user(struct buf *config, const struct image_user *user)
{
	recordf(config, "uid", "%u", user->uid);
	recordf(config, "gid", "%u", user->gid);
	for (size_t i = 0; i < user->group_count; i++)
		recordf(config, "group", "%u", user->groups[i]);
	record(config, "home", user->home ? user->home : "/");
}

static char *limit_text(uint64_t value)
{
	return value == UINT64_MAX ? xstrdup("unlimited")
							   : xasprintf("%llu", (unsigned long long)value);
}

static void record_limits(struct buf *config, const struct application *application)
{
	for (size_t i = 0; i < application->limit_count; i++) {
		const struct machine_limit *limit = &application->limits[i];
		_cleanup_free_ char *soft = limit_text(limit->soft), *hard = limit_text(limit->hard);
		recordf(config, "rlimit", "%s %s %s", limit->name, soft, hard);
	}
}

/* The size of our own terminal from the start, so that the first thing drawn fits. */
static void record_terminal(struct buf *config)
{
	struct winsize size = {0};

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		size = (struct winsize){.ws_row = 24, .ws_col = 80};
	recordf(config, "tty", "%u %u " GUEST_TERM, size.ws_row, size.ws_col);
}

static void record_network(struct buf *config)
{
	record(config, "address", GUEST_ADDRESS "/24");
	record(config, "gateway", GUEST_GATEWAY);
	record(config, "nameserver", GUEST_NAMESERVER);
}

/* The number keeps two of one name apart. */
static char *module_path(const struct strings *modules, size_t index)
{
	const char *slash = strrchr(modules->items[index], '/');

	return xasprintf(GUEST_DIRECTORY "/modules/%zu-%s", index,
					 slash ? slash + 1 : modules->items[index]);
}

static void record_modules(struct buf *config, const struct strings *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		_cleanup_free_ char *path = module_path(modules, i);
		record(config, "module", path);
	}
}

void machine_guest_config(const struct machine *machine, struct buf *ret)
{
	const struct application *application = &machine->application;
	const char *hostname = application->hostname ? application->hostname : machine->id;

	record(ret, "version", GUEST_CONFIG_VERSION);
	record_all(ret, "arg", &application->argv);
	record_all(ret, "env", &application->env);
	record_user(ret, &application->user);
	record(ret, "cwd", application->cwd ? application->cwd : "/");
	record(ret, "hostname", hostname);
	record_modules(ret, &machine->modules);
	if (machine->disk.path && !machine_root_in_memory(machine)) {
		record(ret, "root", "/dev/vda");
		record(ret, "fstype", machine->disk.type);
	}
	if (machine->disk.path)
		record(ret, "rootflags", machine->disk.read_only ? "ro" : "rw");
	if (machine->kernel_mode)
		record(ret, "mode", "kernel");
	record_limits(ret, application);
	if (application->terminal)
		record_terminal(ret);
	if (application->interactive)
		record(ret, "stdin", "1");
	record_network(ret);
	record_all(ret, "tmpfs", &application->tmpfs);
}

/* A file of the host's, at `path` of the guest. */
static int put_file(struct tree *tree, const char *path, mode_t mode, const char *from,
					struct error *err)
{
	_cleanup_buf_ struct buf content = {0};
	int error = file_read(AT_FDCWD, from, FILE_LIMIT, &content, err);

	return error < 0 ? error
					 : tree_put_file(tree, path + 1, mode, content.data, content.length, err);
}

bool machine_root_in_memory(const struct machine *machine)
{
	return machine->disk.path && machine->disk.type &&
		   strcmp(machine->disk.type, ROOTFS_INITRAMFS_NAME) == 0;
}

static int fill_tree(const struct machine *machine, struct tree *tree, struct error *err)
{
	_cleanup_free_ char *init = NULL;
	_cleanup_buf_ struct buf config = {0};
	int error = path_data("guest/init", &init, err);

	if (error == 0)
		error = put_file(tree, GUEST_INIT_PATH, 0755, init, err);
	for (size_t i = 0; error == 0 && i < machine->modules.count; i++) {
		_cleanup_free_ char *path = module_path(&machine->modules, i);
		error = put_file(tree, path, 0600, machine->modules.items[i], err);
	}
	machine_guest_config(machine, &config);
	if (error == 0)
		error = tree_put_file(tree, &GUEST_CONFIG_PATH[1], 0600, config.data, config.length, err);
	return error;
}

/* The kernel unpacks archives that stand one behind another (buffer-format.rst); ours ends at a
 * multiple of four bytes, as it must. */
static int append_root(const struct machine *machine, int fd, struct error *err)
{
	_cleanup_close_ int root = open(machine->disk.path, O_RDONLY | O_CLOEXEC);
	ssize_t count;

	if (root < 0)
		return error_errno(err, errno, "cannot open %s", machine->disk.path);
	do
		count = sendfile(fd, root, NULL, 1 << 30);
	while (count > 0);
	return count < 0 ? error_errno(err, errno, "cannot copy %s", machine->disk.path) : 0;
}

int machine_write_initramfs(const struct machine *machine, struct error *err)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	/* Not renamed into its place: whoever writes it holds the machine's lock, and a torn one is
	 * written again by the next start before anybody reads it. */
	_cleanup_close_ int fd =
		open(machine->initramfs, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = fd < 0 ? error_errno(err, errno, "cannot write %s", machine->initramfs) : 0;

	if (error == 0)
		error = fill_tree(machine, tree, err);
	if (error == 0)
		error = initramfs_write(tree, fd, err);
	if (error == 0 && machine_root_in_memory(machine))
		error = append_root(machine, fd, err);
	return error < 0 ? error_wrap(err, "the machine's initramfs") : 0;
}
