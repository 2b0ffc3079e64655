// SPDX-License-Identifier: Apache-2.0
#include "image/libraries.h"
#include "base/files.h"
#include "image/architecture.h"
#include "image/elf_facts.h"
#include "image/ld_cache.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <string.h>

enum { OBJECT_LIMIT = 2000, CACHE_LIMIT = 64 * 1024 * 1024 };

/* A program or library that was found; the loader's link_map. */
struct object {
	char *host, *guest;
	size_t loader; /* index of the one that needs it; its own for the first */
	struct elf_facts facts;
};

struct search {
	struct object *objects;
	size_t count;
	struct buf cache;           /* of the host's loader */
	struct strings directories; /* where it looks last */
	const char *loader_name;    /* the interpreter's base name: libraries name it too; or NULL */
	bool musl;
	bool used_cache; /* for a library that the guest would not find without */
};

static void search_free(struct search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		free(search->objects[i].host);
		free(search->objects[i].guest);
		elf_facts_free(&search->objects[i].facts);
	}
	free(search->objects);
	buf_free(&search->cache);
	strings_free(&search->directories);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "/bin/../lib//x" -> "/lib/x". */
static char *normalise(const char *path)
{
	_cleanup_buf_ struct buf clean = {0};

	buf_puts(&clean, "");
	for (const char *at = path; *at;) {
		size_t length = strcspn(at, "/");
		if (length == 2 && at[0] == '.' && at[1] == '.') {
			char *slash = strrchr(clean.data, '/');
			clean.length = slash ? (size_t)(slash - clean.data) : 0;
			clean.data[clean.length] = '\0';
		} else if (length && !(length == 1 && *at == '.')) {
			buf_printf(&clean, "/%.*s", (int)length, at);
		}
		at += length;
		at += strspn(at, "/");
	}
	return buf_steal(&clean);
}

/* Replaces $ORIGIN and ${ORIGIN} by the directory of `object`. NULL for other tokens, which
 * depend on the loader ($LIB, $PLATFORM). */
static char *expand(const char *text, size_t length, const char *object)
{
	static const char *const tokens[] = {"$ORIGIN", "${ORIGIN}"};
	_cleanup_buf_ struct buf path = {0};
	_cleanup_free_ char *copy = xstrndup(text, length);
	int directory = (int)(base_name(object) - object);

	for (const char *at = copy; *at;) {
		size_t skipped = 0;
		for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
			if (starts_with(at, tokens[i]))
				skipped = strlen(tokens[i]);
		if (!skipped && *at == '$')
			return NULL;
		if (skipped)
			buf_printf(&path, "%.*s", directory > 1 ? directory - 1 : directory, object);
		else
			buf_append(&path, at, 1);
		at += skipped ? skipped : 1;
	}
	return buf_steal(&path);
}

static bool is_wanted(const struct search *search, const char *path, struct elf_facts *ret)
{
	_cleanup_error_ struct error ignored = {0};
	const struct elf_facts *program = &search->objects[0].facts;

	if (elf_facts_read(path, ret, &ignored) < 0)
		return false;
	if (ret->machine == program->machine && ret->class == program->class && ret->type == ET_DYN)
		return true;
	elf_facts_free(ret);
	return false;
}

/* Adds the object at `host` if it is one for this program. */
static bool try_object(struct search *search, const char *host, const char *guest, size_t loader)
{
	struct elf_facts facts = {0};

	if (!is_wanted(search, host, &facts))
		return false;
	search->objects = xrealloc(search->objects, search->count + 1, sizeof(*search->objects));
	search->objects[search->count++] = (struct object){
		.host = xstrdup(host), .guest = normalise(guest), .loader = loader, .facts = facts};
	return true;
}

/* Looks in the directories of a DT_RPATH or DT_RUNPATH of `owner`. */
static bool try_path_list(struct search *search, const char *list, size_t owner, const char *name,
						  size_t loader)
{
	while (list && *list) {
		size_t length = strcspn(list, ":");
		/* Pointers into `objects` would not survive its growing, these copies do. */
		_cleanup_free_ char *host = expand(list, length, search->objects[owner].host);
		_cleanup_free_ char *guest = expand(list, length, search->objects[owner].guest);
		if (host && *host == '/') {
			_cleanup_free_ char *from = xasprintf("%s/%s", host, name);
			_cleanup_free_ char *to = xasprintf("%s/%s", guest, name);
			if (try_object(search, from, to, loader))
				return true;
		}
		list += length + (list[length] == ':');
	}
	return false;
}

/* DT_RPATH counts where there is no DT_RUNPATH, and that of those who loaded it too. */
static bool try_rpaths(struct search *search, size_t loader, const char *name)
{
	if (search->objects[loader].facts.runpath)
		return false;
	for (size_t at = loader;; at = search->objects[at].loader) {
		const struct object *object = &search->objects[at];
		if (object->facts.rpath && !object->facts.runpath &&
			try_path_list(search, object->facts.rpath, at, name, loader))
			return true;
		if (at == object->loader)
			return false;
	}
}

static bool is_default_directory(const struct search *search, const char *path)
{
	_cleanup_free_ char *directory = xstrndup(path, (size_t)(base_name(path) - path - 1));

	return strings_contain(&search->directories, directory);
}

static bool try_cache(struct search *search, size_t loader, const char *name)
{
	_cleanup_strings_ struct strings found = {0};

	ld_cache_find(&search->cache, name, &found);
	for (size_t i = 0; i < found.count; i++)
		if (strchr(found.items[i], '/') &&
			try_object(search, found.items[i], found.items[i], loader)) {
			search->used_cache |= !is_default_directory(search, found.items[i]);
			return true;
		}
	return false;
}

static bool try_defaults(struct search *search, size_t loader, const char *name)
{
	for (size_t i = 0; i < search->directories.count; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", search->directories.items[i], name);
		if (try_object(search, path, path, loader))
			return true;
	}
	return false;
}

static bool is_loaded(const struct search *search, const char *name)
{
	if (search->loader_name && strcmp(search->loader_name, name) == 0)
		return true;
	/* musl is one file, whatever a program calls its parts. */
	if (search->musl && strcmp(name, "libc.so") == 0)
		return true;
	for (size_t i = 1; i < search->count; i++)
		if (strcmp(base_name(search->objects[i].guest), base_name(name)) == 0)
			return true;
	return false;
}

static int find_library(struct search *search, size_t loader, const char *name, struct error *err)
{
	bool defaults = !search->objects[loader].facts.no_default_dirs;

	if (is_loaded(search, name))
		return 0;
	if (search->count >= OBJECT_LIMIT)
		return error_set(err, E2BIG, "more than %d libraries", OBJECT_LIMIT);
	if (strchr(name, '/') ? try_object(search, name, name, loader)
						  : try_rpaths(search, loader, name) ||
								try_path_list(search, search->objects[loader].facts.runpath, loader,
											  name, loader) ||
								(defaults && (try_cache(search, loader, name) ||
											  try_defaults(search, loader, name))))
		return 0;
	error_set(err, ENOENT, "%s needs the library %s, which is not on this machine",
			  search->objects[loader].host, name);
	return error_hint(err, "install it, or link the program with -static");
}

static void add_directories(struct search *search, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		strings_add(&search->directories, list[i]);
}

/* musl's loader reads its directories from a file, or has these. */
static void prepare_musl(struct search *search, const char *machine, struct host_files *files)
{
	static const char *const defaults[] = {"/lib", "/usr/local/lib", "/usr/lib"};
	_cleanup_error_ struct error ignored = {0};
	_cleanup_free_ char *path = xasprintf("/etc/ld-musl-%s.path", machine);
	_cleanup_buf_ struct buf text = {0};

	if (file_read(AT_FDCWD, path, PATH_MAX, &text, &ignored) < 0 || !text.length) {
		add_directories(search, defaults, ARRAY_SIZE(defaults));
		return;
	}
	host_files_add(files, path, path);
	char *rest = text.data;
	for (const char *directory; (directory = strsep(&rest, ":\n"));)
		if (*directory == '/')
			strings_add(&search->directories, directory);
}

static void prepare_glibc(struct search *search, const char *machine)
{
	static const char *const defaults[] = {"/lib64", "/usr/lib64", "/lib", "/usr/lib"};
	_cleanup_error_ struct error ignored = {0};

	/* Debian's, which keeps libraries of several architectures apart. */
	strings_addf(&search->directories, "/lib/%s-linux-gnu", machine);
	strings_addf(&search->directories, "/usr/lib/%s-linux-gnu", machine);
	add_directories(search, defaults, ARRAY_SIZE(defaults));
	/* Without a cache the directories have to do. */
	(void)file_read(AT_FDCWD, LD_CACHE_PATH, CACHE_LIMIT, &search->cache, &ignored);
}

/* The program itself and its loader. */
static int begin(struct search *search, const char *host, const char *guest,
				 struct host_files *files, struct error *err)
{
	struct elf_facts facts = {0};

	if (elf_facts_read(host, &facts, err) < 0)
		return -err->code;
	search->objects = xcalloc(1, sizeof(*search->objects));
	search->objects[search->count++] =
		(struct object){.host = xstrdup(host), .guest = normalise(guest), .facts = facts};
	const char *interpreter = facts.interpreter;
	const struct architecture *architecture = architecture_of_elf(facts.machine);
	const char *machine = architecture ? architecture->machine : "unknown";
	if (!interpreter)
		return 0;
	if (!path_exists(interpreter)) {
		error_set(err, ENOENT, "%s needs the loader %s, which is not on this machine", host,
				  interpreter);
		return error_hint(err, "install it, or link the program with -static");
	}
	search->loader_name = base_name(interpreter);
	search->musl = starts_with(search->loader_name, "ld-musl-");
	host_files_add(files, interpreter, interpreter);
	if (search->musl)
		prepare_musl(search, machine, files);
	else
		prepare_glibc(search, machine);
	return 0;
}

/* Finds what the objects from *done on need, and what these then need. */
static int find_needed(struct search *search, size_t *done, struct error *err)
{
	for (; *done < search->count; ++*done) {
		/* `objects` moves when it grows, the facts' own memory does not. */
		const struct strings needed = search->objects[*done].facts.needed;
		for (size_t i = 0; i < needed.count; i++)
			if (find_library(search, *done, needed.items[i], err) < 0)
				return -err->code;
	}
	return 0;
}

/* Libraries that glibc opens by itself: to end threads, and before 2.34 to look names up. */
static void find_glibc_extras(struct search *search)
{
	static const struct {
		const char *name;
		int before; /* the glibc 2.N that has it built in */
	} extras[] = {
		{"libgcc_s.so.1", INT_MAX},
		{"libnss_files.so.2", 34},
		{"libnss_dns.so.2", 34},
		{"libresolv.so.2", 34},
	};
	const char *dot = strchr(gnu_get_libc_version(), '.');
	long minor = dot ? strtol(dot + 1, NULL, 10) : 0;

	if (!is_loaded(search, "libc.so.6"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(extras); i++) {
		_cleanup_error_ struct error absent = {0};
		if (minor < extras[i].before)
			(void)find_library(search, 0, extras[i].name, &absent);
	}
}

int libraries_collect(const char *host, const char *guest, struct host_files *files,
					  struct error *err)
{
	_cleanup_(search_free) struct search search = {0};
	size_t done = 0;

	if (begin(&search, host, guest, files, err) < 0 || find_needed(&search, &done, err) < 0)
		return -err->code;
	find_glibc_extras(&search);
	if (find_needed(&search, &done, err) < 0)
		return -err->code;
	for (size_t i = 0; i < search.count; i++)
		host_files_add(files, search.objects[i].host, search.objects[i].guest);
	if (search.used_cache)
		host_files_add(files, LD_CACHE_PATH, LD_CACHE_PATH);
	return 0;
}

void host_files_add(struct host_files *files, const char *host, const char *guest)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->items[i].guest, guest) == 0)
			return;
	files->items = xrealloc(files->items, files->count + 1, sizeof(*files->items));
	files->items[files->count++] =
		(struct host_file){.host = xstrdup(host), .guest = xstrdup(guest)};
}

void host_files_free(struct host_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].host);
		free(files->items[i].guest);
	}
	free(files->items);
	*files = (struct host_files){0};
}
