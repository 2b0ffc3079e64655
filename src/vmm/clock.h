/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/*
 * The frequency of this processor's time stamp counter in kHz, never 0. QEMU's TCG hands the
 * host's counter to the guest, which is told its frequency instead of measuring it: that takes
 * a tenth of a second, and fails on a busy host.
 */
uint32_t clock_tsc_khz(void);

/* The ways to know it, for tests: the processor's or hypervisor's word, 0 when they have none;
 * and comparing it with CLOCK_MONOTONIC_RAW for 10 ms. */
uint32_t clock_tsc_khz_from_cpuid(void);
uint32_t clock_tsc_khz_measured(void);

/* CLOCK_MONOTONIC: in milliseconds, for deadlines; in seconds, for what is measured. */
int64_t clock_milliseconds(void);
double clock_seconds(void);
