/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of features becomes a kernel: sources, configuration, build, cache.
 *
 * A kernel's id is the digest of all that goes into it (source package, patches, the
 * requested options, compiler, the way it is built); the same id is never built twice.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define KERNEL_DEFAULT_VERSION "6.12"

struct kernel_request {
	const char *version;      /* "6.12"; NULL: KERNEL_DEFAULT_VERSION */
	const char *architecture; /* "x86_64"; NULL: the host's */
	struct strings features;  /* names of fragments in linux/config/features, beside those that are
								 always in */
	struct strings variants;  /* names of fragments in linux/config/variants: "debug" ... */
	struct strings fragments; /* further fragment files of the user's */
	const char *source; /* a kernel tree or a .tar.xz to use; NULL: Debian's linux-source-VERSION */
	bool verbose;       /* print the build's own output to stderr */
};

struct kernel {
	char *id;      /* 64 hex digits; 12 are enough to name it */
	char *version; /* "6.12" as asked for */
	char *release; /* "6.12.117-lupine", what uname -r says */
	char *architecture;
	struct strings features;
	struct strings variants;
	char *directory;       /* holds all below */
	char *vmlinux;         /* stripped ELF with a PVH entry note, what monitors load */
	char *config;          /* its .config */
	uint64_t vmlinux_size; /* bytes */
	uint64_t options;      /* set to y or to a value other than n, "" and 0 */
	double build_seconds;  /* wall time it took */
	int64_t built;         /* time(2) */
	/* It finds its devices by ACPI only, not by virtio_mmio.device= on the command line and
	 * Intel's multiprocessor table. */
	bool acpi;
	struct strings modules; /* uncompressed .ko files on this host that the guest has to load, in
							   that order, before it sees its devices and file systems */
};

/* The kernel of that description, from the cache or built now. A second build of the same id
 * waits for the first. On failure the build's log is kept and its last lines are in the error. */
int kernel_ensure(const struct kernel_request *request, struct kernel **ret, struct error *err);

/* A cached kernel by id or by a unique prefix of at least 4 digits: -ENOENT, -EEXIST (ambiguous).
 */
int kernel_find(const char *id, struct kernel **ret, struct error *err);

/*
 * A kernel of the user's. A vmlinux (an ELF file) stays where it is; only directory, vmlinux, its
 * size and `acpi` are known. Of a Debian kernel package (linux-image-*.deb) the kernel, its
 * configuration and the modules that a guest needs are unpacked into the cache, once for the same
 * content.
 */
int kernel_from_file(const char *path, struct kernel **ret, struct error *err);

/*
 * A kernel as users name it: a version, which is built if it has to be, an id of the cache, or a
 * file; NULL is the default version. -ENOENT when it is none of them.
 */
int kernel_open(const char *description, struct kernel **ret, struct error *err);

/* All cached kernels, newest first. */
int kernel_list(struct kernel ***ret, size_t *ret_count, struct error *err);
int kernel_remove(const struct kernel *kernel, struct error *err);

void kernel_free(struct kernel **kernel);
#define _cleanup_kernel_ _cleanup_(kernel_free)

/* What is loaded of a kernel, by kind. */
enum kernel_bytes { BYTES_TEXT, BYTES_RODATA, BYTES_DATA, BYTES_BSS, BYTES_KINDS };

struct kernel_part {
	char *name; /* where its source is: "mm", "arch/x86"; see below for the others */
	uint64_t bytes[BYTES_KINDS];
};

struct kernel_parts {
	struct kernel_part *items; /* sorted by name */
	size_t count;
};

struct kernel_sizes {
	uint64_t stripped;   /* bytes of the vmlinux file */
	uint64_t compressed; /* of that, by zstd -19 on one thread */
	uint64_t loaded;     /* pages that its PT_LOAD segments touch, in bytes */
	uint64_t options;    /* 0: not known */
	/*
	 * The loaded bytes by subsystem; their sum is `loaded`. Beside directories of the source there
	 * are "alignment", "kallsyms" (the table of symbols) and "linker-made". Strings that the linker
	 * merged are shared out among those who brought them. Empty when that was not noted at the
	 * build, as for kernels of others.
	 */
	struct kernel_parts parts;
	/* The parts "drivers", "fs" and "net" once more, by the directories in them: "net/ipv4"; "net"
	 * is what lies in no directory below. */
	struct kernel_parts details;
};

/* Takes seconds: it compresses. */
int kernel_measure(const struct kernel *kernel, struct kernel_sizes *ret, struct error *err);
void kernel_sizes_free(struct kernel_sizes *sizes);
#define _cleanup_kernel_sizes_ _cleanup_(kernel_sizes_free)

/* For `--format json` and kernel.json. The caller owns it. */
struct json_t *kernel_to_json(const struct kernel *kernel);

/* What building needs and this machine lacks, as Debian package names; empty when all is there. */
void kernel_missing_packages(const char *version, struct strings *ret);
