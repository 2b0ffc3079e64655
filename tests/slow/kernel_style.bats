#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is added to the kernel is in the kernel's own style.
load ../system/common

@test "checkpatch has nothing to say" {
	local source=/usr/src/linux-source-6.12.tar.xz
	[ -f "$source" ] || skip "linux-source-6.12 is not installed"
	tar -C "$BATS_TEST_TMPDIR" --strip-components=1 -xf "$source" --wildcards \
		'linux-source-6.12/scripts/*checkpatch*' linux-source-6.12/scripts/spelling.txt
	run "$LUPINE_TOP/scripts/kernel-change" --style "$BATS_TEST_TMPDIR/scripts/checkpatch.pl"
	echo "$output"
	[ "$status" -eq 0 ]
}
