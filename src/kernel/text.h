/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: taking texts apart. */
#pragma once

#include "base/buf.h"

/* The text without the white space around it, cut in place. */
char *text_trim(char *text);
/* Adds the words of a text, which white space parts. */
void text_words(const char *text, struct strings *ret);
