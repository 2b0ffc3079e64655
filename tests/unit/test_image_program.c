// SPDX-License-Identifier: Apache-2.0
/* Programs and directories of the host, and what a bare reference is taken for. */
#include "image/ld_cache.h"
#include "image_fixture.h"

#include <elf.h>

static struct image *open_here(const char *reference)
{
	const struct image_options options = {0};
	struct error err = {0};
	struct image *image = NULL;

	assert_ok(image_open(reference, &options, &image, &err), &err);
	return image;
}

/* Opens for the machine that the test runs on. */
static void assert_fails(const char *reference, int code, const char *message, const char *hint)
{
	const struct image_options options = {0};
	struct error err = {0};
	struct image *image = NULL;
	int result = image_open(reference, &options, &image, &err);

	if (hint && err.hint)
		assert_string_equal(err.hint, hint);
	assert_error(result, code, &err, message);
}

static int write_piece(uint64_t offset, const void *bytes, size_t length, void *data,
					   struct error *err)
{
	(void)err;
	assert_int_equal(pwrite(*(int *)data, bytes, length, (off_t)offset), length);
	return 0;
}

/* Writes the tree into a directory, so that it can be run there. */
static void materialise(const struct inode *inode, const char *path)
{
	struct error err = {0};

	if (S_ISDIR(inode->mode)) {
		mkdir(path, 0755);
		for (size_t i = 0; i < inode->entry_count; i++) {
			_cleanup_free_ char *below = xasprintf("%s/%s", path, inode->entries[i].name);
			materialise(inode->entries[i].inode, below);
		}
	} else if (S_ISREG(inode->mode)) {
		_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		assert_ok(content_read(inode, write_piece, &fd, &err), &err);
		assert_int_equal(fchmod(fd, inode->mode & 07777), 0);
	} else {
		fail_msg("%s is of another type", path);
	}
}

/* Opens the program and runs it in a root directory that has nothing else. */
static void assert_output(const char *reference, const char *arguments, const char *wanted)
{
	_cleanup_image_ struct image *image = open_here(reference);
	struct error err = {0};
	char *found = NULL;

	run("rm -rf root");
	materialise(image->tree->root, "root");
	_cleanup_free_ char *command =
		xasprintf("env -i %s chroot root %s %s 2>&1", image->config.env.items[0],
				  image->config.entrypoint.items[0], arguments);
	char *const argv[] = {"sh", "-c", command, NULL};
	assert_ok(process_capture(argv, &found, &err), &err);
	assert_string_equal(found, wanted);
	free(found);
}

#define NEED_ROOT()                                                                                \
	do {                                                                                           \
		if (geteuid() != 0) {                                                                      \
			print_message("[  SKIPPED ] %s: chroot takes root\n", __func__);                       \
			skip();                                                                                \
		}                                                                                          \
	} while (0)

static void test_dynamic_program(void **state)
{
	_cleanup_image_ struct image *image = NULL;

	(void)state;
	write_text("p.c", "#include <stdio.h>\n#include <math.h>\n#include <pwd.h>\n"
					  "int main(int c, char **v) { struct passwd *p = getpwuid(65534);"
					  "printf(\"%s %.0f %s\\n\", v[0], floor(c + 0.5), p ? p->pw_name : \"?\"); }");
	NEED_PROGRAM("gcc");
	run("gcc -fno-builtin -o My_Program p.c -lm; chmod 4711 My_Program");
	image = open_here("./My_Program");
	assert_string_equal(image->kind, "program");
	assert_string_equal(image->name, "my_program");
	assert_null(image->digest);
	assert_string_equal(image->config.entrypoint.items[0], "/bin/My_Program");
	assert_int_equal(image->config.entrypoint.count, 1);
	assert_int_equal(image->config.cmd.count, 0);
	assert_string_equal(image->config.env.items[0],
						"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	const struct inode *program = tree_lookup(image->tree, "bin/My_Program", false);
	assert_int_equal(program->mode, S_IFREG | 0755);
	assert_int_equal(program->uid, 0);
	assert_int_equal(tree_lookup(image->tree, "tmp", false)->mode, S_IFDIR | 01777);
	assert_file(image->tree, "etc/group", "root:x:0:\nnogroup:x:65534:\n");
	/* Nothing from the host that was not asked for. */
	assert_absent(image->tree, "etc/ld.so.cache");
	assert_absent(image->tree, "etc/hostname");
	assert_true(image->tree->entry_count < 40);
	NEED_ROOT();
	assert_output("My_Program", "a b", "/bin/My_Program 3 nobody");
}

static void test_static_program(void **state)
{
	(void)state;
	write_text("p.c", "#include <stdio.h>\nint main(void) { puts(\"static\"); }");
	NEED_PROGRAM("musl-gcc");
	run("musl-gcc -static -o hello p.c");
	_cleanup_image_ struct image *image = open_here("hello");
	assert_names(image->tree, "/", "bin dev etc proc root run sys tmp var");
	assert_names(image->tree, "bin", "hello");
	NEED_ROOT();
	assert_output("hello", "", "static");
	run("musl-gcc -o dynamic p.c");
	assert_output("./dynamic", "", "static");
}

/* Libraries found by RUNPATH, by RPATH (also of those who loaded them), by $ORIGIN. */
static void test_library_paths(void **state)
{
	(void)state;
	NEED_PROGRAM("gcc");
	run("mkdir -p app/bin app/lib app/deep; cd app;"
		"echo 'int c(void) { return 3; }' >c.c; gcc -shared -fPIC -o deep/libc_.so c.c;"
		"echo 'int c(void); int b(void) { return c() + 1; }' >b.c;"
		"gcc -shared -fPIC -o lib/libb.so b.c -Ldeep -lc_;"
		"printf '#include <stdio.h>\\nint b(void); int main(void) { printf(\"%%d\\\\n\", b()); }' "
		">p.c;"
		"gcc -o bin/rpath p.c -Llib -lb -Wl,-rpath-link,deep -Wl,--disable-new-dtags"
		"    '-Wl,-rpath,$ORIGIN/../lib:${ORIGIN}/../deep';"
		"gcc -o bin/runpath p.c -Llib -lb -Wl,-rpath-link,deep -Wl,--enable-new-dtags"
		"    '-Wl,-rpath,$ORIGIN/../lib:$ORIGIN/../deep'");
	_cleanup_image_ struct image *image = open_here("app/bin/rpath");
	assert_non_null(tree_lookup(image->tree, "lib/libb.so", false));
	assert_non_null(tree_lookup(image->tree, "deep/libc_.so", false));
	/* A RUNPATH counts for direct needs only. */
	_cleanup_free_ char *message = xasprintf(
		"app/bin/runpath: %s/app/bin/../lib/libb.so needs the library libc_.so, which is not on "
		"this machine",
		home);
	assert_fails("app/bin/runpath", ENOENT, message,
				 "install it, or link the program with -static");
	run("cd app; gcc -shared -fPIC -o lib/libb.so b.c -Ldeep -lc_ '-Wl,-rpath,$ORIGIN/../deep'");
	NEED_ROOT();
	assert_output("app/bin/rpath", "", "4");
	assert_output("app/bin/runpath", "", "4");
}

/* The host's own cache, and then the same cut short at every byte. */
static void test_loader_cache(void **state)
{
	struct buf cache = {0};
	struct strings found = {0};
	struct error err = {0};

	(void)state;
	if (!path_exists(LD_CACHE_PATH)) {
		print_message("[  SKIPPED ] %s: there is no %s\n", __func__, LD_CACHE_PATH);
		skip();
	}
	assert_ok(file_read(AT_FDCWD, LD_CACHE_PATH, 1 << 26, &cache, &err), &err);
	ld_cache_find(&cache, "libc.so.6", &found);
	assert_true(found.count > 0);
	for (size_t i = 0; i < found.count; i++)
		assert_true(path_exists(found.items[i]) && ends_with(found.items[i], "/libc.so.6"));
	strings_free(&found);
	ld_cache_find(&cache, "libc.so", &found);
	for (size_t length = 0; length < 3000 && length < cache.length; length++) {
		struct buf part = {0};
		buf_append(&part, cache.data, length);
		ld_cache_find(&part, "libc.so.6", &found);
		buf_free(&part);
	}
	strings_free(&found);
	buf_free(&cache);
}

static void test_scripts(void **state)
{
	_cleanup_image_ struct image *image = NULL;

	(void)state;
	write_text("hello.sh", "#! /bin/sh -e\necho \"script $0 $1\"\n");
	write_text("viaenv", "#!/usr/bin/env -S sh\necho env\n");
	image = open_here("hello.sh");
	assert_string_equal(image->name, "hello.sh");
	assert_string_equal(image->config.entrypoint.items[0], "/bin/hello.sh");
	assert_non_null(tree_lookup(image->tree, "bin/sh", false));
	NEED_ROOT();
	assert_output("hello.sh", "x", "script /bin/hello.sh x");
	assert_output("viaenv", "", "env");
	/* An interpreter in a directory that PATH must name, and an interpreter that is a script. */
	run("mkdir own; printf '#!/bin/sh\\necho interpreted by $0\\n' >own/interp; chmod +x "
		"own/interp");
	_cleanup_free_ char *old = xstrdup(getenv("PATH"));
	_cleanup_free_ char *path = xasprintf("%s/own:%s", home, old);
	_cleanup_free_ char *wanted = xasprintf("interpreted by %s/own/interp", home);
	setenv("PATH", path, 1);
	write_text("odd", "#!/usr/bin/env interp\n");
	assert_output("odd", "", wanted);
	setenv("PATH", old, 1);
}

static void test_wrong_scripts(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *message;
	} cases[] = {
		{"#!/no/such/interpreter\n", ENOENT,
		 "its interpreter /no/such/interpreter is not on this machine"},
		{"#!/bin/sh\r\n", ENOENT, "its interpreter /bin/sh\r is not on this machine"},
		{"#!sh\n", ENOEXEC, "its interpreter \"sh\" is not an absolute path"},
		{"#!\n", ENOEXEC, "its interpreter \"\" is not an absolute path"},
		{"#!/usr/bin/env no-such-program\n", ENOENT,
		 "its interpreter no-such-program is not on this machine"},
		{"#!/usr/bin/env\n", ENOENT, "its interpreter (none is named) is not on this machine"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *message = xasprintf("s: %s/s: %s", home, cases[i].message);
		write_text("s", cases[i].text);
		assert_fails("s", cases[i].code, message, NULL);
	}
	write_text("sh", "#!/bin/sh\n");
	assert_fails("sh", EEXIST, "sh: it would take the place of its own interpreter /bin/sh",
				 "give the program another name");
	_cleanup_free_ char *loop = xasprintf("#!%s/s\n", home);
	_cleanup_free_ char *message =
		xasprintf("s: %s/s: interpreters of interpreters, more than 4 deep", home);
	write_text("s", loop);
	assert_fails("s", ELOOP, message, NULL);
}

static void test_wrong_programs(void **state)
{
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_S390,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(header),
	};
	const struct image_options options = {.architecture = "arm64"};
	struct image *image = NULL;
	struct error err = {0};

	(void)state;
	write_bytes("p", &header, sizeof(header));
	_cleanup_free_ char *foreign = xasprintf("p: %s/p is a program for s390x, not for arm64", home);
	assert_error(image_open("p", &options, &image, &err), ENOEXEC, &err, foreign);
	header.e_machine = 0xbeef;
	write_bytes("p", &header, sizeof(header));
	_cleanup_free_ char *unknown =
		xasprintf("p: %s/p is a program for an unknown processor, not for arm64", home);
	assert_error(image_open("p", &options, &image, &err), ENOEXEC, &err, unknown);
	header.e_machine = EM_AARCH64;
	header.e_type = ET_REL;
	write_bytes("p", &header, sizeof(header));
	_cleanup_free_ char *object = xasprintf("p: %s/p is an ELF file, but no program", home);
	assert_error(image_open("p", &options, &image, &err), ENOEXEC, &err, object);
	write_bytes("p", &header, 20);
	_cleanup_free_ char *cut = xasprintf("p: %s/p: not an ELF file", home);
	assert_error(image_open("p", &options, &image, &err), ENOEXEC, &err, cut);
}

/* Broken in every byte of the head, a program gives an error or an image, and no crash. */
static void test_damaged_programs(void **state)
{
	struct buf program = {0};
	struct error err = {0};
	const struct image_options options = {0};

	(void)state;
	assert_ok(file_read(AT_FDCWD, "/bin/true", 1 << 24, &program, &err), &err);
	for (size_t i = 4; i < 0x400 && i < program.length; i++) {
		struct image *image = NULL;
		char old = program.data[i];
		program.data[i] ^= (char)0xff;
		write_bytes("p", program.data, program.length);
		program.data[i] = old;
		if (image_open("p", &options, &image, &err) < 0)
			assert_true(err.code == ENOEXEC || err.code == ENOENT);
		error_clear(&err);
		image_free(&image);
	}
	buf_free(&program);
}

static void test_directory(void **state)
{
	_cleanup_image_ struct image *image = NULL;
	struct inode *file;

	(void)state;
	run("mkdir -p My-Root/usr/bin My-Root/tmp; cd My-Root; printf x >usr/bin/x; ln usr/bin/x y;"
		"printf z >usr/bin/z;"
		"ln -s /etc/passwd link; ln -s ../.. up; mkfifo pipe; chmod 1777 tmp; chmod 750 .;"
		"truncate -s 1M usr/hole; touch -d 1960-01-02T03:04:05.25Z usr/bin/x; touch b a c");
	image = open_here("dir:My-Root");
	assert_string_equal(image->kind, "dir");
	assert_string_equal(image->name, "my-root");
	assert_null(image->digest);
	assert_names(image->tree, "/", "a b c link pipe tmp up usr y");
	assert_int_equal(image->tree->root->mode, S_IFDIR | 0750);
	file = tree_lookup(image->tree, "usr/bin/x", false);
	assert_int_equal(file->links, 2);
	assert_ptr_equal(file, tree_lookup(image->tree, "y", false));
	assert_int_equal(file->mtime, -315521755);
	assert_int_equal(file->mtime_nsec, 250000000);
	assert_int_equal(file->uid, geteuid());
	assert_file(image->tree, "y", "x");
	assert_string_equal(tree_lookup(image->tree, "link", false)->target, "/etc/passwd");
	assert_int_equal(tree_lookup(image->tree, "usr/hole", false)->size, 1 << 20);
	assert_int_equal(image->tree->data_bytes, (1 << 20) + 2);
	/* What changes after the walk is told when it is read. */
	struct error err = {0};
	struct buf text = {0};
	run("cd My-Root; printf longer >usr/bin/z");
	assert_error(tree_read_file(image->tree, "usr/bin/z", 100, &text, &err), EIO, &err,
				 "usr/bin/z: usr/bin/z changed while it was read");
	run("rm -r My-Root/usr; ln -s /usr My-Root/usr");
	assert_error(tree_read_file(image->tree, "usr/bin/z", 100, &text, &err), ELOOP, &err,
				 "usr/bin/z: cannot open usr/bin/z: Too many levels of symbolic links");
	assert_fails("dir:none", ENOENT,
				 "dir:none: cannot open the directory none: No such file or directory", NULL);
}

static void test_directory_leaves_out(void **state)
{
	(void)state;
	NEED_PROGRAM("python3");
	run("mkdir root; python3 -c 'import socket; "
		"socket.socket(socket.AF_UNIX).bind(\"root/socket\")'; touch root/file");
	_cleanup_image_ struct image *image = open_here("dir:root");
	assert_names(image->tree, "/", "file");
	if (geteuid() != 0)
		return;
	/* The host's /proc, as a container's root has it mounted, must not be read. */
	run("mkdir root/proc; mount -t tmpfs none root/proc && touch root/proc/inside || exit 0");
	_cleanup_image_ struct image *mounted = open_here("dir:root");
	run("umount root/proc 2>/dev/null || true");
	assert_names(mounted->tree, "proc", "");
}

static void test_recognition(void **state)
{
	static const char not_fetched[] =
		"there is no such file, and images are not fetched from registries";
	static const struct {
		const char *reference;
		int code;
		const char *message, *hint;
	} cases[] = {
		{"", EINVAL, ": the reference is empty", NULL},
		{"nginx", ENOENT, not_fetched,
		 "fetch it first: skopeo copy docker://nginx oci:DIR:TAG, then use oci:DIR:TAG"},
		{"nginx:latest", ENOENT, not_fetched,
		 "fetch it first: skopeo copy docker://nginx:latest oci:DIR:TAG, then use oci:DIR:TAG"},
		{"registry.example:5000/a/b@sha256:12", ENOENT, not_fetched, NULL},
		{"docker://nginx", ENOTSUP, "images are not fetched from there",
		 "fetch it first: skopeo copy docker://nginx oci:DIR:TAG, then use oci:DIR:TAG"},
		{"containers-storage:x", ENOTSUP, "images are not fetched from there", NULL},
		{"./nothing", ENOENT, "./nothing: No such file or directory", NULL},
		{"/nothing/at/all", ENOENT, "/nothing/at/all: No such file or directory", NULL},
		{"d", EINVAL, "d is a directory, and no OCI layout",
		 "to run a root directory, write dir:d"},
		{"text", EINVAL, "text is neither a program nor an image",
		 "programs begin with an ELF header or #!; images are OCI layouts, and archives of docker "
		 "save, podman save or skopeo"},
		{"empty", EINVAL, "empty is neither a program nor an image", NULL},
		{"text/below", ENOTDIR, "text/below: Not a directory", NULL},
		{"oci:none:tag", ENOENT, "cannot open the directory none: No such file or directory", NULL},
	};

	(void)state;
	run("mkdir d; echo text >text; : >empty");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *message =
			*cases[i].reference ? xasprintf("%s: %s", cases[i].reference, cases[i].message)
								: xstrdup(cases[i].message);
		assert_fails(cases[i].reference, cases[i].code, message, cases[i].hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMAGE_TEST(test_dynamic_program), IMAGE_TEST(test_static_program),
		IMAGE_TEST(test_library_paths),   IMAGE_TEST(test_loader_cache),
		IMAGE_TEST(test_scripts),         IMAGE_TEST(test_wrong_scripts),
		IMAGE_TEST(test_wrong_programs),  IMAGE_TEST(test_damaged_programs),
		IMAGE_TEST(test_directory),       IMAGE_TEST(test_directory_leaves_out),
		IMAGE_TEST(test_recognition),
	};

	return cmocka_run_group_tests_name("programs and directories", tests, NULL, NULL);
}
