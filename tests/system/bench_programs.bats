#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `lupine bench` runs in guests, here on the host: they are the same programs.
load common

setup() {
	PROGRAMS=$(dirname "$LUPINE")/guest/bench
	WRONG=$LUPINE_TOP/tests/programs/wrong-server
	cd "$BATS_TEST_TMPDIR" || return
	port=$(free_port)
}

teardown() { [ -z "${server:-}" ] || kill "$server"; }

# The suite's lines without the figures: "NAME COUNT" each.
counts() { jq -r 'select(.ticks > 0 and .seconds > 0 and .total_ticks >= .ticks * 5 and .batches == 5) | "\(.test) \(.count)"'; }

# loaded ARG...: load, which has to succeed with one object of the right form in $output.
loaded() {
	run --separate-stderr timeout 60 "$PROGRAMS/load" "$@"
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	jq -e '.errors == 0 and .ticks > 0 and .seconds > 0 and .ready_ticks > 0 and
		(.p50_ns == null or (.p50_ns > 0 and .p50_ns <= .p90_ns and .p90_ns <= .p99_ns and .p99_ns <= .max_ns
			and .max_ns <= .seconds * 1e9))' <<<"$output"
}

# refused WORDS ARG...: load, which has to fail with WORDS and no object.
refused() {
	local words=$1
	shift
	run --separate-stderr timeout 60 "$PROGRAMS/load" "$@"
	echo "$output $stderr"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ $stderr == *"load: $words"* ]]
}

nobody_listens() { ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

@test "hello: its line, then ticks that grow; a failed write is told" {
	run "$PROGRAMS/hello"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "Hello, world!" ]
	[[ ${lines[1]} =~ ^ticks\ ([0-9]+)\ ([0-9]+)$ ]]
	[ "${BASH_REMATCH[1]}" -lt "${BASH_REMATCH[2]}" ]
	[ "${#lines[@]}" -eq 2 ]
	run -1 sh -c '"$0" >/dev/full' "$PROGRAMS/hello"
	[ "$(stat -c %s "$PROGRAMS/hello")" -lt 4096 ]
}

@test "the programs are static and small, but for the dynamic twin" {
	local name
	for name in hello syscall-static degrade load; do
		file "$PROGRAMS/$name" | grep -q 'statically linked'
		[ "$(stat -c %s "$PROGRAMS/$name")" -lt 102400 ]
	done
	file "$PROGRAMS/syscall-dynamic" | grep -q 'dynamically linked'
}

@test "syscall: every test, static and dynamic" {
	local kind
	for kind in static dynamic; do
		run "$PROGRAMS/syscall-$kind" --rounds 10
		[ "$status" -eq 0 ]
		run counts <<<"$output"
		[ "$(paste -sd, <<<"$output")" = "null 10,read 10,write 10,stat 10,open-close 10,select 10,select-100 10,sigaction 10,signal 10,fork 10,exec 10,context-switch 20,pipe 10,unix 10,tcp 10,page-fault 10,mmap 10" ]
	done
	# --only knows them.
	local names
	names=$(cut -d' ' -f1 <<<"$output" | paste -sd, | sed 's/,/, /g')
	run lupine bench syscall --only zzz
	[[ $output == *"there are $names, "* ]]
}

@test "syscall: one test, its own rounds; wrong words" {
	[ "$("$PROGRAMS/syscall-static" --only fork | counts)" = "fork 100" ]
	run "$PROGRAMS/syscall-static" --only fokr
	[ "$status" -eq 2 ]
	[[ $output == *"usage:"*"context-switch"* ]]
	run "$PROGRAMS/syscall-static" --rounds 0
	[ "$status" -eq 2 ]
	run "$PROGRAMS/syscall-static" --only
	[ "$status" -eq 2 ]
}

@test "syscall: a call that fails is no figure" {
	run --separate-stderr prlimit --nofile=20 "$PROGRAMS/syscall-static" --only select-100
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ $stderr == *"files for select"* ]]
}

@test "degrade: sleeping processes and threads, of which none stays" {
	local kind
	for kind in processes threads; do
		run "$PROGRAMS/degrade" 20 "$kind" --rounds 10
		[ "$status" -eq 0 ]
		run counts <<<"$output"
		[ "$(paste -sd, <<<"$output")" = "null 10,context-switch 20,pipe 10,fork 10" ]
	done
	run ! pgrep -f "^$PROGRAMS/degrade"
	run "$PROGRAMS/degrade" 20 people
	[ "$status" -eq 2 ]
}

@test "load: redis itself counts as many requests" {
	# A process that keeps bats's own descriptor would keep bats.
	redis-server --port "$port" --save '' >redis.log 3>&- &
	server=$!
	wait_for 10 redis-cli -p "$port" ping
	redis-cli -p "$port" config resetstat
	loaded redis-get --target "127.0.0.1:$port" --requests 1007 --warmup 13 --connections 10 --pipeline 16
	[ "$(jq .requests <<<"$output")" = 1007 ]
	loaded redis-set --port "$port" --requests 503 --warmup 0 --connections 7
	loaded redis-ping --port "$port" --requests 100 --warmup 0
	redis-cli -p "$port" info commandstats | tee stats
	# Beside what is measured and the warm-up: the question whether it is up, the keys, and one
	# request of each connection when it is made.
	grep -q "^cmdstat_set:calls=$((1 + 16 + 1 + 7 + 503))," stats
	grep -q "^cmdstat_get:calls=$((10 + 13 + 1007))," stats
	grep -q "^cmdstat_ping:calls=$((1 + 1 + 100))," stats
	redis-cli -p "$port" set key:000000000007 other
	redis-cli -p "$port" acl setuser default -set
	refused 'no right answer after 1 s; the last attempt: a wrong answer: not "+OK.." but "-NOPERM' redis-get --port "$port" --wait 1
}

@test "load: starts the server and ends it; a server that ends is told" {
	loaded redis-set --port "$port" --serve redis-server --port "$port" --save ''
	nobody_listens
	refused 'the server ended by itself with status 127' redis-set --port "$port" --serve ./no-such-server
	refused 'the server ended by itself with status 3' redis-set --port "$port" --serve sh -c 'exit 3'
	refused 'no right answer after 1 s; the last attempt: cannot' redis-set --port "$port" --wait 1
}

@test "load: memcached" {
	local what
	for what in get set; do
		loaded "memcached-$what" --port "$port" --requests 500 --connections 5 --pipeline 3 \
			--serve memcached -u nobody -l 127.0.0.1 -p "$port" -U 0
	done
	nobody_listens
}

@test "load: wrong answers of stores" {
	refused 'a wrong answer: not "$3..0' redis-get --port "$port" --serve "$WRONG" "$port" redis value
	refused 'a wrong answer: not "$3..0' redis-get --port "$port" --serve "$WRONG" "$port" redis miss
	refused 'a wrong answer: not "+OK.." but "-ERR no.."' redis-set --port "$port" --serve "$WRONG" "$port" redis error
	refused 'the server closed the connection with 1 answers missing and 0 bytes' redis-set --port "$port" --serve "$WRONG" "$port" redis close
	refused 'the server closed the connection with 1 answers missing and 4 bytes' redis-set --port "$port" --serve "$WRONG" "$port" redis short
	refused '1 bytes more than the answer: "!"' redis-set --port "$port" --serve "$WRONG" "$port" redis more
	# Python takes a second to start on a busy machine.
	refused 'no answer within 5.0 s' redis-set --port "$port" --wait 5 --serve "$WRONG" "$port" redis silent
	refused 'a wrong answer: not "VALUE key:0' memcached-get --port "$port" --serve "$WRONG" "$port" memcached miss
	refused 'a wrong answer: not "VALUE key:0' memcached-get --port "$port" --serve "$WRONG" "$port" memcached value
}

@test "load: HTTP, a connection a request and connections that stay" {
	loaded http --port "$port" --requests 20 --warmup 2 --serve "$WRONG" "$port" http ok closed.log
	[ "$(wc -l <closed.log)" -eq 23 ]
	loaded http --port "$port" --requests 20 --connections 2 --keep-alive --serve "$WRONG" "$port" http ok kept.log
	[ "$(wc -l <kept.log)" -eq 3 ]
	# The server may close behind an answer, if it says so.
	loaded http --port "$port" --requests 20 --warmup 0 --keep-alive --serve "$WRONG" "$port" http last last.log
	[ "$(wc -l <last.log)" -gt 10 ]
}

@test "load: wrong answers of HTTP" {
	refused 'no right answer after 5 s; the last attempt: HTTP: not "HTTP/1.1 200" but "HTTP/1.1 404 Not Found"' \
		http --port "$port" --wait 5 --serve "$WRONG" "$port" http 404
	refused 'the server closed the connection with 1 answers missing and 0' http --port "$port" --serve "$WRONG" "$port" http close
	refused 'the server closed the connection with 1 answers missing and 1' http --port "$port" --serve "$WRONG" "$port" http short
	refused 'HTTP: a body of 100 bytes that is not the same as the first' http --port "$port" --serve "$WRONG" "$port" http body
	refused '1 bytes more than the answer: "!"' http --port "$port" --serve "$WRONG" "$port" http more
	refused 'HTTP: an answer without Content-Length' http --port "$port" --serve "$WRONG" "$port" http no-length
	refused 'HTTP: wrong header "content-length:  1O0"' http --port "$port" --serve "$WRONG" "$port" http bad-length
	refused 'HTTP: an answer without Content-Length' http --port "$port" --serve "$WRONG" "$port" http nul
	refused 'no right answer after 5 s; the last attempt: the server did not close the connection' \
		http --port "$port" --wait 5 --serve "$WRONG" "$port" http not-closed
}

@test "load: PostgreSQL by pgbench" {
	local as_other='' bin
	bin=$(echo /usr/lib/postgresql/*/bin)
	[ "$(id -u)" -ne 0 ] || as_other='setpriv --reuid 65534 --regid 65534 --clear-groups'
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")"
	mkdir cluster
	chmod 777 cluster
	$as_other "$bin/initdb" -D cluster/data --username=postgres --auth=trust --locale=C --no-sync >initdb.log
	local server="$as_other $bin/postgres -D cluster/data -p $port -c fsync=off -c unix_socket_directories="
	local client="$bin/pgbench -n -S -c {connections} -t {each} -h {host} -p {port} -U postgres postgres"
	# shellcheck disable=SC2086 # lists of words
	{
		loaded postgresql --port "$port" --requests 10 --connections 2 --serve $server
		loaded exec --port "$port" --ready postgresql --requests 100 --connections 2 \
			--prepare "$bin/pgbench -i -q -h {host} -p {port} -U postgres postgres" \
			--expect 'actually processed: {requests}/100' -- $client --serve $server
		[ "$(jq -c '[.requests, .p50_ns]' <<<"$output")" = '[100,null]' ]
		refused "$bin/pgbench did not say \"wolf\"" exec --port "$port" --ready postgresql --expect wolf \
			--requests 10 -- $client --serve $server
		refused "$bin/pgbench ended with status 1" exec --port "$port" --ready postgresql \
			--requests 10 -- $bin/pgbench -n -h {host} -p {port} -U nobody postgres --serve $server
		refused 'to prepare, exit 3: /bin/sh ended with status 3' exec --port "$port" --ready postgresql \
			--prepare 'exit 3' -- true --serve $server
	}
	nobody_listens
}

@test "load: words that make no sense" {
	local words
	for words in '' wolf 'http --pipeline 2' 'http --wolf 1' 'http --requests' 'http --requests 0' 'http --target wolf' \
		'http --target 1.2.3:80' 'exec -- true' 'exec --port 1' 'exec --port 1 --' 'http --ready http' \
		'exec --port 1 --requests 10 --connections 3 -- true' 'http --serve'; do
		# shellcheck disable=SC2086
		run "$PROGRAMS/load" $words
		echo "$words: $output"
		[ "$status" -eq 2 ]
		[[ $output == *usage:* ]]
	done
}
