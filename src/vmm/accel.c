// SPDX-License-Identifier: Apache-2.0
#include "vmm/accel.h"
#include "base/files.h"
#include "base/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Raised when the probe changes, so that what an older one found is not believed. */
#define PROBE_VERSION "1"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static const struct mode {
	const char *name;
	enum accel_kind kind;
	const char *reason; /* when it was asked for */
} modes[] = {
	{"kvm", ACCEL_KVM, NULL},
	{"tcg", ACCEL_TCG, "emulation was asked for"},
	{"tcg-icount", ACCEL_ICOUNT, "emulation with an instruction counter was asked for"},
};

enum accel_kind accel_kind(const struct accel *accel)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strcmp(modes[i].name, accel->name) == 0)
			return modes[i].kind;
	return ACCEL_TCG;
}

/* Where the answer is kept, and the line that a valid one begins with; false: nowhere. */
static bool cache_place(char **ret_path, char **ret_key)
{
	_cleanup_error_ struct error ignored = {0};
	_cleanup_free_ char *directory = NULL;
	_cleanup_buf_ struct buf boot = {0};

	if (path_cache("accel", &directory, &ignored) < 0 ||
		file_read(AT_FDCWD, BOOT_ID, 128, &boot, &ignored) < 0)
		return false;
	*ret_path = xasprintf("%s/kvm", directory);
	*ret_key = xasprintf("probe " PROBE_VERSION " boot %s", boot.data);
	return true;
}

/* The cached line behind the key is "yes REASON" or "no REASON". */
static bool read_cache(const char *path, const char *key, int *ret_error, char reason[160])
{
	_cleanup_error_ struct error ignored = {0};
	_cleanup_buf_ struct buf text = {0};

	if (file_read(AT_FDCWD, path, 1024, &text, &ignored) < 0 || !text.data ||
		!starts_with(text.data, key))
		return false;
	const char *line = text.data + strlen(key);
	bool yes = starts_with(line, "yes ");
	if (!yes && !starts_with(line, "no "))
		return false;
	snprintf(reason, 160, "%s", strchr(line, ' ') + 1);
	reason[strcspn(reason, "\n")] = '\0';
	*ret_error = yes ? 0 : -ENOTSUP;
	return true;
}

static int probe_cached(char reason[160])
{
	_cleanup_free_ char *path = NULL, *key = NULL;
	int result;

	/* That it is not there, or not for us, costs nothing to see and may change at any time. */
	if (access("/dev/kvm", R_OK | W_OK) < 0 || !cache_place(&path, &key))
		return accel_probe_kvm(reason);
	if (read_cache(path, key, &result, reason))
		return result;
	result = accel_probe_kvm(reason);
	_cleanup_error_ struct error ignored = {0};
	_cleanup_free_ char *text = xasprintf("%s%s %s\n", key, result == 0 ? "yes" : "no", reason);
	file_write_atomic(path, text, strlen(text), 0644, &ignored);
	return result;
}

static int choose_kvm(bool required, struct accel *ret, struct error *err)
{
	struct accel accel = {.name = "kvm"};

	if (probe_cached(accel.reason) < 0) {
		if (required) {
			error_set(err, ENOTSUP, "KVM cannot be used: %s", accel.reason);
			return error_hint(err, "--accel tcg emulates; --accel auto does so where it must");
		}
		accel.name = "tcg";
	}
	*ret = accel;
	return 0;
}

int accel_choose(const char *wanted, struct accel *ret, struct error *err)
{
	bool automatic = !wanted || !*wanted || strcmp(wanted, "auto") == 0;

	if (automatic || strcmp(wanted, "kvm") == 0)
		return choose_kvm(!automatic, ret, err);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, wanted) != 0)
			continue;
		*ret = (struct accel){.name = modes[i].name};
		snprintf(ret->reason, sizeof(ret->reason), "%s", modes[i].reason);
		return 0;
	}
	error_set(err, EINVAL, "there is no accelerator \"%s\"", wanted);
	return error_hint(err, "it can be auto, kvm, tcg or tcg-icount");
}
