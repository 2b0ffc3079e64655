// SPDX-License-Identifier: Apache-2.0
#include "image_fixture.h"

static const char passwd[] = "# a comment\n"
							 "root:x:0:0:root:/root:/bin/sh\n"
							 "\n"
							 "broken\n"
							 "worse:x:abc:0:::\n"
							 "redis:x:999:998:Redis:/var/lib/redis:/bin/false\n"
							 "1234:x:77:78::/numeric:\n"
							 "short:x:50:51\n"
							 "redis:x:1:1:second:/never:\n";
static const char group[] = "root:x:0:\n"
							"adm:x:4:root,redis\n"
							"redis:x:998:\n"
							"users:x:100:bob,redis\n"
							"tail:x:101:redisx,xredis\n"
							"broken:x\n"
							"last:x:102:redis";

static struct tree *tree_with(const char *users, const char *groups)
{
	struct tree *tree = tree_new();
	struct error err = {0};

	if (users)
		assert_ok(tree_put_file(tree, "etc/passwd", 0644, users, strlen(users), &err), &err);
	if (groups)
		assert_ok(tree_put_file(tree, "etc/group", 0644, groups, strlen(groups), &err), &err);
	return tree;
}

/* What "UID:GID GROUPS HOME" comes out. */
static void assert_user(const struct tree *tree, const char *text, const char *wanted)
{
	struct image_user user = {0};
	struct error err = {0};
	struct buf found = {0};

	assert_ok(image_resolve_user(tree, text, &user, &err), &err);
	buf_printf(&found, "%u:%u", user.uid, user.gid);
	for (size_t i = 0; i < user.group_count; i++)
		buf_printf(&found, "%c%u", i ? ',' : ' ', user.groups[i]);
	buf_printf(&found, " %s", user.home ? user.home : "-");
	assert_string_equal(found.data, wanted);
	buf_free(&found);
	image_user_free(&user);
}

static void test_docker_rules(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_with(passwd, group);
	static const struct {
		const char *user, *wanted;
	} cases[] = {
		{NULL, "0:0 4 /root"},
		{"", "0:0 4 /root"},
		{"root", "0:0 4 /root"},
		{"0", "0:0 4 /root"},
		{"redis", "999:998 4,100,102 /var/lib/redis"},
		{"999", "999:998 4,100,102 /var/lib/redis"},
		{"redis:users", "999:100 /var/lib/redis"},
		{"redis:7", "999:7 /var/lib/redis"},
		{"redis:", "999:998 4,100,102 /var/lib/redis"},
		{":users", "0:100 /root"},
		{"5000", "5000:0 -"},
		{"5000:6000", "5000:6000 -"},
		{"5000:adm", "5000:4 -"},
		{"1234", "77:78 /numeric"},
		{"short", "50:51 -"},
		{"4294967294:4294967294", "4294967294:4294967294 -"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_user(tree, cases[i].user, cases[i].wanted);
}

static void test_without_files(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_with(NULL, NULL);

	(void)state;
	assert_user(tree, NULL, "0:0 -");
	assert_user(tree, "0", "0:0 -");
	assert_user(tree, "12:13", "12:13 -");
}

static void test_through_links(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_with(NULL, group);
	struct inode *link = inode_new(S_IFLNK | 0777);
	struct error err = {0};

	(void)state;
	link->target = xstrdup("/../../usr/share/passwd");
	link->size = strlen(link->target);
	assert_ok(tree_put(tree, "etc/passwd", link, &err), &err);
	assert_ok(tree_put_file(tree, "usr/share/passwd", 0644, passwd, strlen(passwd), &err), &err);
	assert_user(tree, "redis:adm", "999:4 /var/lib/redis");
}

static void test_wrong(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_with(passwd, group);
	static const struct {
		const char *user, *message;
	} cases[] = {
		{"nobody", "the image has no user \"nobody\" in its /etc/passwd"},
		{"worse", "the image has no user \"worse\" in its /etc/passwd"},
		{"broken", "the image has no user \"broken\" in its /etc/passwd"},
		{"4294967295", "the image has no user \"4294967295\" in its /etc/passwd"},
		{"-1", "the image has no user \"-1\" in its /etc/passwd"},
		{"redis:nogroup", "the image has no group \"nogroup\" in its /etc/group"},
		{"redis:broken", "the image has no group \"broken\" in its /etc/group"},
		{"5000:a:b", "the image has no group \"a:b\" in its /etc/group"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct image_user user = {0};
		struct error err = {0};
		int result = image_resolve_user(tree, cases[i].user, &user, &err);
		assert_error(result, ENOENT, &err, cases[i].message);
		assert_null(user.home);
	}
}

static void test_many_groups(void **state)
{
	struct buf groups = {0};

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		buf_printf(&groups, "g%u:x:%u:redis\n", i, 1000 + i);
	_cleanup_tree_ struct tree *tree = tree_with(passwd, groups.data);
	struct image_user user = {0};
	struct error err = {0};
	assert_ok(image_resolve_user(tree, "redis", &user, &err), &err);
	assert_int_equal(user.group_count, 64);
	assert_int_equal(user.groups[63], 1063);
	image_user_free(&user);
	buf_puts(&groups, "g64:x:1064:redis\n");
	assert_ok(tree_put_file(tree, "etc/group", 0644, groups.data, groups.length, &err), &err);
	assert_error(image_resolve_user(tree, "redis", &user, &err), E2BIG, &err,
				 "the user \"redis\" is in more than 64 groups");
	buf_free(&groups);
}

static void test_unreadable(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct image_user user = {0};
	struct error err = {0};

	(void)state;
	assert_ok(tree_put(tree, "etc/passwd", inode_new(S_IFDIR | 0755), &err), &err);
	assert_error(image_resolve_user(tree, "redis", &user, &err), EISDIR, &err,
				 "/etc/passwd is a directory in the image");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker_rules),  cmocka_unit_test(test_without_files),
		cmocka_unit_test(test_through_links), cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_many_groups),   cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests_name("image user", tests, NULL, NULL);
}
