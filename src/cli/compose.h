/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a reference and the options of the command line to a whole machine: what run and build
 * share.
 */
#pragma once

#include "cli/cli.h"
#include "image/image.h"
#include "machine/machine.h"

#include <stdint.h>

/* The options that say what a machine is. What was not given is NULL, 0 or empty. */
struct specification {
	struct strings env, env_files, publish, ulimits;
	char *user, *working_dir, *entrypoint, *hostname, *stop_signal, *stop_timeout;
	char *kernel, *append, *accel, *vmm, *filesystem;
	uint64_t memory, cpus, disk_size;
	int read_only, kernel_mode; /* OPTION_SWITCH */
};

/* Their rows, for a verb's options `type` that have them as the member `specification`. */
#define SPECIFICATION_OFFSET(type, member)                                                         \
	(offsetof(type, specification) + offsetof(struct specification, member))
#define SPECIFICATION_ROWS(type)                                                                   \
	{"env",                                                                                        \
	 'e',                                                                                          \
	 OPTION_LIST,                                                                                  \
	 "NAME[=VALUE]",                                                                               \
	 "set a variable of the application's; without a value, to the one it has here",               \
	 NULL,                                                                                         \
	 SPECIFICATION_OFFSET(type, env)},                                                             \
		{"env-file",                                                                               \
		 0,                                                                                        \
		 OPTION_LIST,                                                                              \
		 "FILE",                                                                                   \
		 "set variables from a file of NAME=VALUE lines",                                          \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, env_files)},                                                   \
		{"publish",                                                                                \
		 'p',                                                                                      \
		 OPTION_LIST,                                                                              \
		 "[ADDRESS:]HOST:GUEST[/udp]",                                                             \
		 "forward a port of the host to one of the machine",                                       \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, publish)},                                                     \
		{"memory",                                                                                 \
		 'm',                                                                                      \
		 OPTION_SIZE,                                                                              \
		 "SIZE",                                                                                   \
		 "memory of the machine (default 256m)",                                                   \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, memory)},                                                      \
		{"cpus",                                                                                   \
		 'c',                                                                                      \
		 OPTION_NUMBER,                                                                            \
		 "N",                                                                                      \
		 "processors of the machine (default 1)",                                                  \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, cpus)},                                                        \
		{"user",                                                                                   \
		 'u',                                                                                      \
		 OPTION_TEXT,                                                                              \
		 "USER[:GROUP]",                                                                           \
		 "user to run as, by the image's own names or by numbers",                                 \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, user)},                                                        \
		{"workdir",                                                                                \
		 'w',                                                                                      \
		 OPTION_TEXT,                                                                              \
		 "PATH",                                                                                   \
		 "working directory in the machine",                                                       \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, working_dir)},                                                 \
		{"entrypoint",                                                                             \
		 0,                                                                                        \
		 OPTION_TEXT,                                                                              \
		 "PROGRAM",                                                                                \
		 "run this instead of the image's entrypoint and command",                                 \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, entrypoint)},                                                  \
		{"hostname",                                                                               \
		 'h',                                                                                      \
		 OPTION_TEXT,                                                                              \
		 "NAME",                                                                                   \
		 "host name in the machine (default its id; with tcg-icount, \"lupine\")",                 \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, hostname)},                                                    \
		{"read-only",                                                                              \
		 0,                                                                                        \
		 OPTION_SWITCH,                                                                            \
		 NULL,                                                                                     \
		 "mount the root file system read-only; /tmp, /run and the image's volumes are in "        \
		 "memory then",                                                                            \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, read_only)},                                                   \
		{"ulimit",                                                                                 \
		 0,                                                                                        \
		 OPTION_LIST,                                                                              \
		 "NAME=SOFT[:HARD]",                                                                       \
		 "resource limit of the application, such as nofile=1024:4096",                            \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, ulimits)},                                                     \
		{"stop-signal",                                                                            \
		 0,                                                                                        \
		 OPTION_TEXT,                                                                              \
		 "SIGNAL",                                                                                 \
		 "signal that asks the application to end",                                                \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, stop_signal)},                                                 \
		{"stop-timeout",                                                                           \
		 0,                                                                                        \
		 OPTION_TEXT,                                                                              \
		 "SECONDS",                                                                                \
		 "time it has to end before the machine is ended (default 10)",                            \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, stop_timeout)},                                                \
		{"kernel",                                                                                 \
		 0,                                                                                        \
		 OPTION_TEXT,                                                                              \
		 "KERNEL",                                                                                 \
		 "a version such as 6.12, the id of a kernel in the cache, a vmlinux file, or a "          \
		 "Debian kernel package",                                                                  \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, kernel)},                                                      \
		{"kernel-mode",                                                                            \
		 0,                                                                                        \
		 OPTION_SWITCH,                                                                            \
		 NULL,                                                                                     \
		 "run the programs in the kernel's mode of the processor, where system calls need no "     \
		 "change of privilege",                                                                    \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, kernel_mode)},                                                 \
		{"append",                                                                                 \
		 0,                                                                                        \
		 OPTION_TEXT,                                                                              \
		 "TEXT",                                                                                   \
		 "more kernel command line",                                                               \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, append)},                                                      \
		{"accel",                                                                                  \
		 0,                                                                                        \
		 OPTION_CHOICE,                                                                            \
		 NULL,                                                                                     \
		 "the processor: hardware (kvm), emulation (tcg), emulation that counts instructions "     \
		 "(tcg-icount), or what works here (auto)",                                                \
		 "auto|kvm|tcg|tcg-icount",                                                                \
		 SPECIFICATION_OFFSET(type, accel)},                                                       \
		{"vmm",                                                                                    \
		 0,                                                                                        \
		 OPTION_TEXT,                                                                              \
		 "MONITOR",                                                                                \
		 "virtual machine monitor (default qemu)",                                                 \
		 NULL,                                                                                     \
		 SPECIFICATION_OFFSET(type, vmm)},                                                         \
		{"fs",                                                                                     \
		 0,                                                                                        \
		 OPTION_CHOICE,                                                                            \
		 NULL,                                                                                     \
		 "file system of the disk (default ext2); initramfs: no disk, all of it in memory",        \
		 "ext2|ext4|initramfs",                                                                    \
		 SPECIFICATION_OFFSET(type, filesystem)},                                                  \
	{                                                                                              \
		"disk-size", 0, OPTION_SIZE, "SIZE",                                                       \
			"size of the disk (default what the image needs and 1g more, sparse)", NULL,           \
			SPECIFICATION_OFFSET(type, disk_size)                                                  \
	}

/* What a machine is made from: an image, or a directory that `lupine build` made. */
struct origin {
	/* Of a built one, the configuration as it was built, and a tree of passwd and group. */
	struct image *image;
	struct machine *built; /* its specification, paths absolute; NULL for images */
};

int origin_open(const char *reference, struct origin *ret, struct error *err);
void origin_free(struct origin *origin);
#define _cleanup_origin_ _cleanup_(origin_free)

/* Adds to the error of a reference that names nothing what may have been meant, and which forms
 * there are. */
void explain_reference(const char *reference, struct error *err);

/*
 * Works the options and `arguments` (which replace the image's command) into the origin's image
 * configuration and into all of `machine` but its disk. The kernel is built if need be. The
 * command stays empty when neither says one.
 */
int compose_machine(struct origin *origin, const struct specification *specification,
					const struct strings *arguments, struct machine *machine, struct error *err);

/* The origin's disk: a file of the cache or of the built directory that others share, or, for an
 * origin that has neither, one that is written to `own`. */
int compose_disk(const struct origin *origin, const struct specification *specification,
				 const char *own, struct machine_disk *ret, struct error *err);

/* Applies --env-file, then --env, to an environment. */
int compose_environment(const struct strings *files, const struct strings *assignments,
						struct strings *environment, struct error *err);

/* Gives the machine the kernel of that description (see --kernel; NULL: the default one), built now
 * if it has to be. */
int compose_kernel(const char *description, struct machine *machine, struct error *err);
