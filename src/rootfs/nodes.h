/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree laid out flat: its inodes in the order in which they are numbered and written.
 *
 * Breadth first: a directory stands before what is in it, and the files of one directory stand
 * together, so that a parent's number is known when its children are written, and `ls -l` in the
 * guest reads neighbouring inodes.
 */
#pragma once

#include "image/tree.h"

struct node {
	struct inode *inode;
	const char *name; /* under which it was met first; borrowed; "" for the root */
	uint32_t parent;  /* index of the directory that name is in; the root's is itself */
	uint32_t subdirectories;
};

struct nodes {
	struct node *items; /* the root first */
	size_t count, capacity;
};

/* Numbers the inodes of the tree: `number` becomes the index + 1, until nodes_free(). */
int nodes_collect(const struct tree *tree, struct nodes *ret, struct error *err);
void nodes_free(struct nodes *nodes);
#define _cleanup_nodes_ _cleanup_(nodes_free)

/* The path of a node from the root, without a slash in front; "." for the root itself. The caller
 * owns it. */
char *nodes_path(const struct nodes *nodes, size_t index);
