// SPDX-License-Identifier: Apache-2.0
#include "image/image.h"
#include "base/files.h"
#include "base/progress.h"
#include "image/loader.h"
#include "image/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*opener)(const char *rest, const struct image_options *options, struct image *image,
					  struct error *err);

static const struct {
	const char *prefix;
	opener open;
} transports[] = {
	{"oci:", open_oci},
	{"oci-archive:", open_oci_archive},
	{"docker-archive:", open_docker_archive},
	{"dir:", open_directory},
};

/* What other tools take and we do not. */
static const char *const foreign_transports[] = {
	"docker://", "docker-daemon:", "containers-storage:", "ostree:", "sif:", "http://", "https://",
};

/* Where the image would come from, were it pulled: "nginx:7" -> "docker://nginx:7". */
static int fail_as_foreign(const char *reference, struct error *err)
{
	bool transport = false;

	for (size_t i = 0; i < ARRAY_SIZE(foreign_transports); i++)
		transport |= starts_with(reference, foreign_transports[i]);
	if (transport)
		error_set(err, ENOTSUP, "images are not fetched from there");
	else
		error_set(err, ENOENT, "there is no such file, and images are not fetched from registries");
	return error_hint(err, "fetch it first: skopeo copy %s%s oci:DIR:TAG, then use oci:DIR:TAG",
					  transport ? "" : "docker://", reference);
}

/* Can this be a name in a registry, and not just a path that is wrong? */
static bool looks_like_registry_name(const char *reference)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
								  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";

	return reference[0] != '/' && reference[0] != '.' && !ends_with(reference, "/") &&
		   !reference[strspn(reference, allowed)];
}

/* What a bare path is, by its content. */
static int recognise_directory(const char *path, opener *ret, struct error *err)
{
	_cleanup_free_ char *layout = xasprintf("%s/oci-layout", path);

	if (path_exists(layout)) {
		*ret = open_oci;
		return 0;
	}
	error_set(err, EINVAL, "%s is a directory, and no OCI layout", path);
	return error_hint(err, "to run a root directory, write dir:%s", path);
}

static int recognise_file(const char *path, opener *ret, struct error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	unsigned char start[512] = {0};

	if (fd < 0)
		return error_errno(err, errno, "cannot open %s", path);
	struct blob blob = {.fd = fd, .length = sizeof(start)};
	if (blob_pread(&blob, start, sizeof(start), 0) < 0)
		return error_errno(err, errno, "cannot read %s", path);
	if (memcmp(start, "\177ELF", 4) == 0 || memcmp(start, "#!", 2) == 0)
		*ret = open_program;
	else if (memcmp(start + 257, "ustar", 5) == 0 || compression_of(&blob) != COMPRESSION_NONE)
		*ret = open_archive;
	if (*ret)
		return 0;
	error_set(err, EINVAL, "%s is neither a program nor an image", path);
	return error_hint(err, "programs begin with an ELF header or #!; images are OCI layouts, and "
						   "archives of docker save, podman save or skopeo");
}

static int recognise(const char *reference, opener *ret, struct error *err)
{
	_cleanup_free_ char *path = NULL, *tag = NULL;
	struct stat status;

	reference_split(reference, &path, &tag);
	if (stat(path, &status) < 0) {
		if (errno == ENOENT && looks_like_registry_name(reference))
			return fail_as_foreign(reference, err);
		return error_errno(err, errno, "%s", path);
	}
	if (S_ISDIR(status.st_mode))
		return recognise_directory(path, ret, err);
	return recognise_file(path, ret, err);
}

static int open_reference(const char *reference, const struct image_options *options,
						  struct image *image, struct error *err)
{
	opener open_it = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(transports); i++)
		if (starts_with(reference, transports[i].prefix))
			return transports[i].open(reference + strlen(transports[i].prefix), options, image,
									  err);
	for (size_t i = 0; i < ARRAY_SIZE(foreign_transports); i++)
		if (starts_with(reference, foreign_transports[i]))
			return fail_as_foreign(reference, err);
	if (!*reference)
		return error_set(err, EINVAL, "the reference is empty");
	if (recognise(reference, &open_it, err) < 0)
		return -err->code;
	return open_it(reference, options, image, err);
}

int image_open(const char *reference, const struct image_options *options, struct image **ret,
			   struct error *err)
{
	_cleanup_image_ struct image *image = xcalloc(1, sizeof(*image));

	image->reference = xstrdup(reference);
	int error = open_reference(reference, options, image, err);
	progress_clear();
	if (error < 0)
		return error_wrap(err, "%s", reference);
	*ret = steal(&image);
	return 0;
}

static int stack_layer(struct layer_stack *stack, const struct image_layer *layer,
					   const struct blob *blob, uint64_t *budget, struct error *err)
{
	_cleanup_blob_ struct blob tar = BLOB_NONE;
	const struct layer_blob source = {
		.blob = *blob, .digest = layer->digest, .diff_id = layer->diff_id};

	if (layer_open(&source, budget, &tar, err) < 0)
		return -err->code;
	return layer_apply(stack, &tar, err);
}

int stack_layers(struct image *image, const struct image_options *options, layer_opener open_layer,
				 void *data, struct error *err)
{
	uint64_t budget = size_limit(options);

	if (options->config_only)
		return 0;
	image->tree = tree_new();
	struct layer_stack stack = {.tree = image->tree, .metadata_left = LAYER_METADATA_LIMIT};
	for (size_t i = 0; i < image->layer_count; i++) {
		_cleanup_blob_ struct blob blob = BLOB_NONE;
		if (open_layer(data, i, &blob, err) < 0 ||
			stack_layer(&stack, &image->layers[i], &blob, &budget, err) < 0)
			return error_wrap(err, "layer %zu", i + 1);
	}
	tree_layers_end(image->tree);
	return 0;
}

void image_free(struct image **image)
{
	struct image *old = *image;

	if (!old)
		return;
	for (size_t i = 0; i < old->layer_count; i++) {
		free(old->layers[i].digest);
		free(old->layers[i].diff_id);
		free(old->layers[i].media_type);
	}
	free(old->layers);
	image_config_free(&old->config);
	tree_free(&old->tree);
	free(old->reference);
	free(old->kind);
	free(old->name);
	free(old->digest);
	free(old);
	*image = NULL;
}
