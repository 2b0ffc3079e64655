/* SPDX-License-Identifier: Apache-2.0 */
/* The root of an application that is measured, as its description says. Internal to app.h. */
#pragma once

#include "base/json.h"
#include "image/image.h"

/* Makes it from these members, of which all but "package" may be absent:
 *   package      what has to be installed, for the hint when something is missing
 *   programs     of this host, by name or path, with their libraries; they keep their places
 *   bench        names of guest/bench, which go to /bench
 *   copies       files and directories of this host, at the same places
 *   users        lines of /etc/passwd; each gets a group of its own
 *   directories  [{"path", "mode": "0755", "owner": 0}]
 *   files        [{"path", "lines": [...], "mode": "0644", "owner": 0}]
 */
int app_tree(const json_t *description, const char *name, struct tree **ret, struct error *err);

/* Adds the words to `ret`. One that begins with '/' and has a '*' is a path of this host, whose
 * version is not known beforehand: the last one that is there. The bare name of a program of
 * `description` at the front becomes its path. */
int app_words(const json_t *description, const char *name, const struct strings *words,
			  struct strings *ret, struct error *err);
