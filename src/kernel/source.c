// SPDX-License-Identifier: Apache-2.0
#include "kernel/source.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/progress.h"
#include "kernel/text.h"
#include "kernel/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Changes when the same input would be laid out otherwise. */
#define SOURCE_FORMAT "1"
/* The list of parts that are there, beside the tree, and what stands for every part in it. */
#define PARTS_FILE "parts"
#define ALL "*"

enum {
	NAME_DIGITS = 12,
	PARTS_SIZE_LIMIT = 1 << 20,
};

char *source_archive(const char *version)
{
	return xasprintf("/usr/src/linux-source-%s.tar.xz", version);
}

int kernel_lock(const char *kind, const char *name, const char *waiting_for, struct error *err)
{
	_cleanup_free_ char *directory = NULL;

	if (path_cache("locks", &directory, err) < 0)
		return -err->code;
	_cleanup_free_ char *path = xasprintf("%s/%s-%s", directory, kind, name);
	int fd = file_lock(path, false, err);
	if (fd != -EWOULDBLOCK)
		return fd;
	error_clear(err);
	progress("waiting for %s, which another lupine does now", waiting_for);
	fd = file_lock(path, true, err);
	progress_clear();
	return fd;
}

/* Which files a run of unpack_source() wants. */
struct selection {
	const struct kernel_source *source;
	enum { WHAT_IS_IN_NO_PART, PARTS, ALL_PARTS } what;
	const struct strings *parts;   /* for PARTS */
	const struct strings *present; /* parts that are there already */
};

static bool is_selected(const char *path, void *data)
{
	const struct selection *selection = data;
	const struct kernel_source *source = selection->source;
	_cleanup_free_ char *part = prune_part(&source->prune, path);

	/* What patches and new files touch is there from the beginning. */
	if (!part || strings_contain(&source->series.touched, path))
		return selection->what == WHAT_IS_IN_NO_PART;
	return selection->what != WHAT_IS_IN_NO_PART && !strings_contain(selection->present, part) &&
		   (selection->what == ALL_PARTS || strings_contain(selection->parts, part));
}

static int check_directory(const char *path, struct error *err)
{
	static const char *const leavings[] = {".config", "include/config"};

	for (size_t i = 0; i < ARRAY_SIZE(leavings); i++) {
		_cleanup_free_ char *leaving = xasprintf("%s/%s", path, leavings[i]);
		if (!path_exists(leaving))
			continue;
		error_set(err, EINVAL, "%s was built in: it holds %s", path, leavings[i]);
		return error_hint(err, "run make mrproper there, or give a clean copy");
	}
	return 0;
}

static int check_version(const char *version, struct error *err)
{
	if (!*version || strspn(version, "0123456789.") != strlen(version) || *version == '.')
		return error_set(err, EINVAL, "\"%s\" is not a version of Linux such as 6.12", version);
	return 0;
}

/* The name under which the unpacked source is kept. */
static int name_source(struct kernel_source *source, const char *table, struct error *err)
{
	_cleanup_digest_ struct digest *digest = digest_new();
	_cleanup_buf_ struct buf text = {0};
	char id[DIGEST_SIZE];

	if (file_read(AT_FDCWD, table, PARTS_SIZE_LIMIT, &text, err) < 0)
		return -err->code;
	digest_text(digest, SOURCE_FORMAT);
	digest_text(digest, source->identity);
	digest_text(digest, source->series.digest);
	digest_text(digest, text.length ? text.data : "");
	digest_final(digest, id);
	source->name = xasprintf("%s-%.*s", source->version, NAME_DIGITS, id + strlen("sha256:"));
	return 0;
}

int source_describe(const char *version, const char *origin, struct kernel_source *ret,
					struct error *err)
{
	_cleanup_source_ struct kernel_source source = {0};
	_cleanup_free_ char *table = NULL;

	if (check_version(version, err) < 0)
		return -err->code;
	source.version = xstrdup(version);
	source.origin = origin ? realpath(origin, NULL) : source_archive(version);
	if (!source.origin)
		return error_errno(err, errno, "the kernel's source %s", origin);
	if (source_identify(source.origin, source.identity, err) < 0 ||
		check_directory(source.origin, err) < 0 || series_read(version, &source.series, err) < 0 ||
		path_data("linux/source.prune", &table, err) < 0 ||
		prune_read(table, &source.prune, err) < 0 || name_source(&source, table, err) < 0)
		return -err->code;
	*ret = source;
	source = (struct kernel_source){0};
	return 0;
}

/* Kbuild passes the place through make and shells, which take some characters for their own. */
static int check_place(const char *path, struct error *err)
{
	size_t fine = strcspn(path, " \t\n:;#$%&|*?!~`'\"\\<>()[]{}");

	if (!path[fine])
		return 0;
	error_set(err, EINVAL, "kernels cannot be built in %s: there is a '%c' in its name", path,
			  path[fine]);
	return error_hint(err, "set LUPINE_HOME to another directory");
}

/* Makes the source in a fresh directory, without any part. */
static int build_tree(const struct kernel_source *source, const char *directory, struct error *err)
{
	_cleanup_free_ char *tree = xasprintf("%s/tree", directory);
	struct selection selection = {.source = source, .what = WHAT_IS_IN_NO_PART};

	if (directory_make(tree, err) < 0 ||
		unpack_source(source->origin, is_selected, &selection, tree, err) < 0)
		return -err->code;
	_cleanup_free_ char *makefile = xasprintf("%s/Makefile", tree);
	if (!path_exists(makefile))
		return error_set(err, EINVAL, "%s is not the source of a kernel: it has no Makefile",
						 source->origin);
	if (series_apply(&source->series, tree, err) < 0)
		return -err->code;
	/* A crash of the host must not leave empty files in what is taken for complete. */
	_cleanup_close_ int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || syncfs(fd) < 0 ? error_errno(err, errno, "cannot write %s", tree) : 0;
}

int source_prepare(struct kernel_source *source, struct error *err)
{
	_cleanup_staging_ struct staging staging = STAGING_NONE;
	_cleanup_free_ char *sources = NULL;

	if (path_cache("sources", &sources, err) < 0)
		return -err->code;
	if (check_place(sources, err) < 0)
		return -err->code;
	free(source->tree);
	source->tree = xasprintf("%s/%s/tree", sources, source->name);
	if (path_exists(source->tree))
		return 0;
	_cleanup_close_ int lock =
		kernel_lock("source", source->name, "the unpacking of the kernel's source", err);
	if (lock < 0)
		return lock;
	if (path_exists(source->tree))
		return 0;
	progress("unpacking the kernel's source");
	if (staging_begin(sources, &staging, err) < 0)
		return -err->code;
	int result = build_tree(source, staging.path, err);
	progress_clear();
	return result < 0 ? result : staging_commit(&staging, NULL, source->name, err);
}

/* Reads the names of the parts that are there; "*" stands for all. */
static int read_parts(const char *path, struct strings *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};

	if (!path_exists(path))
		return 0;
	if (file_read(AT_FDCWD, path, PARTS_SIZE_LIMIT, &text, err) < 0)
		return -err->code;
	if (text.length)
		text_words(text.data, ret);
	return 0;
}

static int write_parts(const char *path, const struct strings *parts, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};

	for (size_t i = 0; i < parts->count; i++)
		buf_printf(&text, "%s\n", parts->items[i]);
	return file_write_atomic(path, text.data, text.length, 0644, err);
}

/* Whether all of `wanted` (NULL: every part) are among `present`. */
static bool are_present(const struct strings *wanted, const struct strings *present)
{
	if (strings_contain(present, ALL))
		return true;
	for (size_t i = 0; wanted && i < wanted->count; i++)
		if (!strings_contain(present, wanted->items[i]))
			return false;
	return wanted != NULL;
}

/* Unpacks parts into the tree itself: a killed run leaves incomplete files, but as their parts
 * are not in the list, whoever needs them next unpacks them again. */
static int unpack_parts(const struct kernel_source *source, struct selection *selection,
						struct error *err)
{
	char identity[DIGEST_SIZE];

	if (source_identify(source->origin, identity, err) < 0)
		return -err->code;
	if (strcmp(identity, source->identity) != 0) {
		error_set(err, ESTALE, "%s was changed while a kernel was built from it", source->origin);
		return error_hint(err, "build again");
	}
	return unpack_source(source->origin, is_selected, selection, source->tree, err);
}

int source_add_parts(const struct kernel_source *source, const struct strings *parts,
					 bool *ret_added, struct error *err)
{
	_cleanup_free_ char *list = xasprintf("%s/../" PARTS_FILE, source->tree);
	_cleanup_strings_ struct strings present = {0};
	struct selection selection = {
		.source = source, .what = parts ? PARTS : ALL_PARTS, .parts = parts, .present = &present};

	if (ret_added)
		*ret_added = false;
	if (read_parts(list, &present, err) < 0)
		return -err->code;
	if (are_present(parts, &present))
		return 0;
	_cleanup_close_ int lock =
		kernel_lock("source", source->name, "the unpacking of the kernel's source", err);
	if (lock < 0)
		return lock;
	strings_free(&present);
	if (read_parts(list, &present, err) < 0)
		return -err->code;
	if (are_present(parts, &present))
		return 0;
	progress("unpacking more of the kernel's source");
	int result = unpack_parts(source, &selection, err);
	progress_clear();
	if (result < 0)
		return result;
	for (size_t i = 0; parts && i < parts->count; i++)
		if (!strings_contain(&present, parts->items[i]))
			strings_add(&present, parts->items[i]);
	if (!parts)
		strings_add(&present, ALL);
	if (ret_added)
		*ret_added = true;
	return write_parts(list, &present, err);
}

void source_free(struct kernel_source *source)
{
	free(source->version);
	free(source->origin);
	free(source->name);
	free(source->tree);
	series_free(&source->series);
	prune_free(&source->prune);
	*source = (struct kernel_source){0};
}
