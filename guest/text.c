// SPDX-License-Identifier: Apache-2.0
/* Texts, numbers and addresses, without stdio: printf alone would double init's size. */
#include "guest/init.h"

#include <errno.h>
#include <string.h>

size_t text_join(char *to, size_t size, const char *const *parts)
{
	size_t length = 0;
	for (; *parts; parts++) {
		size_t part = strlen(*parts);
		if (part > size - 1 - length)
			part = size - 1 - length;
		memcpy(to + length, *parts, part);
		length += part;
	}
	to[length] = 0;
	return length;
}

void text_append(char *to, size_t size, const char *const *parts)
{
	size_t used = strlen(to);
	text_join(to + used, size - used, parts);
}

const char *number_format(char to[NUMBER_SIZE], uint64_t value, unsigned base, unsigned digits)
{
	char reversed[NUMBER_SIZE];
	unsigned count = 0;
	do {
		reversed[count++] = (char)('0' + value % base);
		value /= base;
	} while (value || count < digits);
	for (unsigned i = 0; i < count; i++)
		to[i] = reversed[count - 1 - i];
	to[count] = 0;
	return to;
}

int number_parse(const char **text, uint64_t max, uint64_t *ret)
{
	const char *at = *text;
	uint64_t value = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		unsigned digit = (unsigned)(*at - '0');
		if (value > (max - digit) / 10)
			return -EINVAL;
		value = value * 10 + digit;
	}
	if (at == *text)
		return -EINVAL;
	*text = at;
	*ret = value;
	return 0;
}

int number_parse_all(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	if (number_parse(&text, max, &value) < 0 || *text)
		return -EINVAL;
	*ret = value;
	return 0;
}

const char *ipv4_format(char to[16], uint32_t address)
{
	uint8_t bytes[4];
	memcpy(bytes, &address, 4);
	text_join(to, 16,
			  TEXT(NUMBER(bytes[0]), ".", NUMBER(bytes[1]), ".", NUMBER(bytes[2]), ".",
				   NUMBER(bytes[3])));
	return to;
}

int ipv4_parse(const char **text, uint32_t *ret)
{
	uint8_t bytes[4];
	for (int i = 0; i < 4; i++) {
		uint64_t value;
		if ((i > 0 && *(*text)++ != '.') || number_parse(text, 255, &value) < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)value;
	}
	memcpy(ret, bytes, 4);
	return 0;
}
