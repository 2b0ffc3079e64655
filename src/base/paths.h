/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where lupine keeps things (XDG base directory specification):
 *   cache  $LUPINE_HOME/cache, else $XDG_CACHE_HOME/lupine, else ~/.cache/lupine
 *   state  $LUPINE_HOME/state, else $XDG_STATE_HOME/lupine, else ~/.local/state/lupine
 * and where its own data (kernel fragments and patches, init) lies: beside the
 * program in a build tree, or in the installed prefix; LUPINE_DATA overrides.
 */
#pragma once

#include "base/error.h"

/* The directory "cache/NAME" or "state/NAME", made if absent. The caller owns the text. */
int path_cache(const char *name, char **ret, struct error *err);
int path_state(const char *name, char **ret, struct error *err);
/* A file or directory of lupine's own data, such as "linux/config" or "guest/init". */
int path_data(const char *name, char **ret, struct error *err);
/* The absolute path of a program on PATH, or NULL. The caller owns it. */
char *path_find_program(const char *name);
