// SPDX-License-Identifier: Apache-2.0
#include "image/layer.h"
#include "image_fixture.h"

#include <locale.h>
#include <time.h>

/* Puts a tar on the tree; takes the tar's memory. */
static int apply(struct tree *tree, struct buf tar, struct error *err)
{
	struct layer_stack stack = {.tree = tree, .metadata_left = LAYER_METADATA_LIMIT};
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(fwrite(tar.data ? tar.data : "", 1, tar.length, file), tar.length);
	assert_int_equal(fflush(file), 0);
	struct blob blob = {.fd = dup(fileno(file)), .length = tar.length};
	fclose(file);
	buf_free(&tar);
	int result = layer_apply(&stack, &blob, err);
	tree_layers_end(tree);
	if (blob.fd >= 0)
		close(blob.fd);
	return result;
}

static void apply_ok(struct tree *tree, struct buf tar)
{
	struct error err = {0};

	assert_ok(apply(tree, tar, &err), &err);
}

static void apply_fails(struct tree *tree, struct buf tar, int code, const char *message)
{
	struct error err = {0};

	assert_error(apply(tree, tar, &err), code, &err, message);
}

static const struct inode *look(const struct tree *tree, const char *path)
{
	const struct inode *inode = tree_lookup(tree, path, false);

	if (!inode)
		fail_msg("%s is absent", path);
	return inode;
}

static void assert_xattr(const struct inode *inode, const char *name, const void *value,
						 size_t length)
{
	for (size_t i = 0; i < inode->xattr_count; i++) {
		if (strcmp(inode->xattrs[i].name, name) != 0)
			continue;
		assert_int_equal(inode->xattrs[i].length, length);
		assert_memory_equal(inode->xattrs[i].value, value, length);
		return;
	}
	fail_msg("no attribute %s", name);
}

static void test_every_type(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();

	(void)state;
	apply_ok(tree,
			 TAR({.name = "./", .type = '5', .mode = 0711},
				 {.name = "./bin/", .type = '5', .mode = 02755, .uid = 1, .gid = 2, .mtime = 99},
				 {.name = "./bin/su", .type = '0', .mode = 04755, .data = "program", .mtime = 1},
				 {.name = "/bin//sh", .type = '2', .data = "su"},
				 {.name = "bin/also", .type = '1', .data = "./bin/su"},
				 {.name = "bin/sh2", .type = '1', .data = "bin/sh"},
				 {.name = "dev/null", .type = '3', .mode = 0666, .major = 1, .minor = 3},
				 {.name = "dev/sda", .type = '4', .major = 8, .minor = 300},
				 {.name = "pipe", .type = '6'}, {.name = "empty", .type = '0'},
				 {.name = "old", .type = '\0', .data = ""}));
	assert_names(tree, "/", "bin dev empty old pipe");
	assert_names(tree, "bin", "also sh sh2 su");
	assert_int_equal(tree->root->mode, S_IFDIR | 0711);
	const struct inode *bin = look(tree, "bin"), *su = look(tree, "bin/su");
	assert_int_equal(bin->mode, S_IFDIR | 02755);
	assert_int_equal(bin->uid, 1);
	assert_int_equal(bin->gid, 2);
	assert_int_equal(bin->mtime, 99);
	assert_int_equal(su->mode, S_IFREG | 04755);
	assert_int_equal(su->links, 2);
	assert_ptr_equal(look(tree, "bin/also"), su);
	assert_file(tree, "bin/also", "program");
	assert_true(S_ISLNK(look(tree, "bin/sh2")->mode));
	assert_string_equal(look(tree, "bin/sh")->target, "su");
	assert_int_equal(look(tree, "dev/null")->mode, S_IFCHR | 0666);
	assert_int_equal(look(tree, "dev/null")->device_minor, 3);
	assert_true(S_ISBLK(look(tree, "dev/sda")->mode));
	assert_int_equal(look(tree, "dev/sda")->device_major, 8);
	assert_int_equal(look(tree, "dev/sda")->device_minor, 300);
	assert_true(S_ISFIFO(look(tree, "pipe")->mode));
	assert_true(S_ISREG(look(tree, "old")->mode));
	assert_int_equal(tree->data_bytes, 7);
}

static void test_pax(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct buf records = {0}, tar = {0};
	static const char capability[] = "security.capability";
	char name[256];

	(void)state;
	memset(name, 'l', 250);
	name[250] = '\0';
	_cleanup_free_ char *pax = xasprintf("path=%s/%s\nuid=3000000000\ngid=4294967294\nmtime=-1.25\n"
										 "uname=nobody\ngname=nogroup",
										 name, name);
	tar_add(&tar, &(struct member){.name = "short", .type = '0', .data = "long", .pax = pax});
	pax_record(&records, "SCHILY.xattr.security.capability=\1\0\0\2\0\x20\0\0\0\0\0\0\n\0=\0\0\0\0",
			   strlen("SCHILY.xattr.") + strlen(capability) + 1 + 20);
	pax_record(&records, "SCHILY.xattr.user.empty=", strlen("SCHILY.xattr.user.empty="));
	pax_record(&records, "SCHILY.xattr.com.apple.provenance=x",
			   strlen("SCHILY.xattr.com.apple.provenance=x"));
	pax_record(&records, "LIBARCHIVE.xattr.user.other=AAEC",
			   strlen("LIBARCHIVE.xattr.user.other=AAEC"));
	pax_record(&records, "size=5", 6);
	tar_pax(&tar, &records);
	tar_header(&tar, &(struct member){.name = "caps", .type = '0'}, 0);
	tar_body(&tar, "12345", 5);
	tar_add(&tar,
			&(struct member){.name = "s", .type = '2', .data = "short", .pax = "linkpath=\xff/t"});
	tar_end(&tar);
	buf_free(&records);
	apply_ok(tree, tar);

	_cleanup_free_ char *path = xasprintf("%s/%s", name, name);
	const struct inode *file = look(tree, path);
	assert_file(tree, path, "long");
	assert_true(file->uid == 3000000000u && file->gid == 4294967294u);
	assert_int_equal(file->mtime, -2);
	assert_int_equal(file->mtime_nsec, 750000000);
	const struct inode *caps = look(tree, "caps");
	assert_file(tree, "caps", "12345");
	assert_int_equal(caps->xattr_count, 3);
	assert_xattr(caps, capability, "\1\0\0\2\0\x20\0\0\0\0\0\0\n\0=\0\0\0\0", 20);
	assert_xattr(caps, "user.empty", "", 0);
	assert_xattr(caps, "user.other", "\0\1\2", 3);
	assert_string_equal(look(tree, "s")->target, "\xff/t");
}

/* Bytes that are not UTF-8, decomposed letters that a locale's converter would compose, in
 * every locale and in both ways of writing long names. */
static void test_names_are_bytes(void **state)
{
	static const char *const locales[] = {"C", "C.UTF-8", "POSIX"};
	static const char *const names[] = {"caf\xe9", "\xff\xfe", "e\xcc\x81",    "\xc3\xa9",
										"a\nb",    " ",        "\xed\xa0\x80", "-",
										"\\",      "\xe2\x82"};

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(locales); l++) {
		_cleanup_tree_ struct tree *tree = tree_new();
		struct buf tar = {0};
		setlocale(LC_ALL, locales[l]);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			struct buf records = {0};
			_cleanup_free_ char *ustar = xasprintf("ustar/%s", names[i]);
			_cleanup_free_ char *gnu = xasprintf("gnu/%s", names[i]);
			_cleanup_free_ char *pax = xasprintf("path=pax/%s", names[i]);
			tar_add(&tar, &(struct member){.name = ustar, .type = '0', .data = names[i]});
			tar_header(&tar, &(struct member){.name = "././@LongLink", .type = 'L'},
					   strlen(gnu) + 1);
			tar_body(&tar, gnu, strlen(gnu) + 1);
			tar_add(&tar, &(struct member){.name = "g", .type = '0', .data = names[i]});
			pax_record(&records, pax, strlen(pax));
			tar_pax(&tar, &records);
			tar_add(&tar, &(struct member){.name = "p", .type = '0', .data = names[i]});
			buf_free(&records);
		}
		tar_end(&tar);
		apply_ok(tree, tar);
		setlocale(LC_ALL, "C");
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			static const char *const places[] = {"ustar", "gnu", "pax"};
			for (size_t k = 0; k < ARRAY_SIZE(places); k++) {
				_cleanup_free_ char *path = xasprintf("%s/%s", places[k], names[i]);
				assert_file(tree, path, names[i]);
			}
		}
		assert_int_equal(look(tree, "pax")->entry_count, ARRAY_SIZE(names));
	}
}

static void test_whiteouts(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();

	(void)state;
	apply_ok(tree,
			 TAR({.name = "a/x", .type = '0', .data = "1"},
				 {.name = "a/y", .type = '0', .data = "1"},
				 {.name = "a/sub/deep", .type = '0', .data = "1"},
				 {.name = "b", .type = '0', .data = "1"}, {.name = "c/x", .type = '0', .data = "1"},
				 {.name = "lib64", .type = '2', .data = "a"}));
	apply_ok(tree, TAR({.name = "a/new", .type = '0', .data = "2"},
					   {.name = "a/sub/new", .type = '0', .data = "2"},
					   {.name = "a/.wh..wh..opq", .type = '0'}, {.name = ".wh.b", .type = '0'},
					   {.name = "./c/.wh.x", .type = '0'}, {.name = ".wh.absent", .type = '0'},
					   {.name = ".wh..wh.plnk/1.2", .type = '0', .data = "aufs"},
					   {.name = ".wh..wh.aufs", .type = '0'}));
	assert_names(tree, "/", "a c lib64");
	assert_names(tree, "a", "new sub");
	assert_names(tree, "a/sub", "new");
	assert_names(tree, "c", "");
	/* A whiteout and its own name in one layer, in either order; one behind a link. */
	apply_ok(tree, TAR({.name = "a/new", .type = '0', .data = "3"},
					   {.name = "a/.wh.new", .type = '0'}, {.name = "a/.wh.sub", .type = '0'},
					   {.name = "a/sub/three", .type = '0', .data = "3"}));
	assert_names(tree, "a", "new sub");
	assert_names(tree, "a/sub", "three");
	assert_file(tree, "a/new", "3");
	apply_ok(tree, TAR({.name = "lib64/.wh.new", .type = '0'}));
	assert_names(tree, "a", "sub");
	apply_fails(tree, TAR({.name = "a/.wh.", .type = '0'}), EINVAL,
				"a/.wh.: a whiteout of no name");
	apply_fails(tree, TAR({.name = "a/.wh...", .type = '0'}), EINVAL,
				"a/.wh...: a whiteout of no name");
	apply_ok(tree, TAR({.name = ".wh..wh..opq", .type = '0'}, {.name = "only", .type = '0'}));
	assert_names(tree, "/", "only");
}

static void test_replacing_across_layers(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();

	(void)state;
	apply_ok(tree,
			 TAR({.name = "d/x", .type = '0', .data = "1"}, {.name = "f", .type = '0', .data = "1"},
				 {.name = "twin", .type = '1', .data = "f"}));
	apply_ok(tree, TAR({.name = "d", .type = '5', .mode = 0700, .uid = 5},
					   {.name = "f", .type = '0', .data = "two"},
					   {.name = "third", .type = '1', .data = "twin"},
					   {.name = "f", .type = '0', .data = "twice"}));
	assert_names(tree, "d", "x");
	assert_int_equal(look(tree, "d")->uid, 5);
	assert_file(tree, "f", "twice");
	assert_file(tree, "twin", "1");
	assert_ptr_equal(look(tree, "twin"), look(tree, "third"));
	apply_ok(tree,
			 TAR({.name = "d", .type = '2', .data = "elsewhere"}, {.name = "twin", .type = '5'}));
	assert_absent(tree, "d/x");
	assert_true(S_ISDIR(look(tree, "twin")->mode));
	assert_file(tree, "third", "1");
}

/* Entries beneath links of lower layers are put where these lead, as in Docker. */
static void test_links_among_parents(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();

	(void)state;
	apply_ok(tree, TAR({.name = "usr/lib/x", .type = '0'}, {.name = "run", .type = '5'},
					   {.name = "lib", .type = '2', .data = "usr/lib"},
					   {.name = "var/run", .type = '2', .data = "/run"},
					   {.name = "var/back", .type = '2', .data = "../lib"},
					   {.name = "loop", .type = '2', .data = "loop"},
					   {.name = "out", .type = '2', .data = "../../etc"},
					   {.name = "gone", .type = '2', .data = "not/here"}));
	apply_ok(tree, TAR({.name = "lib/new", .type = '0', .data = "n"},
					   {.name = "var/run/pid", .type = '0', .data = "1"},
					   {.name = "var/back/deep/er", .type = '0', .data = "d"},
					   {.name = "gone/file", .type = '0', .data = "g"},
					   {.name = "linked", .type = '1', .data = "lib/new"}));
	assert_names(tree, "usr/lib", "deep new x");
	assert_names(tree, "run", "pid");
	assert_file(tree, "not/here/file", "g");
	assert_file(tree, "linked", "n");
	assert_true(S_ISLNK(look(tree, "lib")->mode));
	apply_fails(tree, TAR({.name = "loop/x", .type = '0'}), ELOOP,
				"loop/x: loop/x: too many symbolic links");
	apply_fails(tree, TAR({.name = "out/passwd", .type = '0'}), ELOOP,
				"out/passwd: out/passwd: a symbolic link in it leads out of the tree");
	apply_fails(
		tree,
		TAR({.name = "etc", .type = '2', .data = "/usr"}, {.name = "etc/passwd", .type = '0'}),
		ELOOP, "etc/passwd: etc/passwd: etc is a symbolic link of the same layer");
	apply_fails(tree, TAR({.name = "usr/lib/x/y", .type = '0'}), ENOTDIR,
				"usr/lib/x/y: usr/lib/x/y: usr/lib/x is not a directory");
}

static void test_hostile_entries(void **state)
{
	_cleanup_free_ char *deep = xcalloc(1, 8200);
	_cleanup_free_ char *long_name = xcalloc(1, 301);

	(void)state;
	for (size_t i = 0; i < 5000; i++)
		deep[i] = i % 2 ? '/' : 'd';
	memset(long_name, 'n', 300);
	_cleanup_free_ char *deep_pax = xasprintf("path=%s", deep);
	_cleanup_free_ char *name_pax = xasprintf("path=%s", long_name);
	_cleanup_free_ char *deep_error =
		xasprintf("%.256s: %.64s...: a path of more than 4096 bytes", deep, deep);
	_cleanup_free_ char *name_error =
		xasprintf("%.256s: %s: a name of 300 bytes, more than 255", long_name, long_name);
	const struct {
		struct member member;
		int code;
		const char *message;
	} cases[] = {
		{{.name = "../escape", .type = '0'}, EINVAL, "../escape: the path has \"..\" in it"},
		{{.name = "/../escape", .type = '0'}, EINVAL, "/../escape: the path has \"..\" in it"},
		{{.name = "a/../../b", .type = '0'}, EINVAL, "a/../../b: the path has \"..\" in it"},
		{{.name = "x", .type = '1', .data = "../../etc/passwd"},
		 EINVAL,
		 "x: hard link to ../../etc/passwd: the path has \"..\" in it"},
		{{.name = "x", .type = '1', .data = "/etc/passwd"},
		 ENOENT,
		 "x: hard link to /etc/passwd, which is not there"},
		{{.name = "x", .type = '1', .data = "x"}, ENOENT, "x: hard link to x, which is not there"},
		{{.name = "x", .type = '1', .data = "/"}, EPERM, "x: x: a hard link to a directory"},
		{{.name = "s", .type = '2', .data = ""},
		 EINVAL,
		 "s: a symbolic link's target must have 1 to 4095 bytes"},
		{{.name = "", .type = '0', .data = "root as a file"},
		 EISDIR,
		 ": the root can only be a directory"},
		{{.name = "d", .type = '3', .major = 5000}, EINVAL, "d: no device has the number 5000:0"},
		{{.name = "x", .type = '0', .pax = "uid=-1"},
		 EINVAL,
		 "x: owner -1:0 is not between 0 and 4294967294"},
		{{.name = "x", .type = '0', .pax = "gid=4294967295"},
		 EINVAL,
		 "x: owner 0:4294967295 is not between 0 and 4294967294"},
		{{.name = "x", .type = '0', .pax = deep_pax}, E2BIG, deep_error},
		{{.name = "x", .type = '0', .pax = name_pax}, E2BIG, name_error},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_tree_ struct tree *tree = tree_new();
		apply_fails(tree, tar_of(&cases[i].member, 1), cases[i].code, cases[i].message);
	}
}

/* A tar that ends in the middle, at every place where that matters. */
static void test_truncated(void **state)
{
	struct buf tar = TAR({.name = "a", .type = '0', .data = "content", .pax = "mtime=1.5"},
						 {.name = "b", .type = '0', .data = "more"});
	const struct {
		size_t length;
		const char *message; /* NULL: a good end */
	} cases[] = {
		{1, "not a valid tar: Unrecognized archive format"},
		{511, "not a valid tar: Unrecognized archive format"},
		{600, "not a valid tar: it is cut off or damaged"},
		{1540, "a: not a valid tar: it ends inside of a"},
		{1600, "not a valid tar: Truncated input file (needed 512 bytes, only 64 available)"},
		{2048, NULL},
		{2100, "not a valid tar: Truncated tar archive"},
		{2563, "b: not a valid tar: it ends inside of b"},
		{3072, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_tree_ struct tree *tree = tree_new();
		struct buf part = {0};
		buf_append(&part, tar.data, cases[i].length);
		if (cases[i].message)
			apply_fails(tree, part, EINVAL, cases[i].message);
		else
			apply_ok(tree, part);
	}
	buf_free(&tar);
	_cleanup_tree_ struct tree *tree = tree_new();
	apply_fails(tree, (struct buf){0}, EINVAL, "the layer is empty, not even a tar");
	/* No entries at all, as Docker's empty layers. */
	struct buf empty = {0};
	tar_end(&empty);
	apply_ok(tree, empty);
	assert_names(tree, "/", "");
}

static void test_limits(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct buf tar = {0}, records = {0};

	(void)state;
	/* One attribute that is too long, too many, and a header that is too long. */
	_cleanup_free_ char *value = xcalloc(1, 70001);
	memset(value, 'v', 70000);
	_cleanup_free_ char *pax = xasprintf("SCHILY.xattr.user.x=%s", value);
	apply_fails(tree, TAR({.name = "x", .type = '0', .pax = pax}), E2BIG,
				"x: the extended attribute user.x has 70000 bytes, more than 65536");
	for (unsigned i = 0; i < 300; i++) {
		_cleanup_free_ char *record = xasprintf("SCHILY.xattr.user.%u=1", i);
		pax_record(&records, record, strlen(record));
	}
	tar_pax(&tar, &records);
	tar_add(&tar, &(struct member){.name = "x", .type = '0'});
	apply_fails(tree, tar, E2BIG, "x: 300 extended attributes, more than 256");

	tar = (struct buf){0};
	for (unsigned i = 0; i < 100; i++)
		pax_record(&records, pax, strlen(pax));
	tar_pax(&tar, &records);
	tar_add(&tar, &(struct member){.name = "x", .type = '0'});
	buf_free(&records);
	struct error err = {0};
	assert_int_equal(apply(tree, tar, &err), -EINVAL);
	assert_true(starts_with(err.message, "not a valid tar: "));
	error_clear(&err);

	/* Attributes that are all allowed, and together too much. */
	struct layer_stack stack = {.tree = tree, .metadata_left = 100};
	value[60] = '\0';
	_cleanup_free_ char *fits = xasprintf("SCHILY.xattr.user.x=%s", value);
	tar = TAR({.name = "one", .type = '0', .pax = fits}, {.name = "two", .type = '0', .pax = fits});
	write_bytes("tar", tar.data, tar.length);
	struct blob blob = {.fd = open("tar", O_RDONLY | O_CLOEXEC), .length = tar.length};
	assert_error(layer_apply(&stack, &blob, &err), EFBIG, &err,
				 "two: more than 256 MiB of names, attributes, link targets and maps of holes");
	buf_free(&tar);
	/* A file of exbibytes, all hole. */
	char map[512] = "1\n4611686018427387904\n0\n";
	apply_fails(tree,
				TAR({.name = "x",
					 .type = '0',
					 .data = map,
					 .length = sizeof(map),
					 .pax = "GNU.sparse.major=1\nGNU.sparse.minor=0\nGNU.sparse.name=x\n"
							"GNU.sparse.realsize=4611686018427387904"}),
				EFBIG, "x: 4611686018427387904 bytes are more than a file system can hold");
}

/* Long paths full of links, again and again: work must not grow with the square of their length. */
static void test_costly_paths(void **state)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	struct buf tar = {0}, records = {0}, path = {0};
	clock_t start = clock();

	(void)state;
	buf_puts(&path, "path=");
	for (unsigned i = 0; i < 2000; i++)
		buf_puts(&path, "d/");
	buf_puts(&path, ".wh.x");
	for (unsigned i = 0; i < 1000; i++) {
		pax_record(&records, path.data, path.length);
		tar_pax(&tar, &records);
		tar_add(&tar, &(struct member){.name = "x", .type = '0'});
		records.length = 0;
	}
	path.length -= strlen(".wh.x");
	buf_puts(&path, "file");
	pax_record(&records, path.data, path.length);
	struct buf below = {0};
	tar_pax(&below, &records);
	tar_add(&below, &(struct member){.name = "x", .type = '0'});
	apply_ok(tree, below);
	apply_ok(tree, tar);
	buf_free(&path);
	buf_free(&records);
	clock_t spent = (clock() - start) / CLOCKS_PER_SEC;
	if (spent > 10)
		fail_msg("it took %ld s", (long)spent);
}

/* GNU tar's own sparse archives, in all its formats. */
static void test_sparse_formats(void **state)
{
	static const char *const formats[] = {"--format=gnu", "--format=posix --sparse-version=0.0",
										  "--format=posix --sparse-version=0.1",
										  "--format=posix --sparse-version=1.0"};

	(void)state;
	NEED_PROGRAM("tar");
	run("mkdir s; cd s; truncate -s 3M all-hole; truncate -s 1M tail; printf head | dd of=tail "
		"conv=notrunc status=none; truncate -s 5000000 end; printf last >>end; "
		"for i in 1 2 3 4 5 6 7 8 9; do printf piece$i | dd of=many bs=1 seek=${i}00000 "
		"conv=notrunc status=none; done; printf plain >plain; "
		"head -c 300000 /dev/zero | tr '\\0' x >dense");
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		_cleanup_tree_ struct tree *tree = tree_new();
		_cleanup_free_ char *command =
			xasprintf("tar -C s --hole-detection=raw -cSf tar %s .", formats[i]);
		struct buf tar = {0};
		struct error err = {0};
		run(command);
		assert_ok(file_read(AT_FDCWD, "tar", 16 << 20, &tar, &err), &err);
		assert_true(tar.length < 2 << 20);
		apply_ok(tree, tar);
		assert_names(tree, "/", "all-hole dense end many plain tail");
		for (size_t k = 0; k < tree->root->entry_count; k++) {
			const struct entry *entry = &tree->root->entries[k];
			_cleanup_free_ char *path = xasprintf("s/%s", entry->name);
			_cleanup_buf_ struct buf wanted = {0}, found = {0};
			assert_ok(file_read(AT_FDCWD, path, 16 << 20, &wanted, &err), &err);
			assert_ok(tree_read_file(tree, entry->name, 16 << 20, &found, &err), &err);
			assert_int_equal(found.length, wanted.length);
			assert_memory_equal(found.data, wanted.data, wanted.length);
		}
		assert_int_equal(look(tree, "all-hole")->content.extent_count, 0);
		assert_true(look(tree, "many")->content.extent_count >= 9);
	}
}

/* Maps of holes that lie. */
static void test_hostile_sparse(void **state)
{
	static const char overlap[] = "x: not a valid tar: a sparse file's pieces overlap";
	static const struct {
		const char *pax, *data;
		size_t length;
		const char *message;
	} cases[] = {
		{"GNU.sparse.major=1\nGNU.sparse.minor=0\nGNU.sparse.name=x\nGNU.sparse.realsize=8",
		 "2\n4\n4\n0\n4\n", 520, overlap},
		{"GNU.sparse.major=1\nGNU.sparse.minor=0\nGNU.sparse.name=x\nGNU.sparse.realsize=8",
		 "99999999999\n", 512, "not a valid tar: Line too long"},
		{"GNU.sparse.major=1\nGNU.sparse.minor=0\nGNU.sparse.name=x\nGNU.sparse.realsize=8", "0\n",
		 512, "not a valid tar: x has another length than it says"},
		{"GNU.sparse.map=0,4,2,4\nGNU.sparse.size=8", "12345678", 8, overlap},
		{"GNU.sparse.map=0,8\nGNU.sparse.size=4", "12345678", 8, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_tree_ struct tree *tree = tree_new();
		char body[1024] = "";
		memcpy(body, cases[i].data, strlen(cases[i].data));
		struct buf tar = TAR({.name = "x",
							  .type = '0',
							  .data = body,
							  .length = cases[i].length,
							  .pax = cases[i].pax});
		if (cases[i].message)
			apply_fails(tree, tar, EINVAL, cases[i].message);
		else
			apply_ok(tree, tar);
	}
	/* A map beyond the file's end, which libarchive passes over: what is there is the file. */
	_cleanup_tree_ struct tree *tree = tree_new();
	char body[512 + 4] = "1\n2000000000\n4\n";
	memcpy(body + 512, "data", 4);
	apply_ok(tree, TAR({.name = "x",
						.type = '0',
						.data = body,
						.length = sizeof(body),
						.pax = "GNU.sparse.major=1\nGNU.sparse.minor=0\nGNU.sparse.name=x\n"
							   "GNU.sparse.realsize=4"}));
	assert_file(tree, "x", "data");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IMAGE_TEST(test_every_type),
		IMAGE_TEST(test_pax),
		IMAGE_TEST(test_names_are_bytes),
		IMAGE_TEST(test_whiteouts),
		IMAGE_TEST(test_replacing_across_layers),
		IMAGE_TEST(test_links_among_parents),
		IMAGE_TEST(test_hostile_entries),
		IMAGE_TEST(test_truncated),
		IMAGE_TEST(test_limits),
		IMAGE_TEST(test_costly_paths),
		IMAGE_TEST(test_sparse_formats),
		IMAGE_TEST(test_hostile_sparse),
	};

	return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
