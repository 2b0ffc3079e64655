// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct digest {
	EVP_MD_CTX *context;
};

struct digest *digest_new(void)
{
	struct digest *digest = xcalloc(1, sizeof(*digest));

	digest->context = EVP_MD_CTX_new();
	if (!digest->context || !EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL))
		abort(); /* a libcrypto without SHA-256 cannot do anything for us */
	return digest;
}

void digest_update(struct digest *digest, const void *bytes, size_t length)
{
	EVP_DigestUpdate(digest->context, bytes, length);
}

void digest_text(struct digest *digest, const char *text)
{
	digest_update(digest, text, strlen(text) + 1);
}

void digest_final(struct digest *digest, char text[DIGEST_SIZE])
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	EVP_DigestFinal_ex(digest->context, raw, &length);
	memcpy(text, "sha256:", 8);
	for (unsigned int i = 0; i < length && i < 32; i++)
		snprintf(text + 7 + (size_t)2 * i, 3, "%02x", raw[i]);
}

void digest_free(struct digest **digest)
{
	if (!*digest)
		return;
	EVP_MD_CTX_free((*digest)->context);
	free(*digest);
	*digest = NULL;
}

bool digest_is_valid(const char *text)
{
	return strncmp(text, "sha256:", 7) == 0 && strlen(text + 7) == 64 &&
		   strspn(text + 7, "0123456789abcdef") == 64;
}

int digest_fd(int fd, char text[DIGEST_SIZE], struct error *err)
{
	enum { CHUNK = 1 << 18 };
	_cleanup_digest_ struct digest *digest = digest_new();
	_cleanup_free_ char *chunk = xmalloc(CHUNK);
	off_t offset = 0;

	for (;;) {
		ssize_t count = pread(fd, chunk, CHUNK, offset);
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return error_errno(err, errno, "cannot read");
		if (count == 0)
			break;
		digest_update(digest, chunk, (size_t)count);
		offset += count;
	}
	digest_final(digest, text);
	return 0;
}
