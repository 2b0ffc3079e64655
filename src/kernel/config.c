// SPDX-License-Identifier: Apache-2.0
#include "kernel/config.h"
#include "base/buf.h"
#include "base/files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG_SIZE_LIMIT = 4 << 20 };

/* The second line of every .config that the kernel's tools write (scripts/kconfig/confdata.c). */
#define WHOLE_MARK "# Automatically generated file; DO NOT EDIT."

static int compare_names(const void *left, const void *right)
{
	const struct config_option *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/* By name; among equal names in the order of reading. */
static int compare_options(const void *left, const void *right)
{
	const struct config_option *a = left, *b = right;
	int names = compare_names(a, b);

	return names ? names : (a->order > b->order) - (a->order < b->order);
}

static void free_option(struct config_option *option)
{
	free(option->name);
	free(option->value);
	free(option->origin);
}

/* The length of an option's name, 0 when there is none. */
static size_t name_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || text[length] == '_')
		length++;
	return length;
}

/* Reads "CONFIG_X=value" or "# CONFIG_X is not set". Returns 1, 0 for a comment or an empty
 * line, -EINVAL for anything else. */
static int parse_line(const char *line, struct config_option *ret)
{
	static const char prefix[] = "CONFIG_", unset[] = " is not set";
	bool comment = *line == '#';

	if (comment)
		line += 1 + strspn(line + 1, " \t");
	if (!starts_with(line, prefix))
		return comment || line[strspn(line, " \t\r")] == '\0' ? 0 : -EINVAL;
	const char *name = line + strlen(prefix);
	size_t length = name_length(name);
	const char *rest = name + length;
	if (comment && !starts_with(rest, unset))
		return 0; /* a sentence that happens to begin with an option's name */
	if (length == 0 || (!comment && (*rest != '=' || rest[1] == '\0')))
		return -EINVAL;
	ret->name = xstrndup(name, length);
	ret->value = xstrdup(comment ? "n" : rest + 1);
	return 1;
}

/* Takes what the option holds. */
static void append(struct config *config, struct config_option option)
{
	option.order = config->next++;
	config->options = xrealloc(config->options, config->count + 1, sizeof(option));
	config->options[config->count++] = option;
}

/* Reads all lines of a file into a list in the order of the file. */
static int parse_text(char *text, const char *label, struct config *list, bool *ret_whole,
					  struct error *err)
{
	unsigned number = 0;

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		for (size_t end = strlen(line); end && isspace((unsigned char)line[end - 1]);)
			line[--end] = '\0';
		number++;
		if (number <= 2 && strcmp(line, WHOLE_MARK) == 0)
			*ret_whole = true;
		struct config_option option = {0};
		int found = parse_line(line, &option);
		if (found < 0) {
			error_set(err, EINVAL, "%s:%u: \"%s\" is not a kernel option", label, number, line);
			return error_hint(err, "a line is CONFIG_NAME=y, CONFIG_NAME=VALUE, \"# CONFIG_NAME is "
								   "not set\" or another comment");
		}
		if (found == 0)
			continue;
		option.origin = xasprintf("%s:%u", label, number);
		append(list, option);
	}
	return 0;
}

/* Sorts by name; of several with one name the last stays. */
static void settle(struct config *config)
{
	struct config_option *options = config->options;
	size_t kept = 0;

	if (config->count)
		qsort(options, config->count, sizeof(*options), compare_options);
	for (size_t i = 0; i < config->count; i++) {
		if (i + 1 < config->count && strcmp(options[i].name, options[i + 1].name) == 0)
			free_option(&options[i]);
		else
			options[kept++] = options[i];
	}
	config->count = kept;
}

int config_read(struct config *config, const char *path, const char *label, bool *ret_whole,
				struct error *err)
{
	_cleanup_buf_ struct buf text = {0};
	bool whole = false;

	if (file_read(AT_FDCWD, path, CONFIG_SIZE_LIMIT, &text, err) < 0)
		return -err->code;
	int error = text.length ? parse_text(text.data, label, config, &whole, err) : 0;
	settle(config);
	if (error == 0 && ret_whole)
		*ret_whole = whole;
	return error;
}

void config_merge(struct config *config, const struct config *more)
{
	for (size_t i = 0; i < more->count; i++) {
		const struct config_option *option = &more->options[i];
		append(config, (struct config_option){.name = xstrdup(option->name),
											  .value = xstrdup(option->value),
											  .origin = xstrdup(option->origin)});
	}
	settle(config);
}

const struct config_option *config_find(const struct config *config, const char *name)
{
	struct config_option key = {.name = (char *)name};

	return config->count ? bsearch(&key, config->options, config->count, sizeof(key), compare_names)
						 : NULL;
}

const char *config_value(const struct config *config, const char *name)
{
	const struct config_option *option = config_find(config, name);

	return option ? option->value : "n";
}

char *config_text(const struct config *config)
{
	struct buf text = {0};

	for (size_t i = 0; i < config->count; i++) {
		const struct config_option *option = &config->options[i];
		if (strcmp(option->value, "n") == 0)
			buf_printf(&text, "# CONFIG_%s is not set\n", option->name);
		else
			buf_printf(&text, "CONFIG_%s=%s\n", option->name, option->value);
	}
	return buf_steal(&text);
}

uint64_t config_count(const struct config *config)
{
	static const char *const nothing[] = {"n", "\"\"", "0", "0x0"};
	uint64_t set = 0;

	for (size_t i = 0; i < config->count; i++) {
		bool counts = true;
		for (size_t j = 0; j < ARRAY_SIZE(nothing); j++)
			counts = counts && strcmp(config->options[i].value, nothing[j]) != 0;
		set += counts;
	}
	return set;
}

static bool is_set(const struct config *config, const char *name)
{
	return strcmp(config_value(config, name), "y") == 0;
}

bool config_needs_acpi(const struct config *config)
{
	/* As a module virtio_mmio takes no notice of the kernel's command line in time. */
	return is_set(config, "ACPI") &&
		   !(is_set(config, "VIRTIO_MMIO") && is_set(config, "VIRTIO_MMIO_CMDLINE_DEVICES") &&
			 is_set(config, "X86_MPPARSE"));
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		free_option(&config->options[i]);
	free(config->options);
	*config = (struct config){0};
}
