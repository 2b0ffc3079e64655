// SPDX-License-Identifier: Apache-2.0
/* Init's instructions, the format is in guest/protocol.h: records "key\0value\0". */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXTRA_ENV 4

enum kind { ONE, LIST };

static const struct key {
	const char *name;
	enum kind kind;
	size_t offset; /* of a char * or a char ** in struct config */
} keys[] = {
	{"version", ONE, offsetof(struct config, version)},
	{"arg", LIST, offsetof(struct config, arg)},
	{"env", LIST, offsetof(struct config, env)},
	{"uid", ONE, offsetof(struct config, uid_text)},
	{"gid", ONE, offsetof(struct config, gid_text)},
	{"group", LIST, offsetof(struct config, group)},
	{"cwd", ONE, offsetof(struct config, cwd)},
	{"home", ONE, offsetof(struct config, home)},
	{"hostname", ONE, offsetof(struct config, hostname)},
	{"module", LIST, offsetof(struct config, module)},
	{"root", ONE, offsetof(struct config, root)},
	{"fstype", ONE, offsetof(struct config, fstype)},
	{"rootflags", ONE, offsetof(struct config, rootflags)},
	{"mode", ONE, offsetof(struct config, mode)},
	{"rlimit", LIST, offsetof(struct config, rlimit)},
	{"tty", ONE, offsetof(struct config, tty_text)},
	{"stdin", ONE, offsetof(struct config, stdin_text)},
	{"address", ONE, offsetof(struct config, address)},
	{"gateway", ONE, offsetof(struct config, gateway)},
	{"nameserver", LIST, offsetof(struct config, nameserver)},
	{"search", LIST, offsetof(struct config, search)},
	{"host", LIST, offsetof(struct config, host)},
	{"tmpfs", LIST, offsetof(struct config, tmpfs)},
};

/* Steps over the next record; false at the end. */
static bool record_next(char **at, const char *end, char **key, char **value)
{
	if (*at >= end)
		return false;
	*key = *at;
	*at += strlen(*at) + 1;
	*value = *at;
	*at += strlen(*at) + 1;
	return true;
}

static int records_check(const char *bytes, size_t length, size_t *ret_count,
						 struct failure *failure)
{
	size_t texts = 0;
	for (const char *at = bytes; (at = memchr(at, 0, length - (size_t)(at - bytes))); at++)
		texts++;
	if (length == 0 || bytes[length - 1] != 0 || texts % 2 != 0)
		return failure_set(failure, 125, TEXT("init's configuration is cut off"));
	*ret_count = texts / 2;
	return 0;
}

static int value_bad(struct failure *failure, const char *key, const char *value)
{
	return failure_set(failure, 125,
					   TEXT("init's configuration: ", key, " cannot be \"", value, "\""));
}

/* Collects the records of one key; *slots is where lists go, and moves behind them. */
static int key_collect(const struct key *key, char *bytes, const char *end, struct config *ret,
					   char ***slots, struct failure *failure)
{
	char **list = *slots, *name, *value;
	char *one = NULL;
	while (record_next(&bytes, end, &name, &value)) {
		if (strcmp(name, key->name) != 0)
			continue;
		if (key->kind == ONE && one)
			return failure_set(failure, 125, TEXT("init's configuration has two of ", key->name));
		one = value;
		if (key->kind == LIST)
			*(*slots)++ = value;
	}
	if (key->kind == LIST) {
		(*slots)++; /* the NULL behind it: fresh memory is zero */
		memcpy((char *)ret + key->offset, &list, sizeof(list));
	} else {
		memcpy((char *)ret + key->offset, &one, sizeof(one));
	}
	return 0;
}

static int tty_parse(const char *text, struct config *ret)
{
	uint64_t rows, columns;
	if (number_parse(&text, UINT16_MAX, &rows) < 0 || *text++ != ' ' ||
		number_parse(&text, UINT16_MAX, &columns) < 0 || *text++ != ' ' || !*text)
		return -EINVAL;
	ret->tty = true;
	ret->tty_rows = (uint16_t)rows;
	ret->tty_columns = (uint16_t)columns;
	ret->tty_term = (char *)text;
	return 0;
}

static int values_parse(struct config *ret, struct failure *failure)
{
	uint64_t uid = 0, gid = 0;
	const struct {
		const char *key, *text;
		uint64_t max, *value;
	} numbers[] = {
		{"uid", ret->uid_text, UINT32_MAX - 1, &uid},
		{"gid", ret->gid_text, UINT32_MAX - 1, &gid},
	};
	for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
		if (numbers[i].text &&
			number_parse_all(numbers[i].text, numbers[i].max, numbers[i].value) < 0)
			return value_bad(failure, numbers[i].key, numbers[i].text);
	ret->uid = (uint32_t)uid;
	ret->gid = (uint32_t)gid;
	if (ret->tty_text && tty_parse(ret->tty_text, ret) < 0)
		return value_bad(failure, "tty", ret->tty_text);
	if (ret->stdin_text && strcmp(ret->stdin_text, "1") != 0)
		return value_bad(failure, "stdin", ret->stdin_text);
	ret->has_stdin = ret->stdin_text != NULL;
	if (ret->rootflags && strcmp(ret->rootflags, "ro") != 0 && strcmp(ret->rootflags, "rw") != 0)
		return value_bad(failure, "rootflags", ret->rootflags);
	ret->read_only = ret->rootflags && strcmp(ret->rootflags, "ro") == 0;
	if (ret->mode && strcmp(ret->mode, "kernel") != 0)
		return value_bad(failure, "mode", ret->mode);
	if (ret->root && !ret->fstype)
		return failure_set(failure, 125, TEXT("init's configuration has a root but no fstype"));
	if (!ret->arg[0] || !ret->arg[0][0])
		return failure_set(failure, 125, TEXT("there is no command to run"));
	return 0;
}

int config_parse(char *bytes, size_t length, struct config *ret, struct failure *failure)
{
	size_t records = 0;
	if (records_check(bytes, length, &records, failure) < 0)
		return -1;

	const char *end = bytes + length;
	char *at = bytes, *name, *value;
	for (size_t i = 0; record_next(&at, end, &name, &value); i++) {
		size_t known = 0;
		while (known < ARRAY_COUNT(keys) && strcmp(keys[known].name, name) != 0)
			known++;
		if (known == ARRAY_COUNT(keys))
			return failure_set(
				failure, 125,
				TEXT("init does not know \"", name,
					 "\" of its configuration: lupine and init are not of one version"));
		if (i == 0 && (known != 0 || strcmp(value, GUEST_CONFIG_VERSION) != 0))
			return failure_set(failure, 125, TEXT("init's configuration is of another version"));
	}

	size_t slots_size = (records + ARRAY_COUNT(keys) + EXTRA_ENV) * sizeof(char *);
	char **slots =
		mmap(NULL, slots_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slots == MAP_FAILED)
		return failure_set(failure, 125, TEXT("no memory for init's configuration"));
	*ret = (struct config){0};
	for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
		if (key_collect(&keys[i], bytes, end, ret, &slots, failure) < 0)
			return -1;
		if (keys[i].offset == offsetof(struct config, env)) {
			ret->env_count = (size_t)(slots - 1 - ret->env);
			slots += EXTRA_ENV;
		}
	}
	return values_parse(ret, failure);
}

int config_load(const char *path, struct config *ret, struct failure *failure)
{
	struct stat file;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file) < 0)
		return failure_set(failure, 125, TEXT(path, ": ", strerror(errno)));
	char *bytes = "";
	if (file.st_size > 0)
		bytes = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return failure_set(failure, 125, TEXT(path, ": ", strerror(errno)));
	return config_parse(bytes, (size_t)file.st_size, ret, failure);
}

void config_default_env(struct config *config, const char *name, const char *value)
{
	static char texts[EXTRA_ENV][512];
	static size_t used;
	size_t length = strlen(name);
	for (size_t i = 0; i < config->env_count; i++)
		if (strncmp(config->env[i], name, length) == 0 && config->env[i][length] == '=')
			return;
	if (used == EXTRA_ENV)
		return;
	text_join(texts[used], sizeof(texts[used]), TEXT(name, "=", value));
	config->env[config->env_count++] = texts[used++];
}
