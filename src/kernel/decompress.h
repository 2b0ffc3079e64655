/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: the compressions in which kernels and modules are stored. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

/*
 * Decompresses gzip, bzip2, lzma, xz, lz4 or zstd, known by their first bytes; anything else is
 * taken as it is. -EFBIG when there would be more than `limit` bytes. What could be decompressed
 * before an error is in `ret`.
 */
int decompress(const void *bytes, size_t length, size_t limit, struct buf *ret, struct error *err);
