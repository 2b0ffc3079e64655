// SPDX-License-Identifier: Apache-2.0
/* Key-value stores: keys of 16 bytes and values of 3, as redis-benchmark has them, but each key
 * with a value of its own. */
#include "guest/bench/load.h"

#define KEY "key:%012u"
#define VALUE "%03u"

/* Redis: https://redis.io/docs/reference/protocol-spec (RESP2). */

static void request_ping(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings, (void)key;
	text_printf(to, "*1\r\n$4\r\nPING\r\n");
}

static void answer_ping(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings, (void)key;
	text_printf(to, "+PONG\r\n");
}

static void request_redis_set(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings;
	text_printf(to, "*3\r\n$3\r\nSET\r\n$16\r\n" KEY "\r\n$3\r\n" VALUE "\r\n", key, key);
}

static void answer_redis_set(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings, (void)key;
	text_printf(to, "+OK\r\n");
}

static void request_redis_get(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings;
	text_printf(to, "*2\r\n$3\r\nGET\r\n$16\r\n" KEY "\r\n", key);
}

static void answer_redis_get(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings;
	text_printf(to, "$3\r\n" VALUE "\r\n", key);
}

const struct protocol redis_ping = {
	.name = "redis-ping", .port = 6379, .request = request_ping, .answer = answer_ping};
const struct protocol redis_set = {
	.name = "redis-set", .port = 6379, .request = request_redis_set, .answer = answer_redis_set};
const struct protocol redis_get = {.name = "redis-get",
								   .port = 6379,
								   .prepare = &redis_set,
								   .request = request_redis_get,
								   .answer = answer_redis_get};

/* memcached: doc/protocol.txt of its source, the text protocol. */

static void request_memcached_set(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings;
	text_printf(to, "set " KEY " 0 0 3\r\n" VALUE "\r\n", key, key);
}

static void answer_memcached_set(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings, (void)key;
	text_printf(to, "STORED\r\n");
}

static void request_memcached_get(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings;
	text_printf(to, "get " KEY "\r\n", key);
}

static void answer_memcached_get(const struct settings *settings, unsigned key, struct text *to)
{
	(void)settings;
	text_printf(to, "VALUE " KEY " 0 3\r\n" VALUE "\r\nEND\r\n", key, key);
}

const struct protocol memcached_set = {.name = "memcached-set",
									   .port = 11211,
									   .request = request_memcached_set,
									   .answer = answer_memcached_set};
const struct protocol memcached_get = {.name = "memcached-get",
									   .port = 11211,
									   .prepare = &memcached_set,
									   .request = request_memcached_get,
									   .answer = answer_memcached_get};
