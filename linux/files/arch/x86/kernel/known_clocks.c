// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks that the monitor knows, given on the command line.
 *
 * An emulated machine has no CPUID leaf for the frequency of its time stamp
 * counter or local APIC timer, and measuring them against a PIT that another
 * thread of a busy host emulates takes most of a boot and sometimes fails.
 * Looking for a real-time clock that is not there takes another second.
 * Whoever started the machine knows all three:
 *
 *	tsc_khz=N		the time stamp counter runs at N kHz
 *	lapic_timer_khz=N	the local APIC timer counts at N kHz before its divider
 *	wallclock_ns=N		the time at boot, nanoseconds since 1970
 *
 * They are taken as exact, as the figures of other hypervisors are
 * (see arch/x86/kernel/cpu/vmware.c).
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/time64.h>

#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/x86_init.h>

static unsigned int known_tsc_khz __ro_after_init;
static u64 known_wallclock_ns __ro_after_init;

static unsigned long known_tsc_frequency(void)
{
	return known_tsc_khz;
}

static int __init setup_tsc_khz(char *text)
{
	int ret = kstrtouint(text ?: "", 0, &known_tsc_khz);

	if (ret || !known_tsc_khz)
		return ret ?: -EINVAL;
	x86_platform.calibrate_cpu = known_tsc_frequency;
	x86_platform.calibrate_tsc = known_tsc_frequency;
	setup_force_cpu_cap(X86_FEATURE_TSC_KNOWN_FREQ);
	return 0;
}
early_param("tsc_khz", setup_tsc_khz);

static int __init setup_lapic_timer_khz(char *text)
{
	unsigned int khz;
	int ret = kstrtouint(text ?: "", 0, &khz);

	if (ret || !khz || khz > UINT_MAX / 1000)
		return ret ?: -EINVAL;
	lapic_timer_period = khz * 1000 / HZ;
	return 0;
}
early_param("lapic_timer_khz", setup_lapic_timer_khz);

static void known_wallclock(struct timespec64 *now)
{
	*now = ns_to_timespec64(known_wallclock_ns);
}

static int ignore_wallclock(const struct timespec64 *now)
{
	return 0;
}

static int __init setup_wallclock_ns(char *text)
{
	int ret = kstrtou64(text ?: "", 0, &known_wallclock_ns);

	if (ret)
		return ret;
	x86_platform.get_wallclock = known_wallclock;
	x86_platform.set_wallclock = ignore_wallclock;
	return 0;
}
early_param("wallclock_ns", setup_wallclock_ns);
