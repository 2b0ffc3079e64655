// SPDX-License-Identifier: Apache-2.0
/*
 * PATH, a single program: it goes to /bin/NAME, beside its interpreter, the libraries that it
 * names and the few files that the C library expects. What it opens or starts by itself is not
 * known; for such programs there are images and directories.
 */
#include "base/files.h"
#include "base/paths.h"
#include "image/architecture.h"
#include "image/elf_facts.h"
#include "image/libraries.h"
#include "image/loader.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STANDARD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum {
	LINE_LIMIT = 256,      /* the kernel's BINPRM_BUF_SIZE: what it reads of a #! line */
	INTERPRETER_LIMIT = 4, /* interpreters of interpreters that the kernel goes through */
};

struct program {
	const char *architecture; /* wanted */
	const char *guest;        /* where the program itself goes */
	struct host_files files;
	struct strings search_path; /* directories that PATH has to have beside the standard ones */
	struct image *image;
};

static int add_program(struct program *program, const char *host, const char *guest, unsigned depth,
					   struct error *err);

static int add_elf(struct program *program, const char *host, const char *guest, struct error *err)
{
	_cleanup_elf_facts_ struct elf_facts facts = {0};

	if (elf_facts_read(host, &facts, err) < 0)
		return -err->code;
	const struct architecture *architecture = architecture_of_elf(facts.machine);
	if (!architecture || strcmp(architecture->name, program->architecture) != 0)
		return error_set(err, ENOEXEC, "%s is a program for %s, not for %s", host,
						 architecture ? architecture->name : "an unknown processor",
						 program->architecture);
	if (facts.type != ET_EXEC && facts.type != ET_DYN)
		return error_set(err, ENOEXEC, "%s is an ELF file, but no program", host);
	host_files_add(&program->files, host, guest);
	return libraries_collect(host, guest, &program->files, err);
}

/* "/usr/bin/env [-S] [NAME=VALUE...] X": the X. NULL when there is none. */
static char *program_of_env(const char *arguments)
{
	_cleanup_free_ char *copy = xstrdup(arguments);
	char *rest = copy;

	for (const char *word; (word = strsep(&rest, " \t"));)
		if (*word && *word != '-' && !strchr(word, '='))
			return xstrdup(word);
	return NULL;
}

static int add_program_of_env(struct program *program, const char *script, const char *arguments,
							  unsigned depth, struct error *err)
{
	_cleanup_free_ char *name = program_of_env(arguments);
	_cleanup_free_ char *found = name ? path_find_program(name) : NULL;

	if (!found)
		return error_set(err, ENOENT, "%s: its interpreter %s is not on this machine", script,
						 name ? name : "(none is named)");
	strings_take(&program->search_path, xstrndup(found, (size_t)(strrchr(found, '/') - found)));
	return add_program(program, found, found, depth, err);
}

/* `line` is what stands behind "#!". */
static int add_script(struct program *program, const char *host, const char *guest, char *line,
					  unsigned depth, struct error *err)
{
	char *interpreter = line + strspn(line, " \t");
	size_t length = strcspn(interpreter, " \t");
	char *arguments = interpreter + length + strspn(interpreter + length, " \t");

	interpreter[length] = '\0';
	if (*interpreter != '/')
		return error_set(err, ENOEXEC, "%s: its interpreter \"%s\" is not an absolute path", host,
						 interpreter);
	if (!path_exists(interpreter))
		return error_set(err, ENOENT, "%s: its interpreter %s is not on this machine", host,
						 interpreter);
	host_files_add(&program->files, host, guest);
	if (add_program(program, interpreter, interpreter, depth + 1, err) < 0)
		return -err->code;
	return ends_with(interpreter, "/env")
			   ? add_program_of_env(program, host, arguments, depth + 1, err)
			   : 0;
}

static int add_program(struct program *program, const char *host, const char *guest, unsigned depth,
					   struct error *err)
{
	_cleanup_close_ int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char line[LINE_LIMIT + 1] = "";

	if (depth && strcmp(guest, program->guest) == 0) {
		error_set(err, EEXIST, "it would take the place of its own interpreter %s", guest);
		return error_hint(err, "give the program another name");
	}
	if (depth > INTERPRETER_LIMIT)
		return error_set(err, ELOOP, "%s: interpreters of interpreters, more than %d deep", host,
						 INTERPRETER_LIMIT);
	if (fd < 0 || pread(fd, line, LINE_LIMIT, 0) < 0)
		return error_errno(err, errno, "cannot read %s", host);
	if (!starts_with(line, "#!"))
		return add_elf(program, host, guest, err);
	line[strcspn(line, "\n")] = '\0';
	return add_script(program, host, guest, line + 2, depth, err);
}

/* The file's content stays on the host until a disk is written. */
static int put_file(struct tree *tree, struct source *root, const struct host_file *file,
					bool executable, struct error *err)
{
	_cleanup_free_ char *real = realpath(file->host, NULL);
	struct stat status;

	if (!real || stat(real, &status) < 0)
		return error_errno(err, errno, "cannot open %s", file->host);
	if (!S_ISREG(status.st_mode))
		return error_set(err, EINVAL, "%s is not a regular file", file->host);
	_cleanup_inode_ struct inode *inode =
		inode_new(S_IFREG | (status.st_mode & 0755) | (executable ? 0755 : 0444));
	inode->mtime = status.st_mtim.tv_sec;
	inode->mtime_nsec = (uint32_t)status.st_mtim.tv_nsec;
	inode->size = (uint64_t)status.st_size;
	inode->content = (struct content){
		.kind = CONTENT_PATH, .source = source_ref(root), .path = xstrdup(real + 1)};
	if (tree_put(tree, file->guest + 1, inode, err) < 0)
		return -err->code;
	steal(&inode);
	return 0;
}

static int put_files(struct tree *tree, const struct program *program, struct error *err)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, errno, "cannot open /");
	struct source *root = source_new(fd);
	int error = 0;
	for (size_t i = 0; error == 0 && i < program->files.count; i++)
		error = put_file(tree, root, &program->files.items[i], i == 0, err);
	source_unref(root);
	return error;
}

int tree_add_system(struct tree *tree, struct error *err)
{
	static const struct {
		const char *path;
		const char *text;
	} files[] = {
		{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
					   "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
		{"etc/group", "root:x:0:\nnogroup:x:65534:\n"},
		{"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"},
	};
	static const struct {
		const char *path;
		mode_t mode;
	} directories[] = {
		{"dev", 0755}, {"proc", 0555}, {"root", 0700}, {"run", 0755},
		{"sys", 0555}, {"tmp", 01777}, {"var", 0755},  {"var/tmp", 01777},
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (tree_put_file(tree, files[i].path, 0644, files[i].text, strlen(files[i].text), err) < 0)
			return -err->code;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		_cleanup_inode_ struct inode *inode = inode_new(S_IFDIR | directories[i].mode);
		if (tree_put(tree, directories[i].path, inode, err) < 0)
			return -err->code;
		steal(&inode);
	}
	return 0;
}

static void describe(struct program *program, const char *guest)
{
	struct image_config *config = &program->image->config;
	_cleanup_buf_ struct buf path = {0};

	buf_puts(&path, "PATH=" STANDARD_PATH);
	for (size_t i = 0; i < program->search_path.count; i++) {
		_cleanup_free_ char *inner = xasprintf(":%s:", program->search_path.items[i]);
		if (!strstr(":" STANDARD_PATH ":", inner))
			buf_printf(&path, ":%s", program->search_path.items[i]);
	}
	strings_add(&config->env, path.data);
	strings_add(&config->entrypoint, guest);
	config->architecture = xstrdup(program->architecture);
}

static void program_free(struct program *program)
{
	host_files_free(&program->files);
	strings_free(&program->search_path);
}

int open_program(const char *rest, const struct image_options *options, struct image *image,
				 struct error *err)
{
	_cleanup_free_ char *real = realpath(rest, NULL);
	_cleanup_(program_free) struct program program = {.image = image};

	if (!real)
		return error_errno(err, errno, "cannot open %s", rest);
	const char *slash = strrchr(rest, '/');
	_cleanup_free_ char *guest = xasprintf("/bin/%s", slash ? slash + 1 : rest);
	program.guest = guest;
	image->kind = xstrdup("program");
	image->name = short_name(rest);
	if (wanted_architecture(options, &program.architecture, err) < 0 ||
		add_program(&program, real, guest, 0, err) < 0)
		return -err->code;
	describe(&program, guest);
	if (options->config_only)
		return 0;
	image->tree = tree_new();
	if (put_files(image->tree, &program, err) < 0)
		return -err->code;
	return tree_add_system(image->tree, err);
}

int tree_add_program(struct tree *tree, const char *host, const char *guest, struct error *err)
{
	const struct image_options options = {0};
	_cleanup_free_ char *real = realpath(host, NULL);
	_cleanup_(program_free) struct program program = {.guest = guest};

	if (!real)
		return error_errno(err, errno, "cannot open %s", host);
	if (wanted_architecture(&options, &program.architecture, err) < 0 ||
		add_program(&program, real, guest, 0, err) < 0)
		return -err->code;
	return put_files(tree, &program, err);
}
