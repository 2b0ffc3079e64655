// SPDX-License-Identifier: Apache-2.0
#include "base/paths.h"
#include "base/buf.h"
#include "base/files.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The value of a variable, NULL when it is unset or empty. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static int home_directory(char **ret, struct error *err)
{
	const char *home = variable("HOME");

	if (!home) {
		const struct passwd *user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	if (!home || *home != '/') {
		error_set(err, ENOENT, "there is no home directory to keep machines and kernels in");
		error_hint(err, "set HOME, or LUPINE_HOME to a directory of your choice");
		return -ENOENT;
	}
	*ret = xstrdup(home);
	return 0;
}

/* "DIRECTORY/lupine" for cache or state, as the XDG base directory specification has it. A
 * relative path in an XDG variable is invalid there and has to be ignored. */
static int user_directory(const char *kind, const char *xdg_variable, const char *xdg_default,
						  char **ret, struct error *err)
{
	const char *lupine_home = variable("LUPINE_HOME"), *xdg = variable(xdg_variable);

	if (lupine_home && *lupine_home == '/') {
		*ret = xasprintf("%s/%s", lupine_home, kind);
	} else if (lupine_home) {
		_cleanup_free_ char *here = getcwd(NULL, 0);
		if (!here) {
			error_errno(err, errno, "cannot tell the current directory");
			return -EIO;
		}
		*ret = xasprintf("%s/%s/%s", here, lupine_home, kind);
	} else if (xdg && *xdg == '/') {
		*ret = xasprintf("%s/lupine", xdg);
	} else {
		_cleanup_free_ char *home = NULL;
		int error = home_directory(&home, err);
		if (error < 0)
			return error;
		*ret = xasprintf("%s/%s/lupine", home, xdg_default);
	}
	return 0;
}

static int make_user_directory(const char *base, const char *name, char **ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", base, name);

	if (!path_exists(base)) {
		if (directory_make(base, err) < 0)
			return error_hint(err, "set LUPINE_HOME to a directory that can be written");
		/* Environments and images may hold secrets. */
		if (chmod(base, 0700) < 0)
			return error_errno(err, errno, "cannot change the mode of %s", base);
	}
	if (directory_make(path, err) < 0)
		return error_hint(err, "set LUPINE_HOME to a directory that can be written");
	*ret = steal(&path);
	return 0;
}

int path_cache(const char *name, char **ret, struct error *err)
{
	_cleanup_free_ char *base = NULL;
	int error = user_directory("cache", "XDG_CACHE_HOME", ".cache", &base, err);

	return error < 0 ? error : make_user_directory(base, name, ret, err);
}

int path_state(const char *name, char **ret, struct error *err)
{
	_cleanup_free_ char *base = NULL;
	int error = user_directory("state", "XDG_STATE_HOME", ".local/state", &base, err);

	return error < 0 ? error : make_user_directory(base, name, ret, err);
}

/* The directories in which our own data may lie, best first. */
static void data_directories(struct strings *ret)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (variable("LUPINE_DATA"))
		strings_add(ret, variable("LUPINE_DATA"));
	if (length > 0) {
		program[length] = '\0';
		if (starts_with(program, LUPINE_BUILD "/")) {
			strings_add(ret, LUPINE_BUILD); /* what is made: guest/init */
			strings_add(ret, LUPINE_BUILD_DATA);
		}
		/* PREFIX/bin/lupine and PREFIX/share/lupine, wherever the prefix was moved to. */
		char *slash = strrchr(program, '/');
		*slash = '\0';
		strings_addf(ret, "%s/../share/lupine", program);
	}
	strings_add(ret, LUPINE_DATADIR);
}

int path_data(const char *name, char **ret, struct error *err)
{
	_cleanup_strings_ struct strings directories = {0};

	data_directories(&directories);
	for (size_t i = 0; i < directories.count; i++) {
		_cleanup_free_ char *candidate = xasprintf("%s/%s", directories.items[i], name);
		char *path = realpath(candidate, NULL);
		if (path) {
			*ret = path;
			return 0;
		}
	}
	error_set(err, ENOENT, "lupine's own file %s is neither in %s", name, directories.items[0]);
	for (size_t i = 1; i < directories.count; i++) {
		char *longer = xasprintf("%s nor in %s", err->message, directories.items[i]);
		free(err->message);
		err->message = longer;
	}
	return error_hint(err, "run make (or make install) again, or set LUPINE_DATA to the directory "
						   "that holds it");
}

char *path_find_program(const char *name)
{
	const char *path = variable("PATH");

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? realpath(name, NULL) : NULL;
	for (const char *part = path ? path : "/usr/local/bin:/usr/bin:/bin"; part;) {
		const char *colon = strchrnul(part, ':');
		_cleanup_free_ char *candidate =
			colon == part ? xstrdup(name) : xasprintf("%.*s/%s", (int)(colon - part), part, name);
		struct stat status;
		if (stat(candidate, &status) == 0 && S_ISREG(status.st_mode) &&
			access(candidate, X_OK) == 0) {
			if (*candidate == '/')
				return steal(&candidate);
			_cleanup_free_ char *here = getcwd(NULL, 0);
			return here ? xasprintf("%s/%s", here, candidate) : NULL;
		}
		part = *colon ? colon + 1 : NULL;
	}
	return NULL;
}
