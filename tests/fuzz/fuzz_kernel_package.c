// SPDX-License-Identifier: Apache-2.0
/* Kernels of others: the same bytes taken for a package, a kernel image, a vmlinux, a module and a
 * linker's map. */
#include "fuzz.h"
#include "kernel/bzimage.h"
#include "kernel/linker_map.h"
#include "kernel/modules.h"
#include "kernel/package.h"
#include "kernel/segments.h"
#include "kernel/vmlinux.h"

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

static void check_vmlinux(const uint8_t *data, size_t size)
{
	const struct kernel_architecture *architecture;
	struct loaded_sections sections = {0};
	struct error err = {0};
	uint64_t bytes = 0, sum = 0;
	int fd = memory_file(data, size);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);

	check_result(vmlinux_check(path, &architecture, &bytes, &err), &err);
	error_clear(&err);
	int result = segments_read(path, &sections, &err);
	check_result(result, &err);
	error_clear(&err);
	for (size_t i = 0; i < sections.count; i++)
		sum += sections.items[i].size + sections.items[i].gap;
	require(result < 0 || sum == sections.loaded);
	segments_free(&sections);
	close(fd);
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
	check_vmlinux(data, size);
	linker_map_free(&map);
	strings_free(&names);
	buf_free(&vmlinux);
	buf_free(&bytes);
	return 0;
}
