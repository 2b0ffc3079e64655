// SPDX-License-Identifier: Apache-2.0
/* Many entries, large files, holes, and more links than fit: ext2 and ext4 at their edges. */
#include "ext_writer.h"

static void test_large_directory(void **state)
{
	enum rootfs_type type = *(enum rootfs_type *)*state;
	_cleanup_tree_ struct tree *tree = tree_new();
	char path[300];

	/* Around the places where one block, and one level of an index, are full. */
	static const int counts[] = {1, 339, 340, 341, 400, 60000};
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		for (int file = 0; file < counts[i]; file++) {
			snprintf(path, sizeof(path), "%d/%05d", counts[i], file);
			put(tree, path, S_IFREG | 0644);
		}
	for (int file = 0; file < 9000; file++) { /* 15 of them in a block: an index of two levels */
		snprintf(path, sizeof(path), "long/%0255d", file);
		put(tree, path, S_IFREG | 0644);
	}
	write_image(tree, type, 0, image);
	assert_image(image, tree);

	ext2_filsys fs = open_image(image);
	struct ext2_inode disk;
	ext2_ino_t number;
	assert_int_equal(ext2fs_namei(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, "/long", &number), 0);
	assert_int_equal(ext2fs_read_inode(fs, number, &disk), 0);
	assert_int_equal(!!(disk.i_flags & EXT2_INDEX_FL), type == ROOTFS_EXT4);
	assert_int_equal(ext2fs_close(fs), 0);
}

static void test_sparse_files(void **state)
{
	enum rootfs_type type = *(enum rootfs_type *)*state;
	_cleanup_tree_ struct tree *tree = tree_new();
	const uint64_t tebibyte = UINT64_C(1) << 40;
	struct extent few[] = {{0, 10, 0},          {5000, 10, 50},     {5050, 100, 99},
						   {8000, 9000, 7},     {1 << 22, 4096, 0}, {UINT64_C(5) << 30, 100000, 1},
						   {tebibyte - 3, 3, 9}};
	struct extent many[3000], one = {.offset = 3 << 12, .length = 1 << 20};

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct extent){.offset = i * 8192 + 1, .length = 4000, .source = i};
	put_sparse(tree, "hole", tebibyte, NULL, 0);
	put_sparse(tree, "few", tebibyte, few, ARRAY_SIZE(few));
	put_sparse(tree, "many", 3000 * 8192, many, ARRAY_SIZE(many));
	put_sparse(tree, "one", (1 << 20) + (3 << 12), &one, 1);
	struct rootfs_stats stats = write_image(tree, type, 0, image);
	assert_image(image, tree);
	assert_in_range(stats.used, 13 << 20, 64 << 20);
}

static void test_file_over_groups(void **state)
{
	enum rootfs_type type = *(enum rootfs_type *)*state;
	_cleanup_tree_ struct tree *tree = tree_new();
	struct extent extent = {.length = 140 << 20};

	put_sparse(tree, "large", extent.length, &extent, 1);
	write_image(tree, type, 0, image);
	assert_image(image, tree);
}

static void test_host_file_with_holes(void **state)
{
	enum rootfs_type type = *(enum rootfs_type *)*state;
	_cleanup_tree_ struct tree *tree = tree_new();
	struct inode *file = put(tree, "lastlog", S_IFREG | 0644);
	int directory = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(directory, "lastlog", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	file->size = UINT64_C(400) << 30;
	assert_int_equal(ftruncate(fd, (off_t)file->size), 0);
	assert_int_equal(pwrite(fd, "entry", 5, UINT64_C(300) << 30), 5);
	close(fd);
	file->content.kind = CONTENT_PATH;
	file->content.source = source_new(directory);
	file->content.path = xstrdup("lastlog");
	struct rootfs_stats stats = write_image(tree, type, 32 << 20, image);
	assert_image(image, tree);
	assert_in_range(stats.used, 1, 16 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_large_directory),
		BOTH(test_sparse_files),
		BOTH(test_file_over_groups),
		BOTH(test_host_file_with_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
