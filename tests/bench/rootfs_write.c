// SPDX-License-Identifier: Apache-2.0
/* rootfs_write TYPE SIZE DIRECTORY IMAGE: what tests/bench/rootfs measures. Like mke2fs, it does
 * not end before the image is on the disk. */
#include "base/options.h"
#include "rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int write_image(char *argv[], struct rootfs_stats *stats, struct error *err)
{
	_cleanup_free_ char *reference = xasprintf("dir:%s", argv[3]);
	_cleanup_image_ struct image *image = NULL;
	struct image_options image_options = {0};
	struct rootfs_options options = {0};

	if (rootfs_type_parse(argv[1], &options.type, err) < 0 ||
		parse_size(argv[2], &options.size, err) < 0 ||
		image_open(reference, &image_options, &image, err) < 0)
		return -err->code;
	_cleanup_close_ int fd = open(argv[4], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_errno(err, errno, "%s", argv[4]);
	if (rootfs_write(image->tree, &options, fd, stats, err) < 0)
		return -err->code;
	return fsync(fd) < 0 ? error_errno(err, errno, "%s", argv[4]) : 0;
}

int main(int argc, char *argv[])
{
	_cleanup_error_ struct error err = {0};
	struct rootfs_stats stats = {0};

	if (argc != 5) {
		fprintf(stderr, "usage: rootfs_write TYPE SIZE DIRECTORY IMAGE\n");
		return 2;
	}
	if (write_image(argv, &stats, &err) < 0) {
		error_print(&err);
		return 1;
	}
	printf("%llu inodes, %llu MiB used, %.3f s of writing\n", (unsigned long long)stats.inodes,
		   (unsigned long long)stats.used >> 20, stats.seconds);
	return 0;
}
