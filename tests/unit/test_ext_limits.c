// SPDX-License-Identifier: Apache-2.0
/* What cannot be written gets one clear error, and leaves an empty file. */
#include "ext_writer.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

static void assert_fails(const struct tree *tree, enum rootfs_type type, uint64_t size, int code,
						 const char *message, const char *hint)
{
	_cleanup_error_ struct error err = {0};
	struct rootfs_stats stats;

	assert_int_equal(try_write(tree, type, size, image, &stats, &err), -code);
	assert_string_equal(err.message, message);
	if (hint)
		assert_string_equal(err.hint, hint);
	else
		assert_null(err.hint);
}

static void put_links(struct tree *tree, unsigned count)
{
	struct inode *file = put(tree, "d/00000", S_IFREG | 0644);
	char path[32];

	for (unsigned i = 1; i < count; i++) {
		snprintf(path, sizeof(path), "d/%05u", i);
		put_link(tree, path, file);
	}
}

static void test_hard_links(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *few = tree_new(), *some = tree_new(), *many = tree_new();

	put_links(few, 32000);
	put_links(some, 32001);
	put_links(many, 70000);
	write_image(few, ROOTFS_EXT2, 0, image);
	assert_image(image, few);
	write_image(some, ROOTFS_EXT4, 0, image);
	assert_image(image, some);
	assert_fails(some, ROOTFS_EXT2, 0, EMLINK,
				 "cannot write an ext2 root file system: d/00000: it has 32001 hard links, ext2 "
				 "allows 32000",
				 "ext4 allows more");
	assert_fails(many, ROOTFS_EXT4, 0, EMLINK,
				 "cannot write an ext4 root file system: d/00000: it has 70000 hard links, ext4 "
				 "allows 65000",
				 NULL);
}

static void put_directories(struct tree *tree, unsigned count)
{
	char path[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "d/%05u", i);
		put(tree, path, S_IFDIR | 0755);
	}
}

static void test_subdirectories(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *some = tree_new(), *many = tree_new();

	put_directories(some, 31999);
	put_directories(many, 65010);
	assert_fails(some, ROOTFS_EXT2, 0, EMLINK,
				 "cannot write an ext2 root file system: d: it has 31999 subdirectories, ext2 "
				 "allows 31998",
				 "ext4 allows more");
	write_image(many, ROOTFS_EXT4, 0, image);
	assert_image(image, many);
}

static void test_file_size(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	struct inode *file = put(tree, "file", S_IFREG | 0644);

	file->size = UINT64_C(3) << 40;
	assert_fails(tree, ROOTFS_EXT2, 0, EFBIG,
				 "cannot write an ext2 root file system: file: it has 3298534883328 bytes, ext2 "
				 "allows 2194728288256",
				 "ext4 allows more");
	write_image(tree, ROOTFS_EXT4, 0, image);
	assert_image(image, tree);
	file->size = UINT64_C(1) << 44;
	assert_fails(tree, ROOTFS_EXT4, 0, EFBIG,
				 "cannot write an ext4 root file system: file: it has 17592186044416 bytes, ext4 "
				 "allows 17592186040320",
				 NULL);
	file->size = UINT64_MAX;
	assert_fails(tree, ROOTFS_EXT4, 0, EFBIG,
				 "cannot write an ext4 root file system: file: it has 18446744073709551615 bytes, "
				 "ext4 allows 17592186040320",
				 NULL);
}

static void test_disk_size(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();

	assert_fails(tree, ROOTFS_EXT2, UINT64_C(17) << 40, EFBIG,
				 "cannot write an ext2 root file system: a disk of 17408 GiB is too large: ext2 "
				 "holds 16 TiB",
				 NULL);
	assert_fails(tree, ROOTFS_EXT2, UINT64_MAX, EFBIG,
				 "cannot write an ext2 root file system: a disk of 17179869184 GiB is too large: "
				 "ext2 holds 16 TiB",
				 NULL);
	/* Data of more than 16 TiB, all of it in the tree's word only. */
	struct extent extent = {.length = UINT64_C(8) << 40};
	put_sparse(tree, "a", extent.length, &extent, 1);
	put_sparse(tree, "b", extent.length, &extent, 1);
	put_sparse(tree, "c", extent.length, &extent, 1);
	assert_fails(tree, ROOTFS_EXT4, 0, EFBIG,
				 "cannot write an ext4 root file system: a disk of 24577 GiB is too large: ext4 "
				 "holds 16 TiB",
				 NULL);
}

/* The size that the error names is enough, whatever the disk is to hold. */
static void test_size_that_is_needed(void **state)
{
	enum rootfs_type type = *(enum rootfs_type *)*state;
	static const struct {
		unsigned directories, empty_files, small_files, large_files;
	} rows[] = {
		{0},
		{.directories = 3000},
		{.empty_files = 40000},
		{.small_files = 3000},
		{.large_files = 3},
		{.directories = 100, .empty_files = 30200, .small_files = 100, .large_files = 1},
	};
	_cleanup_free_ char *bytes = make_bytes(45 << 20);
	char path[32];

	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		_cleanup_tree_ struct tree *tree = tree_new();
		_cleanup_error_ struct error err = {0};
		struct rootfs_stats stats;
		unsigned long long needed = 0;
		for (unsigned i = 0; i < rows[row].directories; i++)
			snprintf(path, sizeof(path), "d/%05u", i), put(tree, path, S_IFDIR | 0755);
		for (unsigned i = 0; i < rows[row].empty_files; i++)
			snprintf(path, sizeof(path), "e/%05u", i), put(tree, path, S_IFREG | 0644);
		for (unsigned i = 0; i < rows[row].small_files; i++)
			snprintf(path, sizeof(path), "f/%05u", i), put_file(tree, path, "x", 1);
		for (unsigned i = 0; i < rows[row].large_files; i++)
			snprintf(path, sizeof(path), "g/%05u", i), put_file(tree, path, bytes, 45 << 20);
		assert_int_equal(try_write(tree, type, 4096, image, &stats, &err), -ENOSPC);
		assert_int_equal(sscanf(err.hint, "make it larger: --disk-size %llum", &needed), 1);
		write_image(tree, type, needed << 20, image);
		assert_clean(image);
		error_clear(&err);
		/* Not much more than what is needed, either; a group's inode table has its limit. */
		uint64_t content = tree->data_bytes + tree->inode_count * 256 +
						   (uint64_t)(rows[row].directories + rows[row].small_files) * 4096;
		uint64_t groups = tree->inode_count / 30000 + 1;
		uint64_t limit = content + content / 50 + (8 << 20);
		assert_in_range(needed << 20, content, groups > 1 ? groups << 27 : limit);
	}
}

static void test_error_names_the_size(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_free_ char *bytes = make_bytes(10 << 20);

	put_file(tree, "file", bytes, 10 << 20);
	assert_fails(tree, ROOTFS_EXT2, 5 << 20, ENOSPC,
				 "cannot write an ext2 root file system: the files need a disk of 11 MiB, not of 5 "
				 "MiB",
				 "make it larger: --disk-size 11m");
}

static void test_content_that_changed(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	struct inode *file = put(tree, "usr/file", S_IFREG | 0644);
	int directory = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(directory, "shrunk", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, "12345", 5), 5);
	close(fd);
	file->size = 1000;
	file->content.kind = CONTENT_PATH;
	file->content.source = source_new(directory);
	file->content.path = xstrdup("shrunk");
	assert_fails(tree, ROOTFS_EXT2, 0, EIO,
				 "cannot write an ext2 root file system: shrunk changed while it was read", NULL);
	tree_remove(tree, "usr/file");

	struct extent behind = {.offset = 0, .length = 5000};
	put_sparse(tree, "layer", 4096, &behind, 1);
	assert_fails(tree, ROOTFS_EXT4, 0, EBADMSG,
				 "cannot write an ext4 root file system: layer: it has more data than its size of "
				 "4096 bytes",
				 NULL);
}

static void test_what_linux_does_not_have(void **state)
{
	(void)state;
	static const char no_acl[] = "\2\0\0\0\3\0\7\0\0\0\0\0";
	_cleanup_tree_ struct tree *tree = tree_new();
	struct inode *inode = put(tree, "odd", 0150644);

	assert_fails(tree, ROOTFS_EXT2, 0, EINVAL,
				 "cannot write an ext2 root file system: odd: a file of unknown type (mode 150644)",
				 NULL);
	inode->mode = S_IFLNK | 0777;
	assert_fails(tree, ROOTFS_EXT2, 0, ENAMETOOLONG,
				 "cannot write an ext2 root file system: odd: the target of a symbolic link has 0 "
				 "bytes, not 1 to 4095",
				 NULL);
	inode->mode = S_IFCHR | 0600;
	inode->device_major = 4096;
	assert_fails(tree, ROOTFS_EXT2, 0, EOVERFLOW,
				 "cannot write an ext2 root file system: odd: Linux has no device number 4096:0",
				 NULL);
	inode->mode = S_IFREG | 0600;
	inode_set_xattr(inode, "user.large", xcalloc(1, 4096), 4096);
	assert_fails(tree, ROOTFS_EXT4, 0, E2BIG,
				 "cannot write an ext4 root file system: odd: its extended attributes take more "
				 "than the 4096 bytes that ext4 has for them",
				 NULL);
	inode_set_xattr(inode, "user.large", NULL, 0);
	void *value = xmalloc(sizeof(no_acl) - 1);
	inode_set_xattr(inode, "system.posix_acl_access", memcpy(value, no_acl, sizeof(no_acl) - 1),
					sizeof(no_acl) - 1);
	assert_fails(tree, ROOTFS_EXT4, 0, EINVAL,
				 "cannot write an ext4 root file system: odd: system.posix_acl_access is no access "
				 "control list",
				 NULL);
}

/* A host that gives no more room, by the limit on a file's size. */
static void test_host_is_full(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	struct rlimit old, limit = {.rlim_cur = 1 << 20};

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_fails(tree, ROOTFS_EXT2, 2 << 20, EFBIG,
				 "cannot write an ext2 root file system: cannot make a disk image of 2 MiB: File "
				 "too large",
				 NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
}

static void test_types(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	enum rootfs_type type = ROOTFS_EXT2;

	assert_int_equal(rootfs_type_parse("ext4", &type, &err), 0);
	assert_int_equal(type, ROOTFS_EXT4);
	assert_string_equal(rootfs_type_name(ROOTFS_EXT2), "ext2");
	assert_int_equal(rootfs_type_parse("ext3", &type, &err), -EINVAL);
	assert_string_equal(err.message, "ext3: no such type of root file system");
	assert_string_equal(err.hint, "did you mean ext2?");
	assert_int_equal(rootfs_type_parse("btrfs", &type, &err), -EINVAL);
	assert_string_equal(err.hint, "ext2, ext4 or initramfs");
	assert_int_equal(type, ROOTFS_EXT4);
}

#define ONE(test)                                                                                  \
	{                                                                                              \
#test, test, set_up, tear_down, NULL                                                       \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(test_hard_links),     BOTH(test_size_that_is_needed),
		ONE(test_subdirectories), ONE(test_error_names_the_size),
		ONE(test_file_size),      ONE(test_content_that_changed),
		ONE(test_disk_size),      ONE(test_what_linux_does_not_have),
		ONE(test_host_is_full),   ONE(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
