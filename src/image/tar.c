// SPDX-License-Identifier: Apache-2.0
#include "image/tar.h"

#include <archive.h>
#include <errno.h>
#include <locale.h>
#include <string.h>

enum {
	CHUNK = 64 * 1024,
	/* Most bytes that what describes one file may take: long names, PAX headers, sparse maps. */
	HEADER_LIMIT = 4 * 1024 * 1024,
	TAR_BLOCK = 512,
};

struct tar {
	struct blob blob;
	struct archive *archive;
	struct archive_entry *entry; /* the last one */
	uint64_t start;              /* of its body */
	uint64_t position;           /* what is read next */
	uint64_t header_left;        /* bytes that may still be read for this header */
	bool in_header;
	bool has_body; /* a regular file that is not sparse: its body has exactly its size */
	char chunk[CHUNK];
};

static la_ssize_t read_chunk(struct archive *archive, void *data, const void **ret)
{
	struct tar *tar = data;
	ssize_t count = blob_pread(&tar->blob, tar->chunk, CHUNK, tar->position);

	if (count < 0) {
		archive_set_error(archive, (int)-count, "%s", strerror((int)-count));
		return ARCHIVE_FATAL;
	}
	if (tar->in_header && (uint64_t)count > tar->header_left) {
		archive_set_error(archive, EFBIG, "a header of more than %d bytes", HEADER_LIMIT);
		return ARCHIVE_FATAL;
	}
	tar->header_left -= tar->in_header ? (uint64_t)count : 0;
	tar->position += (uint64_t)count;
	*ret = tar->chunk;
	return count;
}

static la_int64_t skip(struct archive *archive, void *data, la_int64_t count)
{
	struct tar *tar = data;
	uint64_t left = tar->blob.length - tar->position;

	(void)archive;
	/* What lies past the end is left to the reader, who finds it missing. */
	uint64_t skipped = (uint64_t)count < left ? (uint64_t)count : left;
	tar->position += skipped;
	return (la_int64_t)skipped;
}

/* libarchive's last error as ours. */
static int tar_error(struct tar *tar, struct error *err)
{
	int code = archive_errno(tar->archive);
	const char *text = archive_error_string(tar->archive);

	/* Its own codes (ARCHIVE_ERRNO_FILE_FORMAT...) are negative or borrow odd errnos. */
	return error_set(err, code == EFBIG || code == EIO ? code : EINVAL, "not a valid tar: %s",
					 text ? text : "it is cut off or damaged");
}

int tar_open(const struct blob *blob, struct tar **ret, struct error *err)
{
	_cleanup_tar_ struct tar *tar = xcalloc(1, sizeof(*tar));

	tar->blob = *blob;
	tar->archive = archive_read_new();
	if (!tar->archive)
		return error_set(err, ENOMEM, "cannot start reading a tar");
	archive_read_support_format_tar(tar->archive);
	archive_read_set_read_callback(tar->archive, read_chunk);
	archive_read_set_skip_callback(tar->archive, skip);
	archive_read_set_callback_data(tar->archive, tar);
	if (archive_read_open1(tar->archive) != ARCHIVE_OK)
		return tar_error(tar, err);
	*ret = steal(&tar);
	return 0;
}

void tar_close(struct tar **tar)
{
	if (!*tar)
		return;
	archive_read_free((*tar)->archive);
	free(*tar);
	*tar = NULL;
}

static const char *entry_name(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	return name ? name : "a file without a name";
}

/* Moves past the body, and checks that it was as long as its file: whoever gave out its extents
 * relied on that. */
static int finish_body(struct tar *tar, struct error *err)
{
	if (!tar->entry)
		return 0;
	if (archive_read_data_skip(tar->archive) < ARCHIVE_WARN)
		return tar_error(tar, err);
	uint64_t size = (uint64_t)archive_entry_size(tar->entry);
	uint64_t end = (uint64_t)archive_filter_bytes(tar->archive, 0);
	uint64_t padded = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	if (tar->has_body && end != tar->start + padded)
		return error_set(err, EINVAL, "not a valid tar: %s has another length than it says",
						 entry_name(tar->entry));
	return 0;
}

/* PAX names are UTF-8, and libarchive converts them to the locale's character set where it can: in
 * a UTF-8 locale it even normalises them, which gives another name. In the C locale, what is
 * not ASCII cannot be converted, and libarchive hands out the bytes as they are. */
static int next_header_in_c_locale(struct tar *tar)
{
	locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale_t before = uselocale(plain);
	int result = archive_read_next_header(tar->archive, &tar->entry);

	uselocale(before);
	freelocale(plain);
	return result;
}

static bool has_body(struct archive_entry *entry)
{
	return archive_entry_filetype(entry) == AE_IFREG && !archive_entry_hardlink(entry) &&
		   archive_entry_sparse_count(entry) == 0;
}

int tar_next(struct tar *tar, struct archive_entry **ret, struct error *err)
{
	if (finish_body(tar, err) < 0)
		return -err->code;
	tar->entry = NULL;
	tar->in_header = true;
	tar->header_left = HEADER_LIMIT;
	int result = next_header_in_c_locale(tar);
	tar->in_header = false;
	if (result == ARCHIVE_EOF) {
		tar->entry = NULL;
		return 0;
	}
	/* A warning is a name that is not in the locale's character set, which is no fault. */
	if (result < ARCHIVE_WARN) {
		tar->entry = NULL;
		return tar_error(tar, err);
	}
	if (archive_entry_size(tar->entry) < 0)
		return error_set(err, EINVAL, "not a valid tar: a negative size");
	tar->start = (uint64_t)archive_filter_bytes(tar->archive, 0);
	tar->has_body = has_body(tar->entry);
	*ret = tar->entry;
	return 1;
}

/* Adds a run, joining it to the last one where they touch. */
static void add_extent(struct extent **list, size_t *count, struct extent more)
{
	struct extent *last = *count ? &(*list)[*count - 1] : NULL;

	if (last && last->offset + last->length == more.offset &&
		last->source + last->length == more.source) {
		last->length += more.length;
		return;
	}
	*list = xrealloc(*list, *count + 1, sizeof(**list));
	(*list)[(*count)++] = more;
}

/* The body is read, because only the reader knows its way through the formats' maps. */
static int sparse_extents(struct tar *tar, struct extent **ret, size_t *ret_count,
						  struct error *err)
{
	_cleanup_free_ struct extent *list = NULL;
	size_t count = 0, length;
	uint64_t size = (uint64_t)archive_entry_size(tar->entry), end = 0;
	const void *bytes;
	la_int64_t offset;
	int result;

	while ((result = archive_read_data_block(tar->archive, &bytes, &length, &offset)) ==
		   ARCHIVE_OK) {
		if (!length)
			continue;
		if (offset < 0 || (uint64_t)offset < end || (uint64_t)offset > size ||
			length > size - (uint64_t)offset)
			return error_set(err, EINVAL, "not a valid tar: a sparse file's pieces overlap");
		end = (uint64_t)offset + length;
		/* What was handed out has not been consumed, so the position is where it begins. */
		uint64_t source = (uint64_t)archive_filter_bytes(tar->archive, 0);
		add_extent(&list, &count,
				   (struct extent){.offset = (uint64_t)offset, .length = length, .source = source});
	}
	if (result != ARCHIVE_EOF)
		return tar_error(tar, err);
	*ret = steal(&list);
	*ret_count = count;
	return 0;
}

int tar_extents(struct tar *tar, struct extent **ret, size_t *ret_count, struct error *err)
{
	uint64_t size = (uint64_t)archive_entry_size(tar->entry);

	*ret = NULL;
	*ret_count = 0;
	if (archive_entry_sparse_count(tar->entry) > 0)
		return sparse_extents(tar, ret, ret_count, err);
	if (tar->start > tar->blob.length || size > tar->blob.length - tar->start)
		return error_set(err, EINVAL, "not a valid tar: it ends inside of %s",
						 entry_name(tar->entry));
	if (size)
		add_extent(ret, ret_count, (struct extent){.length = size, .source = tar->start});
	return 0;
}
