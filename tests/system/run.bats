#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# lupine run: programs, streams, exit status, signals, identity, limits.
load common

setup_file() {
	load common
	export ROOT=$BATS_FILE_TMPDIR/root BIN=$BATS_FILE_TMPDIR/bin
	busybox_root "$ROOT"
	build_program musl-gcc hello "$BIN" -static
	build_program gcc ending "$BIN"
	cp "$BIN/hello" "$BIN/hello-musl"
	build_program gcc hello "$BIN"
	printf '#!%s\necho "script got $# arguments: $*"\n' /bin/sh >"$BIN/script"
	chmod +x "$BIN/script"
	"$LUPINE" kernel build
}
teardown() { remove_machines; }

@test "a static musl program" {
	run --separate-stderr lupine run "$BIN/hello-musl"
	[ "$status" -eq 0 ]
	[ "$output" = "hello, world" ]
	[ "$stderr" = "" ]
}

@test "a dynamic glibc program, with the libraries that it names" {
	run --separate-stderr lupine run "$BIN/hello"
	[ "$status" -eq 0 ]
	[ "$output" = "hello, world" ]
}

@test "a program named without a path" {
	cd "$BIN"
	run --separate-stderr lupine run hello
	[ "$output" = "hello, world" ]
}

@test "a script with an interpreter, and its arguments" {
	run --separate-stderr lupine run "$BIN/script" one 'two three'
	[ "$status" -eq 0 ]
	[ "$output" = "script got 2 arguments: one two three" ]
}

@test "the exit status is the application's" {
	run lupine run "$BIN/ending" exit 42
	[ "$status" -eq 42 ]
}

@test "a death by signal is 128 and the signal" {
	run lupine run "$BIN/ending" fault
	[ "$status" -eq 139 ]
	run lupine run "$BIN/ending" signal 9
	[ "$status" -eq 137 ]
}

@test "127 for what is not in the image, 126 for what cannot be executed, 125 for our own failures" {
	run lupine run "dir:$ROOT" -- /bin/nothing-there
	[ "$status" -eq 127 ]
	[[ $output == *"/bin/nothing-there"* ]]
	run lupine run "dir:$ROOT" -- /etc/passwd
	[ "$status" -eq 126 ]
	run lupine run "dir:$BATS_FILE_TMPDIR/absent" -- true
	[ "$status" -eq 125 ]
	[[ $output == *absent* ]]
}

@test "stdin, stdout and stderr are apart, byte for byte" {
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	lupine run -i "dir:$ROOT" -- sh -c 'tee /dev/stderr' <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/err"
}

@test "echo hi | lupine run -i REF cat" {
	echo hi | lupine run -i "dir:$ROOT" -- cat >"$BATS_TEST_TMPDIR/file" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/file")" = hi ]
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}

@test "without -i stdin is empty" {
	run --separate-stderr bash -c 'echo lost | timeout 60 "$LUPINE" run "dir:$ROOT" -- wc -c'
	[ "$output" = 0 ]
}

@test "a reader that goes away does not hang us" {
	# As in any pipeline, the writer dies of SIGPIPE; so yes tells us, and we our caller.
	run bash -c 'timeout 60 "$LUPINE" run "dir:$ROOT" -- yes | head -n 1; echo "${PIPESTATUS[0]}"'
	[ "$output" = $'y\n141' ]
	run bash -c '{ timeout 60 "$LUPINE" run "dir:$ROOT" -- sh -c "echo out; yes >&2; exit 3" | cat; echo "${PIPESTATUS[0]}"; } 2> >(head -n 1 >"$BATS_TEST_TMPDIR/error")'
	[ "$output" = $'out\n3' ]
	# A terminal hangs up.
	run bash -c 'timeout 60 "$LUPINE" run -t "dir:$ROOT" -- sh -c "while :; do echo y; done" | head -n 1; echo "${PIPESTATUS[0]}"'
	[ "$output" = $'y\r\n129' ]
}

@test "environment: -e, --env-file and the host's values" {
	printf '# comment\nFILE=from file\nBOTH=file\n' >"$BATS_TEST_TMPDIR/env"
	run --separate-stderr env HOSTVALUE='from host' "$LUPINE" run --env-file "$BATS_TEST_TMPDIR/env" -e BOTH=option -e HOSTVALUE -e EMPTY= "dir:$ROOT" -- env
	[ "$status" -eq 0 ]
	[[ $output == *"FILE=from file"* ]]
	[[ $output == *"BOTH=option"* ]]
	[[ $output == *"HOSTVALUE=from host"* ]]
	[[ $output == *$'\nEMPTY='* || $output == EMPTY=* ]]
	[[ $output == *"HOME=/root"* ]]
}

@test "user, groups, working directory, hostname" {
	run --separate-stderr lupine run -u user -w /home/user --hostname wolf "dir:$ROOT" -- sh -c 'id; pwd; hostname; echo $HOME; cat /etc/hostname'
	[ "${lines[0]}" = "uid=1000(user) gid=1000(user) groups=1000(user),2000(extra)" ]
	[ "${lines[1]}" = /home/user ]
	[ "${lines[2]}" = wolf ]
	[ "${lines[3]}" = /home/user ]
	[ "${lines[4]}" = wolf ]
	run --separate-stderr lupine run -u 12:34 "dir:$ROOT" -- id
	[ "$output" = "uid=12 gid=34 groups=34" ]
	run lupine run -u nosuchuser "dir:$ROOT" -- id
	[ "$status" -eq 125 ]
	[[ $output == *nosuchuser* ]]
}

@test "limits, memory and processors" {
	run --separate-stderr lupine run --ulimit nofile=123:456 -m 100m -c 2 "dir:$ROOT" -- sh -c 'ulimit -n; ulimit -Hn; nproc; grep MemTotal /proc/meminfo'
	[ "${lines[0]}" = 123 ]
	[ "${lines[1]}" = 456 ]
	[ "${lines[2]}" = 2 ]
	local kilobytes; kilobytes=$(tr -dc 0-9 <<<"${lines[3]}")
	[ "$kilobytes" -gt 60000 ] && [ "$kilobytes" -lt 102400 ]
}

@test "the file systems that programs expect" {
	run --separate-stderr lupine run "dir:$ROOT" -- sh -c '
		for path in /proc/self/status /sys/kernel /dev/null /dev/zero /dev/urandom /dev/full /dev/ptmx /dev/fd/0 /dev/shm /dev/pts /etc/resolv.conf /etc/hosts /tmp; do
			[ -e $path ] || echo missing $path; done
		echo through >/dev/stdout; echo x >/dev/shm/x && cat /dev/shm/x; stat -c %a /tmp /dev/shm; head -c 16 /dev/random | wc -c'
	[ "$status" -eq 0 ]
	[ "$output" = $'through\nx\n1777\n1777\n16' ]
}

@test "--read-only" {
	run lupine run --read-only "dir:$ROOT" -- sh -c 'echo x >/etc/new || echo refused; echo x >/tmp/new && echo temporary'
	[[ $output == *refused* ]]
	[[ $output == *temporary* ]]
}

@test "another user may reopen /dev/stdout" {
	run --separate-stderr lupine run -u user "dir:$ROOT" -- sh -c 'echo reopened >/dev/stdout; echo error >/dev/stderr'
	[ "$output" = reopened ]
	[ "$stderr" = error ]
}

@test "an unnamed machine is gone when it ends" {
	lupine run "$BIN/hello-musl"
	[ -z "$(lupine ps -a -q)" ]
}

@test "Ctrl-C and SIGTERM reach the application" {
	for signal in INT TERM; do
		rm -f "$BATS_TEST_TMPDIR/out"
		"$LUPINE" run "$BIN/ending" report >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		local pid=$!
		wait_for 30 grep -q ready "$BATS_TEST_TMPDIR/out"
		kill -"$signal" $pid
		local number; number=$(kill -l "$signal")
		local status=0
		wait $pid || status=$?
		[ "$status" -eq "$number" ]
		grep -q "got signal $(printf %02d "$number")" "$BATS_TEST_TMPDIR/out"
	done
}

@test "what ignores SIGTERM is ended after the stop timeout" {
	"$LUPINE" run --stop-timeout 2 "$BIN/ending" ignore >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local pid=$!
	wait_for 30 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -TERM $pid
	local status=0
	wait $pid || status=$?
	[ "$status" -eq 137 ]
}

@test "a kernel panic is told apart" {
	run lupine run --append 'rdinit=/nothing init=/nothing' "$BIN/hello-musl"
	[ "$status" -eq 125 ]
	[[ $output == *panic* ]]
}

@test "--console shows the kernel's log on stderr" {
	run --separate-stderr lupine run --console "$BIN/hello-musl"
	[ "$output" = "hello, world" ]
	[[ $stderr == *"Linux version ${LUPINE_TEST_KERNEL:-6.12}"* ]]
}

@test "an interactive shell on a terminal" {
	command -v expect
	run expect -c '
		set timeout 60
		stty rows 33 columns 99 < /dev/tty
		spawn -noecho "$env(LUPINE)" run -i -t "dir:$env(ROOT)" -- sh
		expect "# "
		send "stty size; tty; echo \$((6*7))\r"
		expect -re {[0-9]+ [0-9]+\r} 
		expect "/dev/pts/0"
		expect "42"
		send "sleep 100\r"
		after 1000
		send "\003"
		expect "# "
		send "exit 7\r"
		expect eof
		exit [lindex [wait] 3]'
	echo "$output"
	[ "$status" -eq 7 ]
}

@test "--dry-run prints the monitor's command line and starts nothing" {
	run --separate-stderr lupine run --dry-run -m 64m "$BIN/hello-musl"
	[ "$status" -eq 0 ]
	[[ $output == qemu-system-x86_64* || $output == */qemu-system-x86_64* ]]
	[[ $output == *microvm* ]]
	[ -z "$(lupine ps -a -q)" ]
}

@test "build, then run what was built" {
	run lupine build "dir:$ROOT" -o "$BATS_TEST_TMPDIR/box.lupine"
	[ "$status" -eq 0 ]
	mv "$BATS_TEST_TMPDIR/box.lupine" "$BATS_TEST_TMPDIR/moved.lupine"
	run --separate-stderr lupine run "$BATS_TEST_TMPDIR/moved.lupine" echo from the built one
	[ "$status" -eq 0 ]
	[ "$output" = "from the built one" ]
}
