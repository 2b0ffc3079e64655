// SPDX-License-Identifier: Apache-2.0
#include "image_fixture.h"

/* A configuration for these layers, as JSON. */
static char *config_for(const struct buf *layers, size_t count)
{
	struct buf text = {0};

	buf_puts(&text, "{\"architecture\": \"amd64\", \"os\": \"linux\", \"config\": {\"Cmd\": "
					"[\"/who\"]}, \"rootfs\": {\"type\": \"layers\", \"diff_ids\": [");
	for (size_t i = 0; i < count; i++) {
		char digest[DIGEST_SIZE];
		digest_of(&layers[i], digest);
		buf_printf(&text, "%s\"%s\"", i ? ", " : "", digest);
	}
	buf_puts(&text, "]}}");
	return buf_steal(&text);
}

/* The configuration's name as docker save writes it: its digest and ".json". */
static char *config_name(const char *config)
{
	const struct buf text = {.data = (char *)config, .length = strlen(config)};
	char digest[DIGEST_SIZE];

	digest_of(&text, digest);
	return xasprintf("%s.json", digest + 7);
}

/* Writes the tar to a file and frees it. */
static void save(const char *path, struct buf tar)
{
	write_bytes(path, tar.data, tar.length);
	buf_free(&tar);
}

static void assert_who(const char *reference, const char *text)
{
	_cleanup_image_ struct image *image = NULL;
	struct error err = {0};

	assert_ok(open_image(reference, &image, &err), &err);
	assert_file(image->tree, "who", text);
}

/* Two images that share their first layer, which the second names through a link, as docker save
 * writes it. */
static void save_two_images(const char *path)
{
	struct buf base = TAR({.name = "base", .type = '0', .data = "base"});
	struct buf one = TAR({.name = "who", .type = '0', .data = "one"});
	struct buf two = TAR({.name = "who", .type = '0', .data = "two"});
	const struct buf first[] = {base, one}, second[] = {base, two};
	_cleanup_free_ char *config_1 = config_for(first, 2), *config_2 = config_for(second, 2);
	_cleanup_free_ char *name_1 = config_name(config_1), *name_2 = config_name(config_2);
	_cleanup_free_ char *manifest = xasprintf(
		"[{\"Config\": \"%s\", \"RepoTags\": [\"team/one:1.0\", \"one:latest\"], \"Layers\": "
		"[\"aa/layer.tar\", \"bb/layer.tar\"]}, {\"Config\": \"%s\", \"RepoTags\": "
		"[\"localhost/two:latest\"], \"Layers\": [\"cc/layer.tar\", \"dd/layer.tar\"]}]",
		name_1, name_2);

	save(path, TAR({.name = "aa/", .type = '5'},
				   {.name = "aa/layer.tar", .type = '0', .data = base.data, .length = base.length},
				   {.name = "bb/layer.tar", .type = '0', .data = one.data, .length = one.length},
				   {.name = "cc/layer.tar", .type = '2', .data = "../aa/layer.tar"},
				   {.name = "dd/layer.tar", .type = '0', .data = two.data, .length = two.length},
				   {.name = name_1, .type = '0', .data = config_1},
				   {.name = name_2, .type = '0', .data = config_2},
				   {.name = "repositories", .type = '0', .data = "{}"},
				   {.name = "manifest.json", .type = '0', .data = manifest}));
	buf_free(&base);
	buf_free(&one);
	buf_free(&two);
}

static void test_docker_save(void **state)
{
	_cleanup_image_ struct image *image = NULL;
	struct image *none = NULL;
	struct error err = {0};

	(void)state;
	save_two_images("saved.tar");
	assert_who("docker-archive:saved.tar:team/one:1.0", "one");
	assert_who("docker-archive:saved.tar:one", "one");
	assert_who("docker-archive:saved.tar:localhost/two:latest", "two");
	assert_who("docker-archive:saved.tar:two", "two");
	assert_who("saved.tar:two:latest", "two");
	assert_ok(open_image("docker-archive:saved.tar:two", &image, &err), &err);
	assert_names(image->tree, "/", "base who");
	assert_string_equal(image->kind, "docker-archive");
	assert_string_equal(image->name, "two");
	assert_string_equal(image->config.cmd.items[0], "/who");
	assert_true(digest_is_valid(image->digest));
	assert_null(image->layers[0].digest);
	assert_int_equal(cached_layers(), 3);

	int result = open_image("saved.tar", &none, &err);
	assert_string_equal(err.hint, "add one of its names, as in docker-archive:FILE:NAME:TAG: "
								  "team/one:1.0, one:latest, localhost/two:latest");
	assert_error(result, EINVAL, &err, "saved.tar: the archive has 2 images");
	assert_open_fails("docker-archive:saved.tar:one:2.0", ENOENT,
					  "docker-archive:saved.tar:one:2.0: the archive has no image \"one:2.0\"");
}

static void test_compressed_archives(void **state)
{
	static const char *const commands[] = {"gzip -k saved.tar", "xz -k0 saved.tar",
										   "bzip2 -k saved.tar"};
	static const char *const names[] = {"saved.tar.gz", "saved.tar.xz", "saved.tar.bz2"};

	(void)state;
	save_two_images("saved.tar");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *reference = xasprintf("%s:two", names[i]);
		run(commands[i]);
		run("rm -rf cache");
		assert_who(reference, "two");
		/* The uncompressed archive is gone already. */
		assert_int_equal(cached_layers(), 2);
	}
	run("head -c 300 saved.tar.gz >cut.tar.gz");
	assert_open_fails("docker-archive:cut.tar.gz", EINVAL,
					  "docker-archive:cut.tar.gz: cannot uncompress it: it is cut off or damaged");
	run("printf 'not a tar' | gzip >odd.gz");
	assert_open_fails("odd.gz", EINVAL, "odd.gz: not a valid tar: Unrecognized archive format");
	assert_int_equal(cached_layers(), 2);
}

/* A bomb of an archive: the limit holds while it is uncompressed. */
static void test_archive_limit(void **state)
{
	const struct image_options options = {.architecture = "amd64", .size_limit = 1 << 20};
	struct image *none = NULL;
	struct error err = {0};

	(void)state;
	run("truncate -s 20M zeros; gzip zeros");
	assert_error(image_open("docker-archive:zeros.gz", &options, &none, &err), EFBIG, &err,
				 "docker-archive:zeros.gz: it comes to more than the limit of 1048576 bytes "
				 "uncompressed");
	assert_int_equal(cached_layers(), 0);
}

static void make_oci_archive(void)
{
	struct buf layer = TAR({.name = "who", .type = '0', .data = "oci"});

	layout_simple("l", "{}", &layer, 1);
	run("tar -C l -cf oci.tar oci-layout index.json blobs");
	buf_free(&layer);
}

static void test_oci_archive(void **state)
{
	_cleanup_image_ struct image *image = NULL;
	struct image *none = NULL;
	struct error err = {0};

	(void)state;
	make_oci_archive();
	run("tar -C l -czf dotted.tgz .");
	assert_who("oci-archive:oci.tar", "oci");
	assert_who("oci-archive:oci.tar:latest", "oci");
	assert_who("oci.tar", "oci");
	assert_who("dotted.tgz:latest", "oci");
	assert_ok(open_image("oci.tar", &image, &err), &err);
	assert_string_equal(image->kind, "oci-archive");
	assert_string_equal(image->name, "oci");
	assert_open_fails("oci.tar:nope", ENOENT, "oci.tar:nope: no image is tagged \"nope\"");

	int result = open_image("docker-archive:oci.tar", &none, &err);
	assert_string_equal(err.hint, "it holds an OCI layout: write oci-archive:oci.tar");
	assert_error(result, EINVAL, &err,
				 "docker-archive:oci.tar: the archive has no image of this format in it");
	save_two_images("saved.tar");
	result = open_image("oci-archive:saved.tar:x", &none, &err);
	assert_string_equal(err.hint, "docker save made it: write docker-archive:saved.tar:x");
	assert_error(result, EINVAL, &err,
				 "oci-archive:saved.tar:x: the archive has no image of this format in it");
	save("plain.tar", TAR({.name = "etc/passwd", .type = '0'}));
	result = open_image("plain.tar", &none, &err);
	assert_string_equal(err.hint,
						"images have manifest.json (docker save) or oci-layout at the top");
	assert_error(result, EINVAL, &err, "plain.tar: the archive has no image of this format in it");
}

/* What docker save writes since version 25: both formats over the same blobs. */
static void test_both_formats(void **state)
{
	struct buf layer = TAR({.name = "who", .type = '0', .data = "both"});
	char digest[DIGEST_SIZE], config_digest[DIGEST_SIZE];
	_cleanup_free_ char *config = config_for(&layer, 1);
	const struct buf text = {.data = config, .length = strlen(config)};
	_cleanup_image_ struct image *image = NULL;
	struct error err = {0};

	(void)state;
	digest_of(&layer, digest);
	digest_of(&text, config_digest);
	layout_simple("l", "{}", &layer, 1);
	free(layout_text("l", CONFIG_TYPE, config));
	_cleanup_free_ char *manifest =
		xasprintf("[{\"Config\": \"blobs/sha256/%s\", \"RepoTags\": [\"both:1\"], \"Layers\": "
				  "[\"blobs/sha256/%s\"]}]",
				  config_digest + 7, digest + 7);
	write_text("l/manifest.json", manifest);
	run("tar -C l -cf both.tar .");
	assert_who("docker-archive:both.tar:both:1", "both");
	assert_who("oci-archive:both.tar:latest", "both");
	assert_ok(open_image("both.tar", &image, &err), &err);
	assert_string_equal(image->kind, "docker-archive");
	assert_string_equal(image->digest, config_digest);
	assert_string_equal(image->layers[0].digest, digest);
	buf_free(&layer);
}

/* docker-archive with this manifest.json and one good layer "layer.tar" and configuration "c.json".
 */
static void save_with(const char *manifest, const char *config)
{
	struct buf layer = TAR({.name = "who", .type = '0', .data = "x"});
	_cleanup_free_ char *good = config_for(&layer, 1);

	save("a.tar",
		 TAR({.name = "layer.tar", .type = '0', .data = layer.data, .length = layer.length},
			 {.name = "loop", .type = '2', .data = "loop"},
			 {.name = "out", .type = '2', .data = "../../../../etc/passwd"},
			 {.name = "absolute", .type = '2', .data = "/etc/passwd"},
			 {.name = "c.json", .type = '0', .data = config ? config : good},
			 {.name = "0123456789012345678901234567890123456789012345678901234567890123.json",
			  .type = '0',
			  .data = good},
			 {.name = "manifest.json", .type = '0', .data = manifest}));
	buf_free(&layer);
}

static void test_wrong_docker_archives(void **state)
{
	static const char good_manifest[] =
		"[{\"Config\": \"c.json\", \"RepoTags\": null, \"Layers\": [\"layer.tar\"]}]";
	static const struct {
		const char *manifest, *config;
		int code;
		const char *message; /* the beginning, where it ends in a digest */
	} cases[] = {
		{"{}", NULL, EINVAL, "a.tar: manifest.json: not a list of 1 to 1000 images"},
		{"[]", NULL, EINVAL, "a.tar: manifest.json: not a list of 1 to 1000 images"},
		{"[5]", NULL, EINVAL, "a.tar: manifest.json: must be an object, not an integer"},
		{"[{}]", NULL, EINVAL, "a.tar: manifest.json: \"Config\" is missing"},
		{"[{\"Config\": \"none.json\"}]", NULL, ENOENT, "a.tar: none.json is not there"},
		{"[{\"Config\": \"c.json\"}]", NULL, EINVAL,
		 "a.tar: manifest.json has 0 layers and the image configuration 1"},
		{"[{\"Config\": \"c.json\", \"Layers\": [\"none\"]}]", NULL, ENOENT,
		 "a.tar: layer 1: none is not there"},
		{"[{\"Config\": \"c.json\", \"Layers\": [\"loop\"]}]", NULL, ELOOP,
		 "a.tar: layer 1: loop: too many links"},
		{"[{\"Config\": \"c.json\", \"Layers\": [\"out\"]}]", NULL, ENOENT,
		 "a.tar: layer 1: out is not there"},
		{"[{\"Config\": \"c.json\", \"Layers\": [\"absolute\"]}]", NULL, ENOENT,
		 "a.tar: layer 1: absolute is not there"},
		{"[{\"Config\": \"c.json\", \"Layers\": [\"../../etc/passwd\"]}]", NULL, ENOENT,
		 "a.tar: layer 1: ../../etc/passwd is not there"},
		{"[{\"Config\": "
		 "\"0123456789012345678901234567890123456789012345678901234567890123.json\"}]",
		 NULL, EBADMSG,
		 "a.tar: 0123456789012345678901234567890123456789012345678901234567890123.json: wrong "
		 "digest"},
		{"[{\"Config\": \"c.json\", \"Layers\": [\"c.json\"]}]", NULL, EBADMSG,
		 "a.tar: layer 1: wrong diff_id: it is sha256:"},
		{good_manifest, "{\"rootfs\": {\"diff_ids\": [\"x\"]}}", EINVAL,
		 "a.tar: c.json: rootfs: \"diff_ids\"[0] is not a SHA-256 digest"},
		{good_manifest, "{\"architecture\": \"s390x\", \"rootfs\": {}}", ENOEXEC,
		 "a.tar: the image is for linux/s390x, not for linux/amd64"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = {0};
		struct image *image = NULL;
		save_with(cases[i].manifest, cases[i].config);
		int result = open_image("a.tar", &image, &err);
		if (!err.message || !starts_with(err.message, cases[i].message))
			fail_msg("%zu: %s", i, err.message ? err.message : "no error");
		assert_int_equal(result, -cases[i].code);
		error_clear(&err);
		assert_int_equal(cached_layers(), 0);
	}
	save_with(good_manifest, NULL);
	assert_who("a.tar", "x");
}

static void test_wrong_tars(void **state)
{
	(void)state;
	assert_open_fails("docker-archive:none.tar", ENOENT,
					  "docker-archive:none.tar: cannot open none.tar: No such file or directory");
	run("mkdir d; mkfifo pipe; : >empty");
	assert_open_fails("docker-archive:d", EINVAL, "docker-archive:d: d is not a regular file");
	assert_open_fails("docker-archive:pipe", EINVAL,
					  "docker-archive:pipe: pipe is not a regular file");
	assert_open_fails("docker-archive:empty", EINVAL,
					  "docker-archive:empty: not a valid tar: Unrecognized archive format");
	save("t.tar", TAR({.name = "manifest.json", .type = '0', .data = "[]"},
					  {.name = "./manifest.json", .type = '0', .data = "[]"}));
	assert_open_fails("t.tar", EINVAL, "t.tar: the archive has manifest.json twice");
	save("t.tar", TAR({.name = "../manifest.json", .type = '0', .data = "[]"}));
	assert_open_fails("t.tar", EINVAL, "t.tar: ../manifest.json: the path has \"..\" in it");
	save("t.tar", TAR({.name = "x",
					   .type = '0',
					   .data = "12345678",
					   .pax = "GNU.sparse.map=4,8\n"
							  "GNU.sparse.size=12"}));
	assert_open_fails("t.tar", EINVAL, "t.tar: x is sparse in the archive, which is not supported");
	struct buf tar = TAR({.name = "manifest.json", .type = '0', .data = "[]"});
	tar.length = 513;
	save("t.tar", tar);
	assert_open_fails("t.tar", EINVAL, "t.tar: not a valid tar: it ends inside of manifest.json");
	assert_int_equal(cached_layers(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMAGE_TEST(test_docker_save),   IMAGE_TEST(test_compressed_archives),
		IMAGE_TEST(test_archive_limit), IMAGE_TEST(test_oci_archive),
		IMAGE_TEST(test_both_formats),  IMAGE_TEST(test_wrong_docker_archives),
		IMAGE_TEST(test_wrong_tars),
	};

	return cmocka_run_group_tests_name("image archives", tests, NULL, NULL);
}
