// SPDX-License-Identifier: Apache-2.0
/* The root file system, and those of the kernel that every program expects. */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICE_WAIT 10000000u /* microseconds */
#define NEW_ROOT "/newroot"

static const struct mount {
	const char *type, *path;
	unsigned long flags;
	const char *options;
	bool optional; /* not worth a line when the kernel does not have it */
} mounts[] = {
	{"devtmpfs", "/dev", MS_NOSUID, NULL, false},
	{"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, false},
	{"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, false},
	{"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5",
	 false},
	{"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777", false},
	{"mqueue", "/dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, true},
};

static const struct link {
	const char *path, *target;
} links[] = {
	{"/dev/fd", "/proc/self/fd"},
	{"/dev/stdin", "/proc/self/fd/0"},
	{"/dev/stdout", "/proc/self/fd/1"},
	{"/dev/stderr", "/proc/self/fd/2"},
};

int make_directories(const char *path, mode_t mode)
{
	char part[4096];
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -errno;
	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (size_t i = 1; path[i - 1]; i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int device_wait(const char *path)
{
	/* Drivers are probed before init runs; what comes later comes within moments. */
	unsigned waited = 0;
	for (unsigned pause = 100; access(path, F_OK) < 0; pause = pause < 20000 ? pause * 2 : pause) {
		if (waited >= DEVICE_WAIT)
			return -ETIMEDOUT;
		usleep(pause);
		waited += pause;
	}
	return 0;
}

int mount_devices(void)
{
	mkdir("/dev", 0755);
	return mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, NULL) < 0 ? -errno : 0;
}

static int mount_failure(const char *disk, const char *type, int error, struct failure *failure)
{
	const char *why = strerror(error);
	if (error == ENODEV)
		why = "the kernel was built without it";
	else if (error == EINVAL)
		why = "there is no such file system on it, or it is damaged: the machine's log says more";
	return failure_set(failure, 125,
					   TEXT("mounting the root disk ", disk, " as ", type, ": ", why));
}

int mount_root(const struct config *config, struct failure *failure)
{
	const char *disk = config->root, *type = config->fstype;
	if (!disk)
		return 0;
	if (device_wait(disk) < 0)
		return failure_set(failure, 125, TEXT("the root disk ", disk, " did not appear"));
	mkdir(NEW_ROOT, 0755);
	if (mount(disk, NEW_ROOT, type, config->read_only ? MS_RDONLY : 0, NULL) < 0)
		return mount_failure(disk, type, errno, failure);
	/* The new root goes over the old one. */
	if (chdir(NEW_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
		chdir("/") < 0)
		return failure_set(failure, 125, TEXT("the new root: ", strerror(errno)));
	return 0;
}

/* A mount point's own owner and mode, so that a volume stays its user's. */
static void tmpfs_mount(const char *path)
{
	char options[96], mode[NUMBER_SIZE];
	struct stat under;
	bool there = stat(path, &under) == 0;
	int r = there ? 0 : make_directories(path, 0755);
	number_format(mode, there ? under.st_mode & 07777 : 01777, 8, 1);
	text_join(options, sizeof(options),
			  TEXT("mode=", mode, ",uid=", NUMBER(there ? under.st_uid : 0),
				   ",gid=", NUMBER(there ? under.st_gid : 0)));
	if (r < 0 || mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
		log_line(TEXT("tmpfs on ", path, ": ", strerror(r < 0 ? -r : errno)));
}

void mount_all(const struct config *config)
{
	for (size_t i = config->root ? 0 : 1; i < ARRAY_COUNT(mounts); i++) {
		const struct mount *m = &mounts[i];
		int r = make_directories(m->path, 0755);
		if ((r < 0 || mount(m->type, m->path, m->type, m->flags, m->options) < 0) &&
			!(m->optional && errno == ENODEV))
			log_line(TEXT(m->type, " on ", m->path, ": ", strerror(r < 0 ? -r : errno)));
	}
	for (size_t i = 0; i < ARRAY_COUNT(links); i++)
		if (symlink(links[i].target, links[i].path) < 0 && errno != EEXIST)
			log_line(TEXT(links[i].path, ": ", strerror(errno)));
	for (char **path = config->tmpfs; *path; path++)
		tmpfs_mount(*path);
	if (mkdir("/tmp", 01777) == 0)
		chmod("/tmp", 01777); /* whatever the umask is */
	mkdir("/run", 0755);
}

void mount_read_only(const struct config *config)
{
	/* The mount alone: the kernel's first file system itself cannot be made so. */
	if (!config->root && config->read_only &&
		mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		log_line(TEXT("the root stays writable: ", strerror(errno)));
}

void mount_finish(const struct config *config)
{
	sync();
	if (config->root && !config->read_only &&
		mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		log_line(TEXT("the root disk stays marked as in use: ", strerror(errno)));
}
