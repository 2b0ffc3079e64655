#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every program in kernel mode, on both kernels: the tests of kernel mode, of guests, of `lupine run` and
# of applications, and those of the slow tier.
load ../system/common

# suite VERSION FILE: in kernel mode, but for MODE=0.
suite() {
	lupine kernel build -q "$1"
	LUPINE_TEST_KERNEL_MODE=${MODE:-1} LUPINE_TEST_KERNEL=$1 LUPINE_TEST_TIMEOUT=600 run bats "$LUPINE_TOP/tests/$2.bats"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "6.12: guests" { suite 6.12 system/guest; }
@test "6.12: lupine run" { suite 6.12 system/run; }
@test "6.12: applications" { suite 6.12 system/applications; }
# It says itself what is in kernel mode.
@test "6.1: kernel mode" { MODE=0 suite 6.1 system/kernel_mode; }
@test "6.1: guests" { suite 6.1 system/guest; }
@test "6.1: lupine run" { suite 6.1 system/run; }
@test "6.1: applications" { suite 6.1 system/applications; }
@test "6.1: Go, Node, Java, bash, gdb, stress-ng" { suite 6.1 slow/kernel_mode; }
