/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init, PID 1 of the guest: brings the system up as config says, starts the application and
 * stands between it and the host until both are done.
 *
 * It runs before everything and beside the application, so it is small on purpose: no heap, no
 * stdio, static buffers that cost memory only where they are touched.
 *
 * Functions return 0 or a negative errno. Those that can keep the application from starting fill
 * a `struct failure` instead and return -1; the host shows its text.
 */
#pragma once

#include "guest/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* text.c */

/* A list of strings that become one text: TEXT("mount ", path, ": ", why). */
#define TEXT(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Joins the parts, cut off where `to` is full; always ends in NUL. Returns the length. */
size_t text_join(char *to, size_t size, const char *const *parts);
/* As text_join(), behind the text that `to` holds already. */
void text_append(char *to, size_t size, const char *const *parts);

#define NUMBER_SIZE 24
/* Writes `value` in `base` 8 or 10, with zeros in front up to `digits`. Returns `to`. */
const char *number_format(char to[NUMBER_SIZE], uint64_t value, unsigned base, unsigned digits);
#define NUMBER(value) number_format((char[NUMBER_SIZE]){0}, (value), 10, 1)
/* Reads decimal digits at *text and moves it behind them; -EINVAL without any or above `max`. */
int number_parse(const char **text, uint64_t max, uint64_t *ret);
/* The same for a text that is nothing but the number. */
int number_parse_all(const char *text, uint64_t max, uint64_t *ret);

/* Dotted IPv4 addresses, in network byte order as the kernel takes them. */
const char *ipv4_format(char to[16], uint32_t address);
int ipv4_parse(const char **text, uint32_t *ret);

/* clock.c */

/* Milliseconds that only ever grow. */
int64_t now_ms(void);
/* The time stamp counter, or what the architecture has in its place. */
uint64_t ticks_now(void);

/* Whether programs run with the kernel's privilege: ours does, or none does. */
bool in_kernel_mode(void);

/* log.c */

/* While there is a /dev: a read-only root may have no place for one. */
void log_open(void);
/* Adds a line to the kernel's log, or keeps it for log_read() when the kernel has none. */
void log_line(const char *const *parts);
/* The same for a line that is of no interest on the console. */
void log_note(const char *const *parts);
/* From now on lines do not go to the console as well: the host gets them over the channel. */
void log_quiet(void);
/* For poll(): readable when log_read() has more. -1 when the kernel keeps no log. */
int log_fd(void);
/* Fills `to` with whole lines "[    0.123456] text\n" that were not read yet; 0 when none. */
size_t log_read(char *to, size_t size);

/* What keeps the application from being started, for FRAME_FAILED. */
struct failure {
	uint32_t status; /* 125, 126 or 127 */
	char text[1024];
};
int failure_set(struct failure *failure, uint32_t status, const char *const *parts);

/* config.c */

struct limit {
	int resource; /* RLIMIT_ */
	uint64_t soft, hard;
};

/* The file GUEST_CONFIG_PATH, guest/protocol.h. Texts are NULL when absent, lists end in NULL. */
struct config {
	char **arg, **env, **group, **rlimit, **module, **nameserver, **search, **host, **tmpfs;
	size_t env_count; /* four more entries fit behind them */
	char *version, *cwd, *home, *hostname, *root, *fstype, *rootflags, *address, *gateway;
	char *mode, *tty_term;
	char *uid_text, *gid_text, *tty_text, *stdin_text;
	uint32_t uid, gid;
	uint16_t tty_rows, tty_columns;
	bool tty, has_stdin, read_only;
};

/* Reads the file; what is read stays mapped for good. */
int config_load(const char *path, struct config *ret, struct failure *failure);
/* The same from memory, which must stay. */
int config_parse(char *bytes, size_t length, struct config *ret, struct failure *failure);
/* Adds NAME=value to the environment unless the NAME is there. At most four times. */
void config_default_env(struct config *config, const char *name, const char *value);
/* Reads one "rlimit" value: "NAME SOFT HARD". */
int limit_parse(const char *text, struct limit *ret);

/* channel.c */

#define CHANNEL_FRAME_MAX (sizeof(struct frame_header) + PROTOCOL_PAYLOAD_MAX)
/* Room that only control frames may use, so that queueing one never fails. */
#define CHANNEL_RESERVE 4096

struct channel {
	int fd; /* non-blocking; -1: not open */
	size_t out_start, out_end;
	size_t in_start, in_end;
	uint8_t out[3 * CHANNEL_FRAME_MAX + CHANNEL_RESERVE];
	uint8_t in[2 * CHANNEL_FRAME_MAX];
};

struct frame {
	uint8_t type, stream;
	uint32_t length;
	const uint8_t *payload; /* valid until the next channel_fill() */
};

/* Opens the port once it is there and says HELLO once the host listens; `ticks`: when init began.
 */
int channel_open(struct channel *channel, const char *path, uint64_t ticks);
/* Queues a control frame of at most a KiB or so. */
void channel_put(struct channel *channel, enum frame_type type, enum stream_id stream,
				 const void *payload, size_t length);
/* Bytes of payload that a data frame may have now; 0: flush first. */
size_t channel_room(const struct channel *channel);
/* Where the payload of the next data frame goes; channel_commit() then queues the frame. */
uint8_t *channel_payload(struct channel *channel);
void channel_commit(struct channel *channel, enum stream_id stream, size_t length);
bool channel_pending(const struct channel *channel);
/* Writes what the port takes. Negative when the host is gone. */
int channel_flush(struct channel *channel);
/* Reads what has come. Negative when the host is gone. */
int channel_fill(struct channel *channel);
/* 1 with the next whole frame, 0 when there is none yet, -EPROTO for nonsense. */
int channel_next(struct channel *channel, struct frame *ret);

uint32_t le32_read(const uint8_t *bytes);
void le32_write(uint8_t *bytes, uint32_t value);
void le64_write(uint8_t *bytes, uint64_t value);

/* mounts.c */

/* mkdir -p; what exists is fine. */
int make_directories(const char *path, mode_t mode);
/* Waits until a device node is there; -ETIMEDOUT after ten seconds. */
int device_wait(const char *path);
/* Gives us /dev, with the device nodes of the drivers. */
int mount_devices(void);
/* Makes config's disk the root, if it has one; /dev comes along. */
int mount_root(const struct config *config, struct failure *failure);
/* /proc, /sys and so on beneath the root, and config's tmpfs. What fails is logged. */
void mount_all(const struct config *config);
/* Makes a root that is in the initramfs read-only, if it is to be; a disk is mounted so. */
void mount_read_only(const struct config *config);
/* Everything on its disk, and the disk clean. */
void mount_finish(const struct config *config);

/* network.c, dhcp.c */

struct network {
	bool up; /* there is an address */
	uint32_t address, netmask, gateway;
	uint32_t nameservers[3];
	size_t nameserver_count;
	char domain[254];
};
/* Brings up lo, and eth0 if config has an address for it. What fails is logged. */
void network_start(const struct config *config, struct network *ret);

#define DHCP_PACKET_SIZE 576
enum dhcp_type { DHCP_DISCOVER = 1, DHCP_OFFER = 2, DHCP_REQUEST = 3, DHCP_ACK = 5, DHCP_NAK = 6 };

struct dhcp {
	uint8_t mac[6];
	uint32_t transaction;
	uint32_t server; /* that made the offer */
	struct network lease;
};
/* Asks for a lease on the interface, which is up and has no address. */
int dhcp_acquire(const char *interface, struct dhcp *dhcp);
/* Writes a DISCOVER, or the REQUEST for the offer in `dhcp`. Returns its length. */
size_t dhcp_write(const struct dhcp *dhcp, enum dhcp_type type, uint8_t packet[DHCP_PACKET_SIZE]);
/* Reads a server's answer. An OFFER or ACK fills lease and server. Returns its type, or
 * -EBADMSG when it is not a sound answer to us. */
int dhcp_read(struct dhcp *dhcp, const uint8_t *packet, size_t length);

/* etc.c */

/* Writes hostname, hosts and resolv.conf, still in the initramfs. */
void etc_write(const struct config *config, const struct network *network);
/* Lays them over those of the new root. */
void etc_bind(void);

/* application.c */

struct application {
	pid_t pid;
	int input;      /* where its stdin is fed, non-blocking; -1: nothing to feed */
	int outputs[2]; /* where its stdout and stderr come out, non-blocking; -1: none */
	int terminal;   /* the application's end of the terminal, kept open while it lives; or -1 */
	uint64_t ticks; /* of the time stamp counter, right before its execve */
};

int application_start(struct config *config, struct application *ret, struct failure *failure);

/* exec.c */

/* execve() along PATH; returns only on failure, with its reason in `failure`. Sets *ticks to
 * the counter right before each try. */
int exec_search(char *const *argv, char *const *envp, uint64_t *ticks, struct failure *failure);

/* streams.c, relay.c */

struct relay {
	struct channel *channel;
	struct application *application;
	const struct failure *failure; /* set: there is no application, and this is why */
	struct {
		uint32_t window; /* bytes that the host lets us send */
	} outputs[2];
	struct {
		bool ended;        /* no more will come from the host */
		size_t start, end; /* of what the application did not take yet */
		uint32_t taken;    /* bytes to give credit for */
		uint8_t bytes[2 * PROTOCOL_WINDOW];
	} input;
	int64_t log_from; /* when to begin with the log, as now_ms() */
	int64_t end;      /* when to wait for BYE no longer */
	bool exited, told, bye;
	int status; /* of waitpid() */
};

/* The streams of the two outputs of struct application. */
extern const enum stream_id output_streams[2];

/* Takes what the host sent for the application; -EPROTO when it is more than the window. */
int input_push(struct relay *relay, const struct frame *frame);
/* Gives the application what it takes now, and its end behind the last byte. */
void input_flush(struct relay *relay);
/* Bytes of an output that may be read now. */
size_t output_room(const struct relay *relay, size_t i);
void output_read(struct relay *relay, size_t i);
/* Ends an output, if it has not ended: nobody reads it any more, or nobody writes it. */
void output_close(struct relay *relay, size_t i);
/* Sends the log on; true when all of it was. */
bool log_send(struct relay *relay);
void credit_send(struct relay *relay);

/* Keeps SIGCHLD for the relay's poll; before the application is started. */
void relay_prepare(void);
/* Relays until the application has ended (or says why it was not started) and the host has
 * answered BYE, or 5 seconds passed. Negative when the host is gone. */
int relay_run(struct relay *relay);
/* Ends every other process of the machine; only as PID 1. */
void kill_all(void);
