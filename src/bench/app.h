/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The applications that are measured: guest/bench/apps/NAME.json, made from programs that are
 * installed on this host with the libraries that they name, so that a root is small, quick to
 * make and holds nothing of no use.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "image/image.h"

/* One way to load it. */
struct app_load {
	char *name;          /* "get", "get-pipelined", "keep-alive" */
	struct strings args; /* of guest/bench/load, such as "redis-get", "--pipeline", "16" */
};

struct app {
	char *name;          /* "redis" */
	struct tree *tree;   /* the root, with the programs of guest/bench in /bench */
	struct strings argv; /* the server */
	struct image_user user;
	uint16_t port;        /* 0: it serves nothing, and is judged by its output and status */
	uint64_t memory;      /* bytes, that it surely works with */
	struct strings probe; /* of guest/bench/load: one request whose answer is checked */
	char *output;         /* what it must print when it serves nothing */
	struct app_load *loads;
	size_t load_count;
};

/* All there are, sorted; the caller owns the list. */
int app_names(struct strings *ret, struct error *err);
/* The loads that an application has, added to a list where they are not in it; what it needs may be
 * missing here. */
int app_load_names(const char *name, struct strings *ret, struct error *err);
/* -ENOENT with the names there are; also when a program is not installed, with its package. */
int app_open(const char *name, struct app **ret, struct error *err);
void app_free(struct app **app);
#define _cleanup_app_ _cleanup_(app_free)
