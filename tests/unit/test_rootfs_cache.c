// SPDX-License-Identifier: Apache-2.0
#include "ext_writer.h"

#include "base/digest.h"
#include "base/paths.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

static int set_up_home(void **state)
{
	if (set_up(state) < 0)
		return -1;
	return setenv("LUPINE_HOME", top, 1);
}

static struct image make_image(struct tree *tree)
{
	return (struct image){
		.reference = "oci:test",
		.digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		.tree = tree,
	};
}

static char *cached(const struct image *from, enum rootfs_type type, uint64_t size)
{
	_cleanup_error_ struct error err = {0};
	struct rootfs_options options = {.type = type, .size = size};
	char *path = NULL;

	if (rootfs_cached(from, &options, &path, &err) < 0)
		fail_msg("%s", err.message);
	return path;
}

/* How many names the cache has, of all kinds. */
static unsigned count_cached(void)
{
	_cleanup_free_ char *path = xasprintf("%s/cache/rootfs", top);
	DIR *directory = opendir(path);
	unsigned count = 0;

	assert_non_null(directory);
	for (const struct dirent *entry; (entry = readdir(directory));)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	return count;
}

static void test_made_once(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	struct image from = make_image(tree);
	struct stat first_status, second_status;

	put_file(tree, "etc/hostname", "test\n", 5);
	_cleanup_free_ char *first = cached(&from, ROOTFS_EXT2, 8 << 20);
	assert_image(first, tree);
	assert_int_equal(stat(first, &first_status), 0);
	assert_int_equal(first_status.st_size, 8 << 20);
	assert_int_equal(first_status.st_mode & 0777, 0444);
	assert_in_range(first_status.st_blocks * 512, 1, 1 << 20); /* holes are still holes */
	assert_int_equal(count_cached(), 1);

	from.tree = NULL; /* it is not looked at again */
	_cleanup_free_ char *second = cached(&from, ROOTFS_EXT2, 8 << 20);
	assert_string_equal(first, second);
	assert_int_equal(stat(second, &second_status), 0);
	assert_int_equal(first_status.st_ino, second_status.st_ino);
}

static void test_key(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	struct image from = make_image(tree);
	_cleanup_free_ char *one = cached(&from, ROOTFS_EXT2, 8 << 20);
	_cleanup_free_ char *larger = cached(&from, ROOTFS_EXT2, 16 << 20);
	_cleanup_free_ char *ext4_one = cached(&from, ROOTFS_EXT4, 8 << 20);

	from.digest = "sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	_cleanup_free_ char *of_other = cached(&from, ROOTFS_EXT2, 8 << 20);
	assert_string_not_equal(one, larger);
	assert_string_not_equal(one, ext4_one);
	assert_string_not_equal(one, of_other);
	assert_int_equal(count_cached(), 4);
}

static void test_no_digest(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_error_ struct error err = {0};
	struct image from = make_image(tree);
	struct rootfs_options options = {0};
	char *path = NULL;

	from.digest = NULL;
	assert_int_equal(rootfs_cached(&from, &options, &path, &err), -ENOTSUP);
	assert_string_equal(err.message, "oci:test has no digest to keep its root file system by");
	assert_null(path);
}

static void test_failure_leaves_nothing(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *bytes = make_bytes(1 << 20);
	struct image from = make_image(tree);
	struct rootfs_options options = {.size = 1 << 20};
	char *path = NULL;

	put_file(tree, "file", bytes, 1 << 20);
	assert_int_equal(rootfs_cached(&from, &options, &path, &err), -ENOSPC);
	assert_null(path);
	assert_int_equal(count_cached(), 0);
}

/* Everyone gets the same disk, and none is left half made. */
static void test_at_once(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_free_ char *bytes = make_bytes(4 << 20);
	struct image from = make_image(tree);
	pid_t children[6];

	put_file(tree, "file", bytes, 4 << 20);
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			_cleanup_error_ struct error err = {0};
			struct rootfs_options options = {.type = ROOTFS_EXT4};
			char *path = NULL;
			_exit(rootfs_cached(&from, &options, &path, &err) == 0 ? 0 : 1);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_cached(), 1);
	_cleanup_free_ char *path = cached(&from, ROOTFS_EXT4, 0);
	assert_image(path, tree);
}

/* Killed at any moment, it leaves nothing that the next one would take for a disk. */
static void test_killed(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_free_ char *bytes = make_bytes(16 << 20);
	struct image from = make_image(tree);
	char digest[DIGEST_SIZE];

	put_file(tree, "file", bytes, 16 << 20);
	for (unsigned turn = 0; turn < 6; turn++) {
		snprintf(digest, sizeof(digest), "sha256:%064u", turn);
		from.digest = digest;
		pid_t child = fork();
		if (child == 0) {
			_cleanup_free_ char *unused = cached(&from, ROOTFS_EXT4, 0);
			_exit(0);
		}
		usleep(turn * 3000);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		_cleanup_free_ char *path = cached(&from, ROOTFS_EXT4, 0);
		assert_clean(path);
		assert_int_equal(count_cached(), turn + 1);
	}
}

static void write_number(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!write(fd, text, strlen(text));
		close(fd);
	}
}

/* Becomes root of a user namespace, where a small file system can be mounted at `path`. */
static bool mount_small(const char *path, const char *size)
{
	_cleanup_free_ char *uids = xasprintf("0 %u 1", getuid());
	_cleanup_free_ char *gids = xasprintf("0 %u 1", getgid());
	_cleanup_free_ char *options = xasprintf("size=%s", size);

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	write_number("/proc/self/setgroups", "deny");
	write_number("/proc/self/uid_map", uids);
	write_number("/proc/self/gid_map", gids);
	return mount("tmpfs", path, "tmpfs", 0, options) == 0;
}

enum { CANNOT_MOUNT = 77 };

/* The parts of test_host_is_full() that need a mount of their own; returns an exit status. */
static int fill_host(const struct image *from)
{
	_cleanup_error_ struct error err = {0};
	struct rootfs_options options = {0};
	char *path = NULL;

	if (!mount_small(top, "2m"))
		return CANNOT_MOUNT;
	if (rootfs_cached(from, &options, &path, &err) != -ENOSPC)
		return 1;
	if (strcmp(err.message, "cannot write an ext2 root file system: file: cannot write the disk "
							"image: No space left on device") != 0) {
		fprintf(stderr, "%s\n", err.message);
		return 2;
	}
	return count_cached() == 0 && file_disk_usage(top) < 4096 ? 0 : 3;
}

static void test_host_is_full(void **state)
{
	(void)state;
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_free_ char *bytes = make_bytes(4 << 20);
	struct image from = make_image(tree);
	int status;

	put_file(tree, "file", bytes, 4 << 20);
	pid_t child = fork();
	if (child == 0)
		_exit(fill_host(&from));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WEXITSTATUS(status) == CANNOT_MOUNT) {
		print_message("no small file system can be mounted here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, set_up_home, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(test_made_once),
		ONE(test_key),
		ONE(test_no_digest),
		ONE(test_at_once),
		ONE(test_killed),
		ONE(test_host_is_full),
		ONE(test_failure_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
