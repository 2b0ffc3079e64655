#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# References of all kinds, cross-read by skopeo and umoci.
load common

setup_file() {
	load common
	export IMAGES=$BATS_FILE_TMPDIR/images
	mkdir -p "$IMAGES"
	busybox_root "$BATS_FILE_TMPDIR/root"
	tar -C "$BATS_FILE_TMPDIR/root" -cf "$IMAGES/base.tar" .
	mkdir -p "$BATS_FILE_TMPDIR/upper/etc"
	: >"$BATS_FILE_TMPDIR/upper/etc/.wh.passwd"
	echo second >"$BATS_FILE_TMPDIR/upper/etc/layer"
	tar -C "$BATS_FILE_TMPDIR/upper" -cf "$IMAGES/upper.tar" .
	umoci init --layout "$IMAGES/oci"
	umoci new --image "$IMAGES/oci:box"
	umoci raw add-layer --image "$IMAGES/oci:box" "$IMAGES/base.tar"
	umoci raw add-layer --image "$IMAGES/oci:box" "$IMAGES/upper.tar"
	umoci config --image "$IMAGES/oci:box" --config.entrypoint /bin/sh --config.entrypoint -c \
		--config.cmd 'cat /etc/layer; ls /etc/passwd 2>&1; echo $GREETING' --config.env GREETING=hi --config.label wolf=grey
	skopeo copy -q "oci:$IMAGES/oci:box" "docker-archive:$IMAGES/docker.tar:box:1"
	skopeo copy -q "oci:$IMAGES/oci:box" "oci-archive:$IMAGES/oci.tar:box"
	skopeo copy -q --dest-compress-format zstd "oci:$IMAGES/oci:box" "oci:$IMAGES/zstd:box" 2>/dev/null ||
		cp -r "$IMAGES/oci" "$IMAGES/zstd"
	"$LUPINE" kernel build
}
teardown() { remove_machines; }

@test "every form of one image does the same" {
	local reference
	for reference in "oci:$IMAGES/oci:box" "oci:$IMAGES/oci" "docker-archive:$IMAGES/docker.tar" \
		"oci-archive:$IMAGES/oci.tar:box" "oci:$IMAGES/zstd:box" "$IMAGES/oci" "$IMAGES/docker.tar"; do
		run --separate-stderr lupine run "$reference"
		echo "$reference: $output $stderr"
		[ "$output" = $'second\nls: /etc/passwd: No such file or directory\nhi' ]
	done
}

@test "inspect agrees with skopeo" {
	run --separate-stderr lupine inspect "oci:$IMAGES/oci:box"
	[ "$status" -eq 0 ]
	local theirs; theirs=$(skopeo inspect --config "oci:$IMAGES/oci:box")
	[ "$(jq -c .config.env <<<"$output")" = "$(jq -c .config.Env <<<"$theirs")" ]
	[ "$(jq -c .config.entrypoint <<<"$output")" = "$(jq -c .config.Entrypoint <<<"$theirs")" ]
	[ "$(jq -c '[.layers[].diff_id]' <<<"$output")" = "$(jq -c .rootfs.diff_ids <<<"$theirs")" ]
	[ "$(jq -r .digest <<<"$output")" = "$(skopeo inspect --format '{{.Digest}}' "oci:$IMAGES/oci:box")" ]
}

@test "the disk holds what umoci unpacks" {
	umoci unpack --rootless --image "$IMAGES/oci:box" "$BATS_TEST_TMPDIR/bundle" >/dev/null 2>&1
	lupine build "oci:$IMAGES/oci:box" -o "$BATS_TEST_TMPDIR/box.lupine"
	local disk; disk=$(find "$BATS_TEST_TMPDIR/box.lupine" -name '*.ext*' -o -name 'rootfs*' -o -name 'disk*' | head -n 1)
	e2fsck -fn "$disk"
	mkdir "$BATS_TEST_TMPDIR/dump"
	debugfs -R "rdump / $BATS_TEST_TMPDIR/dump" "$disk" 2>/dev/null
	diff -r --no-dereference "$BATS_TEST_TMPDIR/bundle/rootfs" "$BATS_TEST_TMPDIR/dump"
}

@test "a damaged layer is refused, and nothing of it is kept" {
	cp -r "$IMAGES/oci" "$BATS_TEST_TMPDIR/bad"
	local blob; blob=$(find "$BATS_TEST_TMPDIR/bad/blobs" -type f -size +300k | head -n 1)
	printf 'X' | dd of="$blob" bs=1 seek=200000 conv=notrunc status=none
	local before; before=$(find "$XDG_CACHE_HOME/lupine/layers" -type f 2>/dev/null | wc -l)
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache run "$LUPINE" inspect "oci:$BATS_TEST_TMPDIR/bad:box"
	XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache run "$LUPINE" build "oci:$BATS_TEST_TMPDIR/bad:box" -o "$BATS_TEST_TMPDIR/bad.lupine"
	[ "$status" -eq 125 ]
	[[ $output == *"digest"* ]]
	[ -z "$(find "$BATS_TEST_TMPDIR/cache/lupine/layers" -type f -size +0 2>/dev/null)" ]
	[ ! -e "$BATS_TEST_TMPDIR/bad.lupine" ]
	[ "$before" = "$(find "$XDG_CACHE_HOME/lupine/layers" -type f 2>/dev/null | wc -l)" ]
}

@test "an unknown tag names those there are" {
	run lupine run "oci:$IMAGES/oci:nothing"
	[ "$status" -eq 125 ]
	[[ $output == *nothing* && $output == *box* ]]
}

@test "a registry's name is answered with what works" {
	run lupine run nginx:latest
	[ "$status" -eq 125 ]
	[[ $output == *skopeo* || $output == *oci:* ]]
}
