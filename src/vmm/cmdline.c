// SPDX-License-Identifier: Apache-2.0
/* The kernel's command line. */
#include "vmm/cmdline.h"
#include "guest/protocol.h"
#include "vmm/clock.h"

#include <time.h>

#define ANY (ACCEL_KVM | ACCEL_TCG | ACCEL_ICOUNT)
#define EMULATED (ACCEL_TCG | ACCEL_ICOUNT)

enum value {
	NOTHING,
	TSC_KHZ,      /* of the counter that the guest sees */
	WALLCLOCK_NS, /* now, nanoseconds since 1970 */
};

/* tsc_khz, lapic_timer_khz and wallclock_ns are known to all kernels of our own building
 * (known_clocks.c there); others ignore them. They take tsc_early_khz, and measure the timer
 * against that. */
static const struct parameter {
	const char *text;
	enum value value; /* follows the text */
	unsigned accels;  /* that it is for */
	bool kernel_mode; /* only then */
} parameters[] = {
	{"rdinit=" GUEST_INIT_PATH, NOTHING, ANY, false},
	/* The one console; it is what tells of a panic. */
	{"console=ttyS0", NOTHING, ANY, false},
	/* Errors only: a UART costs an exit a byte, and init hands the whole log over anyway. */
	{"loglevel=4", NOTHING, ANY, false},
	/* A panic ends the machine at once, as every other end does: by a reset, which QEMU's
	 * -no-reboot turns into its exit. Triple fault: microvm has no other way to reset. */
	{"panic=-1", NOTHING, ANY, false},
	{"reboot=t", NOTHING, ANY, false},
	/* There is no PIT to check the timer interrupt with. */
	{"no_timer_check", NOTHING, ANY, false},
	/* The counter is trusted, and never compared with clocks that a busy host delays. */
	{"tsc=reliable", NOTHING, EMULATED, false},
	/* Frequencies are told, not measured: kvm-clock does so by itself. */
	{"tsc_khz=", TSC_KHZ, EMULATED, false},
	{"tsc_early_khz=", TSC_KHZ, EMULATED, false},
	/* QEMU's local APIC counts nanoseconds (hw/i386/kvm/../intc/apic.c, apic_get_current_count). */
	{"lapic_timer_khz=1000000", NOTHING, EMULATED, false},
	/* There is no RTC, for which a kernel waits a second. */
	{"wallclock_ns=", WALLCLOCK_NS, EMULATED, false},
	/* Of our own kernels too (kernel_mode.c there); init looks whether it was heard. */
	{"kernel_mode=on", NOTHING, ANY, true},
};

/* With an instruction counter everything repeats, the date too: 2025-01-01. */
#define ICOUNT_WALLCLOCK_NS 1735689600000000000ull
/* -icount shift=0: an instruction a nanosecond, which is what the counter then shows. */
#define ICOUNT_TSC_KHZ 1000000

static unsigned long long wallclock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (unsigned long long)now.tv_sec * 1000000000 + (unsigned long long)now.tv_nsec;
}

static void append_value(struct buf *line, enum value value, bool counted, uint32_t tsc_khz)
{
	if (value == TSC_KHZ)
		buf_printf(line, "%u", tsc_khz);
	else if (value == WALLCLOCK_NS)
		buf_printf(line, "%llu", counted ? ICOUNT_WALLCLOCK_NS : wallclock_ns());
}

char *cmdline_new(const struct machine *machine, const struct accel *accel)
{
	_cleanup_buf_ struct buf line = {0};
	enum accel_kind kind = accel_kind(accel);
	/* Asked once: it may have to be measured. */
	uint32_t tsc_khz = kind == ACCEL_TCG ? clock_tsc_khz() : ICOUNT_TSC_KHZ;

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		if (!(parameters[i].accels & kind) || (parameters[i].kernel_mode && !machine->kernel_mode))
			continue;
		buf_printf(&line, "%s%s", line.length ? " " : "", parameters[i].text);
		append_value(&line, parameters[i].value, kind == ACCEL_ICOUNT, tsc_khz);
	}
	if (machine->append && *machine->append)
		buf_printf(&line, " %s", machine->append);
	return buf_steal(&line);
}
