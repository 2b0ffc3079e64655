#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Named and detached machines: ps, start, stop, logs, rm, and what survives what.
load common

setup_file() {
	load common
	export ROOT=$BATS_FILE_TMPDIR/root BIN=$BATS_FILE_TMPDIR/bin
	busybox_root "$ROOT"
	build_program gcc ending "$BIN"
	"$LUPINE" kernel build
}
teardown() { remove_machines; }

@test "a named machine keeps its disk until rm" {
	lupine run --name keeper "dir:$ROOT" -- sh -c 'echo started >>/root/count; cat /root/count'
	run lupine ps
	[[ $output != *keeper* ]]
	run lupine ps -a
	[[ $output == *keeper* ]]
	run lupine start -a keeper
	[ "$output" = $'started\nstarted' ]
	lupine rm keeper
	run lupine start keeper
	[ "$status" -ne 0 ]
	[[ $output == *keeper* ]]
	[ -z "$(lupine ps -a -q)" ]
}

@test "a name is taken once" {
	lupine run --name once "dir:$ROOT" -- true
	run lupine run --name once "dir:$ROOT" -- true
	[ "$status" -eq 125 ]
	[[ $output == *once* ]]
}

@test "detached: ps, logs, stop" {
	run --separate-stderr lupine run -d --name server "$BIN/ending" report
	[ "$status" -eq 0 ]
	[[ $output =~ ^[0-9a-f]{12}$ ]]
	local id=$output
	run lupine ps --format json
	[ "$(jq -r '.[0].name' <<<"$output")" = server ]
	[ "$(lupine ps -q)" = "$id" ]
	wait_for 20 bash -c '[ "$("$LUPINE" logs server)" = ready ]'
	run lupine logs --console server
	[[ $output == *"Linux version"* ]]
	run lupine rm server
	[ "$status" -ne 0 ]
	lupine stop server
	[ -z "$(lupine ps -q)" ]
	run lupine logs server
	[[ $output == *"got signal 15"* ]]
	run lupine ps -a
	[[ $output == *"(15)"* ]]
	lupine rm server
}

@test "logs -f follows to the end" {
	lupine run -d --name follow "dir:$ROOT" -- sh -c 'for i in 1 2 3; do echo line $i; sleep 1; done'
	run lupine logs -f follow
	[ "$output" = $'line 1\nline 2\nline 3' ]
}

@test "a start that fails is told at once" {
	run lupine run -d --name broken "dir:$ROOT" -- /nothing-there
	[ "$status" -eq 127 ]
	[[ $output == *nothing-there* ]]
}

@test "stop ends what ignores its signal" {
	lupine run -d --name deaf "$BIN/ending" ignore
	# Started is not yet deaf.
	wait_for 20 bash -c '[ "$("$LUPINE" logs deaf)" = ready ]'
	local before=$SECONDS
	lupine stop -t 1 deaf
	[ $((SECONDS - before)) -lt 20 ]
	run lupine ps -a --format json
	[ "$(jq -r '.[0].exit_code' <<<"$output")" = 137 ]
}

@test "rm -f ends and removes" {
	lupine run -d --name gone "$BIN/ending" ignore
	lupine rm -f gone
	[ -z "$(lupine ps -a -q)" ]
}

@test "a killed monitor is told apart, and nothing stays behind" {
	lupine run -d --name fragile "$BIN/ending" report
	pkill -9 -f "qemu-system.*$(lupine ps -q)" || pkill -9 -n qemu-system
	wait_for 20 bash -c '[ -z "$("$LUPINE" ps -q)" ]'
	run lupine ps -a --format json
	[ "$(jq -r '.[0].end' <<<"$output")" = monitor ]
}

@test "a killed supervisor takes its monitor along and leaves a machine that can start again" {
	lupine run -d --name orphan "$BIN/ending" report
	local pid; pid=$(lupine ps --format json | jq -r '.[0].pid')
	local monitor; monitor=$(lupine ps --format json | jq -r '.[0].monitor_pid')
	kill -9 "$pid"
	wait_for 10 bash -c "! kill -0 $monitor"
	[ -z "$(lupine ps -q)" ]
	lupine start orphan
	[ -n "$(lupine ps -q)" ]
	lupine rm -f orphan
}

@test "two machines of one image at once" {
	lupine run -d --name first "$BIN/ending" report
	lupine run -d --name second "$BIN/ending" report
	[ "$(lupine ps -q | wc -l)" -eq 2 ]
	lupine stop first second
	[ -z "$(lupine ps -q)" ]
}
