// SPDX-License-Identifier: Apache-2.0
#include "image/stream.h"
#include "base/files.h"

#include <archive.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 128 * 1024, HOLE_BLOCK = 4096 };

/* Beyond 1 GiB, more than this many times the stored size is a decompression bomb. Real layers
 * come to 2 to 20; deflate could reach 1032, zstd far more. */
enum { BOMB_RATIO = 400 };
#define BOMB_MINIMUM (1ULL << 30)

static const struct {
	unsigned char magic[6];
	size_t length;
	int filter; /* libarchive's */
} formats[] = {
	[COMPRESSION_GZIP] = {{0x1f, 0x8b, 0x08}, 3, ARCHIVE_FILTER_GZIP},       /* RFC 1952 */
	[COMPRESSION_ZSTD] = {{0x28, 0xb5, 0x2f, 0xfd}, 4, ARCHIVE_FILTER_ZSTD}, /* RFC 8878 */
	[COMPRESSION_XZ] = {{0xfd, '7', 'z', 'X', 'Z', 0}, 6, ARCHIVE_FILTER_XZ},
	[COMPRESSION_BZIP2] = {{'B', 'Z', 'h'}, 3, ARCHIVE_FILTER_BZIP2},
};

struct stream {
	struct blob blob;
	struct digest *digest;
	struct archive *archive;
	uint64_t position;
	char chunk[CHUNK];
};

enum compression compression_of(const struct blob *blob)
{
	unsigned char start[sizeof(formats[0].magic)];
	ssize_t count = blob_pread(blob, start, sizeof(start), 0);

	for (size_t i = COMPRESSION_GZIP; i < ARRAY_SIZE(formats); i++)
		if (count >= (ssize_t)formats[i].length &&
			memcmp(start, formats[i].magic, formats[i].length) == 0)
			return (enum compression)i;
	return COMPRESSION_NONE;
}

/* The next bytes as they are stored: the count, 0 at the end, or a negative errno. */
static ssize_t fetch(struct stream *stream)
{
	ssize_t count = blob_pread(&stream->blob, stream->chunk, CHUNK, stream->position);

	if (count > 0 && stream->digest)
		digest_update(stream->digest, stream->chunk, (size_t)count);
	stream->position += count > 0 ? (uint64_t)count : 0;
	return count;
}

static la_ssize_t read_chunk(struct archive *archive, void *data, const void **ret)
{
	struct stream *stream = data;
	ssize_t count = fetch(stream);

	if (count < 0) {
		archive_set_error(archive, (int)-count, "%s", strerror((int)-count));
		return ARCHIVE_FATAL;
	}
	*ret = stream->chunk;
	return count;
}

static int stream_error(struct stream *stream, struct error *err)
{
	const char *text = archive_error_string(stream->archive);

	return error_set(err, archive_errno(stream->archive) == EIO ? EIO : EINVAL,
					 "cannot uncompress it: %s", text ? text : "it is cut off or damaged");
}

/* Starts the decompressor. */
static int start(struct stream *stream, int filter, struct error *err)
{
	struct archive_entry *entry;

	stream->archive = archive_read_new();
	if (!stream->archive)
		return error_set(err, ENOMEM, "cannot start uncompressing");
	archive_read_support_format_raw(stream->archive);
	archive_read_support_format_empty(stream->archive);
	archive_read_set_read_callback(stream->archive, read_chunk);
	archive_read_set_callback_data(stream->archive, stream);
	/* This one filter and once: libarchive left to itself would also undo what is compressed
	 * inside of what is compressed. To it, what fails before the first byte is an empty archive. */
	if (archive_read_append_filter(stream->archive, filter) != ARCHIVE_OK ||
		archive_read_open1(stream->archive) != ARCHIVE_OK ||
		archive_read_next_header(stream->archive, &entry) != ARCHIVE_OK)
		return stream_error(stream, err);
	return 0;
}

struct stream *stream_open(const struct blob *blob, struct digest *digest, struct error *err)
{
	_cleanup_stream_ struct stream *stream = xcalloc(1, sizeof(*stream));
	enum compression compression = compression_of(blob);

	stream->blob = *blob;
	stream->digest = digest;
	if (compression != COMPRESSION_NONE && start(stream, formats[compression].filter, err) < 0)
		return NULL;
	return steal(&stream);
}

static int read_plain(struct stream *stream, const void **bytes, size_t *length, struct error *err)
{
	ssize_t count = fetch(stream);

	if (count < 0)
		return error_errno(err, (int)-count, "cannot read");
	*bytes = stream->chunk;
	*length = (size_t)count;
	return count > 0;
}

int stream_read(struct stream *stream, const void **bytes, size_t *length, struct error *err)
{
	la_int64_t offset;

	if (!stream->archive)
		return read_plain(stream, bytes, length, err);
	do {
		int result = archive_read_data_block(stream->archive, bytes, length, &offset);
		if (result == ARCHIVE_EOF)
			return 0;
		if (result != ARCHIVE_OK)
			return stream_error(stream, err);
	} while (!*length);
	return 1;
}

int stream_drain(struct stream *stream, struct error *err)
{
	const void *bytes;
	size_t length;
	int more = 1;

	while (more > 0)
		more = read_plain(stream, &bytes, &length, err);
	return more;
}

void stream_close(struct stream **stream)
{
	if (!*stream)
		return;
	archive_read_free((*stream)->archive);
	free(*stream);
	*stream = NULL;
}

static bool is_zero(const char *bytes, size_t length)
{
	return !bytes[0] && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static int write_at(int fd, const char *bytes, size_t length, uint64_t position, struct error *err)
{
	while (length) {
		ssize_t count = pwrite(fd, bytes, length, (off_t)position);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot write it uncompressed");
		bytes += count;
		length -= (size_t)count;
		position += (uint64_t)count;
	}
	return 0;
}

/* Writes at `position`, leaving out blocks of zeros. */
static int write_sparse(int fd, const char *bytes, size_t length, uint64_t position,
						struct error *err)
{
	size_t data = 0; /* where what has to be written begins */

	for (size_t at = 0, piece; at < length; at += piece) {
		piece = HOLE_BLOCK - (position + at) % HOLE_BLOCK;
		if (piece > length - at)
			piece = length - at;
		if (!is_zero(bytes + at, piece))
			continue;
		if (write_at(fd, bytes + data, at - data, position + data, err) < 0)
			return -err->code;
		data = at + piece;
	}
	return write_at(fd, bytes + data, length - data, position + data, err);
}

static int check_length(const struct blob *blob, uint64_t length, uint64_t limit, struct error *err)
{
	if (length > limit)
		return error_set(err, EFBIG, "it comes to more than the limit of %llu bytes uncompressed",
						 (unsigned long long)limit);
	if (length > BOMB_MINIMUM && length / BOMB_RATIO > blob->length)
		return error_set(err, EFBIG, "%llu bytes come to more than %d times as many uncompressed",
						 (unsigned long long)blob->length, BOMB_RATIO);
	return 0;
}

int stream_copy(const struct blob *blob, uint64_t limit, struct digest *stored,
				struct digest *content, int fd, uint64_t *ret_length, struct error *err)
{
	_cleanup_stream_ struct stream *stream = stream_open(blob, stored, err);
	const void *bytes = NULL;
	size_t length = 0;
	uint64_t total = 0;
	int more;

	if (!stream)
		return -err->code;
	while ((more = stream_read(stream, &bytes, &length, err)) > 0) {
		if (check_length(blob, total + length, limit, err) < 0 ||
			write_sparse(fd, bytes, length, total, err) < 0)
			return -err->code;
		if (content)
			digest_update(content, bytes, length);
		total += length;
	}
	if (more < 0 || stream_drain(stream, err) < 0)
		return -err->code;
	if (ftruncate(fd, (off_t)total) < 0)
		return error_errno(err, errno, "cannot write it uncompressed");
	*ret_length = total;
	return 0;
}
