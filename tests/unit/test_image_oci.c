// SPDX-License-Identifier: Apache-2.0
#include "image_fixture.h"

#define TAGGED(tag) "\"annotations\": {\"org.opencontainers.image.ref.name\": \"" tag "\"}}"
#define PLATFORM(os, architecture)                                                                 \
	"\"platform\": {\"os\": \"" os "\", \"architecture\": \"" architecture "\"}"

/* A layout "l" with one layer that holds /who with that text, for that architecture; its manifest's
 * descriptor without the closing brace. */
static char *manifest_with(const char *architecture, const char *text)
{
	struct buf layer = TAR({.name = "who", .type = '0', .data = text});
	char *manifest = layout_manifest("l", architecture, "{\"Cmd\": [\"/who\"]}", &layer, 1);

	buf_free(&layer);
	return manifest;
}

static void assert_who(const char *reference, const char *text)
{
	_cleanup_image_ struct image *image = NULL;
	struct error err = {0};

	assert_ok(open_image(reference, &image, &err), &err);
	assert_file(image->tree, "who", text);
}

static void test_simple(void **state)
{
	struct buf layers[] = {
		TAR({.name = "a", .type = '0', .data = "1"}, {.name = "b", .type = '0', .data = "1"}),
		TAR({.name = ".wh.a", .type = '0'}, {.name = "c", .type = '0', .data = "2"}),
	};
	_cleanup_image_ struct image *image = NULL;
	struct error err = {0};

	(void)state;
	layout_simple("redis", "{\"Cmd\": [\"/c\"]}", layers, 2);
	assert_ok(open_image("oci:redis:latest", &image, &err), &err);
	assert_string_equal(image->kind, "oci");
	assert_string_equal(image->name, "redis");
	assert_string_equal(image->reference, "oci:redis:latest");
	assert_string_equal(image->config.architecture, "amd64");
	assert_string_equal(image->config.cmd.items[0], "/c");
	assert_true(digest_is_valid(image->digest));
	assert_int_equal(image->layer_count, 2);
	assert_string_equal(image->layers[1].digest, image->layers[1].diff_id);
	assert_string_equal(image->layers[0].media_type, LAYER_TYPE);
	assert_int_equal(image->layers[0].size, layers[0].length);
	assert_names(image->tree, "/", "b c");
	assert_int_equal(cached_layers(), 2);
	/* The cache alone gives the contents now. */
	run("rm -rf redis");
	assert_file(image->tree, "c", "2");
	buf_free(&layers[0]);
	buf_free(&layers[1]);
}

static void test_ways_to_name_it(void **state)
{
	_cleanup_free_ char *one = manifest_with("amd64", "one"), *two = manifest_with("amd64", "two");
	_cleanup_free_ char *three = manifest_with("amd64", "three");
	_cleanup_free_ char *index = xasprintf(
		"%s, " TAGGED("1.0") ", %s, " TAGGED(
			"localhost/team/redis:2") ", %s, "
									  "\"annotations\": {\"io.containerd.image.name\": "
									  "\"registry.example/library/three:latest\", "
									  "\"org.opencontainers.image.ref.name\": \"latest\"}}",
		one, two, three);
	_cleanup_image_ struct image *image = NULL;
	struct error err = {0};

	(void)state;
	layout_index("l", index);
	assert_who("oci:l:1.0", "one");
	assert_who("oci:./l/:1.0", "one");
	assert_who("l:1.0", "one");
	assert_who("oci:l:localhost/team/redis:2", "two");
	assert_who("oci:l:latest", "three");
	assert_who("oci:l:registry.example/library/three:latest", "three");
	run("mkdir with:colon; cp -r l with:colon/");
	assert_who("oci:with:colon/l:1.0", "one");

	assert_ok(open_image("oci:l:localhost/team/redis:2", &image, &err), &err);
	assert_string_equal(image->name, "redis");
	_cleanup_free_ char *by_digest = xasprintf("oci:l@%s", image->digest);
	assert_who(by_digest, "two");
	_cleanup_free_ char *by_digest_too = xasprintf("l@%s", image->digest);
	assert_who(by_digest_too, "two");

	struct image *none = NULL;
	int result = open_image("oci:l", &none, &err);
	assert_string_equal(err.hint, "add one of its tags, as in oci:DIR:TAG: 1.0, "
								  "localhost/team/redis:2, latest");
	assert_error(result, EINVAL, &err, "oci:l: the layout holds 3 images");
	result = open_image("oci:l:2.0", &none, &err);
	assert_string_equal(err.hint, "add one of its tags, as in oci:DIR:TAG: 1.0, "
								  "localhost/team/redis:2, latest");
	assert_error(result, ENOENT, &err, "oci:l:2.0: no image is tagged \"2.0\"");
	assert_open_fails(
		"oci:l@sha256:0123456789012345678901234567890123456789012345678901234567890123", ENOENT,
		"oci:l@sha256:0123456789012345678901234567890123456789012345678901234567890123: no "
		"image is tagged "
		"\"sha256:0123456789012345678901234567890123456789012345678901234567890123\"");
}

static void test_one_image_needs_no_tag(void **state)
{
	_cleanup_free_ char *one = manifest_with("amd64", "one");
	_cleanup_free_ char *untagged = xasprintf("%s}", one);
	_cleanup_free_ char *twice = xasprintf("%s, " TAGGED("a") ", %s, " TAGGED("b"), one, one);

	(void)state;
	layout_index("l", untagged);
	assert_who("oci:l", "one");
	layout_index("l", twice);
	assert_who("oci:l", "one");
	assert_who("l", "one");
	layout_index("l", "");
	assert_open_fails("oci:l", ENOENT, "oci:l: the layout holds no image");
}

static void test_platforms(void **state)
{
	_cleanup_free_ char *amd = manifest_with("amd64", "amd64"),
						*arm = manifest_with("arm64", "arm64");
	_cleanup_free_ char *v3 = manifest_with("amd64", "v3");
	_cleanup_free_ char *list = xasprintf(
		"{\"schemaVersion\": 2, \"manifests\": [%s, " PLATFORM(
			"linux", "arm64") "}, %s, "
							  "\"platform\": {\"os\": \"linux\", \"architecture\": \"amd64\", "
							  "\"variant\": \"v3\"}}, %s, " PLATFORM(
								  "linux", "amd64") "}, %s, " PLATFORM("unknown", "unknown") "}]}",
		arm, v3, amd, arm);
	_cleanup_free_ char *inner = layout_text("l", INDEX_TYPE, list);
	_cleanup_free_ char *outer_text =
		xasprintf("{\"schemaVersion\": 2, \"manifests\": [%s}]}", inner);
	_cleanup_free_ char *outer = layout_text("l", INDEX_TYPE, outer_text);
	_cleanup_free_ char *index = xasprintf("%s, " TAGGED("multi"), outer);
	struct image_options options = {.architecture = "aarch64"};
	_cleanup_image_ struct image *image = NULL;
	struct image *none = NULL;
	struct error err = {0};

	(void)state;
	layout_index("l", index);
	assert_who("oci:l:multi", "amd64");
	assert_who("oci:l", "amd64");
	assert_ok(image_open("oci:l", &options, &image, &err), &err);
	assert_file(image->tree, "who", "arm64");
	options.architecture = "riscv64";
	assert_error(image_open("oci:l", &options, &none, &err), ENOEXEC, &err,
				 "oci:l: no image for linux/riscv64, only for linux/arm64, linux/amd64/v3, "
				 "linux/amd64");
	options.architecture = "vax";
	assert_error(image_open("oci:l", &options, &none, &err), ENOTSUP, &err,
				 "oci:l: the architecture vax is not known");

	/* A manifest without a platform: the configuration says. */
	_cleanup_free_ char *plain = xasprintf("%s}", arm);
	layout_index("l", plain);
	assert_open_fails("oci:l", ENOEXEC, "oci:l: the image is for linux/arm64, not for linux/amd64");
	/* Platforms side by side at the top. */
	_cleanup_free_ char *flat =
		xasprintf("%s, " PLATFORM("linux", "arm64") "}, %s, " PLATFORM(
					  "linux", "amd64") "}, %s, " PLATFORM("windows", "amd64") "}",
				  arm, amd, v3);
	layout_index("l", flat);
	assert_who("oci:l", "amd64");
}

static void test_nested_too_deep(void **state)
{
	_cleanup_free_ char *manifest = manifest_with("amd64", "deep");

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		_cleanup_free_ char *text =
			xasprintf("{\"schemaVersion\": 2, \"manifests\": [%s}]}", manifest);
		free(manifest);
		manifest = layout_text("l", INDEX_TYPE, text);
	}
	_cleanup_free_ char *index = xasprintf("%s}", manifest);
	layout_index("l", index);
	assert_open_fails("oci:l", EINVAL, "oci:l: indexes nested deeper than 4");
	struct buf many = {0};
	for (unsigned i = 0; i < 100; i++)
		buf_printf(&many, "%s{\"mediaType\": \"%s\", \"digest\": \"sha256:%064u\", \"size\": 1}",
				   i ? "," : "", INDEX_TYPE, i);
	_cleanup_free_ char *wide_text =
		xasprintf("{\"schemaVersion\": 2, \"manifests\": [%s]}", many.data);
	_cleanup_free_ char *wide = layout_text("l", INDEX_TYPE, wide_text);
	_cleanup_free_ char *wide_index = xasprintf("%s}", wide);
	layout_index("l", wide_index);
	assert_open_fails("oci:l", ENOENT,
					  "oci:l: index: blobs/sha256/"
					  "0000000000000000000000000000000000000000000000000000000000000000 is not "
					  "there");
	buf_free(&many);
}

/* What may be wrong with index.json and oci-layout. */
static void test_wrong_layouts(void **state)
{
	static const struct {
		const char *index;
		int code;
		const char *message;
	} cases[] = {
		{"", EINVAL,
		 "oci:l: index.json: not valid JSON: line 1, column 0: unexpected token near end of file"},
		{"[]", EINVAL, "oci:l: index.json: must be an object, not an array"},
		{"{}", EINVAL, "oci:l: index.json: \"manifests\" is missing"},
		{"{\"manifests\": {}}", EINVAL,
		 "oci:l: index.json: \"manifests\" must be an array, not an object"},
		{"{\"manifests\": [1]}", EINVAL,
		 "oci:l: index.json: manifests[0]: must be an object, not an integer"},
		{"{\"manifests\": [{\"size\": 1}]}", EINVAL,
		 "oci:l: index.json: manifests[0]: \"digest\" is missing"},
		{"{\"manifests\": [{\"size\": -1, \"digest\": \"x\"}]}", EINVAL,
		 "oci:l: index.json: manifests[0]: \"size\" is -1, not between 0 and 9223372036854775807"},
		{"{\"manifests\": [{\"size\": 1, \"digest\": \"sha512:abc\"}]}", EINVAL,
		 "oci:l: index.json: manifests[0]: \"sha512:abc\" is not a SHA-256 digest"},
		{"{\"manifests\": [{\"size\": 1, \"digest\": \"sha256:../../../../../../etc/passwd\"}]}",
		 EINVAL,
		 "oci:l: index.json: manifests[0]: \"sha256:../../../../../../etc/passwd\" is not a "
		 "SHA-256 "
		 "digest"},
		{"{\"manifests\": [], \"manifests\": []}", EINVAL,
		 "oci:l: index.json: not valid JSON: line 1, column 29: duplicate object key near "
		 "'\"manifests\"'"},
	};

	(void)state;
	assert_open_fails("oci:l", ENOENT,
					  "oci:l: cannot open the directory l: No such file or directory");
	run("mkdir l");
	assert_open_fails("oci:l", ENOENT, "oci:l: not an OCI layout: oci-layout is not there");
	write_text("l/oci-layout", "{}");
	assert_open_fails("oci:l", EINVAL, "oci:l: oci-layout: \"imageLayoutVersion\" is missing");
	write_text("l/oci-layout", "{\"imageLayoutVersion\": \"2.0\"}");
	assert_open_fails("oci:l", ENOTSUP, "oci:l: OCI layouts of version 2.0 are not supported");
	write_text("l/oci-layout", "{\"imageLayoutVersion\": \"1.1.0\"}");
	assert_open_fails("oci:l", ENOENT, "oci:l: index.json is not there");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_text("l/index.json", cases[i].index);
		assert_open_fails("oci:l", cases[i].code, cases[i].message);
	}
	run("rm l/index.json; ln -s /etc/passwd l/index.json");
	assert_open_fails("oci:l", ELOOP,
					  "oci:l: index.json is behind a symbolic link, which is not followed");
	run("rm l/index.json; mkfifo l/index.json");
	assert_open_fails("oci:l", EINVAL, "oci:l: index.json is not a regular file");
	run("rm l/index.json; truncate -s 9M l/index.json");
	assert_open_fails("oci:l", EFBIG, "oci:l: index.json: 9437184 bytes, more than 8388608");
	assert_int_equal(cached_layers(), 0);
}

/* A manifest of this text, and its configuration's descriptor with a brace to close. */
static void layout_with(const char *manifest_text)
{
	_cleanup_free_ char *manifest = layout_text("l", MANIFEST_TYPE, manifest_text);
	_cleanup_free_ char *index = xasprintf("%s}", manifest);

	layout_index("l", index);
}

static void test_wrong_manifests(void **state)
{
	struct buf layer = TAR({.name = "x", .type = '0'});
	_cleanup_free_ char *blob = layout_blob("l", LAYER_TYPE, &layer);
	_cleanup_free_ char *signature = layout_blob("l", "application/vnd.dev.sigstore", &layer);
	_cleanup_free_ char *secret = layout_blob("l", LAYER_TYPE "+gzip+encrypted", &layer);
	_cleanup_free_ char *config = layout_text("l", CONFIG_TYPE, "{\"rootfs\": {}}");
	_cleanup_free_ char *odd = layout_text("l", "application/vnd.oci.empty.v1+json", "{}");
	char digest[DIGEST_SIZE];
	struct buf many = {0};

	(void)state;
	digest_of(&layer, digest);
	_cleanup_free_ char *one_text = xasprintf("{\"rootfs\": {\"diff_ids\": [\"%s\"]}}", digest);
	_cleanup_free_ char *one = layout_text("l", CONFIG_TYPE, one_text);
	for (unsigned i = 0; i < 10000; i++)
		buf_printf(&many, "%s%s}", i ? ", " : "", blob);
	const struct {
		const char *format, *config, *layers;
		int code;
		const char *message;
	} cases[] = {
		{"{}%.0s%.0s", "", "", EINVAL, "oci:l: manifest: \"config\" is missing"},
		{"{\"config\": 5}%.0s%.0s", "", "", EINVAL,
		 "oci:l: manifest: \"config\" must be an object, not an integer"},
		{"{\"config\": %s}}%.0s", config, "", EINVAL, "oci:l: manifest: \"layers\" is missing"},
		{"{\"config\": %s}, \"layers\": [%s}]}", config, blob, EINVAL,
		 "oci:l: the manifest has 1 layers and the image configuration 0"},
		{"{\"config\": %s}, \"layers\": [%s]}", config, many.data, E2BIG,
		 "oci:l: manifest: \"layers\" has 10000 items, more than 500"},
		{"{\"config\": %s}, \"layers\": [%s]}", odd, "", EINVAL,
		 "oci:l: not a container image: its configuration is of the type "
		 "\"application/vnd.oci.empty.v1+json\""},
		{"{\"config\": %s}, \"layers\": [%s}]}", one, signature, EINVAL,
		 "oci:l: not a container image: layer 1 is of the type \"application/vnd.dev.sigstore\""},
		{"{\"config\": %s}, \"layers\": [%s}]}", one, secret, ENOTSUP,
		 "oci:l: layer 1 is encrypted"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf text = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_printf(&text, cases[i].format, cases[i].config, cases[i].layers);
#pragma GCC diagnostic pop
		layout_with(text.data);
		assert_open_fails("oci:l", cases[i].code, cases[i].message);
		buf_free(&text);
	}
	assert_int_equal(cached_layers(), 0);
	buf_free(&layer);
	buf_free(&many);
}

/* One byte is changed, one is cut off, or all is gone, of each of the blobs. */
static void test_damaged_blobs(void **state)
{
	struct buf layer = TAR({.name = "file", .type = '0', .data = "content"});
	char digest[DIGEST_SIZE], changed[DIGEST_SIZE];
	struct error err = {0};
	struct image *image = NULL;

	(void)state;
	digest_of(&layer, digest);
	layout_simple("l", "{}", &layer, 1);
	_cleanup_free_ char *path = xasprintf("l/blobs/sha256/%s", digest + 7);
	layer.data[520] ^= 1;
	digest_of(&layer, changed);
	write_bytes(path, layer.data, layer.length);
	_cleanup_free_ char *wrong =
		xasprintf("oci:l: layer 1: wrong digest: it is %s, and should be %s", changed, digest);
	int result = open_image("oci:l", &image, &err);
	assert_string_equal(err.hint, "the image is damaged: fetch or save it again");
	assert_error(result, EBADMSG, &err, wrong);

	assert_int_equal(truncate(path, (off_t)layer.length - 512), 0);
	_cleanup_free_ char *cut = xasprintf("oci:l: layer 1: %s has %zu bytes, and should have %zu",
										 path + 2, layer.length - 512, layer.length);
	assert_open_fails("oci:l", EBADMSG, cut);
	unlink(path);
	_cleanup_free_ char *gone = xasprintf("oci:l: layer 1: %s is not there", path + 2);
	assert_open_fails("oci:l", ENOENT, gone);
	assert_int_equal(cached_layers(), 0);

	run("cd l/blobs/sha256; for f in *; do tr a b <$f >t; mv t $f; done");
	result = open_image("oci:l", &image, &err);
	assert_true(result == -EBADMSG);
	assert_true(starts_with(err.message, "oci:l: manifest: wrong digest: it is sha256:"));
	error_clear(&err);
	buf_free(&layer);
}

static void test_config_only_reads_no_layers(void **state)
{
	struct buf layer = TAR({.name = "../bad", .type = '0'});
	const struct image_options options = {.architecture = "amd64", .config_only = true};
	_cleanup_image_ struct image *image = NULL;
	struct error err = {0};

	(void)state;
	layout_simple("l", "{\"User\": \"x\"}", &layer, 1);
	assert_ok(image_open("oci:l", &options, &image, &err), &err);
	assert_null(image->tree);
	assert_string_equal(image->config.user, "x");
	assert_int_equal(image->layer_count, 1);
	assert_int_equal(cached_layers(), 0);
	assert_open_fails("oci:l", EINVAL, "oci:l: layer 1: ../bad: the path has \"..\" in it");
	buf_free(&layer);
}

static void test_size_limit(void **state)
{
	struct buf layers[] = {TAR({.name = "a", .type = '0', .data = "1"}),
						   TAR({.name = "b", .type = '0', .data = "1"})};
	struct image_options options = {.architecture = "amd64", .size_limit = 5000};
	_cleanup_image_ struct image *image = NULL;
	struct image *none = NULL;
	struct error err = {0};

	(void)state;
	layout_simple("l", "{}", layers, 2);
	assert_ok(image_open("oci:l", &options, &image, &err), &err);
	/* Also with both of them in the cache. */
	options.size_limit = 4000;
	assert_error(image_open("oci:l", &options, &none, &err), EFBIG, &err,
				 "oci:l: layer 2: it comes to more than the limit of 1952 bytes uncompressed");
	buf_free(&layers[0]);
	buf_free(&layers[1]);
}

static void test_json(void **state)
{
	struct buf layer = TAR({.name = "who", .type = '0', .data = "12345"});
	_cleanup_image_ struct image *image = NULL;
	struct error err = {0};

	(void)state;
	layout_simple("l", "{\"Env\": [\"A=b\"], \"ExposedPorts\": {\"53/udp\": {}}, \"User\": \"u\"}",
				  &layer, 1);
	assert_ok(open_image("oci:l", &image, &err), &err);
	_cleanup_json_ json_t *json = image_to_json(image);
	char *text = json_dumps(json, JSON_COMPACT);
	_cleanup_free_ char *wanted = xasprintf(
		"{\"reference\":\"oci:l\",\"kind\":\"oci\",\"name\":\"l\",\"digest\":\"%s\","
		"\"architecture\":\"amd64\",\"created\":null,\"config\":{\"env\":[\"A=b\"],"
		"\"entrypoint\":[],\"cmd\":[],\"working_dir\":null,\"user\":\"u\",\"stop_signal\":null,"
		"\"exposed_ports\":[\"53/udp\"],\"volumes\":[],\"labels\":[]},\"layers\":[{\"digest\":"
		"\"%s\",\"diff_id\":\"%s\",\"media_type\":\"" LAYER_TYPE "\",\"size\":%zu}],\"tree\":{"
		"\"inodes\":2,\"entries\":1,\"data_bytes\":5}}",
		image->digest, image->layers[0].digest, image->layers[0].diff_id, layer.length);
	assert_string_equal(text, wanted);
	free(text);
	buf_free(&layer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMAGE_TEST(test_simple),
		IMAGE_TEST(test_ways_to_name_it),
		IMAGE_TEST(test_one_image_needs_no_tag),
		IMAGE_TEST(test_platforms),
		IMAGE_TEST(test_nested_too_deep),
		IMAGE_TEST(test_wrong_layouts),
		IMAGE_TEST(test_wrong_manifests),
		IMAGE_TEST(test_damaged_blobs),
		IMAGE_TEST(test_config_only_reads_no_layers),
		IMAGE_TEST(test_size_limit),
		IMAGE_TEST(test_json),
	};

	return cmocka_run_group_tests_name("OCI layouts", tests, NULL, NULL);
}
