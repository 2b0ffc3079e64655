// SPDX-License-Identifier: Apache-2.0
#include "kernel/modules.h"

#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <string.h>

enum { DEPENDENCIES_MAX = 64 };

static const struct {
	const char *option;
	const char *module; /* NULL: it must be built in */
	bool needed;
} features[] = {
	/* To get as far as init, and hear of it. */
	{"BLK_DEV_INITRD", NULL, true},
	{"BINFMT_ELF", NULL, true},
	{"DEVTMPFS", NULL, true},
	{"SERIAL_8250_CONSOLE", NULL, true},
	{"VIRTIO_MMIO", "virtio_mmio", true},
	{"VIRTIO_CONSOLE", "virtio_console", true},
	{"HW_RANDOM_VIRTIO", "virtio_rng", false},
	{"VIRTIO_BLK", "virtio_blk", true},
	/* ext4 asks for it by its algorithm, not as a module that it depends on. */
	{"CRYPTO_CRC32C", "crc32c_generic", false},
	{"EXT4_FS", "ext4", false},
	{"EXT2_FS", "ext2", false},
	{"VIRTIO_NET", "virtio_net", false},
	{"UNIX", "unix", false},
	/* For DHCP. */
	{"PACKET", "af_packet", false},
};

char *module_name(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *name = xstrdup(slash ? slash + 1 : file);

	name[strcspn(name, ".")] = '\0';
	for (char *byte = name; *byte; byte++)
		if (*byte == '-')
			*byte = '_';
	return name;
}

int modules_needed(const struct config *config, struct strings *ret, struct error *err)
{
	_cleanup_buf_ struct buf missing = {0};

	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const char *value = config_value(config, features[i].option);
		if (strcmp(value, "m") == 0 && features[i].module)
			strings_add(ret, features[i].module);
		else if (strcmp(value, "y") != 0 && features[i].needed)
			buf_printf(&missing, "%sCONFIG_%s", missing.length ? ", " : "", features[i].option);
	}
	if (!missing.length)
		return 0;
	return error_set(err, ENOTSUP, "its configuration lacks %s, without which no guest starts",
					 missing.data);
}

static void cleanup_elf(Elf **elf)
{
	elf_end(*elf);
}

/* The section's data, or NULL. */
static Elf_Data *find_section(Elf *elf, const char *wanted)
{
	size_t names = 0;

	if (elf_getshdrstrndx(elf, &names) < 0)
		return NULL;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(elf, section));) {
		GElf_Shdr header;
		const char *name =
			gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
		if (name && strcmp(name, wanted) == 0)
			return elf_rawdata(section, NULL);
	}
	return NULL;
}

/* "a,b,c"; anything else than names is an error. */
static int split_names(const char *list, struct strings *ret, struct error *err)
{
	while (*list) {
		size_t length = strcspn(list, ",");
		_cleanup_free_ char *name = xstrndup(list, length);
		if (ret->count == DEPENDENCIES_MAX)
			return error_set(err, EBADMSG, "it depends on more than %d modules", DEPENDENCIES_MAX);
		if (!length || strpbrk(name, "/."))
			return error_set(err, EBADMSG, "it depends on something that is not a module's name");
		strings_take(ret, module_name(name));
		list += length + (list[length] == ',');
	}
	return 0;
}

int module_dependencies(const struct buf *module, struct strings *ret, struct error *err)
{
	static const char key[] = "depends=";

	elf_version(EV_CURRENT);
	_cleanup_(cleanup_elf) Elf *elf =
		module->length ? elf_memory(module->data, module->length) : NULL;
	Elf_Data *info = elf && elf_kind(elf) == ELF_K_ELF ? find_section(elf, ".modinfo") : NULL;
	if (!info || !info->d_buf || !info->d_size)
		return error_set(err, EBADMSG, "it is not a kernel module");
	/* Texts that end with NUL, one behind the other. */
	_cleanup_free_ char *texts = xmalloc(info->d_size + 1);
	memcpy(texts, info->d_buf, info->d_size);
	texts[info->d_size] = '\0';
	for (size_t at = 0; at < info->d_size; at += strlen(texts + at) + 1)
		if (starts_with(texts + at, key) && split_names(texts + at + strlen(key), ret, err) < 0)
			return -err->code;
	return 0;
}
