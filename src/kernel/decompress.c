// SPDX-License-Identifier: Apache-2.0
#include "kernel/decompress.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

enum { PIECE = 256 << 10 };

static int (*const filters[])(struct archive *) = {
	archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
	archive_read_support_filter_lzma, archive_read_support_filter_xz,
	archive_read_support_filter_lz4,  archive_read_support_filter_zstd,
};

static void cleanup_archive(struct archive **archive)
{
	archive_read_free(*archive);
}

int decompress(const void *bytes, size_t length, size_t limit, struct buf *ret, struct error *err)
{
	_cleanup_(cleanup_archive) struct archive *archive = archive_read_new();
	_cleanup_free_ char *piece = xmalloc(PIECE);
	struct archive_entry *entry;
	ssize_t got;

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		filters[i](archive);
	archive_read_support_format_raw(archive);
	if (archive_read_open_memory(archive, bytes, length) != ARCHIVE_OK ||
		archive_read_next_header(archive, &entry) != ARCHIVE_OK)
		return error_set(err, EBADMSG, "cannot decompress: %s", archive_error_string(archive));
	while ((got = archive_read_data(archive, piece, PIECE)) > 0) {
		if ((size_t)got > limit - ret->length)
			return error_set(err, EFBIG, "decompressed it has more than %zu MiB", limit >> 20);
		buf_append(ret, piece, (size_t)got);
	}
	if (got < 0)
		return error_set(err, EBADMSG, "cannot decompress: %s", archive_error_string(archive));
	return 0;
}
