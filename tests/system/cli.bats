#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line itself: help, suggestions, exit statuses, completions, man pages. No machine is
# started. UPDATE_GOLDEN=1 writes the golden texts anew.
load common

# What a monitor would load: an ELF file with a PVH entry (a note of type 18 by Xen).
setup_file() {
	export KERNEL=$BATS_FILE_TMPDIR/vmlinux
	printf '%s\n' '.section .note.Xen, "a"' '.long 4, 8, 18' '.asciz "Xen"' '.quad 0' '.text' '.globl _start' '_start: hlt' |
		gcc -x assembler -nostdlib -static -o "$KERNEL" -
}

setup() {
	export LUPINE_HOME=$BATS_TEST_TMPDIR/home
	GOLDEN=$LUPINE_TOP/tests/golden
}

# Every verb as it is typed, a line each; those of groups too.
verbs() {
	local verb
	lupine completion words -- '' | cut -f1 | while read -r verb; do
		if lupine help "$verb" | grep -q "^Usage: lupine $verb VERB"; then
			lupine completion words -- "$verb" '' | cut -f1 | sed "s/^/$verb /"
		else
			echo "$verb"
		fi
	done
	echo completion
}

golden() {
	if [ -n "${UPDATE_GOLDEN:-}" ]; then cat >"$GOLDEN/$1"; else diff -u "$GOLDEN/$1" -; fi
}

@test "the help of lupine and of every verb" {
	lupine --help | golden help.txt
	local verb
	verbs >"$BATS_TEST_TMPDIR/verbs"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/verbs")" -ge 14 ]
	while read -r verb; do
		# shellcheck disable=SC2086 # a group's verb is two words
		lupine $verb --help | golden "help-${verb// /-}.txt"
		# shellcheck disable=SC2086
		[ "$(lupine help $verb)" = "$(lupine $verb --help)" ]
	done <"$BATS_TEST_TMPDIR/verbs"
}

@test "help goes to stdout, and no line of it is wider than a terminal" {
	local verb
	while read -r verb; do
		# shellcheck disable=SC2086
		run --separate-stderr lupine help $verb
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		[ -z "$(awk 'length > 80' <<<"$output")" ]
	done < <(verbs)
}

@test "without a verb: help on stderr, and a failure" {
	run --separate-stderr lupine
	[ "$status" -eq 125 ]
	[ -z "$output" ]
	[[ $stderr == "Usage: lupine VERB"* ]]
	run --separate-stderr lupine kernel
	[ "$status" -eq 125 ]
	[ -z "$output" ]
}

# fails MESSAGE ARGUMENT...: with 125, nothing on stdout, and exactly this on stderr.
fails() {
	local message=$1
	shift
	run --separate-stderr lupine "$@"
	[ "$status" -eq 125 ]
	[ -z "$output" ]
	[ "$stderr" = "$message" ] || { echo "$stderr"; return 1; }
}

@test "unknown verbs and options, with what was meant" {
	fails $'lupine: there is no verb "rnu"\n  did you mean run?' rnu
	fails $'lupine: there is no verb "redis"\n  `lupine help` lists the verbs; to run an image: lupine run redis' redis
	fails $'lupine: kernel: there is no verb "buidl"\n  did you mean build?' kernel buidl
	fails $'lupine: there is no verb "strat"\n  did you mean start?' help strat
	fails $'lupine: unknown option --memroy\n  did you mean --memory?' run --memroy=1g x
	fails $'lupine: unknown option --xyzzy\n  `lupine ps --help` lists the options' ps --xyzzy
	fails $'lupine: unknown option -z in -az\n  `lupine ps --help` lists the options' ps -az
	fails $'lupine: option --accel: "kvn" is not one of auto|kvm|tcg|tcg-icount\n  did you mean kvm?' run --accel kvn x
	fails $'lupine: unknown option --quiet before the verb\n  usage: lupine VERB [OPTIONS] ..., for example lupine run --help' --quiet ps
}

@test "operands: too few and too many" {
	fails $'lupine: run: no REF was given\n  usage: lupine run [OPTIONS] REF [ARG...]' run
	fails $'lupine: logs: one operand too many: "b"\n  usage: lupine logs [OPTIONS] MACHINE' logs a b
	fails $'lupine: ps: one operand too many: "x"\n  usage: lupine ps [OPTIONS]' ps x
}

@test "values that cannot be" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root"
	fails $'lupine: option --memory: "lots" is not a size\n  write bytes, or a number with a suffix: 512k, 64m, 1g' run -m lots "dir:$root" x
	fails 'lupine: option --memory: no machine runs with less than 32 MiB' run -m 1m "dir:$root" x
	fails 'lupine: option --workdir: "here" is not an absolute path' run -w here "dir:$root" x
	fails 'lupine: option --stop-timeout: "soon" is not a number' run --stop-timeout soon "dir:$root" x
	fails $'lupine: option --env: "=x" has no name before the \'=\'\n  write NAME=VALUE, or NAME to pass on its value here' run -e =x "dir:$root" x
	fails $'lupine: option --kernel: "zzz" is neither a version, nor a kernel\'s id, nor a file\n  write a version such as 6.12, an id from `lupine kernel list`, or the path of a vmlinux or of a Debian kernel package' run --kernel zzz "dir:$root" x
	printf 'GOOD=1\nBAD NAME=2\n' >"$BATS_TEST_TMPDIR/env"
	fails "lupine: --env-file $BATS_TEST_TMPDIR/env, line 2: the name in \"BAD NAME\" has blanks" run --env-file "$BATS_TEST_TMPDIR/env" "dir:$root" x
	# Nothing of what failed stays.
	[ -z "$(lupine ps -a -q)" ]
	[ -z "$(find "$LUPINE_HOME/state/machines" -mindepth 1 -maxdepth 1 ! -name .lock)" ]
}

@test "references that name nothing" {
	run --separate-stderr lupine run nothing-here
	[ "$status" -eq 125 ]
	[[ $stderr == *nothing-here* ]]
	[[ $stderr == *'oci:DIR[:TAG]'* ]]
	[[ $stderr == *'./PROGRAM'* ]]
	run --separate-stderr lupine run ocii:images:redis
	[ "$status" -eq 125 ]
	[[ $stderr == *'did you mean oci:images:redis?' ]]
}

@test "machines that do not exist" {
	local verb
	for verb in start stop logs rm inspect; do
		run --separate-stderr lupine $verb nobody
		[ "$status" -eq 125 ]
		[ "$stderr" = $'lupine: there is no machine "nobody"\n  `lupine ps -a` lists the ones there are' ]
	done
}

@test "lists without anything in them" {
	[ "$(lupine ps)" = "ID   NAME   IMAGE   COMMAND   STATUS   PORTS   CREATED" ]
	[ -z "$(lupine ps -q)" ]
	[ "$(lupine ps --format json)" = "[]" ]
	[ "$(lupine kernel list --format json)" = "[]" ]
	[ -z "$(lupine kernel list -q)" ]
}

@test "version and doctor, for people and for programs" {
	[[ $(lupine version) == "lupine "* ]]
	[ "$(lupine --version)" = "$(lupine version)" ]
	[ "$(lupine version --format json | jq -r .lupine)" = "$(cat "$LUPINE_TOP/VERSION")" ]
	run lupine doctor --format json
	[ "$(jq -r '[.[].subject] | contains(["qemu", "accelerator", "cache", "state"])' <<<"$output")" = true ]
	[ "$(jq -r '[.[] | select(.verdict == "missing")] | length > 0' <<<"$output")" = "$([ "$status" -eq 1 ] && echo true || echo false)" ]
}

@test "doctor says what is missing" {
	run env PATH=/nowhere "$LUPINE" doctor
	[ "$status" -eq 1 ]
	[[ $output == *"missing "*"qemu "* ]]
}

@test "a full stdout is a failure" {
	run bash -c '"$LUPINE" version >/dev/full'
	[ "$status" -eq 125 ]
	[[ $output == *"cannot write to stdout"* ]]
}

@test "closed standard descriptors do no harm" {
	run bash -c '"$LUPINE" ps <&- >&- 2>&-'
	[ "$status" -eq 0 ]
}

@test "--dry-run prints the monitor's command line and leaves nothing" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root"
	run --separate-stderr lupine run --dry-run --accel tcg --kernel "$KERNEL" -p 18080:80 -m 64m "dir:$root" -- /app
	[ "$status" -eq 0 ]
	[[ $output == *qemu-system* ]]
	[[ $output == *18080* ]]
	run lupine run --dry-run --format json --accel tcg --kernel "$KERNEL" -e A=B "dir:$root" -- /app 'two words'
	[ "$(jq -c .machine.application.argv <<<"$output")" = '["/app","two words"]' ]
	[ "$(jq -r '.machine.application.env | index("A=B") != null' <<<"$output")" = true ]
	[ "$(jq -r .accel <<<"$output")" = tcg ]
	[ -z "$(lupine ps -a -q)" ]
}

# dry REF-AND-OPTIONS...: the machine that would be run.
dry() { lupine run --dry-run --format json --accel tcg --kernel "$KERNEL" "$@" | jq .machine; }

@test "environment: files, then options, then defaults" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root"
	printf '# comment\n\n  FROM_FILE=a b \nBOTH=file\nHERE\nNOT_HERE\nCR=x\r\n' >"$BATS_TEST_TMPDIR/env"
	export HERE=host
	unset NOT_HERE
	run dry --env-file "$BATS_TEST_TMPDIR/env" -e BOTH=option -e EMPTY= -e PATH=/x "dir:$root" -- /app
	[ "$status" -eq 0 ]
	[ "$(jq -c '.application.env[:7]' <<<"$output")" = '["FROM_FILE=a b ","BOTH=option","HERE=host","CR=x","EMPTY=","PATH=/x",'"$(jq '.application.hostname | "HOSTNAME=\(.)"' <<<"$output")"']' ]
}

@test "build makes a directory that runs elsewhere, and options override what was built" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/etc"
	echo 'web:x:33:44::/srv:/bin/sh' >"$root/etc/passwd"
	cd "$BATS_TEST_TMPDIR"
	lupine build -q --kernel "$KERNEL" -m 64m -p 1000:80 -e A=built -e B=built -u web --read-only \
		-o app.lupine "dir:$root" -- /app one
	[ "$(jq -r .format app.lupine/contents.json)" = 1 ]
	[ "$(jq -r .kernel app.lupine/machine.json)" = vmlinux ]
	[ "$(jq -r .disk.path app.lupine/machine.json)" = rootfs.img ]
	cmp app.lupine/vmlinux "$KERNEL"
	mv app.lupine elsewhere
	rm -rf "$root"
	# As it was built.
	built() { lupine run --dry-run --format json --accel tcg "$@" | jq .machine; }
	run built elsewhere
	[ "$(jq -c '[.memory, .ports[0].host, .disk.read_only, .disk.discard]' <<<"$output")" = '[67108864,1000,true,true]' ]
	[ "$(jq -c '.application | [.argv, .uid, .gid, .env[:2]]' <<<"$output")" = '[["/app","one"],33,44,["A=built","B=built"]]' ]
	[ "$(jq -r .kernel <<<"$output")" = "$PWD/elsewhere/vmlinux" ]
	# With other arguments, environment, memory, ports; writable; as another user, by name.
	run built -m 96m -p 2000:80 -e B=given --read-only=false -u web:55 elsewhere two
	[ "$(jq -c '[.memory, [.ports[].host], .disk.read_only]' <<<"$output")" = '[100663296,[2000],false]' ]
	[ "$(jq -c '.application | [.argv, .uid, .gid, .env[:2]]' <<<"$output")" = '[["two"],33,55,["A=built","B=given"]]' ]
	fails $'lupine: '"$PWD"$'/elsewhere has a disk already, which --fs and --disk-size cannot change\n  give them to `lupine build`' run --fs ext4 elsewhere
}

@test "build without a command: run says that one is missing" {
	mkdir -p "$BATS_TEST_TMPDIR/root"
	cd "$BATS_TEST_TMPDIR"
	lupine build -q --kernel "$KERNEL" -o app.lupine dir:root
	fails "lupine: $PWD/app.lupine does not say what to run in it"$'\n'"  give the command: lupine run $PWD/app.lupine -- COMMAND [ARG...]" run --dry-run app.lupine
	fails $'lupine: dir:root does not say what to run in it\n  give the command: lupine run dir:root -- COMMAND [ARG...]' run --dry-run --kernel "$KERNEL" dir:root
	run lupine run --dry-run app.lupine /given
	[ "$status" -eq 0 ]
	run lupine build --kernel "$KERNEL" -e A=$'\xff' -o bad.lupine dir:root
	[ "$status" -eq 125 ]
	[[ $output == *'is not UTF-8, which config.json cannot hold' ]]
	[ ! -e bad.lupine ]
}

@test "build replaces what it built, and nothing else" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root" "$BATS_TEST_TMPDIR/other"
	cd "$BATS_TEST_TMPDIR"
	lupine build -q --kernel "$KERNEL" -o app.lupine "dir:$root" -- /one
	lupine build -q --kernel "$KERNEL" -o app.lupine "dir:$root" -- /two
	[ "$(jq -c .application.argv app.lupine/machine.json)" = '["/two"]' ]
	run lupine build -q --kernel "$KERNEL" -o other "dir:$root" -- /one
	[ "$status" -eq 125 ]
	[[ $output == *"other is there already, and lupine did not build it"* ]]
	[ -z "$(find . -maxdepth 1 -name '.staging-*')" ]
}

@test "a built directory that was damaged on its way" {
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root"
	cd "$BATS_TEST_TMPDIR"
	lupine build -q --kernel "$KERNEL" -o app.lupine "dir:$root" -- /one
	truncate -s 1000 app.lupine/vmlinux
	run lupine run --dry-run app.lupine
	[ "$status" -eq 125 ]
	[[ $output == *"vmlinux has 1000 bytes, not "* ]]
	ln -sf /etc/passwd app.lupine/vmlinux
	run lupine run --dry-run app.lupine
	[[ $output == *"vmlinux is not a regular file"* ]]
	echo '{"format": 2}' >app.lupine/contents.json
	run lupine run --dry-run app.lupine
	[[ $output == *'"format" is 2'* ]]
}

@test "completions are valid shell" {
	lupine completion bash | bash -n
	command -v shellcheck >/dev/null && lupine completion bash | shellcheck -s bash -
	command -v zsh >/dev/null || skip "zsh is not installed"
	lupine completion zsh >"$BATS_TEST_TMPDIR/_lupine"
	zsh -n "$BATS_TEST_TMPDIR/_lupine"
}

# complete LINE: what bash would offer at the end of it, sorted.
complete() {
	LUPINE_LINE=$1 bash -c '
		PATH=$(dirname "$LUPINE"):$PATH
		source <(lupine completion bash)
		COMP_LINE=$LUPINE_LINE COMP_POINT=${#LUPINE_LINE}
		_lupine
		printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd" "'
}

@test "bash completes verbs, options, choices, kernels, files and references" {
	touch "$BATS_TEST_TMPDIR/some-file"
	cd "$BATS_TEST_TMPDIR"
	[ "$(complete 'lupine st')" = "start stop" ]
	[ "$(complete 'lupine kernel ')" = "build list rm" ]
	[ "$(complete 'lupine run --mem')" = "--memory" ]
	[ "$(complete 'lupine run --accel tcg')" = "tcg tcg-icount" ]
	[ "$(complete 'lupine run --accel=k')" = "kvm" ]
	[ "$(complete 'lupine run -it --vmm ')" = "qemu" ]
	[ "$(complete 'lupine run --env-file so')" = "some-file" ]
	[ "$(complete 'lupine run oc')" = "oci-archive: oci:" ]
	[ "$(complete 'lupine run dir:so')" = "some-file" ]
	[ "$(complete 'lupine build x -o ho')" = "" ]
	[ "$(complete 'lupine run image so')" = "some-file" ]
	[ "$(complete 'lupine run image --mem')" = "" ]
	[ "$(complete 'lupine kernel build --variant de')" = "debug" ]
	[ "$(complete 'lupine help ker')" = "kernel" ]
}

@test "zsh completes verbs" {
	command -v zsh >/dev/null || skip "zsh is not installed"
	run zsh -fc '
		autoload -Uz compinit && compinit -u -d '"$BATS_TEST_TMPDIR"'/dump
		source <('"$LUPINE"' completion zsh)
		print ${_comps[lupine]}'
	[ "$status" -eq 0 ]
	[ "$output" = _lupine ]
}

@test "every option that help names is completed" {
	local verb option
	while read -r verb; do
		# shellcheck disable=SC2086
		for option in $(lupine help $verb | grep -oE '^  (-[a-z], |    )--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
			# shellcheck disable=SC2086
			lupine completion words -- $verb -- 2>/dev/null | cut -f1 | grep -qx -- "$option"
		done
	done < <(verbs)
}

@test "man pages have no warnings" {
	command -v groff >/dev/null || skip "groff is not installed"
	local verb
	for verb in '' $(lupine completion words -- '' | cut -f1); do
		# shellcheck disable=SC2086
		lupine help --man $verb >"$BATS_TEST_TMPDIR/page.1"
		run --separate-stderr groff -ww -man -Tutf8 -P-cbou "$BATS_TEST_TMPDIR/page.1"
		[ "$status" -eq 0 ]
		[ -z "$stderr" ] || { echo "$verb: $stderr"; return 1; }
		[[ $output == *"EXIT STATUS"* ]]
	done
}

@test "make install puts everything where the program finds it" {
	local to=$BATS_TEST_TMPDIR/to
	make -s -C "$LUPINE_TOP" install DESTDIR="$to" PREFIX=/usr >/dev/null
	[ -x "$to/usr/bin/lupine" ]
	[ -s "$to/usr/share/man/man1/lupine-run.1" ]
	[ -s "$to/usr/share/bash-completion/completions/lupine" ]
	run "$to/usr/bin/lupine" doctor --format json
	[ "$(jq -r '.[] | select(.subject == "guest/init") | .detail' <<<"$output")" = "$to/usr/share/lupine/guest/init" ]
	[ "$("$to/usr/bin/lupine" completion bash | head -1)" = "$(head -1 "$LUPINE_TOP/data/completion.bash")" ]
}
