// SPDX-License-Identifier: Apache-2.0
/* The forms in which an image lies on disk: a layout directory, and archives of two formats. */
#include "base/digest.h"
#include "image/loader.h"
#include "image/store.h"

#include <errno.h>
#include <string.h>

/* The name of a tag that is a whole name ("registry.example/library/redis:7"), else that of the
 * file. */
static char *name_of(const char *path, const char *tag)
{
	bool whole = tag && strpbrk(tag, "/:") && !digest_is_valid(tag);

	return short_name(whole ? tag : path);
}

int open_oci(const char *rest, const struct image_options *options, struct image *image,
			 struct error *err)
{
	_cleanup_free_ char *path = NULL, *tag = NULL;
	_cleanup_store_ struct store *store = NULL;

	reference_split(rest, &path, &tag);
	image->kind = xstrdup("oci");
	image->name = name_of(path, tag);
	if (store_open_directory(path, &store, err) < 0)
		return -err->code;
	return oci_load(store, tag, options, image, err);
}

/* Which formats a reference allows. */
enum formats { DOCKER = 1, OCI = 2 };

static int fail_without_image(const struct store *store, const char *rest, struct error *err)
{
	error_set(err, EINVAL, "the archive has no image of this format in it");
	if (store_has(store, "manifest.json"))
		return error_hint(err, "docker save made it: write docker-archive:%s", rest);
	if (store_has(store, "oci-layout"))
		return error_hint(err, "it holds an OCI layout: write oci-archive:%s", rest);
	return error_hint(err, "images have manifest.json (docker save) or oci-layout at the top");
}

/* What docker save writes since version 25 is of both formats; its manifest.json has the names. */
static int open_as(enum formats allowed, const char *rest, const struct image_options *options,
				   struct image *image, struct error *err)
{
	_cleanup_free_ char *path = NULL, *tag = NULL;
	_cleanup_store_ struct store *store = NULL;

	reference_split(rest, &path, &tag);
	if (store_open_archive(path, size_limit(options), &store, err) < 0)
		return -err->code;
	image->name = name_of(path, tag);
	if ((allowed & DOCKER) && store_has(store, "manifest.json")) {
		image->kind = xstrdup("docker-archive");
		return docker_load(store, tag, options, image, err);
	}
	if ((allowed & OCI) && store_has(store, "oci-layout")) {
		image->kind = xstrdup("oci-archive");
		return oci_load(store, tag, options, image, err);
	}
	return fail_without_image(store, rest, err);
}

int open_oci_archive(const char *rest, const struct image_options *options, struct image *image,
					 struct error *err)
{
	return open_as(OCI, rest, options, image, err);
}

int open_docker_archive(const char *rest, const struct image_options *options, struct image *image,
						struct error *err)
{
	return open_as(DOCKER, rest, options, image, err);
}

int open_archive(const char *rest, const struct image_options *options, struct image *image,
				 struct error *err)
{
	return open_as(DOCKER | OCI, rest, options, image, err);
}
