// SPDX-License-Identifier: Apache-2.0
#include "kernel/text.h"

#include <ctype.h>
#include <string.h>

char *text_trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	for (size_t end = strlen(text); end && isspace((unsigned char)text[end - 1]);)
		text[--end] = '\0';
	return text;
}

void text_words(const char *text, struct strings *ret)
{
	while (*(text += strspn(text, " \t\r\n"))) {
		size_t length = strcspn(text, " \t\r\n");
		strings_take(ret, xstrndup(text, length));
		text += length;
	}
}
