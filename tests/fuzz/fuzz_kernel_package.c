// SPDX-License-Identifier: Apache-2.0
/* Kernels of others: the same bytes taken for a package, a kernel image, a module and a linker's
 * map. */
#include "fuzz.h"
#include "kernel/bzimage.h"
#include "kernel/linker_map.h"
#include "kernel/modules.h"
#include "kernel/package.h"

static void check_package(const uint8_t *data, size_t size)
{
	struct kernel *kernel = xcalloc(1, sizeof(*kernel));
	struct error err = {0};
	_cleanup_free_ char *directory = xasprintf("%s/kernel", scratch_directory());
	int fd = memory_file(data, size);

	require(lseek(fd, 0, SEEK_SET) == 0 && directory_make(directory, &err) == 0);
	check_result(package_unpack(fd, directory, kernel, &err), &err);
	error_clear(&err);
	close(fd);
	kernel_free(&kernel);
	require(directory_remove(directory, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct linker_map map = {0};
	struct strings names = {0};
	struct buf bytes = {0}, vmlinux = {0};
	struct error err = {0};

	buf_append(&bytes, data, size);
	check_result(bzimage_unpack(data, size, &vmlinux, &err), &err);
	error_clear(&err);
	check_result(module_dependencies(&bytes, &names, &err), &err);
	error_clear(&err);
	linker_map_parse(bytes.data, bytes.length, &map);
	check_package(data, size);
	linker_map_free(&map);
	strings_free(&names);
	buf_free(&vmlinux);
	buf_free(&bytes);
	return 0;
}
