/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first stage: a reference becomes a tree of files and the way to start it.
 *
 * References:
 *   oci:DIR[:TAG|@DIGEST]   an OCI image layout
 *   docker-archive:FILE[:NAME:TAG]   `docker save` / `podman save`, plain or compressed
 *   oci-archive:FILE[:TAG]  an OCI layout in a tar file
 *   dir:ROOT                a root directory on the host
 *   PATH                    a program (ELF, or a script with an interpreter), with the
 *                           libraries that it names; a bare layout directory or archive is
 *                           recognised by its content
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "image/tree.h"

struct image_port {
	uint16_t port;
	char protocol[4]; /* "tcp" or "udp" */
};

/* What the image says of how to start it (OCI image-spec config.md); all may be empty. */
struct image_config {
	char *architecture; /* "amd64", in GOARCH's names; NULL when unknown */
	struct strings env;
	struct strings entrypoint;
	struct strings cmd;
	char *working_dir; /* NULL: "/" */
	char *user;        /* as written: "redis", "999:999", "1000:users" */
	char *stop_signal; /* as written: "SIGQUIT", "3" */
	struct image_port *ports;
	size_t port_count;
	struct strings volumes; /* paths */
	struct strings labels;  /* "KEY=VALUE" */
	char *created;          /* RFC 3339, or NULL */
};

/* One layer, bottom first. */
struct image_layer {
	char *digest;  /* of the blob as stored; NULL for none */
	char *diff_id; /* of the uncompressed tar */
	char *media_type;
	uint64_t size; /* bytes of the blob as stored */
};

struct image {
	char *reference; /* as given */
	char *kind;      /* "oci", "docker-archive", "oci-archive", "dir", "program" */
	char *name;      /* a short one for people and machine names: "redis" */
	char *digest;    /* identity of the tree: the manifest's digest; NULL when it has none
						(dir, program), and then nothing made from it is cached */
	struct image_config config;
	struct image_layer *layers;
	size_t layer_count;
	struct tree *tree; /* NULL after image_open() with `config_only` */
};

struct image_options {
	const char *architecture; /* in Go's names or uname's; NULL: the host's */
	bool config_only;         /* do not read layers: for `inspect` and completions */
	uint64_t size_limit;      /* most bytes of uncompressed layers in all; 0: 64 GiB */
};

/*
 * Opens a reference. Layers are checked against their digests while they are
 * uncompressed into the layer cache, once; nothing of a bad one stays there.
 * Errors: -ENOENT no such image or tag, -EINVAL malformed, -EBADMSG wrong digest,
 * -EFBIG over a limit, -ENOEXEC no manifest for the architecture.
 */
int image_open(const char *reference, const struct image_options *options, struct image **ret,
			   struct error *err);
void image_free(struct image **image);
#define _cleanup_image_ _cleanup_(image_free)

/*
 * Roots that are put together from what is installed on this host. The contents stay there until a
 * root file system is written. `guest` is where it goes: a clean absolute path.
 */
/* A program or library (ELF, or a script) with its interpreter and the libraries that it names,
 * each where the loader will look for it. */
int tree_add_program(struct tree *tree, const char *host, const char *guest, struct error *err);
/* A file as it is, or a directory with all beneath it. */
int tree_add_path(struct tree *tree, const char *host, const char *guest, struct error *err);
/* What every root has: /dev, /tmp and such, and /etc/passwd, group and nsswitch.conf with root and
 * nobody. */
int tree_add_system(struct tree *tree, struct error *err);

/* Numeric identity to run as. */
struct image_user {
	uint32_t uid, gid;
	uint32_t groups[64]; /* supplementary ones */
	size_t group_count;
	char *home; /* from passwd, or NULL */
};

/*
 * Resolves "", "NAME", "UID", "NAME:GROUP", "UID:GID" by the image's own
 * /etc/passwd and /etc/group, with docker's rules: a number needs no entry; a
 * group given explicitly replaces the supplementary ones. -ENOENT with the name that is not there.
 */
int image_resolve_user(const struct tree *tree, const char *user, struct image_user *ret,
					   struct error *err);
void image_user_free(struct image_user *user);

/* "SIGTERM", "TERM", "15", "SIGRTMIN+3" -> 15; -EINVAL. NULL or "" gives SIGTERM. */
int image_parse_signal(const char *text, struct error *err);

/* "80", "80/tcp", "53/udp". */
int image_parse_port(const char *text, struct image_port *ret, struct error *err);

/* The image as JSON, for `lupine inspect`. The caller owns it. */
struct json_t *image_to_json(const struct image *image);
