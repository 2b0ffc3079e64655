#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Guest init: what it leaves alone, what it cleans up, and what it says.
# shellcheck disable=SC2016 # the guest's shell expands what is in single quotes
load common

setup_file() {
	load common
	export ROOT=$BATS_FILE_TMPDIR/root SCRATCH=$BATS_FILE_TMPDIR/scratch
	busybox_root "$ROOT"
	ln -s ../run/systemd/resolve/stub-resolv.conf "$ROOT/etc/resolv.conf"
	echo 'the hosts of the image' >"$ROOT/etc/hosts"
	mkdir -p "$SCRATCH"
	build_program musl-gcc hello "$SCRATCH" -static
	"$LUPINE" kernel build
}
teardown() { remove_machines; }

disk_of() { echo "$XDG_STATE_HOME"/lupine/machines/*/disk.img; }

@test "hosts, resolv.conf and hostname lie over the image's own, which stay" {
	run --separate-stderr lupine run --name kept --hostname wolf "dir:$ROOT" -- sh -c 'cat /etc/hosts /etc/resolv.conf /etc/hostname'
	[ "$status" -eq 0 ]
	[[ $output == *$'127.0.0.1\tlocalhost'* ]]
	[[ $output == *$'10.0.2.15\twolf'* ]]
	[[ $output == *'nameserver 10.0.2.3'* ]]
	[ "${lines[-1]}" = wolf ]
	local disk; disk=$(disk_of)
	[ "$(debugfs -R 'cat /etc/hosts' "$disk" 2>/dev/null)" = 'the hosts of the image' ]
	debugfs -R 'stat /etc/resolv.conf' "$disk" 2>/dev/null | grep -q 'Fast link dest: "../run/systemd/resolve/stub-resolv.conf"'
}

@test "the disk is clean after an end with open files" {
	run lupine run --name kept "dir:$ROOT" -- sh -c '
		head -c 3000000 /dev/urandom >/a; cp /a /b; rm /a
		(exec 3>/open; rm /open; while :; do echo more >&3; done) & sleep 0.3; exit 5'
	[ "$status" -eq 5 ]
	local disk; disk=$(disk_of)
	e2fsck -fn "$disk"
	dumpe2fs -h "$disk" 2>/dev/null | grep -q 'Filesystem state: *clean'
	[ "$(debugfs -R 'stat /b' "$disk" 2>/dev/null | grep -o 'Size: 3000000')" = 'Size: 3000000' ]
}

@test "what the application leaves behind ends with it" {
	run --separate-stderr lupine run "dir:$ROOT" -- sh -c '
		(trap "" TERM HUP; sleep 300; echo late) & (setsid sleep 300; echo late) & echo started; exit 3'
	[ "$status" -eq 3 ]
	[ "$output" = started ]
}

@test "orphans are reaped while the application runs" {
	run --separate-stderr lupine run "dir:$ROOT" -- sh -c '
		for i in 1 2 3 4 5 6 7 8; do (sleep 0.1 &); done; sleep 1
		for status in /proc/[0-9]*/status; do grep "^State:.*zombie" $status; done; echo looked'
	[ "$output" = looked ]
}

@test "a missing interpreter is named" {
	printf '#!/opt/absent/python -u\n' >"$ROOT/bin/script"
	chmod +x "$ROOT/bin/script"
	run -127 lupine run "dir:$ROOT" -- script
	[[ $output == *'/bin/script: its interpreter /opt/absent/python is not in the image'* ]]
}

@test "a working directory is made, one that cannot be is an error" {
	run --separate-stderr lupine run -w /srv/new/place "dir:$ROOT" -- pwd
	[ "$output" = /srv/new/place ]
	run lupine run -w /etc/passwd/x "dir:$ROOT" -- pwd
	[ "$status" -eq 125 ]
	[[ $output == *'working directory /etc/passwd/x: Not a directory'* ]]
}

@test "an image that holds one program only, also read-only" {
	for option in '' --read-only; do
		# shellcheck disable=SC2086 # none or one
		run --separate-stderr lupine run $option "dir:$SCRATCH" -- /hello
		[ "$status" -eq 0 ]
		[ "$output" = 'hello, world' ]
	done
}

@test "init's own lines are in the machine's log" {
	run --separate-stderr lupine run --name kept "dir:$ROOT" -- sh -c 'exit 6'
	[ "$status" -eq 6 ]
	run lupine logs --console kept
	[[ $output == *'Run /.lupine/init as init process'* ]]
	[[ $output == *'lupine-init: the application ended: exit status 6'* ]]
}
