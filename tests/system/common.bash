# SPDX-License-Identifier: Apache-2.0
# What every system test shares. Kernels, layers and images are kept between runs under
# LUPINE_TEST_CACHE; machines live in a directory of each test's own.

bats_require_minimum_version 1.5.0

LUPINE_TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
LUPINE=${LUPINE:-$LUPINE_TOP/build/lupine}
LUPINE_TEST_CACHE=${LUPINE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lupine-tests}
export LUPINE_TOP LUPINE LUPINE_TEST_CACHE
export XDG_CACHE_HOME=$LUPINE_TEST_CACHE
export XDG_STATE_HOME=$BATS_FILE_TMPDIR/state
unset LUPINE_HOME

# The accelerator is the tool's own choice, unless the caller wants one.
# LUPINE_TEST_KERNEL_MODE=1 runs every program at CPL 0, LUPINE_TEST_KERNEL=6.1 on that kernel, unless a
# test names one.
lupine() {
	if [ "$1" = run ]; then
		[ "${LUPINE_TEST_KERNEL_MODE:-0}" = 0 ] || set -- run --kernel-mode "${@:2}"
		[ -z "${LUPINE_TEST_KERNEL:-}" ] || [[ " $* " == *" --kernel "* ]] ||
			set -- run --kernel "$LUPINE_TEST_KERNEL" "${@:2}"
	fi
	timeout "${LUPINE_TEST_TIMEOUT:-120}" "$LUPINE" "$@"
}

# Compiles tests/programs/NAME.c to DIR/NAME; further arguments go to the compiler.
build_program() {
	local compiler=$1 name=$2 directory=$3
	shift 3
	mkdir -p "$directory"
	"$compiler" -O1 -Wall -Wextra -Werror -D_GNU_SOURCE "$@" -o "$directory/$name" "$LUPINE_TOP/tests/programs/$name.c"
}

# A root directory with a static busybox and links to all its applets.
busybox_root() {
	local root=$1 applet
	mkdir -p "$root"/{bin,etc,tmp,root,home/user}
	cp /bin/busybox "$root/bin/"
	for applet in $(/bin/busybox --list); do
		[ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
	done
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' >"$root/etc/group"
	chown -R 1000:1000 "$root/home/user" 2>/dev/null || true
	chmod 1777 "$root/tmp"
}

# A TCP port that nobody listens on.
free_port() {
	local port
	for _ in $(seq 100); do
		port=$((20000 + (RANDOM * 32768 + RANDOM) % 40000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
	return 1
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || { echo "gave up waiting for: $*" >&2; return 1; }
		sleep 0.2
	done
}

# Ends what a failed test left running.
remove_machines() {
	local machine
	for machine in $("$LUPINE" ps -a -q 2>/dev/null); do
		"$LUPINE" rm -f "$machine" >/dev/null 2>&1 || true
	done
}

# An example image, built once: prints its directory.
example_image() {
	local directory=$LUPINE_TEST_CACHE/images/$1
	# Outside bats's own XDG_CACHE_HOME nothing of ours is used by the script.
	"$LUPINE_TOP/examples/$1" "$directory" >&2 || return 1
	echo "$directory"
}

# An OCI layout of Debian's programs that take much from a kernel; printed like the above.
demanding_image() {
	local directory=$LUPINE_TEST_CACHE/images/kernel-mode
	"$LUPINE_TOP/scripts/debian-image" "$directory" -- nodejs openjdk-17-jre-headless gdb stress-ng procps >&2 || return 1
	echo "$directory"
}

# Three runs with counted instructions, beside processes that take the host's processors, print the
# same: the ticks that tests/programs/ticks.c shows. Prints them. Not in a subshell; teardown calls
# end_busy.
assert_repeats() {
	local first again
	(exec >/dev/null 3>&-; while :; do :; done) &
	BUSY=($!)
	(exec >/dev/null 3>&-; while :; do :; done) &
	BUSY+=($!)
	first=$(lupine run --fs initramfs --accel tcg-icount "$@")
	[[ $first == start\ [1-9]* ]]
	for _ in 1 2; do
		again=$(lupine run --fs initramfs --accel tcg-icount "$@")
		[ "$again" = "$first" ] || { printf 'first:\n%s\nagain:\n%s\n' "$first" "$again"; return 1; }
	done
	echo "$first"
}
end_busy() { [ -z "${BUSY[*]:-}" ] || kill -- "${BUSY[@]}" 2>/dev/null || true; }
