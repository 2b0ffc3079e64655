#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Programs that take much from a kernel, in kernel mode.
load ../system/common

setup_file() {
	export LUPINE_TEST_TIMEOUT=600
	lupine kernel build
	IMAGE=$(demanding_image)
	export IMAGE
}
teardown() { remove_machines; }

# inside [OPTION...] -- COMMAND...: in kernel mode, in the image.
inside() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	run --separate-stderr lupine run --kernel-mode -m 512m "${options[@]}" "oci:$IMAGE:latest" "$@"
	echo "$output"
	echo "$stderr"
}

@test "Go: goroutines, a nil dereference recovered, pre-emption, exec" {
	command -v go || skip "needs go"
	(cd "$LUPINE_TOP/tests/programs" && CGO_ENABLED=0 go build -o "$BATS_TEST_TMPDIR/program" kernel_mode.go)
	local cpus
	for cpus in 1 2; do
		run --separate-stderr lupine run --kernel-mode -c "$cpus" "$BATS_TEST_TMPDIR/program"
		echo "$output" "$stderr"
		[ "${lines[0]}" = "goroutines 10000000" ]
		[ "${lines[1]}" = "recovered runtime error: invalid memory address or nil pointer dereference" ]
		[ "${lines[2]}" = "preempted true" ]
		[ "${lines[3]}" = "exec child <nil>" ]
		[ "$status" -eq 0 ]
	done
}

@test "Node: compiled code, workers, a child" {
	inside -c 2 -- node -e '
		const { Worker } = require("worker_threads");
		let sum = 0;
		for (let i = 0; i < 1e6; i++) sum += i % 7;
		console.log("sum", sum);
		console.log(require("child_process").execSync("echo child").toString().trim());
		new Worker("require(\"worker_threads\").parentPort.postMessage(42)", { eval: true })
			.on("message", (m) => console.log("worker", m));'
	[ "$status" -eq 0 ]
	[ "$output" = $'sum 2999997\nchild\nworker 42' ]
}

@test "Java: NullPointerExceptions from page faults, threads, collection" {
	command -v javac || skip "needs javac"
	javac --release 17 -d "$BATS_TEST_TMPDIR" "$LUPINE_TOP/tests/programs/KernelMode.java"
	local class
	class=$(base64 -w 0 "$BATS_TEST_TMPDIR/KernelMode.class")
	inside -c 2 -- bash -c "cd /tmp && base64 -d <<<'$class' >KernelMode.class && java -Xmx128m -cp . KernelMode"
	[ "$status" -eq 0 ]
	[ "$output" = $'caught 20000\nthreads 80000000' ]
}

@test "bash: job control" {
	inside -- bash -c 'set -m; sleep 100 & jobs -r | wc -l; kill -STOP %1; sleep 1; jobs -s | wc -l
		kill -CONT %1; kill %1; wait %1; echo $?'
	[ "$output" = $'1\n1\n143' ]
}

@test "gdb: breakpoints, steps, registers, a core dump" {
	inside -- bash -c 'ulimit -c unlimited; cd /tmp; echo /tmp/core >/proc/sys/kernel/core_pattern
		gdb -q -batch -ex "break getpid" -ex run -ex "stepi 10" -ex "print/x \$cs" -ex kill --args bash -c "echo \$\$; kill -0 \$\$" 2>&1
		bash -c "kill -SEGV \$\$"; gdb -q -batch -ex "print/x \$cs" "$(command -v bash)" /tmp/core* 2>&1'
	[[ $output == *"Breakpoint 1"* ]]
	[ "$(grep -c '= 0x33' <<<"$output")" -eq 2 ]
	[[ $output == *"terminated with signal SIGSEGV"* ]]
}

# Some of each of stress-ng's classes, all at once for some seconds; then the kernel's log.
stress() {
	inside -c "$1" -- bash -c 'for stressors in "cpu matrix" "cache memcpy" "switch futex" "mmap fault" "fork exec" \
		"pipe sockpair" "signal sigsegv" "timer clock" "hdd dir" "sem shm" "pthread clone" "poll eventfd"; do
			arguments=()
			for stressor in $stressors; do arguments+=("--$stressor" 1); done
			stress-ng -q "${arguments[@]}" --temp-path /tmp -t 3s || echo "failed: $stressors: $?"
		done; dmesg | grep -E "BUG|Oops|WARNING|general protection|Call Trace"; echo end'
	[ "$output" = end ]
}
@test "stress-ng on 1 processor, nothing in the kernel's log" { stress 1; }
@test "stress-ng on 2 processors, nothing in the kernel's log" { stress 2; }
