// SPDX-License-Identifier: Apache-2.0
/*
 * The same image read by us and unpacked by umoci, compared file by file; and the other way
 * round, one that we read from a directory.
 */
#include "image_fixture.h"

static struct image *open_or_fail(const char *reference)
{
	struct error err = {0};
	struct image *image = NULL;

	assert_ok(open_image(reference, &image, &err), &err);
	return image;
}

static int add_to_digest(uint64_t offset, const void *bytes, size_t length, void *data,
						 struct error *err)
{
	const char *text = bytes;

	(void)err;
	for (size_t i = 0; i < length; i++) {
		if (!text[i])
			continue; /* a hole is as good as zeros */
		uint64_t place = offset + i;
		digest_update(data, &place, sizeof(place));
		digest_update(data, &text[i], 1);
	}
	return 0;
}

/* Everything there is to say of a file in one line; hard links by the first path they were seen
 * at. */
static void describe(struct buf *list, struct inode *inode, const char *path, uint32_t *number)
{
	char digest[DIGEST_SIZE] = "";
	struct error err = {0};

	if (!inode->number)
		inode->number = ++*number;
	if (S_ISREG(inode->mode)) {
		struct digest *content = digest_new();
		assert_ok(content_read(inode, add_to_digest, content, &err), &err);
		digest_final(content, digest);
		digest_free(&content);
	}
	buf_printf(list, "%s #%u %o %u:%u %lld.%09u %llu links %u dev %u:%u -> %s %s", path,
			   inode->number, inode->mode, inode->uid, inode->gid, (long long)inode->mtime,
			   inode->mtime_nsec, (unsigned long long)inode->size, inode->links,
			   inode->device_major, inode->device_minor, inode->target ? inode->target : "",
			   digest);
	for (size_t i = 0; i < inode->xattr_count; i++) {
		buf_printf(list, " %s=", inode->xattrs[i].name);
		for (size_t k = 0; k < inode->xattrs[i].length; k++)
			buf_printf(list, "%02x", ((unsigned char *)inode->xattrs[i].value)[k]);
	}
	buf_puts(list, "\n");
	for (size_t i = 0; i < inode->entry_count; i++) {
		_cleanup_free_ char *below = xasprintf("%s/%s", path, inode->entries[i].name);
		describe(list, inode->entries[i].inode, below, number);
	}
}

static char *list_of(const char *reference)
{
	_cleanup_image_ struct image *image = open_or_fail(reference);
	struct buf list = {0};
	uint32_t number = 0;

	describe(&list, image->tree->root, "", &number);
	return buf_steal(&list);
}

/* The first line in which they differ. */
static void assert_same(const char *left, const char *right)
{
	_cleanup_free_ char *a = list_of(left), *b = list_of(right);
	char *rest_a = a, *rest_b = b;

	while (rest_a && rest_b) {
		const char *line_a = strsep(&rest_a, "\n"), *line_b = strsep(&rest_b, "\n");
		assert_string_equal(line_a, line_b);
	}
	assert_null(rest_a);
	assert_null(rest_b);
}

static const char first_layer[] =
	"cd b/rootfs; mkdir -p bin etc/deep/er dev tmp empty; chmod 1777 tmp; "
	"printf program >bin/su; chown 0:7 bin/su; chmod 4755 bin/su; ln bin/su bin/also; "
	"ln -s su bin/link; ln -s /nowhere/at/all dangling; mkfifo -m 600 pipe; "
	"mknod -m 666 dev/null c 1 3; mknod dev/sda b 8 300; "
	"truncate -s 3M sparse; printf tail >>sparse; printf x >etc/owned; "
	"chown 123456:4000000000 etc/owned; touch -d 2001-02-03T04:05:06.789 etc/owned; "
	"printf old >etc/replaced; mkdir etc/gone; printf y >etc/gone/file; "
	"printf z >etc/deep/er/file; "
	"printf n >\"$(printf 'caf\\351')\"; printf n >'new\nline'; "
	"n=nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn; "
	"mkdir -p $n$n/$n$n; printf long >$n$n/$n$n/$n; ln -s $n/$n/$n/$n/$n long-link; "
	"head -c 1000000 /dev/urandom >random";

static const char second_layer[] =
	"cd b/rootfs; rm -r etc/gone; printf new >etc/replaced; rm -r etc/deep; mkdir etc/deep; "
	"printf fresh >etc/deep/fresh; rm dangling; mkdir dangling; printf d >dangling/d; "
	"rm -r empty; printf file >empty; ln etc/replaced etc/third; chmod 700 tmp; rm bin/also";

static void make_image(void)
{
	run("umoci init --layout l; umoci new --image l:t; umoci unpack --image l:t b >/dev/null 2>&1");
	run(first_layer);
	run("umoci repack --refresh-bundle --image l:t b >/dev/null 2>&1");
	run(second_layer);
	run("umoci repack --refresh-bundle --image l:t b >/dev/null 2>&1; rm -rf b");
	run("umoci config --image l:t --config.cmd /bin/su --config.env A=b --config.user 5:6 "
		"--config.exposedports 80/tcp --config.stopsignal SIGUSR1 --config.workingdir /etc");
	run("umoci unpack --image l:t out >/dev/null 2>&1");
}

#define NEED_ROOT_AND(program)                                                                     \
	do {                                                                                           \
		NEED_PROGRAM(program);                                                                     \
		if (geteuid() != 0) {                                                                      \
			print_message("[  SKIPPED ] %s: it takes root to make devices and owners\n",           \
						  __func__);                                                               \
			skip();                                                                                \
		}                                                                                          \
	} while (0)

static void test_same_as_umoci(void **state)
{
	(void)state;
	NEED_ROOT_AND("umoci");
	make_image();
	assert_same("oci:l:t", "dir:out/rootfs");
	_cleanup_image_ struct image *image = open_or_fail("oci:l:t");
	assert_int_equal(image->layer_count, 2);
	assert_string_equal(image->config.cmd.items[0], "/bin/su");
	assert_string_equal(image->config.user, "5:6");
	assert_string_equal(image->config.stop_signal, "SIGUSR1");
	assert_int_equal(image->config.ports[0].port, 80);
	assert_true(image->tree->entry_count > 20);
}

/* Attributes, where the file system of the test has them. */
static void test_attributes(void **state)
{
	(void)state;
	NEED_ROOT_AND("umoci");
	NEED_PROGRAM("setfattr");
	NEED_PROGRAM("setcap");
	run("umoci init --layout l; umoci new --image l:t; umoci unpack --image l:t b >/dev/null 2>&1");
	run("cd b/rootfs; printf x >file; mkdir dir; setfattr -n user.text -v hello file || exit 0; "
		"setfattr -n user.binary -v 0x00ff0a3d00 file; setfattr -n trusted.t -v 1 dir; "
		"setcap cap_net_bind_service+ep file; setfattr -n user.root -v r .");
	run("umoci repack --image l:t b >/dev/null 2>&1; umoci unpack --image l:t out >/dev/null 2>&1");
	assert_same("oci:l:t", "dir:out/rootfs");
	_cleanup_image_ struct image *image = open_or_fail("oci:l:t");
	const struct inode *file = tree_lookup(image->tree, "file", false);
	if (!file->xattr_count) {
		print_message("[  SKIPPED ] %s: no attributes on this file system\n", __func__);
		skip();
	}
	assert_int_equal(file->xattr_count, 3);
	assert_string_equal(file->xattrs[0].name, "security.capability");
	assert_string_equal(file->xattrs[1].name, "user.binary");
	assert_memory_equal(file->xattrs[1].value, "\0\xff\n=\0", 5);
}

/* The forms that skopeo writes hold the same tree. */
static void test_same_through_skopeo(void **state)
{
	static const struct {
		const char *command, *reference;
	} forms[] = {
		{"skopeo copy -q oci:l:t docker-archive:d.tar:some/name:tag", "docker-archive:d.tar"},
		{"gzip -k d.tar", "d.tar.gz:some/name:tag"},
		{"skopeo copy -q oci:l:t oci-archive:o.tar:other", "oci-archive:o.tar:other"},
		{"xz -k0 o.tar", "o.tar.xz"},
		{"skopeo copy -q --dest-compress-format zstd --dest-compress oci:l:t oci:z:z", "oci:z:z"},
		{"skopeo copy -q --format v2s2 oci:l:t oci:v:v", "oci:v"},
	};

	(void)state;
	NEED_ROOT_AND("umoci");
	NEED_PROGRAM("skopeo");
	make_image();
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		/* Each form unpacks its own layers. */
		run("rm -rf cache");
		run(forms[i].command);
		assert_same(forms[i].reference, "dir:out/rootfs");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMAGE_TEST(test_same_as_umoci),
		IMAGE_TEST(test_attributes),
		IMAGE_TEST(test_same_through_skopeo),
	};

	return cmocka_run_group_tests_name("images of umoci and skopeo", tests, NULL, NULL);
}
