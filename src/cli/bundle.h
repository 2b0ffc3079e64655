/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `lupine build` makes: a directory with all that running needs and lupine does not bring.
 *
 *   machine.json   the machine's specification; its paths are names in this directory
 *   config.json    the image's configuration, as an OCI image has it
 *   passwd, group  the image's, so that --user takes names
 *   vmlinux, rootfs.img
 *   contents.json  what it was made from, and the files with their sizes; written last
 */
#pragma once

#include "cli/compose.h"

struct json_t;

/* True when the path is such a directory. */
bool bundle_is_here(const char *path);

/* Reads one. It may come from anyone: its files are only ever opened beneath it. */
int bundle_open(const char *path, struct origin *ret, struct error *err);

/* Fills the directory from a composed machine, whose paths become names in it. The disk is moved
 * when it lies in the directory already, and copied otherwise. */
int bundle_fill(const char *directory, const struct origin *origin, struct machine *machine,
				struct error *err);

/* contents.json, for printing. */
int bundle_contents(const char *path, struct json_t **ret, struct error *err);
