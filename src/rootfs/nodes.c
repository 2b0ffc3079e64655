// SPDX-License-Identifier: Apache-2.0
#include "rootfs/nodes.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void add(struct nodes *nodes, struct inode *inode, const char *name, uint32_t parent)
{
	if (nodes->count == nodes->capacity) {
		nodes->capacity = nodes->capacity ? nodes->capacity * 2 : 1024;
		nodes->items = xrealloc(nodes->items, nodes->capacity, sizeof(*nodes->items));
	}
	nodes->items[nodes->count++] = (struct node){.inode = inode, .name = name, .parent = parent};
	inode->number = (uint32_t)nodes->count;
}

static int add_children(struct nodes *nodes, uint32_t index, struct error *err)
{
	const struct inode *directory = nodes->items[index].inode;

	for (size_t i = 0; i < directory->entry_count; i++) {
		const struct entry *entry = &directory->entries[i];
		bool is_directory = S_ISDIR(entry->inode->mode);
		if (is_directory && entry->inode->number) /* a loop, for all that we know */
			return error_set(err, EINVAL, "the directory %s has two places in the tree",
							 entry->name);
		nodes->items[index].subdirectories += is_directory;
		if (!entry->inode->number)
			add(nodes, entry->inode, entry->name, index);
	}
	return 0;
}

int nodes_collect(const struct tree *tree, struct nodes *ret, struct error *err)
{
	_cleanup_nodes_ struct nodes nodes = {0};

	add(&nodes, tree->root, "", 0);
	for (uint32_t i = 0; i < nodes.count; i++)
		if (S_ISDIR(nodes.items[i].inode->mode) && add_children(&nodes, i, err) < 0)
			return -err->code;
	*ret = nodes;
	nodes = (struct nodes){0};
	return 0;
}

void nodes_free(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		nodes->items[i].inode->number = 0;
	free(nodes->items);
	*nodes = (struct nodes){0};
}

char *nodes_path(const struct nodes *nodes, size_t index)
{
	size_t length = 0;

	if (index == 0)
		return xstrdup(".");
	for (size_t i = index; i; i = nodes->items[i].parent)
		length += strlen(nodes->items[i].name) + 1;
	char *path = xmalloc(length);
	for (size_t i = index; i; i = nodes->items[i].parent) {
		size_t name = strlen(nodes->items[i].name);
		path[--length] = i == index ? '\0' : '/';
		length -= name;
		memcpy(path + length, nodes->items[i].name, name);
	}
	return path;
}
