/* SPDX-License-Identifier: Apache-2.0 */
/* What is compared: our kernel, baselines from any kernel, and foreign unikernels. */
#pragma once

#include "base/buf.h"
#include "kernel/kernel.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A bootable image of somebody else's, `--peer NAME=DESCRIPTION.json`:
 *   { "command": ["qemu-system-x86_64", ..., "-m", "{memory}M", ... "{port}"],
 *     "ready": "a line of its console that says that it is up (a substring)",
 *     "app": "hello" | "redis" | "nginx" | "memcached",    what it is compared with
 *     "port": 6379,                                        in the guest, if it serves
 *     "files": {"kernel": "PATH"...} }                     for bench size, optional
 * {memory} (MiB), {port} (a free port of this host) and {directory} (the description's own) are
 * replaced in each word.
 */
struct peer {
	struct strings command;
	char *ready, *app;
	uint16_t port; /* 0: none */
	char *kernel;  /* path of the image for `bench size`, or NULL */
	char *directory;
};

struct bench_system {
	char *name;            /* "lupine", "microvm", "debian-cloud", ... */
	struct kernel *kernel; /* NULL for a peer */
	char *append;          /* more kernel command line, or NULL */
	struct peer *peer;     /* NULL for a kernel */
};

/*
 * "NAME=WHAT[,append=TEXT]", where WHAT is a whole kernel configuration (*.config: built from the
 * source that `ours` is built from, by the same tool) or a fragment that is added to that of our
 * kernel, a Debian kernel package (*.deb), a vmlinux, an id of the cache, or the word `lupine` (our
 * kernel, for the sake of its `append`). Builds what has to be built.
 */
int bench_system_baseline(const char *text, const struct bench_system *ours,
						  struct bench_system *ret, struct error *err);
/* "NAME=FILE.json" */
int bench_system_peer(const char *text, struct bench_system *ret, struct error *err);
/* Our own; `kernel` as `lupine run --kernel` takes it, NULL for the default. */
int bench_system_lupine(const char *kernel, struct bench_system *ret, struct error *err);
/* Our kernel with a fragment, such as "CONFIG_SMP=n\n", as a system of that name. */
int bench_system_variant(const char *name, const char *fragment, const struct bench_system *ours,
						 struct bench_system *ret, struct error *err);
/* Splits "NAME=WHAT" of the option; NAME is letters, digits, '-', '_' and '.', and not `lupine`.
 * The caller owns *ret_name; *ret_what is borrowed from `text`. */
int bench_system_name(const char *option, const char *text, char **ret_name, const char **ret_what,
					  struct error *err);
void bench_system_free(struct bench_system *system);
void peer_free(struct peer **peer);
