#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Booting without a disk, and counted instructions that repeat.
# shellcheck disable=SC2016 # the guest's shell expands what is in single quotes
load common

setup_file() {
	load common
	export ROOT=$BATS_FILE_TMPDIR/root BIN=$BATS_FILE_TMPDIR/bin
	busybox_root "$ROOT"
	# What is lupine's own elsewhere is the image's here.
	echo "the image's own" >"$ROOT/init"
	ln -s /absent/resolv.conf "$ROOT/etc/resolv.conf"
	build_program musl-gcc ticks "$BIN" -static
	cp "$BIN/ticks" "$BIN/ticks-static"
	build_program gcc ticks "$BIN"
	"$LUPINE" kernel build
}
teardown() {
	end_busy
	remove_machines
}

@test "counted instructions of a boot and of what a static program does repeat to the digit" {
	assert_repeats "$BIN/ticks-static" 100000
}

@test "so do a dynamic program's" {
	assert_repeats "$BIN/ticks" 100000
}

@test "so do a billion instructions of system calls" {
	assert_repeats "$BIN/ticks-static" 5000000 system-calls >"$BATS_TEST_TMPDIR/ticks"
	[ "$(sed -n 's/^system-calls //p' "$BATS_TEST_TMPDIR/ticks")" -gt 1000000000 ]
}

@test "the image in the initramfs is the whole root, and nothing of lupine's is left there" {
	run --separate-stderr lupine run --fs initramfs "dir:$ROOT" -- sh -c '
		cat /init; ls -A / | tr "\n" " "; cat /etc/hosts | head -n 1; grep nameserver /etc/resolv.conf
		echo more >/new && cat /new; stat -c %U:%a /home/user; grep -c " / " /proc/mounts; ls /dev | grep -c vda'
	[ "${lines[0]}" = "the image's own" ]
	[[ ${lines[1]} != *lupine* ]]
	[[ ${lines[1]} == *$'127.0.0.1\tlocalhost' ]]
	[ "${lines[2]}" = 'nameserver 10.0.2.3' ]
	[ "${lines[3]}" = more ]
	[ "${lines[4]}" = user:755 ]
	[ "${lines[5]}" = 1 ]
	[ "${lines[6]}" = 0 ]
}

@test "a root in memory can be read-only" {
	run lupine run --fs initramfs --read-only "dir:$ROOT" -- sh -c 'echo x >/tmp/a && cat /tmp/a; echo x >/home/a'
	[ "${lines[0]}" = x ]
	[[ $output == *'Read-only file system'* ]]
}

@test "what cannot be of a root in memory is refused with what to do" {
	run lupine run --fs initramfs --name kept "dir:$ROOT" -- true
	[ "$status" -eq 125 ]
	[[ $output == *'--fs initramfs has none'*'leave --name out'* ]]
	run lupine run --fs initramfs --disk-size 1g "dir:$ROOT" -- true
	[ "$status" -eq 125 ]
	[[ $output == *'leave --disk-size out'* ]]
	mkdir -p "$BATS_TEST_TMPDIR/clash/.lupine"
	run lupine run --fs initramfs "dir:$BATS_TEST_TMPDIR/clash" -- /x
	[ "$status" -eq 125 ]
	[[ $output == *'/.lupine is in the image'*'--fs ext2'* ]]
	[ -z "$(lupine ps -a -q)" ]
}

@test "an image that does not fit into memory is told with how much it needs, which is enough" {
	local root=$BATS_TEST_TMPDIR/large needed
	mkdir "$root"
	cp "$BIN/ticks-static" "$root/ticks"
	head -c 40000000 /dev/urandom >"$root/data"
	run lupine run --fs initramfs -m 128m "dir:$root" -- /ticks
	[ "$status" -eq 125 ]
	[[ $output == *'the kernel and the image, which is unpacked into memory, do not fit into 128 MiB'* ]]
	needed=$(sed -n 's/.*--memory \([0-9]*m\)).*/\1/p' <<<"$output")
	run lupine run --fs initramfs -m "$needed" --accel tcg-icount "dir:$root" -- /ticks 100
	[ "$status" -eq 0 ]
	[[ $output == start* ]]
}

@test "a built machine with its image in memory" {
	lupine build -q --fs initramfs -o "$BATS_TEST_TMPDIR/built" "dir:$ROOT" -- cat /init
	run lupine run "$BATS_TEST_TMPDIR/built"
	[ "$status" -eq 0 ]
	[ "$output" = "the image's own" ]
	run lupine run --name kept "$BATS_TEST_TMPDIR/built"
	[ "$status" -eq 125 ]
}

@test "the status has when init, the application and its output came, and the log has the ticks" {
	lupine run --name kept --accel tcg-icount "dir:$ROOT" -- echo output
	local status; status=$(lupine inspect kept | jq .status)
	echo "$status"
	jq -e '.init_seconds > 0 and .init_seconds <= .boot_seconds and .boot_seconds <= .output_seconds
		and .init_ticks > 1000000 and .init_ticks < .boot_ticks' <<<"$status"
	# More digits than milliseconds have.
	jq -e '(.boot_seconds * 1000 | floor) != .boot_seconds * 1000' <<<"$status"
	run lupine logs --console kept
	[[ $output =~ lupine-init:\ [0-9]+\ ticks\ since\ power-on ]]
}

@test "an application that ended before the host heard of it, and one that prints without end" {
	run lupine run --fs initramfs "dir:$ROOT" -- true
	[ "$status" -eq 0 ]
	[ "$(lupine run --fs initramfs "dir:$ROOT" -- seq 300000 | tail -n 1)" = 300000 ]
}
