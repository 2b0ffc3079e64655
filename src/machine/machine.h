/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole specification of one virtual machine, and the directory it lives in.
 *
 * A machine is state/machines/ID/ with machine.json (the specification, written once),
 * status.json (what became of it, replaced atomically), disk.img, initramfs.cpio, console.log
 * and, when detached, stdout.log and stderr.log. Whoever runs it holds a flock on `lock`; so
 * "running" is never a claim that outlives its process.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "image/image.h"

#include <stdbool.h>
#include <stdint.h>

struct machine_port {
	char *address; /* on the host; NULL: all addresses */
	uint16_t host, guest;
	bool udp;
};

struct machine_limit {
	char name[16];       /* "nofile" */
	uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

/* What init starts in the guest. */
struct application {
	struct strings argv;
	struct strings env;
	char *cwd;
	struct image_user user;
	char *hostname;
	struct machine_limit *limits;
	size_t limit_count;
	struct strings tmpfs; /* paths */
	bool terminal;        /* -t */
	bool interactive;     /* -i: stdin is the user's */
};

struct machine_disk {
	char *path;
	char *type;     /* "ext2"; "initramfs": an archive for the initramfs, and there is no disk */
	bool read_only; /* for the guest */
	bool
		discard; /* what the guest writes is thrown away; `path` may be shared and is not changed */
};

struct machine {
	char *id;                 /* 12 hex digits */
	char *name;               /* unique; the id's when the user gave none */
	bool keep;                /* it has a --name: it stays until `rm` */
	char *directory;          /* absolute */
	char *image;              /* the reference it was made from */
	char *image_digest;       /* or NULL */
	char *vmm;                /* "qemu" */
	char *accel;              /* as asked for: "auto", "kvm", "tcg", "tcg-icount" */
	char *kernel;             /* path of its vmlinux */
	char *kernel_id;          /* or NULL for a file of the user's */
	char *initramfs;          /* path */
	char *append;             /* more kernel command line, or NULL */
	bool kernel_mode;         /* programs run at CPL 0, if the kernel can do that */
	bool acpi;                /* the kernel finds its devices by ACPI, not on its command line */
	struct strings modules;   /* of the kernel: paths of .ko files that init loads, in order */
	struct machine_disk disk; /* path NULL: no disk */
	uint64_t memory;          /* bytes */
	unsigned cpus;
	struct machine_port *ports;
	size_t port_count;
	struct application application;
	int stop_signal;
	unsigned stop_timeout; /* seconds */
	int64_t created;       /* time(2) */
	int lock;              /* held by who made it until it is saved (kept ones) or freed, so that
							  nobody takes it for a leftover; else -1 */
};

enum machine_state { MACHINE_CREATED, MACHINE_RUNNING, MACHINE_EXITED };
const char *machine_state_name(enum machine_state state);

/* How an end came about; only EXITED_APPLICATION makes `exit_code` the application's. */
enum machine_end {
	END_NONE,
	END_APPLICATION, /* it exited or was killed by a signal (128 + N) */
	END_NOT_STARTED, /* init could not start it: 125, 126, 127 */
	END_PANIC,       /* the guest's kernel panicked */
	END_MONITOR,     /* the monitor ended by itself or could not start */
	END_STOPPED,     /* ended by us after the stop timeout: 137 */
};

struct machine_status {
	enum machine_state state;
	enum machine_end end;
	int exit_code;
	int pid; /* of the supervisor while running */
	int monitor_pid;
	char *accel;               /* what it really ran on */
	char *message;             /* one line for people on a bad end */
	int64_t started, finished; /* time(2), 0 when not yet */
	/* Wall time from the start of the monitor's process, and the guest's time stamp counter, which
	 * under tcg-icount counts instructions since power-on; 0 when it did not come to that. */
	double init_seconds;   /* until init was heard of */
	uint64_t init_ticks;   /* when init began */
	double boot_seconds;   /* until the application's execve was heard of */
	uint64_t boot_ticks;   /* at that moment */
	double output_seconds; /* until the first byte of its output came */
};

/*
 * A fresh machine with an id, a created directory and defaults; the caller fills in the rest.
 * `name` NULL or "": the id. Sweeps away what killed processes left: half-made machines, and
 * dead ones that were not to be kept. -EEXIST with the machine that has the name, -EINVAL.
 */
int machine_new(const char *name, struct machine **ret, struct error *err);
void machine_free(struct machine **machine);
#define _cleanup_machine_ _cleanup_(machine_free)

/* By name, id, or unique prefix of an id. -ENOENT with the hint "lupine ps -a lists ...". */
int machine_find(const char *name, struct machine **ret, struct error *err);
/* All of them, newest first; damaged ones are skipped and named in `ret_damaged` (may be NULL). */
int machine_list(struct machine ***ret, size_t *ret_count, struct strings *ret_damaged,
				 struct error *err);

/* Writes machine.json. From then on a machine with `keep` outlives this process. */
int machine_save(struct machine *machine, struct error *err);
struct json_t *machine_to_json(const struct machine *machine);
int machine_from_json(const struct json_t *json, struct machine **ret, struct error *err);

/* Holds the machine's lock; the result is the descriptor (another one of machine->lock when we
 * hold it already). -EBUSY when someone runs it. */
int machine_lock(const struct machine *machine, struct error *err);
/* Reads status.json; "running" with nobody holding the lock is reported as exited, END_MONITOR. */
int machine_read_status(const struct machine *machine, struct machine_status *ret,
						struct error *err);
int machine_write_status(const struct machine *machine, const struct machine_status *status,
						 struct error *err);
void machine_status_free(struct machine_status *status);
#define _cleanup_machine_status_ _cleanup_(machine_status_free)

/* Removes the directory. -EBUSY while it runs. Takes the name out of use at once, then the files.
 */
int machine_remove(const struct machine *machine, struct error *err);

/* Whether the root file system is in the initramfs: what is written to it is gone at the end. */
bool machine_root_in_memory(const struct machine *machine);
/* Writes the initramfs to machine->initramfs: init and its instructions (guest/protocol.h), the
 * kernel's modules, and the root file system if that is in there. */
int machine_write_initramfs(const struct machine *machine, struct error *err);

/* Sets a limit of the application; one of the same name is replaced. */
void machine_set_limit(struct application *application, const struct machine_limit *limit);
/* Sets those limits that every application has unless it says otherwise. */
void machine_default_limits(struct application *application);

/* "8080:80", "127.0.0.1:8080:80/udp", "[::1]:53:53/udp". */
int machine_parse_port(const char *text, struct machine_port *ret, struct error *err);
/* "nofile=1024", "nofile=1024:4096". */
int machine_parse_limit(const char *text, struct machine_limit *ret, struct error *err);
