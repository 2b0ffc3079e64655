#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A distribution's own kernel, from its package, runs what ours runs.

load ../system/common

# The newest kernel of the cloud flavour and of our own default version; downloaded once.
setup_file() {
	local name directory=$LUPINE_TEST_CACHE/packages
	name=$(apt-cache search --names-only '^linux-image-6\.12\..*-cloud-amd64$' | cut -d' ' -f1 | sort -V | tail -n 1)
	[ -n "$name" ] || skip "apt knows no cloud kernel 6.12"
	mkdir -p "$directory"
	PACKAGE=$(find "$directory" -name "${name}_*.deb" | head -n 1)
	if [ -z "$PACKAGE" ]; then
		(cd "$directory" && apt-get download "$name") || skip "apt-get cannot download $name"
		PACKAGE=$(find "$directory" -name "${name}_*.deb" | head -n 1)
	fi
	RELEASE=${name#linux-image-}
	ROOT=$BATS_FILE_TMPDIR/root
	busybox_root "$ROOT"
	export PACKAGE RELEASE ROOT
}

teardown() { remove_machines; }

inside() { lupine run --kernel "$PACKAGE" dir:"$ROOT" -- /bin/sh -c "$1"; }

@test "the package's kernel runs a program, with its status" {
	run inside 'uname -r; exit 42'
	[ "$status" -eq 42 ]
	[ "$output" = "$RELEASE" ]
}

@test "its modules bring the disk, the network and the random numbers" {
	run inside 'mount | grep " / "; cat /sys/class/net/eth0/operstate; ip -4 -o addr show eth0; ip route;
		cut -d" " -f1 /proc/modules | sort; cat /sys/class/misc/hw_random/rng_current'
	[ "$status" -eq 0 ]
	[[ "$output" == *"/dev/vda on / type ext"* || "$output" == *"/dev/root on / type ext"* ]]
	[[ "$output" == *"inet "* ]]
	[[ "$output" == *"default via "* ]]
	[[ "$output" == *"virtio_blk"*"virtio_mmio"*"virtio_net"*"virtio_rng"* ]]
	[[ "$output" == *"virtio_rng.0"* ]]
}

@test "a forwarded port reaches it" {
	local port
	port=$(free_port)
	lupine run -d --name served -p "127.0.0.1:$port:80" --kernel "$PACKAGE" dir:"$ROOT" -- \
		/bin/sh -c 'echo from the guest >/tmp/page; exec httpd -f -h /tmp'
	wait_for 90 curl -sf "http://127.0.0.1:$port/page"
	[ "$(curl -sf "http://127.0.0.1:$port/page")" = "from the guest" ]
	lupine rm -f served
}

@test "its clocks are known, not measured" {
	run inside 'cat /sys/devices/system/clocksource/clocksource0/current_clocksource; dmesg | grep -c "Unable to calibrate"'
	[ "${lines[0]}" = tsc ]
	[ "${lines[1]}" = 0 ]
}

@test "the unpacked kernel is one of the cache" {
	run lupine kernel list
	[[ "$output" == *"$RELEASE"* ]]
}
