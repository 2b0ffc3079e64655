// SPDX-License-Identifier: Apache-2.0
#include "image/blob.h"

#include <errno.h>
#include <unistd.h>

ssize_t blob_pread(const struct blob *blob, void *bytes, size_t length, uint64_t position)
{
	size_t done = 0;

	if (position >= blob->length)
		return 0;
	if (length > blob->length - position)
		length = (size_t)(blob->length - position);
	while (done < length) {
		ssize_t count = pread(blob->fd, (char *)bytes + done, length - done,
							  (off_t)(blob->offset + position + done));
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		done += (size_t)count;
	}
	return (ssize_t)done;
}

int blob_read(const struct blob *blob, size_t limit, struct buf *ret, struct error *err)
{
	if (blob->length > limit)
		return error_set(err, EFBIG, "%llu bytes, more than %zu", (unsigned long long)blob->length,
						 limit);
	_cleanup_free_ char *bytes = xmalloc((size_t)blob->length + 1);
	ssize_t count = blob_pread(blob, bytes, (size_t)blob->length, 0);
	if (count < 0)
		return error_errno(err, (int)-count, "cannot read");
	if ((uint64_t)count != blob->length)
		return error_set(err, EIO, "it became shorter while it was read");
	buf_append(ret, bytes, (size_t)count);
	return 0;
}

void blob_close(struct blob *blob)
{
	if (blob->fd >= 0)
		close(blob->fd);
	*blob = BLOB_NONE;
}
