/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of progress on stderr, for work longer than a second.
 *
 * Silent unless main turned it on (stderr is a terminal and nothing asked for
 * quiet), so that stages may call it freely.
 */
#pragma once

#include <stdbool.h>

void progress_enable(bool on);
/* Replaces the line. Redrawn at most every 50 ms, except for the first text. */
__attribute__((format(printf, 1, 2))) void progress(const char *format, ...);
/* Clears the line, before something else is printed. */
void progress_clear(void);
