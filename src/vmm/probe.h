/* SPDX-License-Identifier: Apache-2.0 */
/* The guest of the KVM probe: its code, its memory, and what it must answer. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Its physical memory, from address 0. */
#define PROBE_MEMORY 0x40000
#define PROBE_PML4 0x1000
#define PROBE_PDPT 0x2000
#define PROBE_PD 0x3000
#define PROBE_STACK 0x6000 /* its top */
#define PROBE_CODE 0x8000
#define PROBE_BUFFER 0x10000
#define PROBE_BUFFER_SIZE 0x10000
#define PROBE_ALIAS 0x200000 /* where the guest maps its memory a second time */

#define PROBE_PORT 0xf1
#define PROBE_PATTERN 0x5aa55aa5

/* Rounds of the loop. The short ones take an emulation ten milliseconds where they take hardware
 * as many microseconds; the long ones are measured when that difference is not there. */
#define PROBE_SHORT 1000
#define PROBE_LONG 60000

/* From probe_guest_start to probe_guest_end is the guest's code, to be put at PROBE_CODE and
 * entered at its beginning. */
extern const uint8_t probe_guest_start[], probe_guest_end[];

/*
 * The measured loop, part of that code, as the host calls it: `rounds` of arithmetic, loads and
 * stores in `buffer` of PROBE_BUFFER_SIZE bytes, which is cleared first. About 11 instructions a
 * round.
 */
uint64_t probe_loop(void *buffer, uint64_t rounds);

/*
 * What the guest writes to PROBE_PORT, 32 bits each, before it halts: the loop's result,
 * PROBE_SHORT_RUNS and then PROBE_LONG_RUNS times; EBX of CPUID leaf 0; PROBE_PATTERN, written
 * to an MSR (LSTAR) and read back; PROBE_PATTERN, written to the buffer and read through a mapping
 * that the guest made.
 */
#define PROBE_SHORT_RUNS 2
#define PROBE_LONG_RUNS 3
