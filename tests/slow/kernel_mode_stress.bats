#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# stress-ng in kernel mode, class by class, while the processors send each other NMIs that fault: on a
# kernel that is as it is used, and on one that checks its memory accesses, locks and entry code.
# LUPINE_STRESS_SECONDS is for how long a class runs, at least (120).
load ../system/common

# `opcode`, `priv-instr`, `ioport`, `smi`: what these execute ends a process at CPL 3 and is executed at
# CPL 0 (docs/kernel-mode.md). The others need what is not in the machine or stop it on purpose.
EXCLUDED=opcode,priv-instr,ioport,smi,x86syscall,oom-pipe,bigheap,watchdog,reboot,cpu-online,memhotplug

setup_file() {
	export LUPINE_TEST_TIMEOUT=7200 EXCLUDED
	STORM=$(lupine kernel build -q --variant kernel-mode-test)
	CHECKED=$(lupine kernel build -q --variant kernel-mode-test --variant kasan --variant lockdep)
	IMAGE=$(demanding_image)
	build_program gcc traps "$BATS_FILE_TMPDIR" -pthread -static
	export STORM CHECKED IMAGE
}
teardown() { remove_machines; }

# What the kernel said that it should not have.
COMPLAINTS='BUG|Oops|WARNING|KASAN|INFO: (task|rcu)|general protection fault.*(SMP|KASAN)|Call Trace|inconsistent lock|possible (circular|recursive)'

# Of the last run's console.
no_complaints() {
	[[ $stderr == *"Linux version"* ]]
	run ! grep -E "$COMPLAINTS" <<<"$stderr"
}

# stress KERNEL CPUS CLASS...
stress() {
	local kernel=$1 cpus=$2
	shift 2
	run --separate-stderr lupine run --console --kernel-mode --kernel "$kernel" -c "$cpus" -m 1g \
		--append kernel_mode_test.storm=2000 -e "SECONDS_OF_CLASS=${LUPINE_STRESS_SECONDS:-120}" \
		-e "EXCLUDED=$EXCLUDED" "oci:$IMAGE:latest" bash -c '
		cd /tmp
		# When a fork fails, "resources" sends it to everybody, on any kernel.
		trap : ALRM
		for class; do
			count=$(stress-ng --class "$class?" | cut -d: -f2 | wc -w)
			seconds=$(((SECONDS_OF_CLASS + count - 1) / count))
			stress-ng --class "$class" --sequential 1 --timeout "$seconds" --exclude "$EXCLUDED" \
				--oomable --skip-silent --temp-path /tmp >log 2>&1
			echo "$class: status $?, $count stressors, $seconds s each"
			grep -E "fail:|error:|terminated" log
		done
		cd /sys/module/kernel_mode_test/parameters
		echo "NMIs $(cat nmis), faults $(cat faults), breakpoints $(cat breakpoints)"
		echo end' bash "$@"
	echo "$output"
	tail -n 60 <<<"$stderr"
	echo "status $status"
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = end ]
	# A processor alone has nobody to send one to.
	[ "$cpus" -eq 1 ] || [[ "$output" != *"NMIs 0,"* ]]
	no_complaints
}

CLASSES='cpu cpu-cache device filesystem interrupt io memory network os pipe scheduler security vm'

# shellcheck disable=SC2086 # a list of words
@test "every class" { stress "$STORM" 2 $CLASSES; }
@test "on 1 and on 4 processors: interrupts, memory, scheduler" {
	stress "$STORM" 1 interrupt memory scheduler
	stress "$STORM" 4 interrupt memory scheduler
}
# shellcheck disable=SC2086
@test "every class, with KASAN and lockdep" { stress "$CHECKED" 2 $CLASSES; }

@test "faults, signals, steps and tracers, with KASAN and lockdep, in a storm" {
	local cpus
	for cpus in 1 2 4; do
		run --separate-stderr lupine run --console --kernel-mode --kernel "$CHECKED" -c "$cpus" -m 1g \
			--append kernel_mode_test.storm=2000 "$BATS_FILE_TMPDIR/traps"
		echo "$output"
		[ "$status" -eq 0 ]
		[ "$(grep -c '^ok' <<<"$output")" = "$(sed -n 's/^1\.\.//p' <<<"$output")" ]
		no_complaints
	done
}
