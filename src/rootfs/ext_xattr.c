// SPDX-License-Identifier: Apache-2.0
/*
 * Extended attributes as they lie on the disk: behind the inode's fields where they fit, else in a
 * block of their own.
 * https://www.kernel.org/doc/html/latest/filesystems/ext4/attributes.html
 */
#include "rootfs/ext.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

/* Attributes that Linux keeps in these file systems, by what their names begin with (fs/ext4/
 * xattr.h). Those of other systems ("com.apple.") cannot be set on any Linux, and are left out. */
static const struct prefix {
	const char *text;
	uint8_t index;
	bool whole; /* the whole name: an access control list */
} prefixes[] = {
	{.text = "user.", .index = 1},
	{.text = "system.posix_acl_access", .index = 2, .whole = true},
	{.text = "system.posix_acl_default", .index = 3, .whole = true},
	{.text = "trusted.", .index = 4},
	{.text = "security.", .index = 6},
};

static const struct prefix *find_prefix(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		const struct prefix *prefix = &prefixes[i];
		const char *rest = starts_with(name, prefix->text) ? name + strlen(prefix->text) : NULL;
		if (rest && prefix->whole == (*rest == '\0'))
			return prefix;
	}
	return NULL;
}

/*
 * An access control list as the system call gives it (linux/posix_acl_xattr.h: a version, then
 * tag, permissions and id of each entry) in the form of the disk (fs/ext4/acl.h), which leaves
 * out the id where there is none. The new form is never longer.
 */
static int convert_acl(const uint8_t *value, size_t length, uint8_t *to, size_t *ret_length)
{
	enum { HEADER = 4, ENTRY = 8, SHORT_ENTRY = 4 };
	enum { USER = 2, GROUP = 8, LAST_TAG = 0x20 };
	uint32_t version;

	if (length < HEADER || (length - HEADER) % ENTRY)
		return -EINVAL;
	memcpy(&version, value, sizeof(version));
	if (le32toh(version) != 2)
		return -EINVAL;
	version = htole32(1);
	memcpy(to, &version, sizeof(version));
	*ret_length = HEADER;
	for (size_t at = HEADER; at < length; at += ENTRY) {
		unsigned tag = value[at] | (unsigned)value[at + 1] << 8;
		if (!tag || (tag & (tag - 1)) || tag > LAST_TAG)
			return -EINVAL;
		size_t kept = tag == USER || tag == GROUP ? ENTRY : SHORT_ENTRY;
		memcpy(to + *ret_length, value + at, kept);
		*ret_length += kept;
	}
	return 0;
}

/* Memory that entries fill from its front and values from its end; zeros end the entries. */
struct area {
	uint8_t *base; /* what offsets of values count from */
	size_t entries, values;
};

static size_t round_up(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

static bool put(struct area *area, uint8_t index, const char *name, const void *value,
				size_t length)
{
	struct ext2_ext_attr_entry *entry = (void *)(area->base + area->entries);
	size_t name_length = strlen(name);
	size_t head = round_up(sizeof(*entry) + name_length), tail = round_up(length);

	if (name_length > UINT8_MAX || length > EXT_BLOCK ||
		area->entries + head + sizeof(uint32_t) + tail > area->values)
		return false;
	area->entries += head;
	area->values -= tail;
	if (length)
		memcpy(area->base + area->values, value, length);
	*entry = (struct ext2_ext_attr_entry){
		.e_name_len = (uint8_t)name_length,
		.e_name_index = index,
		.e_value_offs = htole16(length ? (uint16_t)area->values : 0),
		.e_value_size = htole32((uint32_t)length),
	};
	memcpy(EXT2_EXT_ATTR_NAME(entry), name, name_length);
	entry->e_hash = htole32(ext2fs_ext_attr_hash_entry(entry, area->base + area->values));
	return true;
}

/* One that can be stored. */
struct attribute {
	uint8_t index;
	const char *name; /* without the prefix */
	const void *value;
	size_t length;
};

/* The kernel's search of a block relies on this order (fs/ext4/xattr.c, xattr_find_entry). */
static int compare(const void *left, const void *right)
{
	const struct attribute *a = left, *b = right;
	size_t a_length = strlen(a->name), b_length = strlen(b->name);

	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* The two lists that an inode can have, in the form of the disk. */
struct acls {
	uint8_t access[EXT_BLOCK], inherited[EXT_BLOCK];
};

static int select_attribute(const struct xattr *xattr, struct acls *acls, struct attribute *ret,
							bool *ret_selected, struct error *err)
{
	const struct prefix *prefix = find_prefix(xattr->name);

	if (!prefix)
		return 0;
	*ret = (struct attribute){.index = prefix->index,
							  .name = xattr->name + strlen(prefix->text),
							  .value = xattr->value,
							  .length = xattr->length};
	if (prefix->whole && xattr->length <= EXT_BLOCK) {
		uint8_t *value = prefix->index == 2 ? acls->access : acls->inherited;
		if (convert_acl(xattr->value, xattr->length, value, &ret->length) < 0)
			return error_set(err, EINVAL, "%s is no access control list", xattr->name);
		ret->value = value;
	}
	*ret_selected = true;
	return 0;
}

int xattrs_layout(const struct ext_format *format, const struct inode *inode,
				  struct xattr_areas *ret, struct error *err)
{
	static const uint32_t magic = EXT2_EXT_ATTR_MAGIC;
	struct ext2_ext_attr_header *header = (void *)ret->block;
	_cleanup_free_ struct attribute *attributes = xcalloc(inode->xattr_count, sizeof(*attributes));
	struct acls acls;
	size_t count = 0;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < inode->xattr_count; i++) {
		bool selected = false;
		if (select_attribute(&inode->xattrs[i], &acls, &attributes[count], &selected, err) < 0)
			return -err->code;
		count += selected;
	}
	qsort(attributes, count, sizeof(*attributes), compare);

	struct area in_inode = {.base = ret->inode + sizeof(magic),
							.values = sizeof(ret->inode) - sizeof(magic)};
	struct area in_block = {.base = ret->block, .entries = sizeof(*header), .values = EXT_BLOCK};
	for (size_t i = 0; i < count; i++) {
		const struct attribute *one = &attributes[i];
		if (format->inode_xattrs && put(&in_inode, one->index, one->name, one->value, one->length))
			ret->in_inode = true;
		else if (put(&in_block, one->index, one->name, one->value, one->length))
			ret->in_block = true;
		else
			return error_set(
				err, E2BIG,
				"its extended attributes take more than the %d bytes that %s has for them",
				EXT_BLOCK, format->name);
	}
	if (ret->in_inode)
		memcpy(ret->inode, &magic, sizeof(magic));
	if (ret->in_block) {
		*header = (struct ext2_ext_attr_header){
			.h_magic = htole32(magic), .h_refcount = htole32(1), .h_blocks = htole32(1)};
		ext2fs_ext_attr_block_rehash(header, (void *)(ret->block + EXT_BLOCK));
	}
	return 0;
}
