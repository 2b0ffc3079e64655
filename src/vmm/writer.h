/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a descriptor that may be slow, or gone, without ever waiting for it. It is not made
 * non-blocking: it may be shared with other processes, whom that would surprise.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

enum writer_method {
	WRITER_FILE,   /* never waits: a regular file, or an open of our own that does not block */
	WRITER_SOCKET, /* MSG_DONTWAIT */
	WRITER_PIPE,   /* asked by poll() first, and given no more than surely fits */
};

struct writer {
	int fd;  /* borrowed */
	int own; /* ours, to be closed, or -1 */
	enum writer_method method;
	bool gone;    /* it cannot be written any more; what is written is thrown away */
	bool unread;  /* because its reader went away */
	size_t start; /* of what is left in `rest` */
	struct buf rest;
};

void writer_open(struct writer *writer, int fd);
/* Writes what can be written now and keeps the rest. Returns how many of the bytes (old and new
 * ones) have left us, thrown away ones included. */
size_t writer_write(struct writer *writer, const void *bytes, size_t length);
/* Writes more of the rest, when poll() says that it can. Returns like writer_write(). */
size_t writer_flush(struct writer *writer);
static inline size_t writer_pending(const struct writer *writer)
{
	return writer->rest.length - writer->start;
}
void writer_close(struct writer *writer);
