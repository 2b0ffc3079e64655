#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `lupine run --kernel-mode`: the same programs, at CPL 0.
load common

setup_file() {
	build_program gcc privilege "$BATS_FILE_TMPDIR/dynamic"
	build_program gcc privilege "$BATS_FILE_TMPDIR/static" -static
	build_program musl-gcc privilege "$BATS_FILE_TMPDIR/musl"
	build_program gcc traps "$BATS_FILE_TMPDIR" -pthread
}

@test "programs run at CPL 0, SMEP and SMAP stay on" {
	local kind
	for kind in dynamic static musl; do
		run --separate-stderr lupine run --kernel-mode "$BATS_FILE_TMPDIR/$kind/privilege"
		[ "$status" -eq 0 ]
		[ "$output" = $'CPL 0\nSMEP on\nSMAP on' ]
	done
}

@test "without the option they run at CPL 3" {
	run --separate-stderr lupine run "$BATS_FILE_TMPDIR/dynamic/privilege"
	[ "$output" = 'CPL 3' ]
}

@test "the processor says so" {
	busybox_root "$BATS_TEST_TMPDIR/root"
	run --separate-stderr lupine run --kernel-mode "dir:$BATS_TEST_TMPDIR/root" -- \
		sh -c 'grep -c "^flags.* kernel_mode" /proc/cpuinfo; dmesg | grep -o "Kernel mode: .*"'
	[ "$output" = $'1\nKernel mode: every program runs at CPL 0' ]
}

traps_hold() {
	run --separate-stderr lupine run --kernel-mode --cpus "$1" "$BATS_FILE_TMPDIR/traps"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = '# CPL 0' ]
	[ "$(grep -c '^ok' <<<"$output")" = "$(sed -n 's/^1\.\.//p' <<<"$output")" ]
}
@test "faults, signals, steps and tracers are as at CPL 3: 1 processor" { traps_hold 1; }
@test "the same on 2 processors" { traps_hold 2; }
@test "the same on 4 processors" { traps_hold 4; }

@test "at CPL 3 the same list holds" {
	run --separate-stderr lupine run "$BATS_FILE_TMPDIR/traps"
	[ "${lines[0]}" = '# CPL 3' ]
	[ "$(grep -c '^ok' <<<"$output")" = "$(sed -n 's/^1\.\.//p' <<<"$output")" ]
}

@test "a kernel that cannot is not run in silence" {
	local id
	id=$(lupine kernel build -q)
	# One that does not know the parameter.
	LC_ALL=C sed 's/kernel_mode/kernel_made/g' "$XDG_CACHE_HOME/lupine/kernels/$id"*/vmlinux >"$BATS_TEST_TMPDIR/vmlinux"
	run --separate-stderr lupine run --kernel-mode --kernel "$BATS_TEST_TMPDIR/vmlinux" "$BATS_FILE_TMPDIR/dynamic/privilege"
	[ "$status" -eq 125 ]
	[[ $stderr == *'the kernel did not turn kernel mode on'* ]]
}
