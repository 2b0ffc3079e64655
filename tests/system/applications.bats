#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Debian's own servers as unikernels, spoken to from the host through a forwarded port.
load common

setup_file() { load common; "$LUPINE" kernel build; }
teardown() { remove_machines; }

# serve NAME PORT [OPTION...]: runs an example detached, its PORT forwarded to $port.
serve() {
	local name=$1 guest=$2 image
	shift 2
	image=$(example_image "$name")
	port=$(free_port)
	run --separate-stderr lupine run -d --name "$name" -p "127.0.0.1:$port:$guest" "$@" "oci:$image:latest"
	echo "$stderr"
	[ "$status" -eq 0 ]
}

@test "redis: set, get, background save, its own user, data kept over stop and start" {
	serve redis 6379
	wait_for 60 redis-cli -p "$port" ping
	[ "$(redis-cli -p "$port" set wolf lupine)" = OK ]
	[ "$(redis-cli -p "$port" get wolf)" = lupine ]
	[ "$(redis-cli -p "$port" bgsave)" = "Background saving started" ]
	wait_for 30 bash -c "redis-cli -p $port info persistence | grep -q rdb_bgsave_in_progress:0"
	redis-cli -p "$port" info persistence | grep -q rdb_last_bgsave_status:ok
	redis-benchmark -p "$port" -t set,get -n 2000 -P 16 -q
	lupine stop redis
	lupine start redis
	wait_for 60 redis-cli -p "$port" ping
	[ "$(redis-cli -p "$port" get wolf)" = lupine ]
	lupine stop redis
	run lupine logs redis
	[[ $output == *"ready to exit"* ]]
}

@test "nginx: workers, a page, its stop signal" {
	serve nginx 80
	wait_for 60 curl -fs "http://127.0.0.1:$port/"
	run curl -fsS "http://127.0.0.1:$port/"
	[[ $output == *"Welcome to nginx"* ]]
	for _ in $(seq 20); do curl -fsS -o /dev/null "http://127.0.0.1:$port/"; done
	lupine stop nginx
	run lupine ps -a --format json
	[ "$(jq -r '.[0].exit_code' <<<"$output")" = 0 ]
}

@test "memcached: set and get over TCP and UDP forwards" {
	serve memcached 11211
	wait_for 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'version\r\n' >&3; timeout 2 head -n 1 <&3 | grep VERSION"
	run bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'set a 0 0 6\r\nlupine\r\nget a\r\nquit\r\n' >&3; timeout 10 cat <&3"
	[[ $output == *STORED* ]]
	[[ $output == *lupine* ]]
	lupine stop memcached
}

@test "python3: http.server" {
	serve python 8000
	wait_for 60 curl -fs "http://127.0.0.1:$port/"
	run curl -fsS "http://127.0.0.1:$port/"
	[[ $output == *"Directory listing"* ]]
	lupine stop python
}

@test "PostgreSQL: a database made, written, stopped, started, read" {
	serve postgresql 5432 -m 512m
	export PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGCONNECT_TIMEOUT=5
	wait_for 110 psql -c 'select 1'
	createdb wolves
	psql -v ON_ERROR_STOP=1 wolves -c 'create table pack (name text)' -c "insert into pack select 'wolf ' || n from generate_series(1, 10000) n"
	[ "$(psql -At wolves -c 'select count(*) from pack')" = 10000 ]
	lupine stop -t 60 postgresql
	run lupine ps -a --format json
	[ "$(jq -r '.[0].exit_code' <<<"$output")" = 0 ]
	lupine start postgresql
	wait_for 90 psql -c 'select 1'
	[ "$(psql -At wolves -c 'select count(*) from pack')" = 10000 ]
	# What the guest's kernel wrote is a clean file system when the machine has stopped.
	lupine stop -t 60 postgresql
	e2fsck -fn "$(lupine inspect postgresql | jq -r .disk.path)"
}
