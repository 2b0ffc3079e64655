// SPDX-License-Identifier: Apache-2.0
#include "kernel/kbuild.h"
#include "kernel/makefile.h"

#include <stdlib.h>
#include <string.h>

/* Deeper than any kernel tree; ends loops of directories that name each other. */
enum { DEPTH_LIMIT = 24 };

struct walk {
	const char *tree;
	const struct config *config;
	struct makefile top; /* the top Makefile and the architecture's */
	struct strings objects;
	int depth;
};

static void visit(struct walk *walk, const char *directory);

/* Variables that the top Makefile exports to those of all directories. */
static void inherit(const struct walk *walk, const char *name, struct makefile *makefile)
{
	_cleanup_strings_ struct strings words = {0};
	_cleanup_buf_ struct buf text = {0};

	makefile_get(&walk->top, name, &words);
	for (size_t i = 0; i < words.count; i++)
		buf_printf(&text, "%s%s", i ? " " : "", words.items[i]);
	makefile_set(makefile, name, text.length ? text.data : "");
}

/* The parts of a composite object: $(NAME-objs) and $(NAME-y), as scripts/Makefile.lib does. */
static void composite_parts(const struct makefile *makefile, const char *object,
							struct strings *ret)
{
	size_t stem = strlen(object) - strlen(".o");
	_cleanup_free_ char *objs = xasprintf("%.*s-objs", (int)stem, object);
	_cleanup_free_ char *y = xasprintf("%.*s-y", (int)stem, object);

	makefile_get(makefile, objs, ret);
	makefile_get(makefile, y, ret);
}

static void add_object(struct walk *walk, const char *directory, const char *object)
{
	if (ends_with(object, ".o"))
		strings_addf(&walk->objects, "%s/%s", directory, object);
}

/* Handles what a list of objects names: directories and objects. */
static void handle_words(struct walk *walk, const struct makefile *makefile, const char *directory,
						 const struct strings *words)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		_cleanup_strings_ struct strings parts = {0};
		if (ends_with(word, "/")) {
			_cleanup_free_ char *child = xasprintf("%s%s%.*s", directory, *directory ? "/" : "",
												   (int)strlen(word) - 1, word);
			visit(walk, child);
			continue;
		}
		if (ends_with(word, ".o"))
			composite_parts(makefile, word, &parts);
		for (size_t j = 0; j < parts.count; j++)
			add_object(walk, directory, parts.items[j]);
		if (!parts.count)
			add_object(walk, directory, word);
	}
}

static void visit(struct walk *walk, const char *directory)
{
	static const char *const inherited[] = {"ARCH", "SRCARCH", "BITS", "UTS_MACHINE"};
	static const char *const lists[] = {"obj-y", "lib-y"};
	_cleanup_makefile_ struct makefile makefile = {.tree = walk->tree, .config = walk->config};
	const char *separator = *directory ? "/" : "";
	_cleanup_free_ char *kbuild = xasprintf("%s%sKbuild", directory, separator);
	_cleanup_free_ char *plain = xasprintf("%s%sMakefile", directory, separator);

	if (walk->depth >= DEPTH_LIMIT)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
		inherit(walk, inherited[i], &makefile);
	makefile_set(&makefile, "srctree", ".");
	makefile_set(&makefile, "src", *directory ? directory : ".");
	makefile_set(&makefile, "obj", *directory ? directory : ".");
	if (!makefile_read(&makefile, kbuild) && (!*directory || !makefile_read(&makefile, plain)))
		return;
	walk->depth++;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		_cleanup_strings_ struct strings words = {0};
		makefile_get(&makefile, lists[i], &words);
		handle_words(walk, &makefile, directory, &words);
	}
	walk->depth--;
}

/* Evaluates the top Makefile as far as its lists of directories need. */
static void read_top(struct walk *walk, const char *make_arch, const char *source_arch)
{
	struct makefile *top = &walk->top;

	*top = (struct makefile){.tree = walk->tree, .config = walk->config};
	makefile_set(top, "ARCH", make_arch);
	makefile_set(top, "srctree", ".");
	/* As in the last make that the first one starts, once the build directory is known. */
	makefile_set(top, "sub_make_done", "1");
	makefile_set(top, "MAKEFLAGS", "--no-print-directory");
	makefile_read(top, "Makefile");
	/* Found out with $(shell uname -m) and the like, which is not evaluated here. */
	makefile_set(top, "ARCH", make_arch);
	makefile_set(top, "SRCARCH", source_arch);
}

static int compare_texts(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static void sort_unique(struct strings *list)
{
	size_t kept = 0;

	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_texts);
	for (size_t i = 0; i < list->count; i++) {
		if (kept && strcmp(list->items[kept - 1], list->items[i]) == 0)
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->items[kept] = NULL;
	list->count = kept;
}

void kbuild_read(const char *tree, const char *make_arch, const char *source_arch,
				 const struct config *config, struct kbuild *ret)
{
	/* Up to 6.1 the top Makefile lists the directories; later the Kbuild file at the top does,
	 * and these hold what the architecture adds. */
	static const char *const lists[] = {"core-y", "drivers-y", "libs-y"};
	struct walk walk = {.tree = tree, .config = config};

	read_top(&walk, make_arch, source_arch);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		_cleanup_strings_ struct strings words = {0};
		makefile_get(&walk.top, lists[i], &words);
		handle_words(&walk, &walk.top, "", &words);
	}
	visit(&walk, "");
	makefile_free(&walk.top);
	ret->objects = walk.objects;
	sort_unique(&ret->objects);
}

bool kbuild_has_object(const struct kbuild *kbuild, const char *object)
{
	return kbuild->objects.count && bsearch(&object, kbuild->objects.items, kbuild->objects.count,
											sizeof(char *), compare_texts);
}

void kbuild_free(struct kbuild *kbuild)
{
	strings_free(&kbuild->objects);
}
