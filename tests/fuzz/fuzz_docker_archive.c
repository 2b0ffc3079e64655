// SPDX-License-Identifier: Apache-2.0
/* Archives of docker save: the input is the tar. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct image_options options = {.architecture = "amd64", .size_limit = 1 << 20};
	struct image *image = NULL;
	struct error err = {0};
	uint8_t *bytes = malloc(size + 1);

	scratch_directory();
	memcpy(bytes, data, size);
	fix_tar_sums(bytes, size);
	int fd = memory_file(bytes, size);
	_cleanup_free_ char *reference = xasprintf("docker-archive:/proc/self/fd/%d", fd);
	check_result(image_open(reference, &options, &image, &err), &err);
	require(!image == !!err.message);
	if (image)
		check_tree(image->tree);
	error_clear(&err);
	image_free(&image);
	close(fd);
	free(bytes);
	return 0;
}
