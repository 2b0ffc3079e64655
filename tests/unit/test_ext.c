// SPDX-License-Identifier: Apache-2.0
#include "ext_writer.h"

#include "base/digest.h"

static void put_symlink(struct tree *tree, const char *path, size_t length)
{
	struct inode *inode = put(tree, path, S_IFLNK | 0777);

	inode->target = xmalloc(length + 1);
	memset(inode->target, 't', length);
	inode->target[length] = '\0';
	inode->size = length;
}

static void put_device(struct tree *tree, const char *path, mode_t mode, unsigned major,
					   unsigned minor)
{
	struct inode *inode = put(tree, path, mode);

	inode->device_major = major;
	inode->device_minor = minor;
}

static void set_xattr(struct inode *inode, const char *name, const void *value, size_t length)
{
	void *copy = xmalloc(length);

	if (length)
		memcpy(copy, value, length);
	inode_set_xattr(inode, name, copy, length);
}

/* system.posix_acl_*: u::rwx,u:65537:r--,g::r-x,g:1000:-w-,m::rwx,o::--- */
static const char acl[] = "\2\0\0\0"
						  "\1\0\7\0\xff\xff\xff\xff"
						  "\2\0\4\0\1\0\1\0"
						  "\4\0\5\0\xff\xff\xff\xff"
						  "\10\0\2\0\xe8\3\0\0"
						  "\20\0\7\0\xff\xff\xff\xff"
						  "\40\0\0\0\xff\xff\xff\xff";

static void put_xattrs(struct tree *tree)
{
	/* cap_net_raw=ep, as of ping */
	static const char capability[20] = "\1\0\0\2\0\x20";
	_cleanup_free_ char *bytes = make_bytes(4000);
	struct inode *inode;

	set_xattr(put(tree, "bin/ping", S_IFREG | 0755), "security.capability", capability,
			  sizeof(capability));
	set_xattr(put(tree, "xattrs/link", S_IFREG | 0644), "trusted.overlay.opaque", "y", 1);
	set_xattr(put(tree, "xattrs/empty", S_IFREG | 0644), "user.empty", "", 0);
	set_xattr(put(tree, "xattrs/large", S_IFREG | 0644), "user.large", bytes, 4000);
	set_xattr(put(tree, "xattrs/foreign", S_IFREG | 0644), "com.apple.quarantine", "q", 1);
	inode = put(tree, "xattrs/many", S_IFREG | 0644);
	for (int i = 0; i < 60; i++) {
		_cleanup_free_ char *name = xasprintf("user.%0*d", 1 + i % 17, i);
		set_xattr(inode, name, bytes, (size_t)i);
	}
	inode = put(tree, "xattrs/lists", S_IFDIR | 0770);
	set_xattr(inode, "system.posix_acl_access", acl, sizeof(acl) - 1);
	set_xattr(inode, "system.posix_acl_default", acl, sizeof(acl) - 1);
	set_xattr(inode, "security.selinux", "system_u:object_r:etc_t:s0", 27);
	inode = put(tree, "xattrs/device", S_IFCHR | 0600);
	set_xattr(inode, "security.selinux", "system_u:object_r:null_device_t:s0", 35);
	inode = put(tree, "xattrs/symlink", S_IFLNK | 0777);
	inode->target = xstrdup("target");
	inode->size = 6;
	set_xattr(inode, "security.selinux", "system_u:object_r:etc_t:s0", 27);
}

/* One of everything that can be in an image. */
static struct tree *make_tree(void)
{
	struct tree *tree = tree_new();
	_cleanup_free_ char *bytes = make_bytes(5 << 20);
	static const size_t sizes[] = {0,
								   1,
								   4095,
								   4096,
								   4097,
								   12 * 4096,
								   12 * 4096 + 1,
								   (12 + 1024) * 4096,
								   (12 + 1024) * 4096 + 1,
								   5 << 20};
	static const size_t targets[] = {1, 59, 60, 61, 4095};
	char path[600];

	tree->root->mtime = 1700000000;
	put(tree, "etc", S_IFDIR | 0750)->gid = 70000;
	put(tree, "tmp", S_IFDIR | 01777);
	put(tree, "lost+found", S_IFDIR | 0700); /* as good a name as any */
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(path, sizeof(path), "data/%zu", sizes[i]);
		put_file(tree, path, bytes, sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		snprintf(path, sizeof(path), "links/%zu", targets[i]);
		put_symlink(tree, path, targets[i]);
	}
	put_device(tree, "dev/null", S_IFCHR | 0666, 1, 3);
	put_device(tree, "dev/sda", S_IFBLK | 0660, 8, 0);
	put_device(tree, "dev/wide", S_IFCHR | 0600, 4095, 1048575);
	put_device(tree, "dev/minor", S_IFBLK | 0600, 8, 256);
	put(tree, "run/fifo", S_IFIFO | 0622);
	put(tree, "run/socket", S_IFSOCK | 0777);
	struct inode *setuid = put(tree, "bin/su", S_IFREG | 04755);
	setuid->uid = 4294967294;
	setuid->gid = 65536;
	put_link(tree, "bin/su2", setuid);
	put_link(tree, "sbin/su3", setuid);
	static const int64_t times[] = {
		INT32_MIN, -1, 0, INT32_MAX, INT32_MAX + INT64_C(1), (INT64_C(1) << 34) + INT32_MIN - 1};
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		snprintf(path, sizeof(path), "times/%zu", i);
		struct inode *inode = put(tree, path, S_IFREG | 0600);
		inode->mtime = times[i];
		inode->mtime_nsec = i ? 999999999 : 0;
	}
	memset(path, 'n', sizeof(path));
	memcpy(path, "names/", 6);
	path[6 + 255] = '\0';
	put(tree, path, S_IFREG | 0644);
	put(tree, "names/\xff\xfe not \xc3( UTF-8", S_IFREG | 0644);
	put(tree, "names/new\nline", S_IFDIR | 0755);
	put_xattrs(tree);
	return tree;
}

static void test_everything(void **state)
{
	enum rootfs_type type = *(enum rootfs_type *)*state;
	_cleanup_tree_ struct tree *tree = make_tree();
	struct rootfs_stats stats = write_image(tree, type, 0, image);
	struct stat status;

	assert_image(image, tree);
	assert_int_equal(stat(image, &status), 0);
	assert_int_equal(status.st_size % 4096, 0);
	/* 1 GiB of free space, none of which is on the host's disk. */
	assert_in_range(stats.size - stats.used, 1024 << 20, 1040 << 20);
	assert_in_range(status.st_blocks * 512, tree->data_bytes, tree->data_bytes + (4 << 20));
	assert_int_equal(stats.inodes, tree->inode_count - 1 + 10); /* 10 reserved, the root of them */

	ext2_filsys fs = open_image(image);
	assert_true(ext2fs_blocks_count(fs->super) * 4096 == stats.size);
	assert_true(ext2fs_free_blocks_count(fs->super) * 4096 == stats.size - stats.used);
	assert_in_range(fs->super->s_free_inodes_count, (1 << 30) / 16384, (1 << 30) / 16384 * 2);
	assert_int_equal(!!ext2fs_has_feature_journal(fs->super), type == ROOTFS_EXT4);
	/* Small attributes lie in the inode, where the ext2 driver would not look for them. */
	struct ext2_inode ping;
	ext2_ino_t number;
	assert_int_equal(ext2fs_namei(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, "/bin/ping", &number), 0);
	assert_int_equal(ext2fs_read_inode(fs, number, &ping), 0);
	assert_int_equal(ping.i_file_acl == 0, type == ROOTFS_EXT4);
	assert_int_equal(ext2fs_close(fs), 0);
}

static void digest_of(const char *path, char text[DIGEST_SIZE])
{
	_cleanup_error_ struct error err = {0};
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(digest_fd(fd, text, &err), 0);
}

static void uuid_of(const char *path, uint8_t uuid[16])
{
	ext2_filsys fs = open_image(path);

	memcpy(uuid, fs->super->s_uuid, 16);
	assert_int_equal(ext2fs_close(fs), 0);
}

static void test_same_bytes(void **state)
{
	enum rootfs_type type = *(enum rootfs_type *)*state;
	char first[DIGEST_SIZE], second[DIGEST_SIZE];
	uint8_t uuid[16], other_uuid[16];
	_cleanup_tree_ struct tree *tree = make_tree(), *again = make_tree();

	write_image(tree, type, 64 << 20, image);
	digest_of(image, first);
	/* The same tree once more, and another one that is like it, a second later. */
	sleep(1);
	write_image(tree, type, 64 << 20, other);
	digest_of(other, second);
	assert_string_equal(first, second);
	write_image(again, type, 64 << 20, other);
	digest_of(other, second);
	assert_string_equal(first, second);

	uuid_of(image, uuid);
	tree_lookup(again, "etc", true)->mtime = 1;
	write_image(again, type, 64 << 20, other);
	uuid_of(other, other_uuid);
	assert_memory_not_equal(uuid, other_uuid, sizeof(uuid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {BOTH(test_everything), BOTH(test_same_bytes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
