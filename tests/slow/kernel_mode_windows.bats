#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The window test of docs/kernel-mode.md: NMIs that fault, at every instruction of the ways into the
# kernel and back.
load ../system/common

setup_file() {
	local id
	export LUPINE_TEST_TIMEOUT=3600
	id=$(lupine kernel build -q --variant kernel-mode-test)
	KERNEL=$(echo "$LUPINE_TEST_CACHE/lupine/kernels/$id"*)
	export KERNEL
	build_program gcc every_entry "$BATS_FILE_TMPDIR" -static
}

windows() {
	"$LUPINE_TOP/tests/slow/windows.py" "$@" "$KERNEL/vmlinux" "$KERNEL/System.map" "$BATS_FILE_TMPDIR/every_entry"
}

@test "an NMI that faults harms nothing at any instruction" {
	run windows
	echo "$output"
	[ "$status" -eq 0 ]
	# Of the new code all that is code was reached, but for what an exception cannot meet: the jump
	# back to a program faults at its target only.
	run grep -E 'never reached in (kernel_mode|stub)' <<<"$output"
	run sed -E 's/movq %rcx,0x18\(%rsp\); jmp 0x[0-9a-f]+; //' <<<"$output"
	run grep -vE ': padding( \([0-9]+\))?$' <<<"$output"
	[ -z "$output" ]
}

@test "without room on the shared stack the same NMIs do harm" {
	run windows --no-nesting
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"windows: the guest "* ]]
}
