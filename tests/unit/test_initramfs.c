// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "base/process.h"
#include "rootfs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/lupine-test-XXXXXX";
static char archive[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(top, "/tmp/lupine-test-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(archive, sizeof(archive), "%s/initramfs.cpio", top);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};

	return directory_remove(top, &err);
}

static struct inode *put(struct tree *tree, const char *path, mode_t mode)
{
	_cleanup_error_ struct error err = {0};
	struct inode *inode = inode_new(mode);

	inode->mtime = 1700000000;
	if (tree_put(tree, path, inode, &err) < 0)
		fail_msg("%s", err.message);
	return inode;
}

static void put_file(struct tree *tree, const char *path, const char *text)
{
	_cleanup_error_ struct error err = {0};

	assert_int_equal(tree_put_file(tree, path, 0644, text, strlen(text), &err), 0);
}

static void write_archive(const struct tree *tree, const char *path)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	if (initramfs_write(tree, fd, &err) < 0)
		fail_msg("%s", err.message);
}

/* What a shell command says; $1 is the archive and $2 the temporary directory. */
static char *shell(const char *command)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *script = xasprintf("LC_ALL=C; TZ=UTC; export LC_ALL TZ; %s", command);
	char *argv[] = {"sh", "-ec", script, "sh", archive, top, NULL};
	char *output = NULL;

	if (process_capture(argv, &output, &err) < 0)
		fail_msg("%s: %s", command, err.message);
	return output;
}

static struct tree *make_tree(void)
{
	_cleanup_error_ struct error err = {0};
	struct tree *tree = tree_new();
	struct inode *inode;

	tree->root->mtime = 1700000000;
	put(tree, "dev", S_IFDIR | 0755);
	inode = put(tree, "dev/console", S_IFCHR | 0600);
	inode->device_major = 5;
	inode->device_minor = 1;
	inode = put(tree, "dev/wide", S_IFBLK | 0660);
	inode->device_major = 259;
	inode->device_minor = 70000;
	put(tree, "a", S_IFDIR | 01777);
	inode = put(tree, "a/one", S_IFREG | 04755);
	inode->uid = 100000;
	inode->gid = 7;
	inode->size = 5;
	inode->content.kind = CONTENT_BYTES;
	inode->content.bytes = xstrdup("12345");
	assert_int_equal(tree_put(tree, "a/three", inode, &err), 0);
	assert_int_equal(tree_put(tree, "b/two", inode, &err), 0);
	inode = put(tree, "link", S_IFLNK | 0777);
	inode->target = xstrdup("a/one");
	inode->size = 5;
	put(tree, "fifo", S_IFIFO | 0600);
	put(tree, "empty", S_IFREG | 0400);
	return tree;
}

static void test_listing(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = make_tree();

	write_archive(tree, archive);
	/* The archive is well-formed to the last byte, and the last of three links has the data. */
	_cleanup_free_ char *listing =
		shell("cpio -itnv --quiet --only-verify-crc <\"$1\" | tr -s ' '");
	assert_string_equal(listing, "drwxr-xr-x 5 0 0 0 Nov 14 2023 .\n"
								 "drwxrwxrwt 2 0 0 0 Nov 14 2023 a\n"
								 "drwxr-xr-x 2 0 0 0 Jan 1 1970 b\n"
								 "drwxr-xr-x 2 0 0 0 Nov 14 2023 dev\n"
								 "-r-------- 1 0 0 0 Nov 14 2023 empty\n"
								 "prw------- 1 0 0 0 Nov 14 2023 fifo\n"
								 "lrwxrwxrwx 1 0 0 5 Nov 14 2023 link -> a/one\n"
								 "-rwsr-xr-x 3 100000 7 0 Nov 14 2023 a/one\n"
								 "-rwsr-xr-x 3 100000 7 0 Nov 14 2023 a/three\n"
								 "-rwsr-xr-x 3 100000 7 5 Nov 14 2023 b/two\n"
								 "crw------- 1 0 0 5, 1 Nov 14 2023 dev/console\n"
								 "brw-rw---- 1 0 0 259, 70000 Nov 14 2023 dev/wide");
}

static void test_bytes(void **state)
{
	(void)state;
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf bytes = {0};
	_cleanup_tree_ struct tree *tree = tree_new();
	static const char expected[] =
		"07070100000001000041ed00000000000000000000000200000000000000000000000000000000000000000000"
		"00000000000200000000.\0"
		"07070100000002000081a400000000000000000000000100000000000000030000000000000000000000000000"
		"00000000000300000000hi\0\0\0\0"
		"abc\0"
		"0707010000000000000000000000000000000000000001000000000000000000000000000000000000000000"
		"0000000000000b00000000TRAILER!!!\0\0\0";

	put_file(tree, "hi", "abc");
	write_archive(tree, archive);
	assert_int_equal(file_read(AT_FDCWD, archive, 4096, &bytes, &err), 0);
	assert_int_equal(bytes.length, sizeof(expected));
	assert_memory_equal(bytes.data, expected, sizeof(expected));
}

/* The file of the tree at `path` was unpacked beneath top/x. */
static void assert_unpacked(const struct tree *tree, const char *path)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf expected = {0}, found = {0};
	_cleanup_free_ char *unpacked = xasprintf("%s/x/%s", top, path);

	assert_int_equal(tree_read_file(tree, path, 1 << 24, &expected, &err), 0);
	if (file_read(AT_FDCWD, unpacked, 1 << 24, &found, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(found.length, expected.length);
	assert_memory_equal(found.data, expected.data, found.length);
}

static struct tree *make_odd_tree(void)
{
	_cleanup_error_ struct error err = {0};
	struct tree *tree = tree_new();
	_cleanup_free_ char *large = xcalloc(1, 3 << 20);
	struct inode *sparse = put(tree, "sparse", S_IFREG | 0644);
	char name[256] = {0};

	memset(large, 'x', (3 << 20) - 1);
	put_file(tree, "large", large);
	put_file(tree, "dir/link", "linked");
	assert_int_equal(tree_put(tree, "other", tree_lookup(tree, "dir/link", false), &err), 0);
	memset(name, 'n', 255);
	put_file(tree, name, "long");
	put_file(tree, "\xff\xfe\n", "odd");
	put_file(tree, "TRAILER!!!", "not the end");
	put_file(tree, "zzz", "behind it");
	sparse->size = 200000;
	sparse->content = (struct content){.kind = CONTENT_EXTENTS,
									   .source = source_new(open("/proc/self/exe", O_RDONLY)),
									   .extents = xcalloc(2, sizeof(struct extent)),
									   .extent_count = 2};
	sparse->content.extents[0] = (struct extent){.offset = 100000, .length = 10};
	sparse->content.extents[1] = (struct extent){.offset = 100010, .length = 5000, .source = 9};
	return tree;
}

static void test_unpacked(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = make_odd_tree();
	struct stat one, two;

	write_archive(tree, archive);
	_cleanup_free_ char *said =
		shell("mkdir \"$2/x\"; cd \"$2/x\"; cpio -id --quiet <\"$1\"; ls -A");
	for (size_t i = 0; i < tree->root->entry_count; i++)
		if (S_ISREG(tree->root->entries[i].inode->mode))
			assert_unpacked(tree, tree->root->entries[i].name);
	assert_unpacked(tree, "dir/link");
	_cleanup_free_ char *link = xasprintf("%s/x/dir/link", top);
	_cleanup_free_ char *other = xasprintf("%s/x/other", top);
	assert_int_equal(stat(link, &one), 0);
	assert_int_equal(stat(other, &two), 0);
	assert_int_equal(one.st_ino, two.st_ino);
	assert_int_equal(one.st_nlink, 2);
	_cleanup_free_ char *count = shell("find \"$2/x\" -mindepth 1 -print0 | tr -dc '\\0' | wc -c");
	assert_string_equal(count, "9");
}

static void test_same_bytes(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = make_tree(), *again = make_tree();
	_cleanup_free_ char *other = xasprintf("%s/other.cpio", top);

	write_archive(tree, archive);
	write_archive(tree, other);
	_cleanup_free_ char *first = shell("cmp \"$1\" \"$2/other.cpio\"");
	write_archive(again, other);
	_cleanup_free_ char *second = shell("cmp \"$1\" \"$2/other.cpio\"");
}

static void assert_fails(const struct tree *tree, int code, const char *message)
{
	_cleanup_error_ struct error err = {0};
	_cleanup_close_ int fd = open(archive, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(initramfs_write(tree, fd, &err), -code);
	assert_string_equal(err.message, message);
}

static void test_errors(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_error_ struct error err = {0};
	struct inode *file = put(tree, "dir/huge", S_IFREG | 0644);

	file->size = UINT64_C(1) << 32;
	assert_fails(tree, EFBIG, "dir/huge: an initramfs holds files of less than 4 GiB");
	tree_remove(tree, "dir/huge");
	write_archive(tree, archive);
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(initramfs_write(tree, full, &err), -ENOSPC);
	assert_string_equal(err.message,
						"cannot write the initramfs: cannot write: No space left on device");
}

static void test_memory_that_it_takes(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *large = xmalloc(8193);
	const char *const nothing = "070701 but no header";

	memset(large, 'x', 8193);
	put_file(tree, "small", "1");
	put_file(tree, "empty", "");
	assert_int_equal(tree_put_file(tree, "dir/large", 0644, large, 8193, &err), 0);
	put(tree, "dir/link", S_IFIFO | 0644);
	write_archive(tree, archive);
	_cleanup_close_ int one = open(archive, O_RDONLY | O_CLOEXEC);
	assert_int_equal(initramfs_unpacked(one), 4096 + 3 * 4096);
	/* Several, with zeros between them. */
	_cleanup_free_ char *unused = shell("cat \"$1\" >\"$2/a\"; head -c 512 /dev/zero >>\"$2/a\"; "
										"cat \"$1\" >>\"$2/a\"; mv \"$2/a\" "
										"\"$1\"");
	_cleanup_close_ int two = open(archive, O_RDONLY | O_CLOEXEC);
	assert_int_equal(initramfs_unpacked(two), 2 * 4 * 4096);
	_cleanup_close_ int broken = open(archive, O_RDWR | O_TRUNC | O_CLOEXEC);
	assert_int_equal(initramfs_unpacked(broken), 0);
	assert_int_equal(write(broken, nothing, strlen(nothing)), strlen(nothing));
	assert_int_equal(initramfs_unpacked(broken), 0);
}

static void test_as_root(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_error_ struct error err = {0};
	struct rootfs_options options = {.type = ROOTFS_INITRAMFS, .size = 1 << 20};
	struct rootfs_stats stats = {0};
	_cleanup_close_ int fd = open(archive, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	put_file(tree, "init", "the image's own");
	assert_int_equal(rootfs_write(tree, &options, fd, &stats, &err), -EINVAL);
	assert_string_equal(err.message,
						"cannot write an initramfs root file system: it has no size of "
						"its own: it takes the memory that it needs");
	error_clear(&err);
	options.size = 0;
	assert_int_equal(rootfs_write(tree, &options, fd, &stats, &err), 0);
	assert_int_equal(stats.size, lseek(fd, 0, SEEK_END));
	assert_int_equal(stats.inodes, 2);
	put_file(tree, ".lupine/init", "not ours");
	assert_int_equal(rootfs_write(tree, &options, fd, &stats, &err), -EEXIST);
	assert_string_equal(err.message,
						"cannot write an initramfs root file system: /.lupine is in the "
						"image, and lupine's own place there");
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_listing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unpacked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_same_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory_that_it_takes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_as_root, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
