// SPDX-License-Identifier: Apache-2.0
#include "vmm/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int copy_to_memory(int file, int memory)
{
	struct stat status;
	off_t rest;

	if (fstat(file, &status) < 0)
		return -errno;
	for (rest = status.st_size; rest > 0;) {
		ssize_t count = sendfile(memory, file, NULL, (size_t)rest);
		if (count < 0)
			return -errno;
		if (count == 0)
			return -EIO;
		rest -= count;
	}
	return 0;
}

/*
 * A file that the monitor opens anew through /proc/self/fd. Opening checks permissions again,
 * which another user may not have; on a file in memory everyone has them who has a descriptor.
 */
static int open_readable(const char *path, const char *what, bool foreign, int *ret,
						 struct error *err)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return error_errno(err, errno, "cannot open the %s %s", what, path);
	if (!foreign) {
		*ret = file;
		return 0;
	}
	int memory = memfd_create(what, MFD_CLOEXEC);
	int error = memory < 0 ? -errno : copy_to_memory(file, memory);
	close(file);
	if (error < 0) {
		if (memory >= 0)
			close(memory);
		return error_errno(err, -error, "cannot read the %s %s", what, path);
	}
	*ret = memory;
	return 0;
}

/* Only one who may change the file gets it open for writing. */
static int open_disk(const struct machine *machine, int *ret, struct error *err)
{
	const struct machine_disk *disk = &machine->disk;
	int mode = disk->read_only || disk->discard ? O_RDONLY : O_RDWR;

	if (!disk->path || machine_root_in_memory(machine))
		return 0;
	*ret = open(disk->path, mode | O_CLOEXEC);
	if (*ret < 0)
		return error_errno(err, errno, "cannot open the disk %s", disk->path);
	return 0;
}

static int open_pair(int *ret_ours, int *ret_monitors, struct error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return error_errno(err, errno, "cannot make a socket");
	*ret_ours = ends[0];
	*ret_monitors = ends[1];
	return 0;
}

int channels_open(struct channels *channels, const struct machine *machine, bool foreign,
				  struct error *err)
{
	struct vmm_descriptors *monitor = &channels->monitor;

	if (!machine->kernel)
		return error_set(err, EINVAL, "the machine %s has no kernel", machine->name);
	int error = open_readable(machine->kernel, "kernel", foreign, &monitor->kernel, err);
	if (error == 0)
		error = open_readable(machine->initramfs, "initramfs", foreign, &monitor->initramfs, err);
	if (error == 0)
		error = open_disk(machine, &monitor->disk, err);
	if (error == 0)
		error = open_pair(&channels->control, &monitor->control, err);
	if (error == 0)
		error = open_pair(&channels->console, &monitor->console, err);
	return error;
}

void descriptor_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void channels_close_monitor(struct channels *channels)
{
	struct vmm_descriptors *monitor = &channels->monitor;
	int *const all[] = {&monitor->control, &monitor->console, &monitor->kernel, &monitor->initramfs,
						&monitor->disk};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		descriptor_close(all[i]);
}

void channels_close(struct channels *channels)
{
	channels_close_monitor(channels);
	descriptor_close(&channels->control);
	descriptor_close(&channels->console);
}
