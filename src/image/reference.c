// SPDX-License-Identifier: Apache-2.0
/* The parts of references. */
#include "base/files.h"
#include "image/architecture.h"
#include "image/loader.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define DEFAULT_SIZE_LIMIT (64ULL << 30)
enum { SHORT_NAME_LIMIT = 40 };

void reference_split(const char *text, char **ret_path, char **ret_tag)
{
	const char *split = NULL, *at_digest = strstr(text, "@sha256:");

	*ret_tag = NULL;
	if (!path_exists(text)) {
		for (const char *colon = text; !split && (colon = strchr(colon, ':')); colon++) {
			_cleanup_free_ char *path = xstrndup(text, (size_t)(colon - text));
			if (path_exists(path))
				split = colon;
		}
		if (at_digest && (!split || split > at_digest))
			split = at_digest;
		if (!split)
			split = strchr(text, ':');
	}
	*ret_path = split ? xstrndup(text, (size_t)(split - text)) : xstrdup(text);
	if (split && split[1])
		*ret_tag = xstrdup(split + 1);
}

uint64_t size_limit(const struct image_options *options)
{
	return options->size_limit ? options->size_limit : DEFAULT_SIZE_LIMIT;
}

int wanted_architecture(const struct image_options *options, const char **ret, struct error *err)
{
	const struct architecture *architecture = architecture_find(options->architecture);

	if (!architecture)
		return error_set(err, ENOTSUP, "the architecture %s is not known",
						 options->architecture ? options->architecture : "of this machine");
	*ret = architecture->name;
	return 0;
}

/* What files of images end in; in the order in which they are taken off. */
static const char *const archive_suffixes[] = {
	".gz", ".zst", ".xz", ".bz2", ".tgz", ".tar", ".oci",
};

char *short_name(const char *text)
{
	_cleanup_buf_ struct buf name = {0};
	_cleanup_free_ char *copy = xstrdup(text);

	for (size_t length = strlen(copy); length && copy[length - 1] == '/';)
		copy[--length] = '\0';
	const char *slash = strrchr(copy, '/');
	for (const char *at = slash ? slash + 1 : copy; *at && *at != ':' && *at != '@'; at++) {
		unsigned char byte = (unsigned char)*at;
		bool plain = byte < 0x80 && (isalnum(byte) || byte == '_' || byte == '.');
		/* A name begins with a letter or a digit. */
		if (name.length < SHORT_NAME_LIMIT && (name.length || (plain && isalnum(byte))))
			buf_printf(&name, "%c", plain ? tolower(byte) : '-');
	}
	for (size_t i = 0; name.data && i < ARRAY_SIZE(archive_suffixes); i++)
		if (ends_with(name.data, archive_suffixes[i])) {
			name.length -= strlen(archive_suffixes[i]);
			name.data[name.length] = '\0';
		}
	return name.length ? buf_steal(&name) : xstrdup("image");
}
