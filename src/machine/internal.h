/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this stage share. */
#pragma once

#include "machine/machine.h"

#define MACHINE_ID_LENGTH 12
#define MACHINE_NAME_MAX 128
#define MACHINE_JSON_LIMIT ((size_t)16 * 1024 * 1024)

bool machine_id_is_valid(const char *id);
bool machine_name_is_valid(const char *name);
bool machine_limit_is_known(const char *name);

/* The directory that holds all machines. The caller owns it. */
int machine_directory(char **ret, struct error *err);
/* The ids of all directories there that look like machines', whole or not. */
int machine_ids(const char *directory, struct strings *ret, struct error *err);
/* The name that a machine's directory claims, or NULL. The caller owns it. */
char *machine_claimed_name(const char *directory, const char *id);
/* Adds the content of GUEST_CONFIG_PATH (guest/protocol.h). */
void machine_guest_config(const struct machine *machine, struct buf *ret);
/* Removes what a killed machine_remove_directory() left. */
void machine_sweep_removed(const char *directory);
/*
 * Makes or replaces a file of a machine in one step. Only a `durable` one is waited for until it
 * has reached the disk, which takes a busy disk a fifth of a second: what a crash of the host
 * makes worthless need not survive it.
 */
int machine_write_file(const char *directory, const char *name, const char *text, bool durable,
					   struct error *err);
/* Reads machine.json. -ENOENT while it is not written. */
int machine_load(const char *directory, const char *id, struct machine **ret, struct error *err);
/* Like machine_lock(), for a directory. */
int machine_lock_directory(const char *directory, struct error *err);
/* Takes the locked directory away: its name first, at once, then its files. */
int machine_remove_directory(const char *directory, const char *id, struct error *err);
