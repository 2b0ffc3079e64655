/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a descriptor that may be slow, or gone, without ever waiting for it. It is not made
 * non-blocking: it may be shared with other processes, whom that would surprise.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

enum output_method {
	OUTPUT_FILE,   /* never waits: a regular file, or an open of our own that does not block */
	OUTPUT_SOCKET, /* MSG_DONTWAIT */
	OUTPUT_PIPE,   /* asked by poll() first, and given no more than surely fits */
};

struct output {
	int fd;  /* borrowed */
	int own; /* ours, to be closed, or -1 */
	enum output_method method;
	bool gone;    /* nobody reads it any more; what is written is thrown away */
	size_t start; /* of what is left in `rest` */
	struct buf rest;
};

void output_open(struct output *output, int fd);
/* Writes what can be written now and keeps the rest. Returns how many of the bytes (old and new
 * ones) have left us, thrown away ones included. */
size_t output_write(struct output *output, const void *bytes, size_t length);
/* Writes more of the rest, when poll() says that it can. Returns like output_write(). */
size_t output_flush(struct output *output);
static inline size_t output_pending(const struct output *output)
{
	return output->rest.length - output->start;
}
void output_close(struct output *output);
