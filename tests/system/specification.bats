#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# SPECIFICATION.md: each row's figure is measured and is not above its ceiling.
load common

# BENCH|APP|VARIANT|METRIC|CEILING of each row of a specification's tables.
ceilings() {
	awk -F'|' '$2 ~ /^ `/ && NF == 8 {
		for (i = 2; i <= 6; i++) gsub(/[ `]/, "", $i)
		print $2 "|" $3 "|" $4 "|" $5 "|" $6
	}' "$1"
}

# within BENCH: every ceiling of that bench holds for the output of the last `run`.
within() {
	local bench app variant metric ceiling value rows=0 bad=0
	while IFS='|' read -r bench app variant metric ceiling; do
		[ "$bench" = "$1" ] || continue
		value=$(jq -r "select(.app == \"$app\" and .variant == \"$variant\" and .metric == \"$metric\" and .unit != \"ratio\") | .max" <<<"$output")
		rows=$((rows + 1))
		if [ -z "$value" ] || jq -en "($value | ceil) > $ceiling" >/dev/null; then
			echo "$bench $app $variant $metric: ${value:-not measured}, ceiling $ceiling"
			bad=1
		fi
	done < <(ceilings "$LUPINE_TOP/SPECIFICATION.md")
	[ $rows -gt 0 ] && [ $bad -eq 0 ]
}

@test "size" {
	run --separate-stderr lupine bench size --app hello --format json
	[ "$status" -eq 0 ]
	within size
}

@test "boot" {
	run --separate-stderr lupine bench boot --app hello --accel tcg-icount --only instructions --runs 1 --format json
	[ "$status" -eq 0 ]
	within boot
}

@test "system calls" {
	LUPINE_TEST_TIMEOUT=400 run --separate-stderr lupine bench syscall --accel tcg-icount --runs 1 --format json
	[ "$status" -eq 0 ]
	within syscall
}

# On a host that is busy with something else it may be more (docs/development.md): then once again.
@test "least memory" {
	local try
	for try in 1 2; do
		LUPINE_TEST_TIMEOUT=600 run --separate-stderr lupine bench memory --app hello --app nginx --app redis --only least --runs 1 --format json
		[ "$status" -eq 0 ]
		if within memory; then return; fi
		echo "try $try"
	done
	false
}

@test "ceilings only fall" {
	local commit row now before was="$BATS_TEST_TMPDIR/was.md"
	git -C "$LUPINE_TOP" rev-parse HEAD >/dev/null 2>&1 || skip "this is no git checkout, whose history could tell"
	while read -r commit; do
		git -C "$LUPINE_TOP" show "$commit:SPECIFICATION.md" >"$was"
		while IFS='|' read -r bench app variant metric before; do
			row="$bench|$app|$variant|$metric|"
			now=$(ceilings "$LUPINE_TOP/SPECIFICATION.md" | grep -F "$row" | cut -d'|' -f5)
			[ -n "$now" ] || { echo "$row is gone since $commit"; return 1; }
			[ "$now" -le "$before" ] || { echo "$row$now was $before in $commit"; return 1; }
		done < <(ceilings "$was")
	done < <(git -C "$LUPINE_TOP" log --format=%H -- SPECIFICATION.md)
}
