/* SPDX-License-Identifier: Apache-2.0 */
/* Opening foreign paths without ever leaving a directory. */
#pragma once

#include "base/error.h"

/*
 * Opens `path`, relative, beneath `directory` with no symbolic link in any component and no "..".
 * `flags` as for open(2). Returns the descriptor or a negative errno (ELOOP: a symbolic link).
 */
int open_beneath(int directory, const char *path, int flags);
