#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The kernel tree's selftests say in kernel mode what they say without it, but for the listed.

load ../system/common

teardown() { remove_machines; }

@test "the kernel's selftests differ in kernel mode only as listed" {
	[ -f /usr/src/linux-source-6.12.tar.xz ] || skip "linux-source-6.12 is not installed"
	run "$BATS_TEST_DIRNAME/selftests"
	echo "$output"
	[ "$status" -eq 0 ]
}
