#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Counted instructions of a long run repeat to the digit.
load ../system/common

setup_file() {
	load ../system/common
	build_program musl-gcc ticks "$BATS_FILE_TMPDIR" -static
	"$LUPINE" kernel build
}
teardown() {
	end_busy
	remove_machines
}

@test "a billion instructions of system calls repeat to the digit" {
	export LUPINE_TEST_TIMEOUT=900
	assert_repeats "$BATS_FILE_TMPDIR/ticks" 5000000 system-calls | tee "$BATS_TEST_TMPDIR/ticks"
	[ "$(sed -n 's/^system-calls //p' "$BATS_TEST_TMPDIR/ticks")" -gt 1000000000 ]
}
