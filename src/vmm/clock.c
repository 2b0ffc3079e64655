// SPDX-License-Identifier: Apache-2.0
#include "vmm/clock.h"

#include <cpuid.h>
#include <stddef.h>
#include <time.h>

#define LEAF_FEATURES 1
#define LEAF_TSC 0x15              /* Intel SDM volume 2, CPUID: TSC and crystal clock */
#define LEAF_HYPERVISOR 0x40000000 /* the highest leaf of the hypervisor */
#define LEAF_HYPERVISOR_TSC                                                                        \
	0x40000010 /* EAX: TSC in kHz; VMware's, taken over by KVM and others                          \
				*/
#define FEATURE_HYPERVISOR (1u << 31)

/* Both ends are known to some 20 ns, so that this gives a few millionths. */
#define MEASURE_NS 10000000

static uint32_t from_crystal(void)
{
	unsigned denominator, numerator, crystal_hz, unused;

	if (!__get_cpuid(LEAF_TSC, &denominator, &numerator, &crystal_hz, &unused))
		return 0;
	if (!denominator || !numerator || !crystal_hz)
		return 0;
	return (uint32_t)((uint64_t)crystal_hz * numerator / denominator / 1000);
}

static uint32_t from_hypervisor(void)
{
	unsigned eax, ebx, ecx = 0, edx;

	if (!__get_cpuid(LEAF_FEATURES, &eax, &ebx, &ecx, &edx) || !(ecx & FEATURE_HYPERVISOR))
		return 0;
	__cpuid(LEAF_HYPERVISOR, eax, ebx, ecx, edx);
	if (eax < LEAF_HYPERVISOR_TSC || eax > LEAF_HYPERVISOR + 0xffff)
		return 0;
	__cpuid(LEAF_HYPERVISOR_TSC, eax, ebx, ecx, edx);
	return eax;
}

uint32_t clock_tsc_khz_from_cpuid(void)
{
	/* The hypervisor's own word first: it may scale the counter that it shows us. */
	uint32_t khz = from_hypervisor();

	return khz ? khz : from_crystal();
}

/* The counter and the clock at one moment: of several pairs the one read most closely. */
static void read_both(uint64_t *ret_ticks, uint64_t *ret_ns)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 16; i++) {
		struct timespec now;
		uint64_t before = __builtin_ia32_rdtsc();
		clock_gettime(CLOCK_MONOTONIC_RAW, &now);
		uint64_t after = __builtin_ia32_rdtsc();
		if (after - before >= best)
			continue;
		best = after - before;
		*ret_ticks = before + best / 2;
		*ret_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	}
}

uint32_t clock_tsc_khz_measured(void)
{
	uint64_t ticks_before = 0, ticks_after = 0, ns_before = 0, ns_after = 0;

	read_both(&ticks_before, &ns_before);
	nanosleep(&(struct timespec){.tv_nsec = MEASURE_NS}, NULL);
	read_both(&ticks_after, &ns_after);
	return (uint32_t)((ticks_after - ticks_before) * 1000000 / (ns_after - ns_before));
}

uint32_t clock_tsc_khz(void)
{
	uint32_t khz = clock_tsc_khz_from_cpuid();

	return khz ? khz : clock_tsc_khz_measured();
}

int64_t clock_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

double clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
