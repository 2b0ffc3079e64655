// SPDX-License-Identifier: Apache-2.0
#include "kernel/requirements.h"
#include "base/files.h"
#include "base/paths.h"
#include "kernel/kernel.h"
#include "kernel/source.h"

#include <errno.h>
#include <string.h>

/* Programs are looked up on PATH, files by their absolute names. What Debian's essential packages
 * hold (perl, sed, awk, grep, find) is not listed. */
static const struct {
	const char *needed;
	const char *package;
	const char *option; /* only configurations with it set need this; NULL: all do */
} requirements[] = {
	{"make", "make", NULL},
	{"gcc", "gcc", NULL},
	{"/usr/include/stdlib.h", "libc6-dev", NULL}, /* for the programs the build itself runs */
	{"ld", "binutils", NULL},
	{"flex", "flex", NULL},
	{"bison", "bison", NULL},
	{"bc", "bc", NULL},
	{"patch", "patch", NULL},
	{"/usr/include/gelf.h", "libelf-dev", NULL}, /* objtool */
	{"/usr/include/openssl/opensslv.h", "libssl-dev", "SYSTEM_TRUSTED_KEYRING"},
	{"/usr/include/openssl/opensslv.h", "libssl-dev", "MODULE_SIG_FORMAT"},
	{"pahole", "dwarves", "DEBUG_INFO_BTF"},
	{"cpio", "cpio", "IKHEADERS"},
};

static bool is_present(const char *needed)
{
	if (*needed == '/')
		return path_exists(needed);
	_cleanup_free_ char *program = path_find_program(needed);
	return program != NULL;
}

void requirements_missing(const struct config *config, struct strings *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(requirements); i++) {
		const char *option = requirements[i].option;
		bool applies = config ? option && strcmp(config_value(config, option), "n") != 0 : !option;
		if (applies && !is_present(requirements[i].needed) &&
			!strings_contain(ret, requirements[i].package))
			strings_add(ret, requirements[i].package);
	}
}

int requirements_error(const struct strings *missing, struct error *err)
{
	_cleanup_buf_ struct buf names = {0};

	for (size_t i = 0; i < missing->count; i++)
		buf_printf(&names, " %s", missing->items[i]);
	error_set(err, ENOPKG, "building a kernel needs packages that are missing:%s", names.data);
	return error_hint(err, "install them: apt-get install%s", names.data);
}

void kernel_missing_packages(const char *version, struct strings *ret)
{
	_cleanup_free_ char *archive = source_archive(version ? version : KERNEL_DEFAULT_VERSION);

	requirements_missing(NULL, ret);
	if (!path_exists(archive))
		strings_addf(ret, "linux-source-%s", version ? version : KERNEL_DEFAULT_VERSION);
}
