/* SPDX-License-Identifier: Apache-2.0 */
/* Layers: how they are uncompressed into the cache, and how they are stacked into a tree. */
#pragma once

#include "image/blob.h"
#include "image/tree.h"

/* Where a layer is, and what it must turn out to be. */
struct layer_blob {
	struct blob blob;
	const char *digest;  /* of the blob as it is stored; NULL: not known */
	const char *diff_id; /* of the uncompressed tar */
};

/*
 * Opens the layer's uncompressed tar in the cache, where it is put first if it is not there:
 * plain, gzip and zstd are told apart by content, because media types lie. *budget is the
 * most bytes that it may have and is lessened by what it has. -EBADMSG for a wrong digest, -EFBIG
 * over the budget; nothing of it stays in the cache then.
 */
int layer_open(const struct layer_blob *layer, uint64_t *budget, struct blob *ret,
			   struct error *err);

/* What the stacked layers of one image may take in memory beside a fixed part for each file. */
struct layer_stack {
	struct tree *tree;
	uint64_t metadata_left; /* bytes of names, link targets, attributes and maps of holes */
};
#define LAYER_METADATA_LIMIT (256ULL << 20)

/*
 * Puts an uncompressed layer on top of the tree (OCI image-spec layer.md, "Applying
 * changesets"). Takes the tar's descriptor: the files' contents refer to it. After the last
 * layer the caller calls tree_layers_end().
 *
 * An entry beneath a symbolic link that a layer below left is put where the link leads inside
 * of the tree, as Docker does; -ELOOP when the link is of the same layer or leads out of the tree.
 */
int layer_apply(struct layer_stack *stack, struct blob *tar, struct error *err);
