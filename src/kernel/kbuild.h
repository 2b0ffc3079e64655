/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to src/kernel: which objects Kbuild would compile into vmlinux for a configuration,
 * read from the tree's own Makefiles in a few milliseconds. It tells which parts of the source
 * are needed, and how far a build is. (`make -n` knows it exactly, but only after the build's
 * preparation, and takes as long as a tenth of the build.)
 */
#pragma once

#include "base/buf.h"
#include "kernel/config.h"

struct kbuild {
	struct strings objects; /* "net/ipv4/tcp.o", sorted, each once */
};

/* `source_arch` is the name of a directory in arch/ ("x86"), `make_arch` the value of ARCH. */
void kbuild_read(const char *tree, const char *make_arch, const char *source_arch,
				 const struct config *config, struct kbuild *ret);
bool kbuild_has_object(const struct kbuild *kbuild, const char *object);
void kbuild_free(struct kbuild *kbuild);
#define _cleanup_kbuild_ _cleanup_(kbuild_free)
