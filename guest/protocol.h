/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lupine on the host and init in the guest say to each other.
 *
 * One reliable byte stream (a virtio-serial port; elsewhere a vsock) carries
 * frames: a header of 8 bytes, little-endian, then `length` bytes of payload.
 *
 * Data streams have a window each way: a side may have at most
 * PROTOCOL_WINDOW bytes of a stream under way that the other has not returned by
 * CREDIT. So neither side ever blocks on a frame, a signal is never stuck behind
 * data that nobody reads, and a slow reader slows only its own writer.
 */
#pragma once

#include <stdint.h>

#define PROTOCOL_VERSION 2
#define PROTOCOL_PORT "org.lupine.control" /* name of the virtio-serial port */
/* What that port is in the guest: number 1 of the first virtio-serial device. */
#define PROTOCOL_DEVICE "/dev/vport0p1"
#define PROTOCOL_WINDOW 262144
#define PROTOCOL_PAYLOAD_MAX 32768

struct frame_header {
	uint8_t type;   /* enum frame_type */
	uint8_t stream; /* enum stream_id for DATA, END and CREDIT, else 0 */
	uint16_t zero;
	uint32_t length; /* of the payload, at most PROTOCOL_PAYLOAD_MAX */
};

enum stream_id {
	STREAM_STDIN = 0,
	STREAM_STDOUT = 1,
	STREAM_STDERR = 2,
	STREAM_LOG =
		3, /* the kernel's log with init's own lines; no window: the host always reads it */
};

enum frame_type {
	/* guest to host */
	FRAME_HELLO = 1,   /* u32 PROTOCOL_VERSION, u64 the time stamp counter when init began: it is
						  up */
	FRAME_STARTED = 2, /* u64: the time stamp counter right before the application's execve */
	FRAME_EXIT = 3,    /* u32 enum exit_kind, u32 value; after all output. The host answers BYE */
	FRAME_FAILED = 4,  /* u32 exit status (125, 126, 127), then text: the application was not
						  started.  The host answers BYE */
	/* host to guest */
	FRAME_SIGNAL = 16, /* u32 signal number for the application */
	FRAME_WINDOW = 17, /* u16 rows, u16 columns */
	FRAME_BYE = 18,    /* the exit status has arrived: sync and power off */
	/* both */
	FRAME_DATA = 32,   /* bytes of a stream */
	FRAME_END = 33,    /* From who writes a stream: its last byte was sent. From who reads it (the
						  host, stdout and stderr): nobody reads this any more, so the application's
						  next write is to fail, or its terminal to hang up. What is under way is
						  thrown away and given back by CREDIT as ever; the guest's own END follows */
	FRAME_CREDIT = 34, /* u32: so many more bytes of this stream may come */
};

enum exit_kind {
	EXIT_CODE = 0,   /* value: exit status */
	EXIT_SIGNAL = 1, /* value: signal that killed it */
};

/*
 * The initramfs has all that is ours in one directory, which no image that is unpacked beside it
 * may have: init, its instructions, and modules of the kernel. Init removes it, so that the
 * application sees what is the image's only. rdinit= on the kernel's command line names init.
 */
#define GUEST_DIRECTORY "/.lupine"
#define GUEST_INIT_PATH GUEST_DIRECTORY "/init"
#define GUEST_CONFIG_PATH GUEST_DIRECTORY "/config"

/*
 * Init's instructions, the file GUEST_CONFIG_PATH: a sequence of "key\0value\0". Order matters
 * only among equal keys. Every key that init does not know is an error, so that an old init never
 * half-obeys a new host.
 *
 *   version   "1", first
 *   arg       argv, one record each, at least one
 *   env       "NAME=VALUE", one record each
 *   uid gid   numbers;  group: a supplementary group, one record each
 *   cwd       working directory, made when absent
 *   home      what HOME is set to when env does not say
 *   hostname
 *   module    path of a kernel module, one record each, loaded in this order before all else
 *   root      block device ("/dev/vda"); absent: the initramfs holds the image, and is the root
 *   fstype    "ext2", "ext4"
 *   rootflags "ro" or "rw"
 *   mode      "kernel": programs are to run at CPL 0, or not at all
 *   rlimit    "NAME SOFT HARD", NAME as in "nofile", limits as numbers or "unlimited"
 *   tty       "ROWS COLUMNS TERM": the application gets a terminal
 *   stdin     "1": stdin comes from the host; absent: /dev/null
 *   address   "10.0.2.15/24" for the first network interface, or "dhcp"
 *   gateway   "10.0.2.2"
 *   nameserver, search   for resolv.conf, one record each
 *   host      "ADDRESS NAME...": a further line for /etc/hosts, one record each; those of
 *             localhost and of the host name init writes itself
 *   tmpfs     a path that gets an empty tmpfs (with "ro" roots: /tmp, /run, volumes)
 */
#define GUEST_CONFIG_VERSION "1"
