/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of one directory of a tree.
 *
 * `entries` is sorted. While layers are put, which may come in any order and by the million,
 * keeping it so would move half of a directory for each entry. So then
 *   - new entries gather in a small sorted run behind it: `unsorted` entries from entry_count on;
 *   - an entry that goes stays as a vacancy, with its name and no inode;
 * and directory_settle() merges the two and drops the vacancies.
 */
#pragma once

#include "image/tree.h"

/* The place of that name, which may be a vacancy (no inode), or NULL. */
struct entry *directory_slot(const struct inode *directory, const char *name, size_t length);

/* Adds an entry that has no place yet, settling the directory now and then; always unless
 * `in_layers`. The caller has counted the link. */
void directory_add(struct inode *directory, struct entry entry, bool in_layers);

/* Makes `entries` sorted and whole. */
void directory_settle(struct inode *directory);
