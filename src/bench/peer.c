// SPDX-License-Identifier: Apache-2.0
/* Descriptions of foreign images: what a user wrote, so every mistake is named. */
#include "bench/peer.h"
#include "base/files.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { DESCRIPTION_LIMIT = 64 * 1024, PORT_MAX = 65535 };

/* Whether `object` holds nothing but `members` (NULL-terminated). */
static int check_members(const json_t *object, const char *name, const char *const members[],
						 struct error *err)
{
	const char *member;
	json_t *value;

	json_object_foreach((json_t *)object, member, value)
	{
		size_t i = 0;
		while (members[i] && strcmp(members[i], member) != 0)
			i++;
		if (members[i])
			continue;
		_cleanup_buf_ struct buf known = {0};
		for (i = 0; members[i]; i++)
			buf_printf(&known, "%s%s", i ? ", " : "", members[i]);
		error_set(err, EINVAL, "%s: unknown member \"%s\"", name, member);
		return error_hint(err, "there are: %s", known.data);
	}
	return 0;
}

static bool has_placeholder(const struct strings *words, const char *placeholder)
{
	for (size_t i = 0; i < words->count; i++)
		if (strstr(words->items[i], placeholder))
			return true;
	return false;
}

/* What a word in braces may be; others are the command's own, such as of a shell. */
static int check_command(const struct peer *peer, const char *name, struct error *err)
{
	if (!peer->command.count || !*peer->command.items[0])
		return error_set(err, EINVAL, "%s: \"command\" is empty", name);
	if (!has_placeholder(&peer->command, "{memory}")) {
		error_set(err, EINVAL, "%s: no word of \"command\" has {memory} in it", name);
		return error_hint(
			err, "it is replaced by the machine's memory in MiB, as in \"-m\", \"{memory}M\"");
	}
	if (peer->port && !has_placeholder(&peer->command, "{port}")) {
		error_set(err, EINVAL, "%s: it serves port %u, but no word of \"command\" has {port} in it",
				  name, peer->port);
		return error_hint(err,
						  "it is replaced by a free port of 127.0.0.1, to be forwarded to port %u",
						  peer->port);
	}
	if (!*peer->ready)
		return error_set(err, EINVAL, "%s: \"ready\" is empty", name);
	return 0;
}

static int parse_files(const json_t *object, const char *name, struct peer *peer, struct error *err)
{
	static const char *const members[] = {"kernel", NULL};
	_cleanup_free_ char *inner = xasprintf("%s: \"files\"", name);
	_cleanup_free_ char *kernel = NULL;
	json_t *files = NULL;

	if (json_get_object(object, name, "files", JSON_OPTIONAL, &files, err) < 0)
		return -err->code;
	if (!files)
		return 0;
	if (check_members(files, inner, members, err) < 0 ||
		json_get_string(files, inner, "kernel", JSON_OPTIONAL, &kernel, err) < 0)
		return -err->code;
	if (!kernel)
		return 0;
	peer->kernel = *kernel == '/' ? xstrdup(kernel) : xasprintf("%s/%s", peer->directory, kernel);
	if (!path_exists(peer->kernel))
		return error_set(err, ENOENT, "%s: there is no %s", inner, peer->kernel);
	return 0;
}

static int parse(const json_t *object, const char *name, struct peer *peer, struct error *err)
{
	static const char *const members[] = {"command", "ready", "app", "port", "files", NULL};
	int64_t port = 0;

	if (json_get_strings(object, name, "command", JSON_REQUIRED, &peer->command, err) < 0 ||
		check_members(object, name, members, err) < 0 ||
		json_get_string(object, name, "ready", JSON_REQUIRED, &peer->ready, err) < 0 ||
		json_get_string(object, name, "app", JSON_REQUIRED, &peer->app, err) < 0 ||
		json_get_integer(object, name, "port", JSON_OPTIONAL, 1, PORT_MAX, &port, err) < 0 ||
		parse_files(object, name, peer, err) < 0)
		return -err->code;
	peer->port = (uint16_t)port;
	return check_command(peer, name, err);
}

int bench_system_peer(const char *text, struct bench_system *ret, struct error *err)
{
	_cleanup_free_ char *name = NULL, *path = NULL;
	_cleanup_buf_ struct buf content = {0};
	_cleanup_json_ json_t *object = NULL;
	const char *file;

	if (bench_system_name("--peer", text, &name, &file, err) < 0)
		return -err->code;
	if (file_read(AT_FDCWD, file, DESCRIPTION_LIMIT, &content, err) < 0)
		return error_wrap(err, "the peer %s", name);
	/* {directory} must hold wherever the command runs. */
	path = realpath(file, NULL);
	if (!path)
		return error_errno(err, errno, "the peer %s: %s", name, file);
	*strrchr(path, '/') = '\0';
	if (json_parse(content.data, content.length, file, &object, err) < 0)
		return error_wrap(err, "the peer %s", name);

	struct peer *peer = xcalloc(1, sizeof(*peer));
	peer->directory = steal(&path);
	if (parse(object, file, peer, err) < 0) {
		peer_free(&peer);
		return error_wrap(err, "the peer %s", name);
	}
	*ret = (struct bench_system){.name = steal(&name), .peer = peer};
	return 0;
}

void peer_free(struct peer **peer)
{
	if (!*peer)
		return;
	strings_free(&(*peer)->command);
	free((*peer)->ready);
	free((*peer)->app);
	free((*peer)->kernel);
	free((*peer)->directory);
	free(*peer);
	*peer = NULL;
}
