// SPDX-License-Identifier: Apache-2.0
/*
 * hostname, hosts and resolv.conf, as docker gives them to a container. They are written into the
 * initramfs, which is memory, and laid over the image's own: so the image's stay as they are, and
 * a read-only root has them too.
 */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/mount.h */
#define OPEN_TREE_CLONE 1
#define MOVE_MOUNT_F_EMPTY_PATH 4

static char text[16384];

static struct file {
	const char *memory, *path;
	int tree; /* a mount of the file in memory that is not attached anywhere yet */
} files[] = {
	{"/hostname", "/etc/hostname", -1},
	{"/hosts", "/etc/hosts", -1},
	{"/resolv.conf", "/etc/resolv.conf", -1},
};

static void add(const char *const *parts)
{
	text_append(text, sizeof(text), parts);
}

static void add_list(const char *key, char **values)
{
	for (; *values; values++)
		add(TEXT(key, *values, "\n"));
}

static void file_write(const struct config *config, struct file *file)
{
	const char *path = config->root ? file->memory : file->path;
	/* Without a disk it takes the place of the image's, which may be a symbolic link. */
	if (!config->root)
		unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t length = strlen(text);
	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		log_line(TEXT(path, ": ", strerror(errno)));
	if (fd >= 0)
		close(fd);
	if (config->root)
		file->tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC);
	text[0] = 0;
}

static void hosts_add(const struct config *config, const struct network *network)
{
	char address[16];
	add(TEXT("127.0.0.1\tlocalhost\n"
			 "::1\tlocalhost ip6-localhost ip6-loopback\n"
			 "fe00::\tip6-localnet\n"
			 "ff00::\tip6-mcastprefix\n"
			 "ff02::1\tip6-allnodes\n"
			 "ff02::2\tip6-allrouters\n"));
	/* A program that looks its own name up finds an address with or without a network. */
	if (config->hostname)
		add(TEXT(network->up ? ipv4_format(address, network->address) : "127.0.1.1", "\t",
				 config->hostname, "\n"));
	add_list("", config->host);
}

static void resolv_add(const struct config *config, const struct network *network)
{
	char address[16];
	add_list("nameserver ", config->nameserver);
	for (size_t i = 0; !config->nameserver[0] && i < network->nameserver_count; i++)
		add(TEXT("nameserver ", ipv4_format(address, network->nameservers[i]), "\n"));
	if (config->search[0])
		add(TEXT("search"));
	for (char **name = config->search; *name; name++)
		add(TEXT(" ", *name, name[1] ? "" : "\n"));
	if (!config->search[0] && network->domain[0])
		add(TEXT("search ", network->domain, "\n"));
}

void etc_write(const struct config *config, const struct network *network)
{
	if (!config->root)
		make_directories("/etc", 0755);
	if (config->hostname) {
		if (sethostname(config->hostname, strlen(config->hostname)) < 0)
			log_line(TEXT("host name ", config->hostname, ": ", strerror(errno)));
		add(TEXT(config->hostname, "\n"));
		file_write(config, &files[0]);
	}
	hosts_add(config, network);
	file_write(config, &files[1]);
	resolv_add(config, network);
	if (text[0])
		file_write(config, &files[2]);
}

static int bind(const struct file *file)
{
	/* Without following a symbolic link: often resolv.conf is one, into a directory of a resolver
	 * that does not run here. The link itself is covered then. */
	return syscall(SYS_move_mount, file->tree, "", AT_FDCWD, file->path, MOVE_MOUNT_F_EMPTY_PATH) <
				   0
			   ? -errno
			   : 0;
}

void etc_bind(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
		struct file *file = &files[i];
		if (file->tree < 0)
			continue;
		int r = bind(file);
		if (r == -ENOENT && (r = make_directories("/etc", 0755)) == 0)
			r = mknod(file->path, S_IFREG | 0644, 0) < 0 ? -errno : bind(file);
		if (r < 0)
			log_line(TEXT(file->path, ": ", strerror(-r)));
		close(file->tree);
		file->tree = -1;
	}
}
