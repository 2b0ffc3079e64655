// SPDX-License-Identifier: Apache-2.0
/* Time: of day, since the boot, and the processor's counter. */
#include "guest/init.h"

#include <errno.h>
#include <string.h>
#include <time.h>

void clock_start(int64_t seconds)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec >= seconds)
		return;
	now = (struct timespec){.tv_sec = (time_t)seconds};
	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		log_line(TEXT("the clock: ", strerror(errno)));
}

int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t ticks_now(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t value;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
	return value;
#elif defined(__riscv)
	uint64_t value;
	__asm__ volatile("rdtime %0" : "=r"(value));
	return value;
#endif
}
