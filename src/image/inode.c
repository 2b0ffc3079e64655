// SPDX-License-Identifier: Apache-2.0
/* Inodes and the descriptors that hold their contents. */
#include "image/tree.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct source *source_new(int fd)
{
	struct source *source = xcalloc(1, sizeof(*source));

	source->fd = fd;
	source->references = 1;
	return source;
}

struct source *source_ref(struct source *source)
{
	source->references++;
	return source;
}

void source_unref(struct source *source)
{
	if (!source || --source->references)
		return;
	close(source->fd);
	free(source);
}

struct inode *inode_new(mode_t mode)
{
	struct inode *inode = xcalloc(1, sizeof(*inode));

	inode->mode = mode;
	return inode;
}

static void content_free(struct content *content)
{
	source_unref(content->source);
	free(content->extents);
	free(content->path);
	free(content->bytes);
	*content = (struct content){0};
}

static void xattrs_free(struct inode *inode)
{
	for (size_t i = 0; i < inode->xattr_count; i++) {
		free(inode->xattrs[i].name);
		free(inode->xattrs[i].value);
	}
	free(inode->xattrs);
}

void inode_free(struct inode *inode)
{
	if (!inode)
		return;
	content_free(&inode->content);
	xattrs_free(inode);
	free(inode->target);
	free(inode->entries);
	free(inode);
}

void inode_cleanup_(struct inode **inode)
{
	inode_free(*inode);
	*inode = NULL;
}

void inode_set_xattr(struct inode *inode, const char *name, void *value, size_t length)
{
	size_t at = 0;

	while (at < inode->xattr_count && strcmp(inode->xattrs[at].name, name) < 0)
		at++;
	if (at == inode->xattr_count || strcmp(inode->xattrs[at].name, name) != 0) {
		inode->xattrs = xrealloc(inode->xattrs, inode->xattr_count + 1, sizeof(*inode->xattrs));
		memmove(&inode->xattrs[at + 1], &inode->xattrs[at],
				(inode->xattr_count - at) * sizeof(*inode->xattrs));
		inode->xattrs[at] = (struct xattr){.name = xstrdup(name)};
		inode->xattr_count++;
	}
	free(inode->xattrs[at].value);
	inode->xattrs[at].value = value;
	inode->xattrs[at].length = length;
}
