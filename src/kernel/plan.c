// SPDX-License-Identifier: Apache-2.0
#include "kernel/plan.h"
#include "base/files.h"
#include "base/options.h"
#include "base/paths.h"
#include "base/process.h"
#include "kernel/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Changes when the same input would be built or stored otherwise. */
#define KERNEL_FORMAT "1"
#define FRAGMENT_SUFFIX ".config"

enum { LIST_SIZE_LIMIT = 64 << 10 };

/* Documentation/kbuild/reproducible-builds.rst */
const char *const kernel_make_variables[] = {
	"KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
	"KBUILD_BUILD_USER=lupine",
	"KBUILD_BUILD_HOST=lupine",
	"KBUILD_BUILD_VERSION=1",
	/* Set though empty: no "+" for a source that lies in a git repository. */
	"LOCALVERSION=",
	/* The configuration would hold the version of any Rust compiler that happens to be there. */
	"RUSTC=false",
	NULL,
};

static int is_fragment(const struct dirent *entry)
{
	return ends_with(entry->d_name, FRAGMENT_SUFFIX) && *entry->d_name != '.';
}

/* Says that there is no fragment of that name, and which there are. */
static int no_fragment(const char *directory, const char *kind, const char *name, struct error *err)
{
	_cleanup_strings_ struct strings names = {0};
	_cleanup_buf_ struct buf text = {0};
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, is_fragment, alphasort);

	for (int i = 0; i < count; i++) {
		size_t length = strlen(entries[i]->d_name) - strlen(FRAGMENT_SUFFIX);
		strings_take(&names, xstrndup(entries[i]->d_name, length));
		buf_printf(&text, "%s%s", i ? ", " : "", names.items[i]);
		free(entries[i]);
	}
	free(entries);
	error_set(err, ENOENT, "there is no kernel %s \"%s\"", kind, name);
	const char *meant = names.count ? did_you_mean(name, (const char *const *)names.items) : NULL;
	if (meant)
		return error_hint(err, "did you mean %s?", meant);
	return error_hint(err, "there is: %s", text.length ? text.data : "none");
}

/* Adds a fragment of ours to what is asked for. `kind` is "feature", "variant" or NULL. */
static int add_own(const char *directory, const char *kind, const char *name, struct plan *plan,
				   struct error *err)
{
	_cleanup_free_ char *place = kind ? xasprintf("%s/%ss", directory, kind) : xstrdup(directory);
	_cleanup_free_ char *path = xasprintf("%s/%s" FRAGMENT_SUFFIX, place, name);
	_cleanup_free_ char *label = kind ? xasprintf("%ss/%s" FRAGMENT_SUFFIX, kind, name)
									  : xasprintf("%s" FRAGMENT_SUFFIX, name);

	if (!*name || strchr(name, '/') || !path_exists(path))
		return no_fragment(place, kind ? kind : "fragment", name, err);
	return config_read(&plan->asked, path, label, NULL, err);
}

static int add_all(const char *directory, const char *kind, const struct strings *names,
				   struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (add_own(directory, kind, names->items[i], plan, err) < 0)
			return -err->code;
	return 0;
}

/* The features of the general kernel: one name a line, '#' begins a comment. */
static int read_general(const char *directory, struct strings *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/general.list", directory);
	_cleanup_buf_ struct buf text = {0};

	if (file_read(AT_FDCWD, path, LIST_SIZE_LIMIT, &text, err) < 0)
		return -err->code;
	for (char *line = text.data, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line[strcspn(line, "#")] = '\0';
		text_words(line, ret);
	}
	return 0;
}

/* Reads the user's fragments: a whole configuration is what the build starts from, the others
 * are added to `ret`. */
static int read_users(const struct strings *paths, struct plan *plan, struct config *ret,
					  struct error *err)
{
	for (size_t i = 0; i < paths->count; i++) {
		const char *path = paths->items[i];
		_cleanup_config_ struct config fragment = {0};
		bool whole = false;
		if (config_read(&fragment, path, path, &whole, err) < 0)
			return -err->code;
		if (!whole) {
			config_merge(ret, &fragment);
			continue;
		}
		if (plan->whole) {
			error_set(err, EINVAL, "%s is a second whole configuration", path);
			return error_hint(err, "give one, and beside it only fragments of a few options");
		}
		plan->whole = true;
		plan->config = fragment;
		fragment = (struct config){0};
	}
	return 0;
}

int plan_configuration(const struct kernel_request *request, struct plan *plan, struct error *err)
{
	_cleanup_config_ struct config users = {0};
	_cleanup_free_ char *directory = NULL;

	plan->version = xstrdup(request->version ? request->version : KERNEL_DEFAULT_VERSION);
	strings_extend(&plan->features, &request->features);
	strings_extend(&plan->variants, &request->variants);
	if (kernel_architecture_find(request->architecture, &plan->architecture, err) < 0 ||
		path_data("linux/config", &directory, err) < 0 ||
		read_users(&request->fragments, plan, &users, err) < 0)
		return -err->code;
	if (!plan->whole) {
		if (!plan->features.count && read_general(directory, &plan->features, err) < 0)
			return -err->code;
		if (add_own(directory, NULL, "base", plan, err) < 0 ||
			add_own(directory, NULL, plan->architecture->name, plan, err) < 0)
			return -err->code;
	}
	if (add_all(directory, "feature", &plan->features, plan, err) < 0 ||
		add_all(directory, "variant", &plan->variants, plan, err) < 0)
		return -err->code;
	config_merge(&plan->asked, &users);
	config_merge(&plan->config, &plan->asked);
	return 0;
}

bool plan_has_btf(const struct plan *plan)
{
	return strcmp(config_value(&plan->config, "DEBUG_INFO_BTF"), "y") == 0;
}

/* What the programs that make the kernel's bytes say of themselves. */
static int read_compiler(struct plan *plan, struct error *err)
{
	char *const gcc[] = {(char *)"gcc", (char *)"--version", NULL};
	char *const ld[] = {(char *)"ld", (char *)"--version", NULL};
	char *const pahole[] = {(char *)"pahole", (char *)"--version", NULL};
	_cleanup_free_ char *compiler = NULL, *linker = NULL, *types = NULL;

	if (process_capture(gcc, &compiler, err) < 0 || process_capture(ld, &linker, err) < 0 ||
		(plan_has_btf(plan) && process_capture(pahole, &types, err) < 0))
		return -err->code;
	/* What follows the first line is about copyright, in the user's language. */
	plan->compiler = xasprintf("%.*s\n%.*s\n%s", (int)strcspn(compiler, "\n"), compiler,
							   (int)strcspn(linker, "\n"), linker, types ? types : "");
	return 0;
}

static void compute_id(struct plan *plan)
{
	_cleanup_digest_ struct digest *digest = digest_new();
	_cleanup_free_ char *config = config_text(&plan->config);
	char text[DIGEST_SIZE];

	digest_text(digest, KERNEL_FORMAT);
	digest_text(digest, plan->version);
	digest_text(digest, plan->architecture->name);
	digest_text(digest, plan->source.identity);
	digest_text(digest, plan->source.series.digest);
	digest_text(digest, plan->whole ? "whole" : "fragments");
	digest_text(digest, config);
	digest_text(digest, plan->compiler);
	for (size_t i = 0; kernel_make_variables[i]; i++)
		digest_text(digest, kernel_make_variables[i]);
	digest_final(digest, text);
	memcpy(plan->id, text + strlen("sha256:"), KERNEL_ID_SIZE);
}

int plan_identify(const struct kernel_request *request, struct plan *plan, struct error *err)
{
	if (source_describe(plan->version, request->source, &plan->source, err) < 0 ||
		read_compiler(plan, err) < 0)
		return -err->code;
	compute_id(plan);
	return 0;
}

void plan_free(struct plan *plan)
{
	free(plan->version);
	free(plan->compiler);
	strings_free(&plan->features);
	strings_free(&plan->variants);
	config_free(&plan->config);
	config_free(&plan->asked);
	source_free(&plan->source);
}
