// SPDX-License-Identifier: Apache-2.0
#include "image/directory.h"

#include <string.h>

/* How many new entries gather before they are merged: few enough to move quickly, and enough
 * that merging a directory of a million is seldom. */
enum { UNSORTED_LIMIT = 1024 };

/* Compares as unsigned bytes; `name` need not end in NUL. */
static int compare(const struct entry *entry, const char *name, size_t length)
{
	int order = strncmp(entry->name, name, length);

	return order ? order : entry->name[length] != '\0';
}

/* The first of the sorted `entries` that is not before `name`; `*found` when it is that one. */
static size_t lower_bound(const struct entry *entries, size_t count, const char *name,
						  size_t length, bool *found)
{
	size_t low = 0, high = count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(&entries[middle], name, length);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct entry *directory_slot(const struct inode *directory, const char *name, size_t length)
{
	bool found;
	size_t at = lower_bound(directory->entries, directory->entry_count, name, length, &found);

	if (found)
		return &directory->entries[at];
	if (!directory->unsorted)
		return NULL;
	struct entry *unsorted = directory->entries + directory->entry_count;
	at = lower_bound(unsorted, directory->unsorted, name, length, &found);
	return found ? &unsorted[at] : NULL;
}

struct entry *directory_find(const struct inode *directory, const char *name, size_t length)
{
	struct entry *entry = directory_slot(directory, name, length);

	return entry && entry->inode ? entry : NULL;
}

/* Drops the vacancies among `count` entries; returns how many are left. */
static size_t drop_vacancies(struct entry *entries, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (entries[i].inode)
			entries[kept++] = entries[i];
		else
			free(entries[i].name);
	}
	return kept;
}

void directory_settle(struct inode *directory)
{
	struct entry *entries = directory->entries;

	if (!entries)
		return;
	size_t sorted = drop_vacancies(entries, directory->entry_count);
	size_t added = drop_vacancies(entries + directory->entry_count, directory->unsorted);
	_cleanup_free_ struct entry *more = NULL;

	if (added) {
		more = xcalloc(added, sizeof(*more));
		memcpy(more, entries + directory->entry_count, added * sizeof(*more));
	}
	directory->entry_count = sorted + added;
	directory->unsorted = 0;
	/* From the back, so that nothing is overwritten before it has moved; by halving, because
	 * looking at each name that is there would cost far more than moving it. */
	for (bool found; added; added--) {
		const struct entry *last = &more[added - 1];
		size_t at = lower_bound(entries, sorted, last->name, strlen(last->name), &found);
		memmove(&entries[at + added], &entries[at], (sorted - at) * sizeof(*entries));
		entries[at + added - 1] = *last;
		sorted = at;
	}
}

void directory_add(struct inode *directory, struct entry entry, bool in_layers)
{
	size_t count = directory->entry_count + directory->unsorted;
	bool found;

	if (count == directory->entry_capacity) {
		directory->entry_capacity = count ? count * 2 : 4;
		directory->entries =
			xrealloc(directory->entries, directory->entry_capacity, sizeof(*directory->entries));
	}
	/* Sorted input, which most is, is just appended. */
	if (!directory->unsorted &&
		(!count || strcmp(directory->entries[count - 1].name, entry.name) < 0)) {
		directory->entries[directory->entry_count++] = entry;
		return;
	}
	struct entry *unsorted = directory->entries + directory->entry_count;
	size_t at = lower_bound(unsorted, directory->unsorted, entry.name, strlen(entry.name), &found);
	memmove(&unsorted[at + 1], &unsorted[at], (directory->unsorted - at) * sizeof(*unsorted));
	unsorted[at] = entry;
	directory->unsorted++;
	if (!in_layers || directory->unsorted == UNSORTED_LIMIT)
		directory_settle(directory);
}
