/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stage: a machine runs under a monitor, and its application's streams,
 * signals and exit status are the user's.
 */
#pragma once

#include "base/error.h"
#include "machine/machine.h"

/* What the processor is: hardware, or emulation; see docs for the probe. */
struct accel {
	const char *name; /* "kvm", "tcg", "tcg-icount" */
	char reason[160]; /* why, one line for people: "/dev/kvm is emulated (93 times slower ...)" */
};

/*
 * Turns "auto", "kvm", "tcg" or "tcg-icount" into what to use. "auto" takes KVM only when a
 * short timed probe of real guest code shows hardware speed; the answer is cached until the host
 * reboots. "kvm" that cannot work is an error with the reason.
 */
int accel_choose(const char *wanted, struct accel *ret, struct error *err);
/* The probe itself, never cached; for doctor. Returns 0 when KVM truly runs guests. */
int accel_probe_kvm(char reason[160]);

/* What a monitor's process inherits. It has no other way to a file: it may not be us. */
struct vmm_descriptors {
	int control;           /* a connected socket that speaks guest/protocol.h */
	int console;           /* a connected socket that takes what the serial console prints */
	int kernel, initramfs; /* readable by the monitor's user through /proc/self/fd */
	int disk;              /* read-only unless the guest may change the file; -1: no disk */
};

/* One monitor. */
struct vmm {
	const char *name; /* "qemu" */
	const char *help;
	/* NULL when it can be used here, else what is missing, for doctor. */
	const char *(*missing)(void);
	/* Its version, one line. */
	int (*version)(char **ret, struct error *err);
	/*
	 * The command line. `descriptors` are what the child inherits; NULL, for --dry-run, puts
	 * file names and the placeholders CONTROL and CONSOLE in their places.
	 */
	int (*command)(const struct machine *machine, const struct accel *accel,
				   const struct vmm_descriptors *descriptors, struct strings *ret_argv,
				   struct error *err);
};
extern const struct vmm *const vmm_table[]; /* NULL-terminated, the default first */
/* By name; NULL or "" is the default. -ENOENT with the names there are. */
int vmm_find(const char *name, const struct vmm **ret, struct error *err);

struct supervise_options {
	bool console; /* also write the machine's log to stderr */
	bool logs;    /* stdout and stderr go to the machine's log files (detached) */
	int ready;    /* >= 0: one byte is written here once the application was started, and the
					 descriptor is closed (detached starts wait for it) */
};

/*
 * Runs a machine to its end: locks it, writes its initramfs, starts the monitor with the least
 * privilege it needs, relays stdin, stdout, stderr, the terminal's size and signals (SIGINT,
 * SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 are passed on; after SIGINT or SIGTERM the machine
 * has its stop timeout), serves the control socket, and records the end in status.json.
 * Returns 0 with *ret filled (the caller frees it) for every end that the machine itself came
 * to; an error only when it could not be started at all.
 */
int supervise(struct machine *machine, const struct supervise_options *options,
			  struct machine_status *ret, struct error *err);

/* Asks a running machine's supervisor, over DIR/control: its stop signal, then the end after
 * `timeout` seconds. Waits until it is gone. Already ended is 0. */
int vmm_stop(const struct machine *machine, unsigned timeout, struct error *err);
