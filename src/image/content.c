// SPDX-License-Identifier: Apache-2.0
/* The bytes of files: from layers, from the host, from memory. */
#include "image/beneath.h"
#include "image/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 256 * 1024 };

/* Where the pieces go. */
struct reader {
	content_sink sink;
	void *data;
	char *chunk;
	size_t chunk_size;
};

/* Hands on [offset, offset + length) of the file, which lies at `position` in `fd`. */
static int read_run(const struct reader *reader, int fd, uint64_t position, uint64_t offset,
					uint64_t length, struct error *err)
{
	while (length) {
		size_t want = length < reader->chunk_size ? (size_t)length : reader->chunk_size;
		ssize_t count = pread(fd, reader->chunk, want, (off_t)position);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot read");
		if (count == 0)
			return error_set(err, EIO, "the file became shorter while it was read");
		int error = reader->sink(offset, reader->chunk, (size_t)count, reader->data, err);
		if (error < 0)
			return error;
		position += (uint64_t)count;
		offset += (uint64_t)count;
		length -= (uint64_t)count;
	}
	return 0;
}

/* A file of the host's: its holes stay holes. */
static int read_host_file(const struct reader *reader, int fd, uint64_t size, struct error *err)
{
	for (off_t end = 0; (uint64_t)end < size;) {
		off_t data = lseek(fd, end, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		/* File systems without SEEK_DATA: all of it is data. */
		off_t from = data < 0 ? end : data;
		off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
		end = hole < 0 || (uint64_t)hole > size ? (off_t)size : hole;
		if (from >= end)
			break;
		int error =
			read_run(reader, fd, (uint64_t)from, (uint64_t)from, (uint64_t)(end - from), err);
		if (error < 0)
			return error;
	}
	return 0;
}

static int read_path(const struct reader *reader, const struct inode *file, struct error *err)
{
	const char *path = file->content.path;
	/* Not to hang on a FIFO that took the file's place. */
	_cleanup_close_ int fd = open_beneath(file->content.source->fd, path, O_RDONLY | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return error_errno(err, -fd, "cannot open %s", path);
	if (fstat(fd, &status) < 0)
		return error_errno(err, errno, "cannot read %s", path);
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != file->size)
		return error_set(err, EIO, "%s changed while it was read", path);
	return read_host_file(reader, fd, file->size, err) < 0 ? error_wrap(err, "%s", path) : 0;
}

int content_read(const struct inode *file, content_sink sink, void *data, struct error *err)
{
	const struct content *content = &file->content;
	struct reader reader = {
		.sink = sink,
		.data = data,
		.chunk_size = file->size < CHUNK ? (size_t)file->size : CHUNK,
	};

	if (content->kind == CONTENT_NONE || !file->size)
		return 0;
	if (content->kind == CONTENT_BYTES)
		return sink(0, content->bytes, (size_t)file->size, data, err);
	_cleanup_free_ char *chunk = xmalloc(reader.chunk_size);
	reader.chunk = chunk;
	if (content->kind == CONTENT_PATH)
		return read_path(&reader, file, err);
	for (size_t i = 0; i < content->extent_count; i++) {
		const struct extent *extent = &content->extents[i];
		int error = read_run(&reader, content->source->fd, extent->source, extent->offset,
							 extent->length, err);
		if (error < 0)
			return error;
	}
	return 0;
}

static int copy_to_memory(uint64_t offset, const void *bytes, size_t length, void *data,
						  struct error *err)
{
	(void)err;
	memcpy((char *)data + offset, bytes, length);
	return 0;
}

int tree_read_file(const struct tree *tree, const char *path, size_t limit, struct buf *ret,
				   struct error *err)
{
	const struct inode *file = tree_lookup(tree, path, true);

	if (!file)
		return error_set(err, ENOENT, "%s: no such file in the image", path);
	if (S_ISDIR(file->mode))
		return error_set(err, EISDIR, "%s is a directory in the image", path);
	if (!S_ISREG(file->mode))
		return error_set(err, EINVAL, "%s is not a regular file in the image", path);
	if (file->size > limit)
		return error_set(err, EFBIG, "%s has %llu bytes, more than %zu", path,
						 (unsigned long long)file->size, limit);
	/* Holes read as zeros. */
	_cleanup_free_ char *bytes = xcalloc(1, (size_t)file->size + 1);
	if (content_read(file, copy_to_memory, bytes, err) < 0)
		return error_wrap(err, "%s", path);
	buf_append(ret, bytes, (size_t)file->size);
	return 0;
}
