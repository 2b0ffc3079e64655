// SPDX-License-Identifier: Apache-2.0
#include "image/layer.h"
#include "image_fixture.h"

#include <archive.h>
#include <archive_entry.h>
#include <signal.h>
#include <sys/wait.h>

/* The bytes compressed by one of libarchive's filters; the caller frees them. */
static struct buf compress(const struct buf *bytes, int filter)
{
	size_t room = bytes->length + 65536, used = 0;
	struct buf result = {.data = xmalloc(room + 1), .capacity = room + 1};
	struct archive *writer = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	assert_int_equal(archive_write_add_filter(writer, filter), ARCHIVE_OK);
	archive_write_set_format_raw(writer);
	archive_write_set_bytes_per_block(writer, 0);
	assert_int_equal(archive_write_open_memory(writer, result.data, room, &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(writer, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(writer, bytes->data, bytes->length), bytes->length);
	archive_entry_free(entry);
	assert_int_equal(archive_write_free(writer), ARCHIVE_OK);
	result.length = used;
	return result;
}

/* Letters that do not compress well, with a run that does. */
static struct buf some_tar(void)
{
	static char text[600000];
	unsigned random = 1;

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		random = random * 1103515245 + 12345;
		text[i] = i > 200000 && i < 300000 ? '0' : (char)(' ' + (random >> 16) % 90);
	}
	return TAR({.name = "file", .type = '0', .data = text}, {.name = "d", .type = '5'});
}

static int open_layer(const struct buf *stored, const char *digest, const char *diff_id,
					  uint64_t *budget, struct blob *ret, struct error *err)
{
	write_bytes("stored", stored->data, stored->length);
	struct layer_blob layer = {
		.blob = {.fd = open("stored", O_RDONLY | O_CLOEXEC), .length = stored->length},
		.digest = digest,
		.diff_id = diff_id,
	};
	int result = layer_open(&layer, budget, ret, err);
	blob_close(&layer.blob);
	return result;
}

static void assert_blob(const struct blob *blob, const struct buf *wanted)
{
	struct buf found = {0};
	struct error err = {0};

	assert_ok(blob_read(blob, 1 << 24, &found, &err), &err);
	assert_int_equal(found.length, wanted->length);
	assert_memory_equal(found.data, wanted->data, found.length);
	buf_free(&found);
}

static void test_compressions(void **state)
{
	static const int filters[] = {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD};
	struct buf tar = some_tar();
	char diff_id[DIGEST_SIZE];

	(void)state;
	digest_of(&tar, diff_id);
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		struct buf stored = compress(&tar, filters[i]);
		char digest[DIGEST_SIZE];
		_cleanup_blob_ struct blob blob = BLOB_NONE;
		uint64_t budget = 2000000;
		struct error err = {0};
		digest_of(&stored, digest);
		assert_ok(open_layer(&stored, digest, diff_id, &budget, &blob, &err), &err);
		assert_blob(&blob, &tar);
		assert_int_equal(budget, 2000000 - tar.length);
		assert_int_equal(cached_layers(), 1);
		blob_close(&blob);
		/* A second time nothing is read of what is stored. */
		assert_ok(open_layer(&(struct buf){.data = "", .length = 0}, digest, diff_id, &budget,
							 &blob, &err),
				  &err);
		assert_blob(&blob, &tar);
		run("rm -rf cache/layers");
		buf_free(&stored);
	}
	buf_free(&tar);
}

/* gzip in several members (pigz, eStargz) and with bytes behind its end; zstd in frames. */
static void test_compressed_in_pieces(void **state)
{
	static const int filters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD};
	struct buf tar = some_tar();
	char diff_id[DIGEST_SIZE], digest[DIGEST_SIZE];

	(void)state;
	digest_of(&tar, diff_id);
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		const struct buf first = {.data = tar.data, .length = 1000};
		const struct buf second = {.data = tar.data + 1000, .length = tar.length - 1000};
		struct buf stored = compress(&first, filters[i]), more = compress(&second, filters[i]);
		_cleanup_blob_ struct blob blob = BLOB_NONE;
		uint64_t budget = 2000000;
		struct error err = {0};
		buf_append(&stored, more.data, more.length);
		digest_of(&stored, digest);
		assert_ok(open_layer(&stored, digest, diff_id, &budget, &blob, &err), &err);
		assert_blob(&blob, &tar);
		run("rm -rf cache/layers");
		buf_free(&stored);
		buf_free(&more);
	}
	buf_free(&tar);
}

static void test_holes_in_the_cache(void **state)
{
	static char zeros[4 << 20];
	struct buf tar = TAR({.name = "zeros", .type = '0', .data = zeros, .length = sizeof(zeros)});
	char diff_id[DIGEST_SIZE];
	_cleanup_blob_ struct blob blob = BLOB_NONE;
	uint64_t budget = 1 << 24;
	struct error err = {0};
	struct stat status;

	(void)state;
	digest_of(&tar, diff_id);
	assert_ok(open_layer(&tar, NULL, diff_id, &budget, &blob, &err), &err);
	assert_blob(&blob, &tar);
	assert_int_equal(fstat(blob.fd, &status), 0);
	assert_true(status.st_blocks < 100);
	buf_free(&tar);
}

static void test_damaged_cache_is_redone(void **state)
{
	static const char *const damages[] = {
		"chmod 600 cache/layers/*/tar; truncate -s -1 cache/layers/*/tar",
		"chmod 600 cache/layers/*/tar; truncate -s +512 cache/layers/*/tar",
		"rm -f cache/layers/*/tar",
		"rm -f cache/layers/*/length",
		"chmod 600 cache/layers/*/length; truncate -s 0 cache/layers/*/length",
		"cd cache/layers/*; rm -f tar; mkdir tar",
	};
	struct buf tar = some_tar();
	char diff_id[DIGEST_SIZE];

	(void)state;
	digest_of(&tar, diff_id);
	for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
		uint64_t budget = 10000000;
		struct error err = {0};
		for (unsigned k = 0; k < 2; k++) {
			_cleanup_blob_ struct blob blob = BLOB_NONE;
			assert_ok(open_layer(&tar, NULL, diff_id, &budget, &blob, &err), &err);
			assert_blob(&blob, &tar);
			if (k == 0)
				run(damages[i]);
		}
		assert_int_equal(cached_layers(), 1);
	}
	buf_free(&tar);
}

/* Several at once, and one killed in between, come to the same. */
static void test_at_once(void **state)
{
	enum { PROCESSES = 4 };
	struct buf tar = some_tar();
	char diff_id[DIGEST_SIZE];
	pid_t children[PROCESSES];

	(void)state;
	digest_of(&tar, diff_id);
	write_bytes("stored", tar.data, tar.length);
	for (size_t i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i])
			continue;
		_cleanup_error_ struct error err = {0};
		struct layer_blob layer = {
			.blob = {.fd = open("stored", O_RDONLY | O_CLOEXEC), .length = tar.length},
			.diff_id = diff_id,
		};
		struct blob blob = BLOB_NONE;
		uint64_t budget = 1 << 24;
		_exit(layer_open(&layer, &budget, &blob, &err) == 0 && blob.length == tar.length ? 0 : 1);
	}
	kill(children[0], SIGKILL);
	for (size_t i = 0; i < PROCESSES; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(status == 0 || (i == 0 && WIFSIGNALED(status)));
	}
	struct blob blob = BLOB_NONE;
	uint64_t budget = 1 << 24;
	struct error err = {0};
	assert_ok(open_layer(&tar, NULL, diff_id, &budget, &blob, &err), &err);
	assert_blob(&blob, &tar);
	blob_close(&blob);
	buf_free(&tar);
}

static void test_bad_layers_leave_nothing(void **state)
{
	struct buf tar = some_tar(), gzip = compress(&tar, ARCHIVE_FILTER_GZIP);
	struct buf zstd = compress(&tar, ARCHIVE_FILTER_ZSTD),
			   twice = compress(&gzip, ARCHIVE_FILTER_GZIP);
	char diff_id[DIGEST_SIZE], digest[DIGEST_SIZE], twice_digest[DIGEST_SIZE];
	static const char wrong[] =
		"sha256:0123456789012345678901234567890123456789012345678901234567890123";

	(void)state;
	digest_of(&tar, diff_id);
	digest_of(&gzip, digest);
	digest_of(&gzip, twice_digest);
	struct buf cut_gzip = {.data = gzip.data, .length = gzip.length / 2};
	struct buf cut_zstd = {.data = zstd.data, .length = zstd.length / 2};
	struct buf junk = {.data = "\x1f\x8b\x08 no gzip at all", .length = 18};
	_cleanup_free_ char *wrong_digest =
		xasprintf("wrong digest: it is %s, and should be %s", digest, wrong);
	_cleanup_free_ char *wrong_plain =
		xasprintf("wrong digest: it is %s, and should be %s", diff_id, wrong);
	_cleanup_free_ char *wrong_diff_id =
		xasprintf("wrong diff_id: it is %s, and should be %s", diff_id, wrong);
	_cleanup_free_ char *wrong_twice =
		xasprintf("wrong diff_id: it is %s, and should be %s", twice_digest, diff_id);
	const struct {
		const struct buf *stored;
		const char *digest, *diff_id;
		uint64_t budget;
		int code;
		const char *message;
	} cases[] = {
		{&gzip, wrong, diff_id, 1 << 20, EBADMSG, wrong_digest},
		{&tar, wrong, diff_id, 1 << 20, EBADMSG, wrong_plain},
		{&gzip, digest, wrong, 1 << 20, EBADMSG, wrong_diff_id},
		{&gzip, NULL, wrong, 1 << 20, EBADMSG, wrong_diff_id},
		{&twice, NULL, diff_id, 1 << 20, EBADMSG, wrong_twice},
		{&cut_gzip, NULL, diff_id, 1 << 20, EINVAL, "cannot uncompress it: truncated gzip input"},
		{&cut_zstd, NULL, diff_id, 1 << 20, EINVAL, "cannot uncompress it: Truncated zstd input"},
		{&junk, NULL, diff_id, 1 << 20, EINVAL, "cannot uncompress it: it is cut off or damaged"},
		{&gzip, NULL, diff_id, 100000, EFBIG,
		 "it comes to more than the limit of 100000 bytes uncompressed"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct blob blob = BLOB_NONE;
		uint64_t budget = cases[i].budget;
		struct error err = {0};
		int result =
			open_layer(cases[i].stored, cases[i].digest, cases[i].diff_id, &budget, &blob, &err);
		assert_error(result, cases[i].code, &err, cases[i].message);
		assert_int_equal(blob.fd, -1);
		assert_int_equal(cached_layers(), 0);
	}
	buf_free(&tar);
	buf_free(&gzip);
	buf_free(&zstd);
	buf_free(&twice);
}

/* A few hundred kilobytes that would fill 2 GiB. */
static void test_bomb(void **state)
{
	struct blob blob = BLOB_NONE;
	uint64_t budget = 64ULL << 30;
	struct error err = {0};
	struct buf stored = {0};
	char diff_id[DIGEST_SIZE];

	(void)state;
	static char zeros[16 << 20];
	const struct buf piece = {.data = zeros, .length = sizeof(zeros)};
	struct buf frame = compress(&piece, ARCHIVE_FILTER_ZSTD);
	for (unsigned i = 0; i < 128; i++)
		buf_append(&stored, frame.data, frame.length);
	digest_of(&stored, diff_id);
	_cleanup_free_ char *message =
		xasprintf("%zu bytes come to more than 400 times as many uncompressed", stored.length);
	assert_error(open_layer(&stored, NULL, diff_id, &budget, &blob, &err), EFBIG, &err, message);
	assert_int_equal(cached_layers(), 0);
	buf_free(&frame);
	buf_free(&stored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMAGE_TEST(test_compressions),
		IMAGE_TEST(test_compressed_in_pieces),
		IMAGE_TEST(test_holes_in_the_cache),
		IMAGE_TEST(test_damaged_cache_is_redone),
		IMAGE_TEST(test_at_once),
		IMAGE_TEST(test_bad_layers_leave_nothing),
		IMAGE_TEST(test_bomb),
	};

	return cmocka_run_group_tests_name("layer cache", tests, NULL, NULL);
}
