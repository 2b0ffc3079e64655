// SPDX-License-Identifier: Apache-2.0
/* The small parts around the supervisor: console, writers, the control socket's commands, and
 * whether a kernel fits. */
#include "machine_fixture.h"
#include "vmm/console.h"
#include "vmm/control.h"
#include "vmm/loadable.h"
#include "vmm/writer.h"

#include <elf.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

static void add(struct console *console, bool serial, const char *text)
{
	console_add(console, serial, text, strlen(text));
}

static void test_panic_is_seen(void **state)
{
	struct console console = CONSOLE_NONE;
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_ok(console_open(&console, fixture_home, &err), &err);
	add(&console, true, "[    0.1] booting\r\n");
	/* What an application writes to the kernel's log is not the kernel's own last word. */
	add(&console, false, "[    0.2] Kernel panic - says the application\n");
	assert_false(console.panicked);
	add(&console, true, "[    1.0] Kern");
	add(&console, true, "el panic - not syn");
	assert_true(console.panicked);
	add(&console, true, "cing: VFS\x1b[31m\r\nCPU: 0\r\n\r\n");
	_cleanup_buf_ struct buf message = {0};
	buf_puts(&message, "it panicked");
	console_last_lines(&console, &message);
	assert_string_equal(message.data, "it panicked\n[    0.1] booting\n"
									  "[    0.2] Kernel panic - says the application\n"
									  "[    1.0] Kernel panic - not syncing: VFS[31m\nCPU: 0");
	console_close(&console);
}

static void test_tail_is_bounded(void **state)
{
	struct console console = CONSOLE_NONE;
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf last = {0};

	(void)state;
	assert_ok(console_open(&console, fixture_home, &err), &err);
	for (int i = 0; i < 100000; i++) {
		_cleanup_free_ char *line = xasprintf("line %d of many, to fill memory\n", i);
		add(&console, true, line);
	}
	assert_true(console.tail.length <= 64 * 1024 && console.tail.capacity <= 128 * 1024);
	console_last_lines(&console, &last);
	assert_true(starts_with(last.data, "\nline 99980 of many"));
	assert_true(ends_with(last.data, "\nline 99999 of many, to fill memory"));
	console_close(&console);
}

/* A guest cannot fill the host's disk with its log. */
static void test_log_is_bounded(void **state)
{
	enum { PIECE = 16 * 1024, PIECES = 65 * 64 };
	struct console console = CONSOLE_NONE;
	_cleanup_free_ char *piece = xmalloc(PIECE);
	_cleanup_free_ char *path = xasprintf("%s/console.log", fixture_home);
	_cleanup_error_ struct error err = {0};
	struct stat status;

	(void)state;
	memset(piece, 'x', PIECE);
	assert_ok(console_open(&console, fixture_home, &err), &err);
	for (int i = 0; i < PIECES; i++)
		console_add(&console, false, piece, PIECE);
	console_close(&console);
	assert_int_equal(stat(path, &status), 0);
	assert_true(status.st_size > 60 << 20 && status.st_size < 65 << 20);
	unlink(path);
}

static void test_last_lines(void **state)
{
	static const struct {
		const char *text, *lines;
	} rows[] = {
		{"", ""},
		{"\n\n", ""},
		{"one", "\none"},
		{"one\r\n", "\none"},
		{"one\n\ntwo\n\n", "\none\n\ntwo"},
		{"tab\there\x07\x1b]0;title\x07", "\ntab\there]0;title"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf lines = {0};
		buf_puts(&lines, "");
		append_last_lines(rows[i].text, strlen(rows[i].text), &lines);
		assert_string_equal(lines.data, rows[i].lines);
	}
}

/* Writes far more than fits, reads it all at the other end, and compares. */
static void check_writer(int read_end, int write_end, enum writer_method method)
{
	enum { TOTAL = 1 << 20 };
	_cleanup_free_ char *sent = xmalloc(TOTAL), *received = xcalloc(1, TOTAL);
	struct writer writer;
	size_t left_us = 0, got = 0;

	for (size_t i = 0; i < TOTAL; i++)
		sent[i] = (char)(i * 2654435761u >> 24);
	writer_open(&writer, write_end);
	assert_int_equal(writer.method, method);
	for (size_t at = 0; at < TOTAL; at += TOTAL / 4)
		left_us += writer_write(&writer, sent + at, TOTAL / 4);
	/* It did not wait for the reader, and counts exactly. */
	assert_true(left_us < TOTAL);
	assert_int_equal(left_us + writer_pending(&writer), TOTAL);
	while (got < TOTAL) {
		ssize_t count = read(read_end, received + got, TOTAL - got);
		assert_true(count > 0);
		got += (size_t)count;
		left_us += writer_flush(&writer);
	}
	assert_int_equal(left_us, TOTAL);
	assert_int_equal(writer_pending(&writer), 0);
	assert_memory_equal(sent, received, TOTAL);
	/* The descriptor itself is as it was: others may share it. */
	assert_false(fcntl(write_end, F_GETFL) & O_NONBLOCK);
	writer_close(&writer);
}

static void test_writer_pipe(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	check_writer(ends[0], ends[1], WRITER_FILE);
	close(ends[0]);
	close(ends[1]);
}

static void test_writer_socket(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	check_writer(ends[0], ends[1], WRITER_SOCKET);
	close(ends[0]);
	close(ends[1]);
}

/* A pipe that cannot be opened anew, as another user's: poll() is asked before each write. */
static void test_writer_foreign_pipe(void **state)
{
	enum { SIZE = 300 * 1000 };
	_cleanup_free_ char *bytes = xcalloc(1, SIZE);
	struct writer writer;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	writer_open(&writer, ends[1]);
	close(writer.own);
	writer.own = -1;
	writer.fd = ends[1];
	writer.method = WRITER_PIPE;
	size_t left_us = writer_write(&writer, bytes, SIZE);
	assert_true(left_us >= 4096 && left_us <= 65536);
	for (size_t got = 0; got < SIZE;) {
		got += (size_t)read(ends[0], bytes, SIZE);
		writer_flush(&writer);
	}
	assert_int_equal(writer_pending(&writer), 0);
	writer_close(&writer);
	close(ends[0]);
	close(ends[1]);
}

/* Nobody reads any more: everything counts as gone, and nothing is kept. */
static void test_writer_closed_pipe(void **state)
{
	struct writer writer;
	int ends[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	writer_open(&writer, ends[1]);
	close(ends[0]);
	assert_int_equal(writer_write(&writer, "12345", 5), 5);
	assert_true(writer.gone);
	assert_int_equal(writer_write(&writer, "12345", 5), 5);
	assert_int_equal(writer_pending(&writer), 0);
	writer_close(&writer);
	close(ends[1]);
	writer_open(&writer, ends[1]); /* closed: as good as gone */
	assert_int_equal(writer_write(&writer, "12345", 5), 5);
	writer_close(&writer);
}

static void test_control_commands(void **state)
{
	static const struct {
		const char *line;
		int result;
		enum control_verb verb;
		unsigned number;
		const char *message;
	} rows[] = {
		{"stop 10", 0, CONTROL_STOP, 10, NULL},
		{"stop 0", 0, CONTROL_STOP, 0, NULL},
		{"signal 15", 0, CONTROL_SIGNAL, 15, NULL},
		{"signal 0", -ERANGE, 0, 0, "0 is not between 1 and 64"},
		{"signal 65", -ERANGE, 0, 0, "65 is not between 1 and 64"},
		{"stop", -EINVAL, 0, 0, "unknown command"},
		{"stop ", -EINVAL, 0, 0, "\"\" is not a number"},
		{"stop -1", -EINVAL, 0, 0, "\"-1\" is not a number"},
		{"stop 99999999999999999999", -ERANGE, 0, 0,
		 "99999999999999999999 is not between 0 and 2147483647"},
		{"stopp 1", -EINVAL, 0, 0, "unknown command"},
		{"STOP 1", -EINVAL, 0, 0, "unknown command"},
		{"", -EINVAL, 0, 0, "unknown command"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct control_command command = {0};
		_cleanup_error_ struct error err = {0};
		assert_int_equal(control_parse(rows[i].line, &command, &err), rows[i].result);
		assert_int_equal(command.verb, rows[i].verb);
		assert_int_equal(command.number, rows[i].number);
		if (rows[i].message)
			assert_string_equal(err.message, rows[i].message);
	}
}

/* A file with the ELF header and one loaded segment. */
static int kernel_file(uint64_t address, uint64_t size, unsigned segments)
{
	const struct {
		Elf64_Ehdr header;
		Elf64_Phdr segment;
	} file = {
		.header = {.e_ident = ELFMAG "\2\1\1",
				   .e_phoff = sizeof(Elf64_Ehdr),
				   .e_phentsize = sizeof(Elf64_Phdr),
				   .e_phnum = (uint16_t)segments},
		.segment = {.p_type = PT_LOAD, .p_paddr = address, .p_memsz = size},
	};
	int fd = memfd_create("test", MFD_CLOEXEC);
	_cleanup_error_ struct error err = {0};

	assert_true(fd >= 0);
	assert_ok(fd_write_all(fd, &file, sizeof(file), &err), &err);
	return fd;
}

/* An archive with one file of so many zeros. */
static int image_file(uint32_t size)
{
	_cleanup_free_ char *header =
		xasprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08xa%c", 1u, 0100644u, 0u,
				  0u, 1u, 0u, size, 0u, 0u, 0u, 0u, 2u, 0u, 0);
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_int_equal(write(fd, header, 112), 112);
	assert_int_equal(ftruncate(fd, (off_t)112 + size), 0);
	return fd;
}

static void test_kernel_that_fits(void **state)
{
	_cleanup_close_ int kernel = kernel_file(16 << 20, 12 << 20, 1);
	_cleanup_close_ int endless = kernel_file(16 << 20, 12 << 20, 65535);
	_cleanup_close_ int initramfs = memfd_create("test", MFD_CLOEXEC);
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_int_equal(loadable_check(kernel, initramfs, 32ull << 20, &err), 0);
	assert_int_equal(loadable_check(kernel, initramfs, 28ull << 20, &err), -ENOMEM);
	assert_string_equal(err.message, "the kernel does not fit into 28 MiB of memory");
	assert_string_equal(err.hint, "give it 32 MiB or more (--memory 32m)");
	error_clear(&err);
	assert_int_equal(ftruncate(initramfs, 8 << 20), 0);
	assert_int_equal(loadable_check(kernel, initramfs, 32ull << 20, &err), -ENOMEM);
	error_clear(&err);
	/* An image in it needs room for the archive and twice for its files. */
	_cleanup_close_ int image = image_file(40 << 20);
	assert_int_equal(loadable_check(kernel, image, 128ull << 20, &err), -ENOMEM);
	assert_string_equal(err.message,
						"the kernel and the image, which is unpacked into memory, do not "
						"fit into 128 MiB of memory");
	assert_string_equal(err.hint, "give it 140 MiB or more (--memory 140m)");
	error_clear(&err);
	assert_int_equal(loadable_check(kernel, image, 140ull << 20, &err), 0);
	/* What is no ELF file, or a broken one, is the monitor's to judge. */
	assert_int_equal(loadable_check(initramfs, initramfs, 1 << 20, &err), 0);
	assert_int_equal(loadable_check(endless, initramfs, 1 << 20, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_panic_is_seen),       cmocka_unit_test(test_tail_is_bounded),
		cmocka_unit_test(test_log_is_bounded),      cmocka_unit_test(test_last_lines),
		cmocka_unit_test(test_writer_pipe),         cmocka_unit_test(test_writer_socket),
		cmocka_unit_test(test_writer_foreign_pipe), cmocka_unit_test(test_writer_closed_pipe),
		cmocka_unit_test(test_control_commands),    cmocka_unit_test(test_kernel_that_fits),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
