#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `lupine bench`: figures that repeat, comparisons that can fail, and what is wrong is told.
# shellcheck disable=SC2154 # bats sets stderr
load common

setup_file() {
	export KERNEL_ID
	KERNEL_ID=$(lupine kernel build -q)
	export KERNEL_DIRECTORY=$XDG_CACHE_HOME/lupine/kernels
	KERNEL_DIRECTORY=$(echo "$KERNEL_DIRECTORY/$KERNEL_ID"*)
	[ -f "$KERNEL_DIRECTORY/vmlinux" ]
}

# Rows of JSON that a jq program selects, from the output of the last `run`.
rows() { jq -c "select($1)" <<<"$output"; }
value() { jq -r "select($1) | .value" <<<"$output"; }

# A kernel like ours, at DIRECTORY/vmlinux, in which an initcall does nothing but count to MILLIONS
# million: mov $N,%ecx; 1: dec %ecx; jnz 1b; xor %eax,%eax; ret.
slow_kernel() {
	local initcall=$1 millions=$2 directory=$3 address segment
	mkdir -p "$directory"
	cp "$KERNEL_DIRECTORY/vmlinux" "$KERNEL_DIRECTORY/System.map" "$directory"
	address=0x$(awk -v name="$initcall" '$3 == name { print $1; exit }' "$directory/System.map")
	readelf -lW "$directory/vmlinux" | awk '$1 == "LOAD" { print $2, $3, $5 }' >"$directory/segments"
	while read -r offset virtual size; do
		segment=$((address - virtual))
		if [ "$segment" -ge 0 ] && [ "$segment" -lt $((size)) ]; then
			printf '%08x' $((millions * 1000000)) | sed -E 's/(..)(..)(..)(..)/\\xb9\\x\4\\x\3\\x\2\\x\1\\xff\\xc9\\x75\\xfc\\x31\\xc0\\xc3/' >"$directory/code"
			# shellcheck disable=SC2059 # the escapes are what is wanted
			printf "$(cat "$directory/code")" |
				dd of="$directory/vmlinux" bs=1 seek=$((offset + segment)) conv=notrunc status=none
			return
		fi
	done <"$directory/segments"
	return 1
}

@test "boot: counted instructions repeat to the digit" {
	run --separate-stderr lupine bench boot --accel tcg-icount --only instructions --runs 3 --format json
	[ "$status" -eq 0 ]
	local variant
	for variant in firmware kernel init first-instruction first-output; do
		[ "$(rows ".variant == \"$variant\"" | jq -c '[.runs, .min == .max, .unit, .accel, .system, .app]')" = \
			'[3,true,"instructions","tcg-icount","lupine","hello"]' ]
	done
	# The phases are parts of the way to the application's first instruction.
	jq -se 'map({(.variant): .value}) | add
		| .firmware > 0 and .firmware < 1000000
		and .firmware + .kernel + .init < ."first-instruction"
		and ."first-instruction" < ."first-output"' <<<"$output"
}

@test "boot: an initcall that is slowed by 5 million rounds is caught, and named" {
	slow_kernel init_user_reserve 5 "$BATS_TEST_TMPDIR/slow"
	run --separate-stderr lupine bench boot --accel tcg-icount --runs 1 --format json \
		--baseline "slow=$BATS_TEST_TMPDIR/slow/vmlinux"
	[ "$status" -eq 0 ]
	local ours theirs
	ours=$(value '.variant == "kernel" and .unit == "instructions" and .system == "lupine"')
	theirs=$(value '.variant == "kernel" and .unit == "instructions" and .system == "slow"')
	# Two instructions a round.
	[ $((theirs - ours)) -gt 9900000 ]
	[ $((theirs - ours)) -lt 10100000 ]
	[ "$(rows '.variant == "kernel" and .unit == "ratio"' | jq -c '[.system, .against, .value < 1]')" = \
		'["lupine","slow",true]' ]
	ours=$(value '.variant == "init_user_reserve" and .system == "lupine"')
	theirs=$(value '.variant == "init_user_reserve" and .system == "slow"')
	[ $((theirs - ours)) -gt 9900000 ]
	[ $((theirs - ours)) -lt 10100000 ]
}

@test "boot: the initcalls and what is around them are nearly all of the kernel's boot" {
	run --separate-stderr lupine bench boot --accel tcg-icount --runs 1 --format json
	[ "$status" -eq 0 ]
	[ "$(rows '.metric == "initcall"' | wc -l)" -gt 200 ]
	# The trace itself costs some.
	jq -se '(map(select(.metric == "initcall").value) | add) as $parts
		| (map(select(.variant == "kernel").value) | add) as $kernel
		| $parts > $kernel and $parts < $kernel * 1.25' <<<"$output"
}

@test "boot: wall time, of a server too, in parts that add up" {
	run --separate-stderr lupine bench boot --accel tcg --app hello --app redis --runs 2 --format json
	[ "$status" -eq 0 ]
	local app last
	for app in hello:first-output redis:ready; do
		last=${app#*:} app=${app%:*}
		jq -se "map(select(.app == \"$app\")) | map({(.variant): .all}) | add
			| . as \$all | [range(2)] | all(
				(\$all.monitor[.] + \$all.kernel[.] + \$all.init[.] + \$all[\"$last\"][.]
				- \$all.total[.]) | fabs < 0.001)" <<<"$output"
		[ "$(rows ".app == \"$app\" and .variant == \"total\"" | jq -c '[.runs, .unit, .metric]')" = '[2,"s","wall"]' ]
	done
}

@test "syscall: figures repeat to the digit, static and dynamic" {
	run --separate-stderr lupine bench syscall --accel tcg-icount --only null --runs 2 --format json
	[ "$status" -eq 0 ]
	local variant
	for variant in null null-dynamic; do
		[ "$(rows ".variant == \"$variant\"" | jq -c '[.runs, .min == .max, .value > 20, .value < 2000]')" = '[2,true,true,true]' ]
	done
	[ "$(wc -l <<<"$output")" -eq 2 ]
}

@test "degrade: the tests beside sleeping processes, and a variant that cannot be built is told" {
	# A file does not say what a kernel without SMP has to be built from.
	run --separate-stderr lupine bench degrade --kernel "$KERNEL_DIRECTORY/vmlinux" --only 4 --only processes --only null --format json
	[ "$status" -eq 1 ]
	[[ $stderr == *"degrade of lupine-up: a kernel file does not say what lupine-up has to be built from"* ]]
	[ "$(jq -c '[.variant, .metric, .value > 20]' <<<"$output")" = '["null/processes/4","instructions",true]' ]
}

@test "size: what the files have" {
	run --separate-stderr lupine bench size --format json
	[ "$status" -eq 0 ]
	[ "$(value '.metric == "stripped"')" -eq "$(stat -c %s "$KERNEL_DIRECTORY/vmlinux")" ]
	[ "$(value '.metric == "options"')" -eq "$(grep -cvE '^(#|$)|=(""|0|n)$' "$KERNEL_DIRECTORY/config")" ]
	jq -se 'map({(.metric): .value}) | add
		| .compressed < .stripped / 2 and .loaded > .compressed
		and .initramfs > .init and .rootfs > 4096' <<<"$output"
}

@test "a system that fails is told at the end, and the others are measured" {
	run --separate-stderr lupine bench boot --accel tcg-icount --only instructions --runs 2 --format json \
		--baseline 'broken=lupine,append=rdinit=/nothing root=/dev/none'
	[ "$status" -eq 1 ]
	[ "$(rows '.system == "lupine" and .variant == "first-output"' | jq .runs)" = 2 ]
	[ -z "$(rows '.system == "broken"')" ]
	[ -z "$(rows '.unit == "ratio"')" ]
	[ "$(grep -c 'boot of hello with broken on tcg-icount' <<<"$stderr")" -eq 2 ]
	[[ $stderr == *panic* ]]
}

@test "options that cannot be" {
	local options words
	while IFS='|' read -r options words; do
		# shellcheck disable=SC2086
		run --separate-stderr lupine bench size $options
		[ "$status" -eq 125 ]
		[ -z "$output" ]
		[[ $stderr == *"$words"* ]] || { echo "$options: $stderr"; false; }
	done <<-'EOF'
		--baseline microvm|option --baseline: "microvm" is not NAME=WHAT
		--baseline lupine=lupine|the name lupine is that of our own kernel
		--baseline a=/nowhere/vmlinux|the baseline a: "/nowhere/vmlinux" is neither a version, nor a kernel's id, nor a file
		--baseline a=/nowhere/x.config|/nowhere/x.config
		--baseline a=lupine --baseline a=lupine|two systems have the name a
		--kernel /nowhere/vmlinux|option --kernel
		--runs 1001|option --runs: at most 1000
		--accel xen|xen
	EOF
}

@test "an application that there is not" {
	run --separate-stderr lupine bench boot --app none --accel tcg-icount
	[ "$status" -eq 1 ]
	[[ $stderr == *"boot of none"* ]]
}
