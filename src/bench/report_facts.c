// SPDX-License-Identifier: Apache-2.0
/* What figures depend on, so that a reader knows what they say of other machines. */
#include "base/digest.h"
#include "base/files.h"
#include "base/process.h"
#include "bench/report.h"
#include "vmm/vmm.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_LIMIT = 4 * 1024 * 1024, ID_DIGITS = 12 };

static void add_row(struct buf *ret, const char *name, const char *value)
{
	buf_printf(ret, "| %s | %s |\n", name, value && *value ? value : "unknown");
}

/* What follows `name` and its separator on a line of a file of texts such as /proc/cpuinfo, or
 * NULL. The caller owns it. */
static char *find_value(const char *path, const char *name, const char *separators)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_error_ struct error ignored = {0};

	if (file_read(AT_FDCWD, path, TEXT_LIMIT, &text, &ignored) < 0 || !text.length)
		return NULL;
	for (const char *line = text.data; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (!starts_with(line, name))
			continue;
		const char *value = line + strlen(name);
		value += strspn(value, separators);
		return xstrndup(value, strcspn(value, "\"\n"));
	}
	return NULL;
}

static void add_machine(struct buf *ret)
{
	_cleanup_free_ char *model = find_value("/proc/cpuinfo", "model name", " \t:");
	_cleanup_free_ char *memory = find_value("/proc/meminfo", "MemTotal", " \t:");
	_cleanup_free_ char *system = find_value("/etc/os-release", "PRETTY_NAME", "=\"");
	_cleanup_free_ char *processors = xasprintf("%ld", sysconf(_SC_NPROCESSORS_ONLN));
	struct utsname host = {0};

	uname(&host);
	add_row(ret, "processor", model);
	add_row(ret, "processors", processors);
	add_row(ret, "memory", memory);
	add_row(ret, "host system", system);
	add_row(ret, "host kernel", host.release);
}

static void add_accel(const struct bench *bench, struct buf *ret)
{
	_cleanup_error_ struct error err = {0};
	const char *wanted = bench->accel && *bench->accel ? bench->accel : "auto";
	struct accel accel = {0};

	if (accel_choose(wanted, &accel, &err) < 0) {
		add_row(ret, "accelerator", err.message);
		return;
	}
	_cleanup_free_ char *text = xasprintf("%s: %s", accel.name, accel.reason);
	add_row(ret, "accelerator", text);
}

/* The first line of what a program says of its version. */
static void add_version(struct buf *ret, const char *name)
{
	_cleanup_error_ struct error ignored = {0};
	_cleanup_free_ char *text = NULL;
	char *argv[] = {(char *)name, (char *)"--version", NULL};

	if (process_capture(argv, &text, &ignored) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	add_row(ret, name, text);
}

static void add_versions(struct buf *ret)
{
	static const char *const programs[] = {"gcc", "ld"};

	add_row(ret, "lupine", LUPINE_VERSION);
	for (size_t i = 0; vmm_table[i]; i++) {
		_cleanup_error_ struct error ignored = {0};
		_cleanup_free_ char *version = NULL;
		if (vmm_table[i]->version(&version, &ignored) == 0)
			add_row(ret, vmm_table[i]->name, version);
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		add_version(ret, programs[i]);
}

/* The digest of a file, or "-". */
static void add_digest(struct buf *ret, const char *path)
{
	_cleanup_error_ struct error ignored = {0};
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char digest[DIGEST_SIZE];

	if (fd < 0 || digest_fd(fd, digest, &ignored) < 0)
		buf_puts(ret, " - |");
	else
		buf_printf(ret, " `%s` |", digest);
}

/* In a cell of a table. */
static void add_code(struct buf *ret, const char *text)
{
	if (!text || !*text) {
		buf_puts(ret, " - |");
		return;
	}
	buf_puts(ret, " `");
	for (; *text; text++)
		if (*text == '|')
			buf_puts(ret, "\\|");
		else
			buf_append(ret, *text == '`' ? "'" : text, 1);
	buf_puts(ret, "` |");
}

static void add_system(const struct bench_system *system, struct buf *ret)
{
	const struct kernel *kernel = system->kernel;

	buf_printf(ret, "| %s |", system->name);
	if (!kernel) {
		_cleanup_buf_ struct buf command = {0};
		for (size_t i = 0; i < system->peer->command.count; i++)
			buf_printf(&command, "%s%s", i ? " " : "", system->peer->command.items[i]);
		buf_puts(ret, " foreign | - | - |");
		add_digest(ret, system->peer->kernel);
		add_code(ret, command.data);
		buf_puts(ret, "\n");
		return;
	}
	_cleanup_free_ char *id = kernel->id ? xstrndup(kernel->id, ID_DIGITS) : NULL;
	buf_printf(ret, " %s |", kernel->release ? kernel->release : "unknown");
	add_code(ret, id);
	add_digest(ret, kernel->config);
	add_digest(ret, kernel->vmlinux);
	add_code(ret, system->append);
	buf_puts(ret, "\n");
}

void report_facts(const struct bench *bench, struct buf *ret)
{
	time_t now = time(NULL);
	struct tm utc;
	char date[32];

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &utc);
	buf_puts(ret, "## Machine\n\n| | |\n|---|---|\n");
	add_row(ret, "date", date);
	add_machine(ret);
	add_accel(bench, ret);
	add_versions(ret);
	buf_puts(ret, "\n## Systems\n\n| system | kernel | id | configuration | image | "
				  "command line, or command |\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < bench->system_count; i++)
		add_system(&bench->systems[i], ret);
}
