// SPDX-License-Identifier: Apache-2.0
/* Layers: the input is one or more tars, apart by blocks of 'L' (512 times), stacked in turn. */
#include "fuzz.h"
#include "image/layer.h"

enum { BLOCK = 512, LAYERS = 4 };

static bool is_separator(const uint8_t *block)
{
	return block[0] == 'L' && memcmp(block, block + 1, BLOCK - 1) == 0;
}

static void apply(struct layer_stack *stack, uint8_t *bytes, size_t length)
{
	struct error err = {0};
	struct blob tar = {.fd = memory_file(bytes, length), .length = length};

	check_result(layer_apply(stack, &tar, &err), &err);
	if (tar.fd >= 0)
		close(tar.fd);
	error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tree *tree = tree_new();
	struct layer_stack stack = {.tree = tree, .metadata_left = 1 << 20};
	uint8_t *bytes = malloc(size + 1);
	size_t start = 0;

	memcpy(bytes, data, size);
	fix_tar_sums(bytes, size);
	for (unsigned layer = 0; layer < LAYERS && start < size; layer++) {
		size_t end = start;
		while (end + BLOCK <= size && !is_separator(bytes + end))
			end += BLOCK;
		if (end + BLOCK > size)
			end = size;
		apply(&stack, bytes + start, end - start);
		start = end + BLOCK;
	}
	tree_layers_end(tree);
	check_tree(tree);
	struct image_user user = {0};
	struct error err = {0};
	int result = image_resolve_user(tree, "a:b", &user, &err);
	check_result(result, &err);
	error_clear(&err);
	image_user_free(&user);
	tree_free(&tree);
	free(bytes);
	return 0;
}
