// SPDX-License-Identifier: Apache-2.0
/* A kernel as users name it. */
#include "base/files.h"
#include "kernel/kernel.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* "6.12" or "6.12.3". */
static bool is_version(const char *text)
{
	bool dot = false;

	for (const char *byte = text; *byte; byte++) {
		if (*byte == '.' && byte > text && byte[-1] != '.' && byte[1])
			dot = true;
		else if (!isdigit((unsigned char)*byte))
			return false;
	}
	return dot;
}

static bool is_id(const char *text)
{
	return strlen(text) >= 4 && text[strspn(text, "0123456789abcdef")] == '\0';
}

int kernel_open(const char *description, struct kernel **ret, struct error *err)
{
	struct kernel_request request = {.version = description};

	if (!description || is_version(description))
		return kernel_ensure(&request, ret, err);
	if (is_id(description)) {
		int error = kernel_find(description, ret, err);
		if (error != -ENOENT || !path_exists(description))
			return error;
		error_clear(err);
	}
	if (path_exists(description))
		return kernel_from_file(description, ret, err);
	error_set(err, ENOENT, "\"%s\" is neither a version, nor a kernel's id, nor a file",
			  description);
	error_hint(err,
			   "write a version such as 6.12, an id from `lupine kernel list`, or the path of a "
			   "vmlinux or of a Debian kernel package");
	return -ENOENT;
}
