/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256, written as the OCI image specification writes digests: "sha256:" + 64 hex digits. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#define DIGEST_SIZE 72 /* "sha256:" + 64 + NUL, rounded up */

struct digest;

struct digest *digest_new(void);
void digest_update(struct digest *digest, const void *bytes, size_t length);
/* Adds the text and its NUL, so that two texts in a row cannot be read as one. */
void digest_text(struct digest *digest, const char *text);
/* Writes the result; the object may be used no more but must be freed. */
void digest_final(struct digest *digest, char text[DIGEST_SIZE]);
void digest_free(struct digest **digest);

#define _cleanup_digest_ _cleanup_(digest_free)

/* True for exactly "sha256:" and 64 lower-case hex digits. */
bool digest_is_valid(const char *text);
/* The digest of a file's content, from its first byte; the offset of `fd` is left alone. */
int digest_fd(int fd, char text[DIGEST_SIZE], struct error *err);
