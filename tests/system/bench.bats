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
		--only stripd|did you mean stripped?
		--only zzz|there are stripped, compressed, loaded
		--only wall|"wall" is nothing that is measured here
	EOF
}

@test "--only: bench all runs the benches that know the word" {
	run --separate-stderr lupine bench all --only initramfs --app hello --format json
	[ "$status" -eq 0 ]
	[ "$(jq -r '.bench + " " + .metric' <<<"$output" | sort -u)" = "size initramfs" ]
}

@test "an application that there is not" {
	run --separate-stderr lupine bench boot --app none --accel tcg-icount
	[ "$status" -eq 1 ]
	[[ $stderr == *"boot of none"* ]]
}

# A description of an application of the test's own, under the name $1, with tests/programs/ready.
ready_app() {
	local name=$1 members=$2
	export LUPINE_DATA=$BATS_TEST_TMPDIR/data
	mkdir -p "$LUPINE_DATA/guest/bench/apps"
	build_program musl-gcc ready "$BATS_TEST_TMPDIR" -static
	printf '{"package": "none", "programs": ["%s"], "memory": "128m", %s}' "$BATS_TEST_TMPDIR/ready" "$members" \
		>"$LUPINE_DATA/guest/bench/apps/$name.json"
}

@test "memory: an application that says the word and dies fails the probe; its console would have passed" {
	ready_app dies "\"argv\": [\"$BATS_TEST_TMPDIR/ready\", \"dies\"], \"output\": \"ready to serve\""
	run --separate-stderr lupine run "$BATS_TEST_TMPDIR/ready" dies
	[ "$status" -eq 137 ]
	grep -q 'ready to serve' <<<"$output"
	run --separate-stderr lupine bench memory --app dies --format json
	[ "$status" -eq 1 ]
	[ "$output" = "" ]
	[[ $stderr == "lupine: memory of dies in lupine on "*": it does not work with 1024 MiB: "* ]]
}

@test "memory: the least in which a request is answered, not in which the word shows up" {
	local least
	ready_app needs "\"argv\": [\"$BATS_TEST_TMPDIR/ready\", \"needs\", \"40\"], \"port\": 6379, \"probe\": [\"redis-ping\", \"--requests\", \"1\", \"--warmup\", \"0\"]"
	run --separate-stderr lupine bench memory --app needs --only least --runs 2 --format json
	[ "$status" -eq 0 ]
	[ "$(rows '.metric == "least"' | jq -c '[.bench, .system, .app, .unit, .runs, .value == .max]')" = \
		'["memory","lupine","needs","MiB",2,true]' ]
	least=$(value '.metric == "least"')
	[ "$least" -gt 60 ] && [ "$least" -lt 100 ]
	# Twenty less, and it still says that it is ready.
	lupine run -d --name needs -m "$((least - 20))m" "$BATS_TEST_TMPDIR/ready" needs 40
	says_ready() { lupine logs needs | grep -q 'ready to serve'; }
	wait_for 30 says_ready
	lupine rm -f needs
}

@test "memory: lupine run agrees on the least for hello, but for the network that it adds" {
	local least
	run --separate-stderr lupine bench memory --app hello --runs 3 --format json
	[ "$status" -eq 0 ]
	least=$(value '.metric == "least"')
	[ "$least" -gt 16 ] && [ "$least" -lt 60 ]
	[ "$(rows '.metric == "least"' | jq '.all | length')" -eq 3 ]
	run lupine run -m "$((least + 3))m" "$LUPINE_TOP/build/guest/bench/hello"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "Hello, world!" ]
	least=$(rows '.metric == "least"' | jq .min)
	run lupine run -m "$((least - 3))m" "$LUPINE_TOP/build/guest/bench/hello"
	[ "$status" -ne 0 ]
}

@test "memory: what an idle machine costs the host, one and many" {
	run --separate-stderr lupine bench memory --app redis --only pss --runs 1 --format json
	[ "$status" -eq 0 ]
	[ "$(rows '.metric == "pss"' | jq -r '[.variant, .unit, .runs] | join(" ")')" = $'one MiB 1\nmany MiB 1' ]
	# Not nothing, and not more than the guest's memory and its monitor can come to.
	jq -se 'all(.[]; .value > 20 and .value < 400)' <<<"$output"
}

@test "app: requests a second over both ways, and instructions that repeat to the digit" {
	run --separate-stderr lupine bench app --app redis --only get --runs 2 --format json
	[ "$status" -eq 0 ]
	[ "$(rows '.metric == "rps"' | jq -r '[.variant, .runs] | join(" ")' | sort)" = $'loopback/get 2\nnetwork/get 2' ]
	[ "$(rows '.metric == "latency"' | jq -r .variant | sort | tr '\n' ' ')" = \
		"loopback/get/p50 loopback/get/p99 network/get/p50 network/get/p99 " ]
	[ "$(rows '.metric == "instructions_per_request"' | jq -c '[.variant, .accel, .runs, .min == .max, .value > 1000]')" = \
		'["loopback/get","tcg-icount",2,true,true]' ]
}

@test "app: a wrong answer fails the run with the load's words, and gives no row" {
	ready_app wrong "\"argv\": [\"$BATS_TEST_TMPDIR/ready\", \"needs\", \"1\"], \"bench\": [\"load\"], \"port\": 6379, \"probe\": [\"redis-ping\"], \"loads\": {\"get\": [\"redis-get\", \"--wait\", \"3\"]}"
	run --separate-stderr lupine bench app --app wrong --runs 1 --format json
	[ "$status" -eq 1 ]
	[ "$output" = "" ]
	[[ $stderr == *"get of wrong in lupine over network on "*": load: "*'+PONG'* ]]
	[[ $stderr == *"get of wrong in lupine over loopback on tcg-icount: "*'+PONG'* ]]
}

# A foreign image: our kernel under a command line of the test's own, with an init that is not ours.
foreign_image() {
	local directory=$1
	mkdir -p "$directory/root"
	build_program musl-gcc ready "$directory" -static
	cp "$directory/ready" "$directory/root/init"
	(cd "$directory/root" && echo init | cpio -o -H newc --quiet >../init.cpio)
	cp "$KERNEL_DIRECTORY/vmlinux" "$directory/vmlinux"
	cat >"$directory/peer.json" <<-'END'
		{"command": ["qemu-system-x86_64", "-M", "microvm,acpi=off,pit=off,pic=off,rtc=off", "-accel", "tcg", "-cpu", "max",
		 "-m", "{memory}M", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", "-kernel", "{directory}/vmlinux",
		 "-initrd", "{directory}/init.cpio", "-append", "console=ttyS0 panic=-1 reboot=t no_timer_check tsc=reliable tsc_khz=2000000 lapic_timer_khz=1000000"],
		 "ready": "ready to serve", "app": "hello", "files": {"kernel": "vmlinux"}}
	END
}

@test "peer: a foreign image has rows of its own for size, boot and memory" {
	foreign_image "$BATS_TEST_TMPDIR/peer"
	run --separate-stderr lupine bench boot --accel tcg --runs 2 --format json --peer "foreign=$BATS_TEST_TMPDIR/peer/peer.json"
	[ "$status" -eq 0 ]
	[ "$(rows '.system == "foreign"' | jq -c '[.variant, .metric, .unit, .runs, .value > 0.05]')" = '["total","wall","s",2,true]' ]
	[ "$(rows '.against == "foreign"' | jq -c '[.variant, .system, .unit, .runs]')" = '["total","lupine","ratio",2]' ]
	run --separate-stderr lupine bench memory --app hello --only least --runs 2 --format json --peer "foreign=$BATS_TEST_TMPDIR/peer/peer.json"
	[ "$status" -eq 0 ]
	[ "$(rows '.system == "foreign"' | jq -c '[.metric, .unit, .runs, .value > 15, .value < 60]')" = '["least","MiB",2,true,true]' ]
	run --separate-stderr lupine bench size --app hello --format json --peer "foreign=$BATS_TEST_TMPDIR/peer/peer.json"
	[ "$(value '.system == "foreign" and .metric == "stripped"')" -eq "$(stat -c %s "$BATS_TEST_TMPDIR/peer/vmlinux")" ]
}

@test "peer: one that serves is loaded from the host" {
	build_program musl-gcc ready "$BATS_TEST_TMPDIR" -static
	cat >"$BATS_TEST_TMPDIR/peer.json" <<-END
		{"command": ["$LUPINE", "run", "-m", "{memory}m", "-p", "127.0.0.1:{port}:6379", "$(command -v redis-server)",
		 "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""],
		 "ready": "Ready to accept connections", "app": "redis", "port": 6379}
	END
	run --separate-stderr lupine bench app --app redis --only get --only network --accel tcg --runs 2 --format json --peer "foreign=$BATS_TEST_TMPDIR/peer.json"
	[ "$status" -eq 0 ]
	[ "$(rows '.metric == "rps" and .unit != "ratio"' | jq -r '[.system, .variant, .runs] | join(" ")')" = $'lupine network/get 2\nforeign network/get 2' ]
	[ "$(rows '.metric == "rps" and .unit == "ratio"' | jq -r '[.system, .against, .runs] | join(" ")')" = "lupine foreign 2" ]
}

@test "peer: a mistake in a description is named" {
	echo '{"command": ["qemu", "-m", "{memory}"], "ready": "up", "app": "hello", "prot": 1}' >"$BATS_TEST_TMPDIR/peer.json"
	run --separate-stderr lupine bench boot --peer "foreign=$BATS_TEST_TMPDIR/peer.json"
	[ "$status" -eq 125 ]
	[ "$stderr" = "lupine: the peer foreign: $BATS_TEST_TMPDIR/peer.json: unknown member \"prot\"
  there are: command, ready, app, port, files" ]
}
