// SPDX-License-Identifier: Apache-2.0
#include "image_fixture.h"

#include <time.h>

static struct inode *file_of(const char *text)
{
	struct inode *inode = inode_new(S_IFREG | 0644);

	inode->size = strlen(text);
	inode->content.kind = CONTENT_BYTES;
	inode->content.bytes = xstrdup(text);
	return inode;
}

static struct inode *link_to(const char *target)
{
	struct inode *inode = inode_new(S_IFLNK | 0777);

	inode->target = xstrdup(target);
	inode->size = strlen(target);
	return inode;
}

static void put(struct tree *tree, const char *path, struct inode *inode)
{
	struct error err = {0};

	assert_ok(tree_put(tree, path, inode, &err), &err);
}

static void put_fails(struct tree *tree, const char *path, struct inode *inode, int code,
					  const char *message)
{
	struct error err = {0};

	assert_error(tree_put(tree, path, inode, &err), code, &err, message);
	if (!inode->links)
		inode_free(inode);
}

static void test_put_and_find(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();

	(void)state;
	put(tree, "usr/bin/b", file_of("two"));
	put(tree, "usr/bin/a", file_of("one"));
	put(tree, "usr/bin/\xff\x01", file_of("bytes"));
	put(tree, "usr/bin/ab", file_of(""));
	assert_names(tree, "/usr/bin", "a ab b \xff\x01");
	assert_file(tree, "usr/bin/a", "one");
	assert_int_equal(tree->entry_count, 6);
	assert_int_equal(tree->inode_count, 7);
	assert_int_equal(tree->data_bytes, 11);
	const struct inode *made = tree_lookup(tree, "/usr", false);
	assert_int_equal(made->mode, S_IFDIR | 0755);
	assert_int_equal(made->uid, 0);
	assert_null(directory_find(made, "bi", 2));
	assert_non_null(directory_find(made, "binary", 3));
}

static void test_replacing(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct inode *directory = inode_new(S_IFDIR | 0700);

	(void)state;
	put(tree, "d/x", file_of("1"));
	directory->uid = 7;
	inode_set_xattr(directory, "user.b", xstrdup("2"), 1);
	inode_set_xattr(directory, "user.a", xstrdup("1"), 1);
	inode_set_xattr(directory, "user.b", xstrdup("3"), 1);
	put(tree, "d", directory);
	const struct inode *merged = tree_lookup(tree, "d", false);
	assert_int_equal(merged->mode, S_IFDIR | 0700);
	assert_int_equal(merged->uid, 7);
	assert_int_equal(merged->xattr_count, 2);
	assert_string_equal(merged->xattrs[0].name, "user.a");
	assert_memory_equal(merged->xattrs[1].value, "3", 1);
	assert_file(tree, "d/x", "1");

	put(tree, "d", file_of("file now"));
	assert_absent(tree, "d/x");
	put(tree, "d", inode_new(S_IFDIR | 0711));
	assert_names(tree, "d", "");
	assert_int_equal(tree->inode_count, 2);
	assert_int_equal(tree->entry_count, 1);
	assert_int_equal(tree->data_bytes, 0);

	put(tree, "", inode_new(S_IFDIR | 0500));
	assert_int_equal(tree->root->mode, S_IFDIR | 0500);
	assert_names(tree, "/", "d");
}

static void test_refusals(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	char name[301], path[5001];

	(void)state;
	put(tree, "file", file_of("x"));
	put(tree, "a/link", link_to("/etc"));
	put_fails(tree, "file/below", file_of(""), ENOTDIR, "file/below: file is not a directory");
	put_fails(tree, "a/link/below", file_of(""), ELOOP,
			  "a/link/below: a/link is a symbolic link, not a directory");
	put_fails(tree, "", file_of(""), EISDIR, "the root can only be a directory");
	static const char *const unclean[] = {"/a", "a//b", "a/", "./a", "a/../b", "..", "a/.", "."};
	for (size_t i = 0; i < ARRAY_SIZE(unclean); i++) {
		_cleanup_free_ char *message = xasprintf("%s: not a clean path", unclean[i]);
		put_fails(tree, unclean[i], file_of(""), EINVAL, message);
	}
	memset(name, 'n', 300);
	name[300] = '\0';
	_cleanup_free_ char *message = xasprintf("%s: a name of 300 bytes, more than 255", name);
	put_fails(tree, name, file_of(""), E2BIG, message);
	memset(path, 'p', 5000);
	path[5000] = '\0';
	_cleanup_free_ char *long_message = xasprintf("%.64s...: a path of more than 4096 bytes", path);
	put_fails(tree, path, file_of(""), E2BIG, long_message);
	put_fails(tree, "again", tree_lookup(tree, "a", false), EPERM,
			  "again: a hard link to a directory");
	assert_int_equal(tree->entry_count, 3);
	/* As if there were so many. */
	tree->entry_count = TREE_ENTRY_LIMIT;
	put_fails(tree, "a/one-more", file_of(""), E2BIG, "a/one-more: more than 4194304 files");
	put(tree, "file", file_of("y"));
	tree->entry_count = 3;
}

static void test_hard_links(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct inode *inode = file_of("shared");

	(void)state;
	put(tree, "one", inode);
	put(tree, "two", inode);
	put(tree, "two", inode);
	assert_int_equal(inode->links, 2);
	assert_int_equal(tree->inode_count, 2);
	assert_int_equal(tree->data_bytes, 6);
	tree_remove(tree, "one");
	assert_int_equal(inode->links, 1);
	assert_file(tree, "two", "shared");
	/* A link in place of the directory that holds the only other name. */
	put(tree, "d/e", inode_new(S_IFIFO | 0600));
	put(tree, "d", tree_lookup(tree, "d/e", false));
	assert_true(S_ISFIFO(tree_lookup(tree, "d", false)->mode));
	tree_remove(tree, "two");
	tree_remove(tree, "two");
	tree_remove(tree, "no/such/path");
	assert_int_equal(tree->inode_count, 2);
	assert_int_equal(tree->data_bytes, 0);
	tree_clear(tree, "");
	assert_names(tree, "/", "");
	assert_int_equal(tree->inode_count, 1);
	assert_int_equal(tree->entry_count, 0);
}

static void test_lookup_stays_inside(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();

	(void)state;
	put(tree, "usr/lib/x", file_of("library"));
	put(tree, "lib", link_to("usr/lib"));
	put(tree, "usr/up", link_to("../../../../lib/x"));
	put(tree, "absolute", link_to("/lib/../lib/./x"));
	put(tree, "loop", link_to("loop"));
	put(tree, "dangling", link_to("nowhere"));
	assert_file(tree, "/lib/x", "library");
	assert_file(tree, "usr/up", "library");
	assert_file(tree, "../../absolute", "library");
	assert_true(S_ISLNK(tree_lookup(tree, "lib", false)->mode));
	assert_true(S_ISDIR(tree_lookup(tree, "lib", true)->mode));
	assert_null(tree_lookup(tree, "loop", true));
	assert_null(tree_lookup(tree, "loop/x", false));
	assert_null(tree_lookup(tree, "dangling", true));
	assert_null(tree_lookup(tree, "usr/lib/x/y", false));
	assert_ptr_equal(tree_lookup(tree, "/..", true), tree->root);
}

static void test_read_errors(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct error err = {0};
	struct buf text = {0};

	(void)state;
	put(tree, "d/file", file_of("0123456789"));
	put(tree, "pipe", inode_new(S_IFIFO | 0600));
	assert_error(tree_read_file(tree, "d/none", 10, &text, &err), ENOENT, &err,
				 "d/none: no such file in the image");
	assert_error(tree_read_file(tree, "d", 10, &text, &err), EISDIR, &err,
				 "d is a directory in the image");
	assert_error(tree_read_file(tree, "pipe", 10, &text, &err), EINVAL, &err,
				 "pipe is not a regular file in the image");
	assert_error(tree_read_file(tree, "d/file", 9, &text, &err), EFBIG, &err,
				 "d/file has 10 bytes, more than 9");
	assert_ok(tree_read_file(tree, "d/file", 10, &text, &err), &err);
	assert_ok(tree_read_file(tree, "d/file", 10, &text, &err), &err);
	assert_string_equal(text.data, "01234567890123456789");
	buf_free(&text);
}

static void test_extents(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct error err = {0};
	struct buf text = {0};
	struct inode *inode = inode_new(S_IFREG | 0644);

	(void)state;
	write_text("source", "....abcd....efg");
	inode->size = 12;
	inode->content = (struct content){
		.kind = CONTENT_EXTENTS,
		.source = source_new(open("source", O_RDONLY | O_CLOEXEC)),
		.extents = xcalloc(2, sizeof(struct extent)),
		.extent_count = 2,
	};
	inode->content.extents[0] = (struct extent){.offset = 1, .length = 4, .source = 4};
	inode->content.extents[1] = (struct extent){.offset = 8, .length = 3, .source = 12};
	put(tree, "sparse", inode);
	assert_ok(tree_read_file(tree, "sparse", 100, &text, &err), &err);
	assert_int_equal(text.length, 12);
	assert_memory_equal(text.data, "\0abcd\0\0\0efg\0", 12);
	assert_int_equal(truncate("source", 13), 0);
	assert_error(tree_read_file(tree, "sparse", 100, &text, &err), EIO, &err,
				 "sparse: the file became shorter while it was read");
	buf_free(&text);
}

static int count_pieces(uint64_t offset, const void *bytes, size_t length, void *data,
						struct error *err)
{
	(void)offset, (void)bytes, (void)err;
	*(uint64_t *)data += length;
	return 0;
}

static int refuse(uint64_t offset, const void *bytes, size_t length, void *data, struct error *err)
{
	(void)offset, (void)bytes, (void)length, (void)data;
	return error_set(err, ENOSPC, "no room");
}

static struct inode *host_file(const char *path, uint64_t size)
{
	struct inode *inode = inode_new(S_IFREG | 0644);

	inode->size = size;
	inode->content = (struct content){
		.kind = CONTENT_PATH,
		.source = source_new(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)),
		.path = xstrdup(path),
	};
	return inode;
}

static void test_host_files(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct error err = {0};
	uint64_t total = 0;

	(void)state;
	run("mkdir d; printf data >d/file; ln -s file d/link; ln -s d e; mkfifo pipe; "
		"truncate -s 10M hole; printf end >>hole");
	put(tree, "file", host_file("d/file", 4));
	put(tree, "hole", host_file("hole", 10 * 1024 * 1024 + 3));
	assert_file(tree, "file", "data");
	assert_ok(content_read(tree_lookup(tree, "hole", false), count_pieces, &total, &err), &err);
	assert_true(total >= 3 && total <= 64 * 1024);
	assert_error(content_read(tree_lookup(tree, "file", false), refuse, NULL, &err), ENOSPC, &err,
				 "d/file: no room");

	static const struct {
		const char *path;
		int code;
		const char *message;
	} wrong[] = {
		{"d/link", ELOOP, "cannot open d/link: Too many levels of symbolic links"},
		{"e/file", ELOOP, "cannot open e/file: Too many levels of symbolic links"},
		{"../escape", EXDEV, "cannot open ../escape: Invalid cross-device link"},
		{"/etc/passwd", EXDEV, "cannot open /etc/passwd: Invalid cross-device link"},
		{"gone", ENOENT, "cannot open gone: No such file or directory"},
		{"pipe", EIO, "pipe changed while it was read"},
		{"hole", EIO, "hole changed while it was read"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct inode *inode = host_file(wrong[i].path, 4);
		assert_error(content_read(inode, count_pieces, &total, &err), wrong[i].code, &err,
					 wrong[i].message);
		inode_free(inode);
	}
}

static void test_layers_hide_what_is_below(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();

	(void)state;
	tree_layer_begin(tree);
	put(tree, "d/old", file_of("1"));
	put(tree, "d/sub/old", file_of("1"));
	put(tree, "gone", file_of("1"));
	put(tree, "replaced/old", file_of("1"));
	tree_layer_begin(tree);
	/* The opaque marker behind what the same layer put, and twice. */
	put(tree, "d/new", file_of("2"));
	put(tree, "d/sub/new", file_of("2"));
	tree_hide_beneath(tree, "d");
	put(tree, "d/later", file_of("2"));
	tree_hide_beneath(tree, "d");
	tree_hide(tree, "gone");
	tree_hide(tree, "absent");
	/* A whiteout behind the directory that takes the place of what it hides. */
	put(tree, "replaced/new", file_of("2"));
	tree_hide(tree, "replaced");
	tree_layers_end(tree);
	assert_names(tree, "/", "d replaced");
	assert_names(tree, "d", "later new sub");
	assert_names(tree, "d/sub", "new");
	assert_names(tree, "replaced", "new");
	tree_layer_begin(tree);
	tree_hide_beneath(tree, "");
	put(tree, "d", file_of("3"));
	tree_layers_end(tree);
	assert_names(tree, "/", "d");
	assert_int_equal(tree->entry_count, 1);
	assert_int_equal(tree->inode_count, 2);
	assert_int_equal(tree->data_bytes, 1);
}

/* Names in the worst order: none may take time that grows with the square. */
static void test_a_directory_of_many(void **state)
{
	enum { COUNT = 200000 };
	_cleanup_tree_ struct tree *tree = tree_new();
	char name[32];
	clock_t start = clock();

	(void)state;
	tree_layer_begin(tree);
	for (unsigned i = COUNT; i--;) {
		snprintf(name, sizeof(name), "d/%06u", i * 7 % COUNT);
		put(tree, name, inode_new(S_IFREG | 0644));
	}
	tree_layer_begin(tree);
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "d/%06u", i);
		if (i % 2)
			tree_hide(tree, name);
	}
	put(tree, "d/000001", file_of("back again"));
	tree_layers_end(tree);
	const struct inode *directory = tree_lookup(tree, "d", false);
	assert_int_equal(directory->entry_count, COUNT / 2 + 1);
	assert_int_equal(tree->entry_count, COUNT / 2 + 2);
	for (size_t i = 1; i < directory->entry_count; i++)
		assert_true(strcmp(directory->entries[i - 1].name, directory->entries[i].name) < 0);
	assert_file(tree, "d/000001", "back again");
	assert_non_null(tree_lookup(tree, "d/199998", false));
	assert_absent(tree, "d/199999");
	/* It takes some 0.3 s, and keeping the entries in order all the time takes minutes. */
	clock_t spent = (clock() - start) / CLOCKS_PER_SEC;
	if (spent > 10)
		fail_msg("it took %ld s", (long)spent);
}

/* Outside of layers a directory is in order after every step. */
static void test_always_sorted(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	char name[8];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%02u", i * 37 % 100);
		put(tree, name, inode_new(S_IFREG | 0644));
		if (i % 3 == 0)
			tree_remove(tree, name);
		assert_int_equal(tree->root->entry_count, tree->entry_count);
		for (size_t k = 1; k < tree->root->entry_count; k++)
			assert_true(strcmp(tree->root->entries[k - 1].name, tree->root->entries[k].name) < 0);
	}
}

static void test_deep_paths(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	char path[4096];

	(void)state;
	for (size_t i = 0; i < 4095; i++)
		path[i] = i % 2 ? '/' : 'd';
	path[4095] = '\0';
	put(tree, path, file_of("deep"));
	assert_int_equal(tree->entry_count, 2048);
	assert_file(tree, path, "deep");
	tree_remove(tree, "d");
	assert_int_equal(tree->inode_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMAGE_TEST(test_put_and_find),
		IMAGE_TEST(test_replacing),
		IMAGE_TEST(test_refusals),
		IMAGE_TEST(test_hard_links),
		IMAGE_TEST(test_lookup_stays_inside),
		IMAGE_TEST(test_read_errors),
		IMAGE_TEST(test_extents),
		IMAGE_TEST(test_host_files),
		IMAGE_TEST(test_layers_hide_what_is_below),
		IMAGE_TEST(test_a_directory_of_many),
		IMAGE_TEST(test_always_sorted),
		IMAGE_TEST(test_deep_paths),
	};

	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
