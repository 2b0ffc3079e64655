/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "vmm/vmm.h"

/* Bits, so that tables can say which ones a row is for. */
enum accel_kind {
	ACCEL_KVM = 1,
	ACCEL_TCG = 2,    /* emulation; the guest sees the host's time stamp counter */
	ACCEL_ICOUNT = 4, /* emulation; one instruction is one nanosecond of the guest's time */
};

enum accel_kind accel_kind(const struct accel *accel);
