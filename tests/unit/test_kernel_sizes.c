// SPDX-License-Identifier: Apache-2.0
/* What a kernel takes, by subsystem: maps of real links, and hand-made ones. */
#include "kernel/build.h"
#include "kernel/segments.h"
#include "kernel/sizes.h"
#include "kernel_fixture.h"

#include <stdlib.h>

static const struct kernel_part *find(const struct kernel_parts *parts, const char *name)
{
	for (size_t i = 0; i < parts->count; i++)
		if (strcmp(parts->items[i].name, name) == 0)
			return &parts->items[i];
	return NULL;
}

static uint64_t bytes(const struct kernel_parts *parts, const char *name, enum kernel_bytes kind)
{
	const struct kernel_part *part = find(parts, name);

	return part ? part->bytes[kind] : 0;
}

static uint64_t sum(const struct kernel_parts *parts)
{
	uint64_t total = 0;

	for (size_t i = 0; i < parts->count; i++)
		for (size_t kind = 0; kind < BYTES_KINDS; kind++)
			total += parts->items[i].bytes[kind];
	return total;
}

static uint64_t part_sum(const struct kernel_part *part)
{
	const struct kernel_parts one = {(struct kernel_part *)part, 1};

	return part ? sum(&one) : 0;
}

/* --- the map's text --- */

static void test_map_is_parsed(void **state)
{
	static const char text[] =
		"Discarded input sections\n\n"
		" .text          0x0000000000000000      0x999 gone.o\n\n"
		"Linker script and memory map\n\n"
		".text           0xffffffff81000000      0x200\n"
		"                0xffffffff81000000                _text = .\n"
		" *(.text)\n"
		" .text          0xffffffff81000000       0x40 kernel/a.o\n"
		"                0xffffffff81000000                start\n"
		" *fill*         0xffffffff81000040       0x10 90\n"
		" .text.a_long_name_of_a_section\n"
		"                0xffffffff81000050       0x20 mm/b.o\n"
		" .text          0xffffffff81000070        0x0 mm/empty.o\n"
		"                0xffffffff81000078        0x8 QUAD 0x1234\n"
		"\n"
		".an_output_section_with_a_long_name\n"
		"                0xffffffff81000200       0x10 load address 0x0000000001000200\n"
		" *(.pieces)\n"
		" .pieces        0xffffffff81000200       0x10 lib/lib.a(c.o)\n"
		"                                         0x18 (size before relaxing)\n";
	static const struct map_piece expected[] = {
		{0xffffffff81000000, 0x40, (char *)".text", (char *)".text", (char *)"kernel/a.o"},
		{0xffffffff81000040, 0x10, (char *)".text", (char *)"*fill*", (char *)"90"},
		{0xffffffff81000050, 0x20, (char *)".text", (char *)".text.a_long_name_of_a_section",
		 (char *)"mm/b.o"},
		{0xffffffff81000078, 0x8, (char *)".text", (char *)"", (char *)""},
		{0xffffffff81000200, 0x10, (char *)".an_output_section_with_a_long_name", (char *)".pieces",
		 (char *)"lib/lib.a(c.o)"},
	};
	_cleanup_linker_map_ struct linker_map map = {0};

	(void)state;
	linker_map_parse(text, strlen(text), &map);
	assert_int_equal(map.count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < map.count; i++) {
		assert_int_equal(map.pieces[i].address, expected[i].address);
		assert_int_equal(map.pieces[i].size, expected[i].size);
		assert_string_equal(map.pieces[i].output, expected[i].output);
		assert_string_equal(map.pieces[i].input, expected[i].input);
		assert_string_equal(map.pieces[i].object, expected[i].object);
	}
}

static void test_parts_of_objects(void **state)
{
	static const struct {
		const char *object, *part, *detail;
	} cases[] = {
		{"kernel/sched/core.o", "kernel", NULL},
		{"./mm/slub.o", "mm", NULL},
		{"arch/x86/kernel/head_64.o", "arch/x86", NULL},
		{"arch/x86/lib/lib.a(memcpy_64.o)", "arch/x86", NULL},
		{"lib/lib.a(string.o)", "lib", NULL},
		{"drivers/virtio/virtio_ring.o", "drivers", "drivers/virtio"},
		{"drivers/net/ethernet/intel/e1000.o", "drivers", "drivers/net"},
		{"net/socket.o", "net", "net"},
		{"fs/ext4/inode.o", "fs", "fs/ext4"},
		{".tmp_vmlinux2.kallsyms.o", "kallsyms", NULL},
		{"kernel/kallsyms.o", "kernel", NULL},
		{"", "linker-made", NULL},
		{"stubs", "linker-made", NULL},
		{"/usr/lib/crt1.o", "linker-made", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *detail = NULL;
		_cleanup_free_ char *part = sizes_part(cases[i].object, &detail);
		assert_string_equal(part, cases[i].part);
		if (cases[i].detail)
			assert_string_equal(detail, cases[i].detail);
		else
			assert_null(detail);
	}
}

/* --- real links --- */

/* Sections that are alike in several objects, aligned ones, merged strings, bss, a gap. */
static void write_sources(void)
{
	write_text("kernel/a.c", "extern int b(void), c(void), d(void);\n"
							 "const char *name = \"equal everywhere\";\n"
							 "int table[1000];\n"
							 "int start(void) { return b() + c() + d(); }\n");
	write_text("drivers/virtio/b.c", "const char *other = \"equal everywhere\";\n"
									 "int aligned[8] __attribute__((aligned(256))) = {1};\n"
									 "int b(void) { return aligned[1]; }\n");
	write_text("fs/c.c", "const char *own = \"only of this one\";\n"
						 "int unused(void) { return 3; }\n"
						 "int c(void) { return 4; }\n");
	write_text("lib/d.c", "const char rodata[3000] = {1};\n"
						  "int d(void) { return rodata[2]; }\n");
	run("for f in kernel/a drivers/virtio/b fs/c lib/d; do gcc -O1 -ffreestanding -fno-pie "
		"-fcf-protection=none -fno-asynchronous-unwind-tables -ffunction-sections -c -o $f.o "
		"$f.c; done");
	run("ar cDPrST all.a kernel/a.o drivers/virtio/b.o fs/c.o; ar rc lib/lib.a lib/d.o");
	write_text("link.lds", "SECTIONS {\n"
						   "  . = 0xffffffff81000000;\n"
						   "  .text : AT(0x1000000) { *(.text) *(.text.*) . = ALIGN(8192); }\n"
						   "  .rodata : { *(.rodata .rodata.*) QUAD(7) }\n"
						   "  . = ALIGN(65536);\n"
						   "  .data : { *(.data .data.*) }\n"
						   "  .bss : { *(.bss .bss.*) }\n"
						   "  /DISCARD/ : { *(.comment) *(.note.*) }\n"
						   "}\n");
}

#define LINK "ld -Map=%.map -T link.lds --build-id=none -z max-page-size=4096 -e start -o vmlinux "

static void attribute(const char *objects, struct kernel_sizes *ret)
{
	_cleanup_linker_map_ struct linker_map map = {0}, relocatable = {0};
	struct error err = {0};

	run("objcopy --strip-all vmlinux stripped");
	assert_ok(linker_map_read("vmlinux.map", &map, &err), &err);
	if (objects)
		assert_ok(linker_map_read(objects, &relocatable, &err), &err);
	assert_ok(sizes_attribute("stripped", &map, &relocatable, ret, &err), &err);
}

/* The size of a symbol, as the linker has it. */
static uint64_t symbol_size(const char *name)
{
	_cleanup_free_ char *command =
		xasprintf("nm -S vmlinux | awk '$4 == \"%s\" {print \"0x\" $2}'", name);
	_cleanup_free_ char *text = capture(command);

	assert_true(starts_with(text, "0x"));
	return strtoull(text, NULL, 16);
}

/* The pages of all segments, counted by another program. */
static uint64_t pages(void)
{
	_cleanup_free_ char *text =
		capture("readelf -lW stripped | awk '$1 == \"LOAD\" {print $4, $6}'");
	uint64_t total = 0, last = 0;

	for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		char *rest;
		uint64_t start = strtoull(line, &rest, 16), size = strtoull(rest, NULL, 16);
		for (uint64_t page = start / 4096; page <= (start + size - 1) / 4096; page++) {
			total += page != last;
			last = page;
		}
	}
	return total * 4096;
}

static void check_link(const struct kernel_sizes *sizes)
{
	assert_int_equal(sizes->loaded, pages());
	assert_int_equal(sum(&sizes->parts), sizes->loaded);
	assert_int_equal(bytes(&sizes->parts, "kernel", BYTES_TEXT), symbol_size("start"));
	assert_int_equal(bytes(&sizes->parts, "kernel", BYTES_BSS), symbol_size("table"));
	assert_int_equal(bytes(&sizes->parts, "lib", BYTES_RODATA), symbol_size("rodata"));
	assert_int_equal(bytes(&sizes->details, "drivers/virtio", BYTES_DATA),
					 symbol_size("aligned") + symbol_size("other"));
	assert_int_equal(bytes(&sizes->details, "fs", BYTES_DATA), symbol_size("own"));
	assert_int_equal(part_sum(find(&sizes->parts, "drivers")),
					 part_sum(find(&sizes->details, "drivers/virtio")));
	assert_int_equal(part_sum(find(&sizes->parts, "fs")), part_sum(find(&sizes->details, "fs")));
	assert_true(part_sum(find(&sizes->parts, "alignment")) > 4096);
}

static void test_every_byte_is_somebodys(void **state)
{
	_cleanup_kernel_sizes_ struct kernel_sizes sizes = {0};

	(void)state;
	write_sources();
	run(LINK "--whole-archive all.a --no-whole-archive lib/lib.a");
	attribute(NULL, &sizes);
	check_link(&sizes);
	assert_int_equal(bytes(&sizes.parts, "fs", BYTES_TEXT),
					 symbol_size("c") + symbol_size("unused"));
	/* QUAD() of the script. Who has the string that two brought is the linker's affair, but it is
	 * there once. */
	assert_int_equal(bytes(&sizes.parts, "linker-made", BYTES_RODATA), 8);
	assert_int_equal(bytes(&sizes.parts, "kernel", BYTES_RODATA) +
						 bytes(&sizes.parts, "drivers", BYTES_RODATA) +
						 bytes(&sizes.parts, "fs", BYTES_RODATA),
					 sizeof("equal everywhere") + sizeof("only of this one"));
}

static void test_sections_that_were_left_out(void **state)
{
	_cleanup_kernel_sizes_ struct kernel_sizes sizes = {0};

	(void)state;
	write_sources();
	run(LINK "--gc-sections -u name -u other -u own -u table -u rodata "
			 "--whole-archive all.a --no-whole-archive lib/lib.a");
	attribute(NULL, &sizes);
	check_link(&sizes);
	assert_int_equal(bytes(&sizes.parts, "fs", BYTES_TEXT), symbol_size("c"));
}

/* As kernels with CONFIG_X86_KERNEL_IBT are linked. */
static void test_link_from_one_object(void **state)
{
	_cleanup_kernel_sizes_ struct kernel_sizes sizes = {0};

	(void)state;
	write_sources();
	run("ld -Map=%.map -r -o vmlinux.o --whole-archive all.a --no-whole-archive lib/lib.a");
	/* What a later tool adds to it. */
	run("head -c 48 /dev/zero >more; objcopy --add-section .rodata.more=more "
		"--set-section-flags .rodata.more=alloc,readonly vmlinux.o");
	run(LINK "vmlinux.o");
	attribute("vmlinux.o.map", &sizes);
	check_link(&sizes);
	assert_int_equal(bytes(&sizes.parts, "linker-made", BYTES_RODATA), 48 + 8);
}

static void test_no_map_leaves_alignment(void **state)
{
	_cleanup_kernel_sizes_ struct kernel_sizes sizes = {0};
	const struct linker_map empty = {0};
	struct error err = {0};

	(void)state;
	write_sources();
	run(LINK "--whole-archive all.a --no-whole-archive lib/lib.a");
	assert_ok(sizes_attribute("vmlinux", &empty, &empty, &sizes, &err), &err);
	assert_int_equal(sizes.parts.count, 1);
	assert_int_equal(part_sum(find(&sizes.parts, "alignment")), sizes.loaded);
}

static void test_segments_that_share_a_page(void **state)
{
	_cleanup_segments_ struct loaded_sections sections = {0};
	struct error err = {0};

	(void)state;
	write_text("s.s", ".section .a, \"ax\"\n.fill 100\n.section .b, \"aw\"\n.fill 200\n"
					  ".section .c, \"a\"\n.fill 5000\n");
	write_text("s.lds", "PHDRS { a PT_LOAD; b PT_LOAD; c PT_LOAD; }\n"
						"SECTIONS { . = 0x1000100; .a : { *(.a) } :a\n .b : { *(.b) } :b\n"
						" . = 0x1004010; .c : { *(.c) } :c }\n");
	run("as -o s.o s.s; ld -T s.lds -e 0 -o stripped s.o");
	assert_ok(segments_read("stripped", &sections, &err), &err);
	assert_int_equal(sections.loaded, pages());
	assert_int_equal(sections.loaded, 3 * 4096);
	uint64_t total = 0;
	for (size_t i = 0; i < sections.count; i++)
		total += sections.items[i].size + sections.items[i].gap;
	assert_int_equal(total, sections.loaded);
}

/* --- kernels --- */

static void test_measured_kernel(void **state)
{
	struct kernel_request request = {.source = "linux"};
	_cleanup_kernel_ struct kernel *kernel = NULL;
	_cleanup_kernel_sizes_ struct kernel_sizes sizes = {0}, other = {0};
	struct error err = {0};

	(void)state;
	write_miniature("linux");
	write_data();
	assert_ok(kernel_ensure(&request, &kernel, &err), &err);
	assert_ok(kernel_measure(kernel, &sizes, &err), &err);
	assert_int_equal(sizes.stripped, kernel->vmlinux_size);
	assert_int_equal(sizes.options, kernel->options);
	assert_true(sizes.compressed > 0 && sizes.compressed < sizes.stripped);
	assert_int_equal(sum(&sizes.parts), sizes.loaded);
	assert_int_equal(bytes(&sizes.details, "net", BYTES_DATA), sizeof(int));

	/* The library's figure is what the program's decompresses to. */
	_cleanup_free_ char *command =
		xasprintf("zstd -19 --single-thread --no-check -c %s | wc -c", kernel->vmlinux);
	_cleanup_free_ char *text = capture(command);
	assert_int_equal(sizes.compressed, strtoull(text, NULL, 10));

	/* Without the note nothing is known of the parts, with a false one that is said. */
	_cleanup_free_ char *path = xasprintf("%s/" KERNEL_SIZES, kernel->directory);
	_cleanup_free_ char *damage = xasprintf("sed -i 's/: 4,/: 5,/' %s", path);
	run(damage);
	_cleanup_free_ char *message = xasprintf(
		"cannot measure the kernel %s: its parts have %llu bytes, but %llu are loaded",
		kernel->vmlinux, (unsigned long long)sizes.loaded + 1, (unsigned long long)sizes.loaded);
	assert_error(kernel_measure(kernel, &other, &err), EBADMSG, &err, message, NULL);
	unlink(path);
	assert_ok(kernel_measure(kernel, &other, &err), &err);
	assert_int_equal(other.loaded, sizes.loaded);
	assert_int_equal(other.parts.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_is_parsed),         cmocka_unit_test(test_parts_of_objects),
		KERNEL_TEST(test_every_byte_is_somebodys),    KERNEL_TEST(test_sections_that_were_left_out),
		KERNEL_TEST(test_link_from_one_object),       KERNEL_TEST(test_no_map_leaves_alignment),
		KERNEL_TEST(test_segments_that_share_a_page), KERNEL_TEST(test_measured_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
