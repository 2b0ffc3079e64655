// SPDX-License-Identifier: Apache-2.0
#include "kernel/linker_map.h"
#include "base/buf.h"
#include "base/files.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { MAP_SIZE_LIMIT = 512 << 20 };

/* Behind it are the sections; before it those that were left out, in the same form. */
#define MAP_START "Linker script and memory map"

struct parser {
	struct linker_map *map;
	bool started;
	char *output; /* the section that is being listed */
	char *input;  /* whose address and size are on the next line, or NULL */
};

/* Takes "0x1234" and the white space before it off the text. */
static bool take_number(const char **text, uint64_t *ret)
{
	const char *start = *text + strspn(*text, " \t");
	char *end;

	if (start[0] != '0' || start[1] != 'x' || !isxdigit((unsigned char)start[2]))
		return false;
	*ret = strtoull(start, &end, 16);
	*text = end;
	return true;
}

static void add_piece(struct parser *parser, const char *input, uint64_t address, uint64_t size,
					  const char *object)
{
	struct linker_map *map = parser->map;

	if (map->count == map->capacity) {
		map->capacity = map->capacity ? map->capacity * 2 : 1024;
		map->pieces = xrealloc(map->pieces, map->capacity, sizeof(*map->pieces));
	}
	map->pieces[map->count++] = (struct map_piece){
		.address = address,
		.size = size,
		.output = xstrdup(parser->output),
		.input = xstrdup(input),
		.object = xstrdup(*input ? object : ""),
	};
}

/* What a script writes by itself ("ld: Data" in its manual). */
static bool is_statement(const char *text)
{
	static const char *const names[] = {"BYTE ", "SHORT ", "LONG ", "QUAD ", "SQUAD "};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (starts_with(text, names[i]))
			return true;
	return false;
}

/* " 0xADDRESS 0xSIZE OBJECT", or without an `input` a statement; false when it is something else,
 * such as a symbol, or the place of an output section ("load address"). */
static bool parse_place(struct parser *parser, const char *input, const char *text)
{
	uint64_t address, size;

	if (!take_number(&text, &address) || !take_number(&text, &size))
		return false;
	text += strspn(text, " \t");
	if (!*input && !is_statement(text))
		return false;
	if (size && *text)
		add_piece(parser, input, address, size, text);
	return true;
}

static void set(char **text, char *value)
{
	free(*text);
	*text = value;
}

static void parse_line(struct parser *parser, const char *line)
{
	if (!parser->started) {
		parser->started = strcmp(line, MAP_START) == 0;
		return;
	}
	/* A name that is too long for its column has the rest on a line of its own. */
	_cleanup_free_ char *pending = steal(&parser->input);
	size_t name = strcspn(line, " \t");
	if (name) {
		set(&parser->output, xstrndup(line, name));
		return;
	}
	if (parser->output && parse_place(parser, pending ? pending : "", line))
		return;
	if (line[0] != ' ' || !line[1] || line[1] == ' ' || !parser->output)
		return;
	name = strcspn(line + 1, " \t");
	_cleanup_free_ char *input = xstrndup(line + 1, name);
	if (line[1 + name + strspn(line + 1 + name, " \t")])
		parse_place(parser, input, line + 1 + name);
	else
		parser->input = steal(&input);
}

void linker_map_parse(const char *text, size_t length, struct linker_map *ret)
{
	struct parser parser = {.map = ret};
	const char *end = text + length;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		_cleanup_free_ char *line = xstrndup(text, (size_t)((newline ? newline : end) - text));
		parse_line(&parser, line);
		text = newline ? newline + 1 : end;
	}
	free(parser.output);
	free(parser.input);
}

int linker_map_read(const char *path, struct linker_map *ret, struct error *err)
{
	_cleanup_buf_ struct buf text = {0};

	if (file_read(AT_FDCWD, path, MAP_SIZE_LIMIT, &text, err) < 0)
		return -err->code;
	linker_map_parse(text.data, text.length, ret);
	return 0;
}

void linker_map_free(struct linker_map *map)
{
	for (size_t i = 0; i < map->count; i++) {
		free(map->pieces[i].output);
		free(map->pieces[i].input);
		free(map->pieces[i].object);
	}
	free(map->pieces);
	*map = (struct linker_map){0};
}
