// SPDX-License-Identifier: Apache-2.0
/* Time: since the boot, and the processor's counter. */
#include "guest/init.h"

#include <time.h>

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

bool in_kernel_mode(void)
{
#if defined(__x86_64__)
	unsigned cs;
	__asm__("mov %%cs, %0" : "=r"(cs));
	return (cs & 3) == 0; /* the privilege level that code runs at (SDM 3, 5.5) */
#else
	return false;
#endif
}
