// SPDX-License-Identifier: Apache-2.0
#include "image/archive_index.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/progress.h"
#include "image/layer_path.h"
#include "image/stream.h"
#include "image/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MEMBER_LIMIT = 100000, /* an image of 500 layers, the most we take, has some 1500 */
	LINK_LIMIT = 8,
};

struct member {
	char *name;
	char *target; /* links: the clean path of what they name; else NULL */
	uint64_t offset, length;
};

struct archive_index {
	struct blob tar;
	struct member *members; /* sorted by name */
	size_t count, capacity;
};

/* An uncompressed copy that has no name, so that nothing of it can be left behind. */
static int uncompress(const struct blob *stored, uint64_t limit, struct blob *ret,
					  struct error *err)
{
	_cleanup_free_ char *cache = NULL;
	_cleanup_staging_ struct staging staging = STAGING_NONE;

	if (path_cache("layers", &cache, err) < 0 || staging_begin(cache, &staging, err) < 0)
		return -err->code;
	_cleanup_free_ char *path = xasprintf("%s/archive", staging.path);
	_cleanup_blob_ struct blob copy = {.fd =
										   open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
	if (copy.fd < 0 || unlink(path) < 0)
		return error_errno(err, errno, "cannot create %s", path);
	progress("unpacking the archive");
	if (stream_copy(stored, limit, NULL, NULL, copy.fd, &copy.length, err) < 0)
		return -err->code;
	*ret = copy;
	copy = BLOB_NONE;
	return 0;
}

static int open_tar(const char *path, uint64_t limit, struct blob *ret, struct error *err)
{
	_cleanup_blob_ struct blob stored = {
		.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
	struct stat status;

	if (stored.fd < 0 || fstat(stored.fd, &status) < 0)
		return error_errno(err, errno, "cannot open %s", path);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s is not a regular file", path);
	stored.length = (uint64_t)status.st_size;
	if (compression_of(&stored) != COMPRESSION_NONE)
		return uncompress(&stored, limit, ret, err);
	*ret = stored;
	stored = BLOB_NONE;
	return 0;
}

/* What a link names: a symbolic one counts from its own directory, a hard one from the top. */
static char *link_target(const char *name, struct archive_entry *entry)
{
	const char *hard = archive_entry_hardlink(entry), *symbolic = archive_entry_symlink(entry);
	_cleanup_error_ struct error ignored = {0};
	_cleanup_buf_ struct buf path = {0};
	char *clean = NULL;

	if (hard)
		return layer_path_clean(hard, &clean, &ignored) < 0 ? xstrdup("") : clean;
	const char *slash = strrchr(name, '/');
	buf_append(&path, name, slash ? (size_t)(slash - name) : 0);
	while (symbolic && starts_with(symbolic, "../") && path.length) {
		char *last = memrchr(path.data, '/', path.length);
		path.length = last ? (size_t)(last - path.data) : 0;
		symbolic += strlen("../");
	}
	buf_printf(&path, "/%s", symbolic ? symbolic : "");
	return layer_path_clean(path.data, &clean, &ignored) < 0 ? xstrdup("") : clean;
}

static int add_member(struct archive_index *index, struct tar *reader, struct archive_entry *entry,
					  struct error *err)
{
	_cleanup_free_ struct extent *extents = NULL;
	_cleanup_free_ char *name = NULL;
	const char *raw = archive_entry_pathname(entry);
	mode_t type = archive_entry_filetype(entry);
	bool link = archive_entry_hardlink(entry) || S_ISLNK(type);
	size_t extent_count = 0;

	if (!raw || (!link && !S_ISREG(type)))
		return 0;
	if (layer_path_clean(raw, &name, err) < 0)
		return error_wrap(err, "%.256s", raw);
	if (index->count == MEMBER_LIMIT)
		return error_set(err, E2BIG, "more than %d files in the archive", MEMBER_LIMIT);
	if (!link && tar_extents(reader, &extents, &extent_count, err) < 0)
		return -err->code;
	uint64_t length = link ? 0 : (uint64_t)archive_entry_size(entry);
	if (extent_count > 1 || (extent_count == 1 && extents[0].length != length) ||
		(!extent_count && length))
		return error_set(err, EINVAL, "%.256s is sparse in the archive, which is not supported",
						 raw);
	if (index->count == index->capacity) {
		index->capacity = index->capacity ? index->capacity * 2 : 64;
		index->members = xrealloc(index->members, index->capacity, sizeof(struct member));
	}
	struct member *member = &index->members[index->count++];
	*member = (struct member){
		.target = link ? link_target(name, entry) : NULL,
		.offset = extent_count ? extents[0].source : 0,
		.length = length,
	};
	member->name = steal(&name);
	return 0;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct member *)left)->name, ((const struct member *)right)->name);
}

int archive_index_open(const char *path, uint64_t limit, struct archive_index **ret,
					   struct error *err)
{
	_cleanup_archive_index_ struct archive_index *index = xcalloc(1, sizeof(*index));
	_cleanup_tar_ struct tar *reader = NULL;
	struct archive_entry *entry;
	int more;

	index->tar = BLOB_NONE;
	if (open_tar(path, limit, &index->tar, err) < 0 || tar_open(&index->tar, &reader, err) < 0)
		return -err->code;
	while ((more = tar_next(reader, &entry, err)) > 0)
		if (add_member(index, reader, entry, err) < 0)
			return -err->code;
	if (more < 0)
		return more;
	if (index->count)
		qsort(index->members, index->count, sizeof(struct member), by_name);
	for (size_t i = 1; i < index->count; i++)
		if (strcmp(index->members[i - 1].name, index->members[i].name) == 0)
			return error_set(err, EINVAL, "the archive has %s twice", index->members[i].name);
	*ret = steal(&index);
	return 0;
}

static int open_member(const struct archive_index *index, const struct member *member,
					   struct blob *ret, struct error *err)
{
	int fd = fcntl(index->tar.fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return error_errno(err, errno, "cannot open %s", member->name);
	*ret = (struct blob){
		.fd = fd, .offset = index->tar.offset + member->offset, .length = member->length};
	return 0;
}

static const struct member *find_member(const struct archive_index *index, const char *name)
{
	const struct member key = {.name = (char *)name};

	if (!index->count)
		return NULL;
	return bsearch(&key, index->members, index->count, sizeof(struct member), by_name);
}

int archive_index_get(const struct archive_index *index, const char *name, struct blob *ret,
					  struct error *err)
{
	const struct member *member = find_member(index, name);

	for (unsigned hops = 0; member && member->target; hops++) {
		if (hops == LINK_LIMIT)
			return error_set(err, ELOOP, "%s: too many links", name);
		member = find_member(index, member->target);
	}
	if (!member)
		return error_set(err, ENOENT, "%s is not there", name);
	return open_member(index, member, ret, err);
}

void archive_index_close(struct archive_index **index)
{
	if (!*index)
		return;
	for (size_t i = 0; i < (*index)->count; i++) {
		free((*index)->members[i].name);
		free((*index)->members[i].target);
	}
	free((*index)->members);
	blob_close(&(*index)->tar);
	free(*index);
	*index = NULL;
}
