// SPDX-License-Identifier: Apache-2.0
/* The types of root file system, and writing one. */
#include "base/options.h"
#include "guest/protocol.h"
#include "rootfs/ext.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int write_initramfs(const struct tree *tree, const struct rootfs_options *options, int fd,
						   struct rootfs_stats *ret, struct error *err)
{
	const char *reserved = &GUEST_DIRECTORY[1];

	if (options->size) {
		error_set(err, EINVAL, "it has no size of its own: it takes the memory that it needs");
		return error_hint(err, "leave --disk-size out");
	}
	if (directory_find(tree->root, reserved, strlen(reserved))) {
		error_set(err, EEXIST, GUEST_DIRECTORY " is in the image, and lupine's own place there");
		return error_hint(err, "use --fs ext2");
	}
	if (initramfs_write(tree, fd, err) < 0)
		return -err->code;
	off_t size = lseek(fd, 0, SEEK_CUR);
	if (size < 0)
		return error_errno(err, errno, "its size");
	*ret = (struct rootfs_stats){
		.size = (uint64_t)size, .used = (uint64_t)size, .inodes = tree->inode_count};
	return 0;
}

static const struct {
	const char *name;
	int (*write)(const struct tree *tree, const struct rootfs_options *options, int fd,
				 struct rootfs_stats *ret, struct error *err);
} types[] = {
	[ROOTFS_EXT2] = {"ext2", ext_write},
	[ROOTFS_EXT4] = {"ext4", ext_write},
	[ROOTFS_INITRAMFS] = {ROOTFS_INITRAMFS_NAME, write_initramfs},
};

const char *rootfs_type_name(enum rootfs_type type)
{
	return types[type].name;
}

int rootfs_type_parse(const char *text, enum rootfs_type *ret, struct error *err)
{
	const char *names[ARRAY_SIZE(types) + 1] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		names[i] = types[i].name;
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum rootfs_type)i;
			return 0;
		}
	}
	error_set(err, EINVAL, "%s: no such type of root file system", text);
	const char *meant = did_you_mean(text, names);
	return meant ? error_hint(err, "did you mean %s?", meant)
				 : error_hint(err, "ext2, ext4 or initramfs");
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int rootfs_write(const struct tree *tree, const struct rootfs_options *options, int fd,
				 struct rootfs_stats *ret, struct error *err)
{
	double start = now();
	struct rootfs_stats stats;

	if (types[options->type].write(tree, options, fd, &stats, err) < 0) {
		(void)!ftruncate(fd, 0); /* half a file system is of no use, and may have filled the host */
		return error_wrap(err, "cannot write an %s root file system",
						  rootfs_type_name(options->type));
	}
	stats.seconds = now() - start;
	*ret = stats;
	return 0;
}
