// SPDX-License-Identifier: Apache-2.0
/* Machines: their specification as JSON, their directories, what init is told. */
#include "machine_fixture.h"
#include "rootfs/rootfs.h"

#include <sys/wait.h>
#include <unistd.h>

static void fill(struct machine *machine)
{
	struct application *application = &machine->application;

	machine->keep = true;
	machine->image = xstrdup("oci:images:redis");
	machine->image_digest = xstrdup("sha256:00");
	machine->kernel_id = xstrdup("abc");
	machine->append = xstrdup("quiet \"x y\"");
	machine->acpi = true;
	strings_add(&machine->modules, "/k/a.ko");
	strings_add(&machine->modules, "/l/a.ko");
	machine->disk = (struct machine_disk){
		.path = xstrdup("/disks/\xff\xfe.img"), .type = xstrdup("ext2"), .discard = true};
	machine->memory = 3ull << 30;
	machine->cpus = 4;
	machine->stop_signal = 3;
	machine->stop_timeout = 77;
	machine->ports = xcalloc(2, sizeof(struct machine_port));
	machine->port_count = 2;
	machine->ports[0] = (struct machine_port){.host = 8080, .guest = 80};
	machine->ports[1] =
		(struct machine_port){.address = xstrdup("127.0.0.1"), .host = 1, .guest = 2, .udp = true};
	strings_add(&application->argv, "bytes \x80 that are no text");
	strings_add(&application->argv, "");
	strings_add(&application->argv, "\xc3\xa4 is text");
	strings_add(&application->env, "A=1");
	strings_add(&application->env, "B=");
	application->cwd = xstrdup("/data");
	application->user = (struct image_user){
		.uid = 999, .gid = 998, .groups = {4, 100}, .group_count = 2, .home = xstrdup("/home")};
	application->hostname = xstrdup("box");
	application->limits = xcalloc(1, sizeof(struct machine_limit));
	application->limits[0] =
		(struct machine_limit){.name = "nofile", .soft = 1024, .hard = UINT64_MAX};
	application->limit_count = 1;
	strings_add(&application->tmpfs, "/tmp");
	application->terminal = application->interactive = true;
}

static void test_round_trip(void **state)
{
	_cleanup_machine_ struct machine *machine = fixture_machine(NULL), *read = NULL;
	_cleanup_error_ struct error err = {0};

	(void)state;
	fill(machine);
	assert_ok(machine_save(machine, &err), &err);
	assert_int_equal(machine->lock, -1); /* a kept one needs no keeper any more */
	assert_ok(machine_find(machine->id, &read, &err), &err);
	_cleanup_json_ json_t *before = machine_to_json(machine), *after = machine_to_json(read);
	assert_true(json_equal(before, after));
	/* Not only the JSON: what it stands for. */
	assert_string_equal(read->application.argv.items[1], "bytes \x80 that are no text");
	assert_string_equal(read->application.argv.items[2], "");
	assert_string_equal(read->disk.path, "/disks/\xff\xfe.img");
	assert_true(read->disk.discard && !read->disk.read_only);
	assert_true(read->memory == 3ull << 30);
	assert_true(read->application.limits[0].hard == UINT64_MAX);
	assert_int_equal(read->application.user.groups[1], 100);
	assert_string_equal(read->ports[1].address, "127.0.0.1");
	assert_true(read->ports[1].udp && !read->ports[0].udp);
	assert_string_equal(read->directory, machine->directory);
	assert_ok(machine_remove(machine, &err), &err);
}

/* A machine that is right, with one member replaced by JSON of the test's. */
static json_t *with_member(const char *path, const char *value)
{
	_cleanup_machine_ struct machine *machine = fixture_machine(NULL);
	_cleanup_free_ char *copy = xstrdup(path);
	_cleanup_error_ struct error ignored = {0};
	json_t *json = machine_to_json(machine), *object = json;
	char *member = strchr(copy, '.');

	if (member) {
		*member++ = '\0';
		object = json_object_get(json, copy);
		if (!object) {
			object = json_object();
			json_object_set_new(json, copy, object);
		}
	} else {
		member = copy;
	}
	if (value)
		json_object_set_new(object, member, json_loads(value, JSON_DECODE_ANY, NULL));
	else
		json_object_del(object, member);
	machine_remove(machine, &ignored);
	return json;
}

static void test_foreign_json(void **state)
{
	static const struct {
		const char *member, *value, *message;
	} rows[] = {
		{"version", NULL, "machine: \"version\" is missing"},
		{"version", "2", "machine: its format is version 2, not 1"},
		{"id", "\"../../etc\"", "machine: \"../../etc\" is not an id"},
		{"name", "\"a/b\"", "machine: \"a/b\" cannot be a name"},
		{"vmm", "7", "machine: \"vmm\" must be a string, not an integer"},
		{"memory", "-5", "machine: \"memory\" is -5, not between 1048576 and 70368744177664"},
		{"memory", "1e9", "machine: \"memory\" must be an integer, not a number with a fraction"},
		{"cpus", "0", "machine: \"cpus\" is 0, not between 1 and 255"},
		{"cpus", "4294967297", "machine: \"cpus\" is 4294967297, not between 1 and 255"},
		{"stop_signal", "65", "machine: \"stop_signal\" is 65, not between 1 and 64"},
		{"keep", "\"yes\"", "machine: \"keep\" must be a boolean, not a string"},
		{"ports", "{}", "machine: \"ports\" must be an array, not an object"},
		{"ports", "[7]", "machine's port: must be an object, not an integer"},
		{"ports", "[{\"host\": 80}]", "machine's port: \"guest\" is missing"},
		{"ports", "[{\"host\": 80, \"guest\": 70000}]",
		 "machine's port: \"guest\" is 70000, not between 1 and 65535"},
		{"ports", "[{\"host\": 80, \"guest\": 80, \"address\": \"1.2.3.4,x=y\"}]",
		 "machine's port: \"1.2.3.4,x=y\" is not an IP address"},
		{"disk.path", "\"/disk\"", "machine's disk: \"type\" is missing"},
		{"disk.path", "{\"hex\": \"2f0\"}",
		 "machine's disk: \"path\" must be a string, or {\"hex\": DIGITS}"},
		{"disk.path", "{\"hex\": \"2f00\"}",
		 "machine's disk: \"path\" must be a string, or {\"hex\": DIGITS}"},
		{"disk.path", "{\"hex\": \"2fXY\"}",
		 "machine's disk: \"path\" must be a string, or {\"hex\": DIGITS}"},
		{"disk.path", "{\"hex\": 7}",
		 "machine's disk: \"path\" must be a string, or {\"hex\": DIGITS}"},
		{"application", NULL, "machine: \"application\" is missing"},
		{"application.argv", "[]", "application: \"argv\" is empty"},
		{"application.argv", "[\"\"]", "application: \"argv\" begins with \"\""},
		{"application.argv", "[\"a\", 5]",
		 "application: \"argv\" must be a string, or {\"hex\": DIGITS}"},
		{"application.env", "[\"NOVALUE\"]", "application: \"env\" holds what is not NAME=VALUE"},
		{"application.env", "[\"=x\"]", "application: \"env\" holds what is not NAME=VALUE"},
		{"application.cwd", "\"tmp\"", "application: \"cwd\" is not absolute"},
		{"application.tmpfs", "[\"/a\", \"b\"]",
		 "application: \"tmpfs\" holds a path that is not absolute"},
		{"application.hostname",
		 "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
		 "application: \"hostname\" is longer than 64 bytes"},
		{"application.uid", "-1", "application: \"uid\" is -1, not between 0 and 4294967294"},
		{"application.groups", "[-1]", "application: groups must be numbers of groups"},
		{"application.groups", "[\"root\"]", "application: groups must be numbers of groups"},
		{"application.limits", "{\"files\": {\"soft\": 1, \"hard\": 1}}",
		 "application: there is no limit \"files\""},
		{"application.limits", "{\"nofile\": {\"soft\": 2, \"hard\": 1}}",
		 "application: limit \"nofile\": the soft limit is above the hard one"},
		{"application.limits", "{\"nofile\": 7}", "nofile: must be an object, not an integer"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_json_ json_t *json = with_member(rows[i].member, rows[i].value);
		_cleanup_machine_ struct machine *machine = NULL;
		_cleanup_error_ struct error err = {0};
		if (machine_from_json(json, &machine, &err) == 0)
			fail_msg("taken: %s = %s", rows[i].member, rows[i].value);
		assert_string_equal(err.message, rows[i].message);
		assert_null(machine);
	}
	_cleanup_json_ json_t *other = json_string("no object");
	_cleanup_machine_ struct machine *machine = NULL;
	_cleanup_error_ struct error err = {0};
	assert_true(machine_from_json(other, &machine, &err) < 0);
	assert_string_equal(err.message, "machine: must be an object, not a string");
}

/* More groups than a user can have; ports without end. */
static void test_absurd_counts(void **state)
{
	_cleanup_machine_ struct machine *machine = NULL;
	_cleanup_error_ struct error err = {0};
	_cleanup_json_ json_t *many_groups = with_member("application.groups", "[]");
	_cleanup_json_ json_t *many_ports = with_member("ports", "[]");

	(void)state;
	json_t *groups = json_object_get(json_object_get(many_groups, "application"), "groups");
	for (int i = 0; i < 65; i++)
		json_array_append_new(groups, json_integer(i));
	assert_true(machine_from_json(many_groups, &machine, &err) < 0);
	assert_string_equal(err.message, "application: more than 64 groups");
	for (int i = 0; i < 5000; i++)
		json_array_append_new(json_object_get(many_ports, "ports"), json_object());
	assert_true(machine_from_json(many_ports, &machine, &err) < 0);
	assert_string_equal(err.message, "machine: more than 4096 ports");
}

static void test_find(void **state)
{
	_cleanup_machine_ struct machine *web = fixture_machine("web"),
									 *other = fixture_machine("web2");
	_cleanup_machine_ struct machine *found = NULL, *again = NULL, *none = NULL;
	_cleanup_error_ struct error err = {0};
	char prefix[6];

	(void)state;
	/* Not saved yet: it has its name, but cannot be found. */
	assert_int_equal(machine_find("web", &none, &err), -ENOENT);
	assert_ok(machine_save(web, &err), &err);
	assert_ok(machine_save(other, &err), &err);
	assert_ok(machine_find("web", &found, &err), &err);
	assert_string_equal(found->id, web->id);
	snprintf(prefix, sizeof(prefix), "%.5s", web->id);
	assert_ok(machine_find(prefix, &again, &err), &err);
	assert_string_equal(again->id, web->id);
	assert_int_equal(machine_find("nobody", &none, &err), -ENOENT);
	assert_string_equal(err.message, "there is no machine \"nobody\"");
	assert_string_equal(err.hint, "`lupine ps -a` lists the ones there are");
	assert_int_equal(machine_find("", &none, &err), -ENOENT);
	assert_int_equal(machine_find("../..", &none, &err), -ENOENT);
	assert_ok(machine_remove(web, &err), &err);
	assert_ok(machine_remove(other, &err), &err);
	assert_int_equal(machine_find("web", &none, &err), -ENOENT);
}

static void test_ambiguous_beginning(void **state)
{
	struct machine *machines[17];
	_cleanup_machine_ struct machine *none = NULL;
	_cleanup_error_ struct error err = {0};
	int ambiguous = 0;

	(void)state;
	/* Of 17 ids two begin with the same digit. */
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		machines[i] = fixture_machine(NULL);
		machines[i]->keep = true;
		assert_ok(machine_save(machines[i], &err), &err);
	}
	for (const char *digit = "0123456789abcdef"; *digit; digit++) {
		const char prefix[2] = {*digit, '\0'};
		int result = machine_find(prefix, &none, &err);
		ambiguous += result == -EEXIST;
		machine_free(&none);
	}
	assert_true(ambiguous > 0);
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		assert_ok(machine_remove(machines[i], &err), &err);
		machine_free(&machines[i]);
	}
}

static void test_names_are_unique(void **state)
{
	_cleanup_machine_ struct machine *first = fixture_machine("only"), *second = NULL;
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_int_equal(machine_new("only", &second, &err), -EEXIST);
	_cleanup_free_ char *message =
		xasprintf("the name only is in use by the machine %s", first->id);
	assert_string_equal(err.message, message);
	assert_int_equal(machine_new("a b", &second, &err), -EINVAL);
	assert_string_equal(err.message, "\"a b\" cannot be a machine's name");
	/* The name is free as soon as the machine is removed. */
	assert_ok(machine_remove(first, &err), &err);
	assert_ok(machine_new("only", &second, &err), &err);
	assert_ok(machine_remove(second, &err), &err);
}

/* Of many who want the same name at the same time one gets it. */
static void test_names_in_a_race(void **state)
{
	enum { RIVALS = 12 };
	pid_t rivals[RIVALS];
	int winners = 0, gate[2];

	(void)state;
	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < RIVALS; i++) {
		rivals[i] = fork();
		if (rivals[i] != 0)
			continue;
		struct machine *machine = NULL;
		struct error err = {0};
		char byte;
		close(gate[1]);
		(void)!read(gate[0], &byte, 1); /* until all are there */
		int error = machine_new("race", &machine, &err);
		if (error == 0) {
			machine->keep = true;
			machine->kernel = xstrdup("k");
			strings_add(&machine->application.argv, "x");
			error = machine_save(machine, &err);
		}
		_exit(error == 0 ? 0 : error == -EEXIST ? 1 : 2);
	}
	close(gate[0]);
	close(gate[1]);
	for (int i = 0; i < RIVALS; i++) {
		int status;
		waitpid(rivals[i], &status, 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		winners += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(winners, 1);
	_cleanup_machine_ struct machine *winner = NULL;
	_cleanup_error_ struct error err = {0};
	assert_ok(machine_find("race", &winner, &err), &err);
	assert_ok(machine_remove(winner, &err), &err);
}

/* Makes a machine in a process that dies right after. */
static void make_and_die(const char *name, bool keep, bool save)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct machine *machine = fixture_machine(name);
		struct error err = {0};
		machine->keep = keep;
		if (save)
			machine_save(machine, &err);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static void test_leftovers(void **state)
{
	_cleanup_machine_ struct machine *machine = NULL, *kept = NULL;
	_cleanup_error_ struct error err = {0};
	_cleanup_free_ char *directory = NULL;
	_cleanup_strings_ struct strings ids = {0};

	(void)state;
	make_and_die("half", true, false);
	make_and_die(NULL, false, true);
	make_and_die("whole", true, true);
	/* As a crash of the host leaves what was not yet on its disk. */
	_cleanup_machine_ struct machine *empty = fixture_machine(NULL);
	_cleanup_free_ char *json = xasprintf("%s/machine.json", empty->directory);
	assert_ok(file_write_atomic(json, "", 0, 0600, &err), &err);
	close(empty->lock);
	empty->lock = -1;
	assert_ok(machine_directory(&directory, &err), &err);
	_cleanup_free_ char *removed = xasprintf("%s/.removed-0123456789ab", directory);
	assert_int_equal(mkdir(removed, 0755), 0);
	/* The next one sweeps: the name of the half-made one is free again, what is whole stays. */
	assert_ok(machine_new("half", &machine, &err), &err);
	assert_ok(machine_ids(directory, &ids, &err), &err);
	assert_int_equal(ids.count, 2);
	assert_false(path_exists(removed));
	assert_ok(machine_find("whole", &kept, &err), &err);
	assert_ok(machine_remove(kept, &err), &err);
	assert_ok(machine_remove(machine, &err), &err);
}

static void test_list(void **state)
{
	_cleanup_machine_ struct machine *old = fixture_machine("old"), *new = fixture_machine("new"),
									 *broken = fixture_machine("broken");
	_cleanup_error_ struct error err = {0};
	_cleanup_strings_ struct strings damaged = {0};
	struct machine **list;
	size_t count;

	(void)state;
	old->created = 1000;
	new->created = 2000;
	assert_ok(machine_save(old, &err), &err);
	assert_ok(machine_save(new, &err), &err);
	_cleanup_free_ char *path = xasprintf("%s/machine.json", broken->directory);
	assert_ok(file_write_atomic(path, "{", 1, 0600, &err), &err);
	assert_ok(machine_list(&list, &count, &damaged, &err), &err);
	assert_int_equal(count, 2);
	assert_string_equal(list[0]->name, "new");
	assert_string_equal(list[1]->name, "old");
	assert_int_equal(damaged.count, 1);
	assert_string_equal(damaged.items[0], broken->id);
	for (size_t i = 0; i < count; i++)
		machine_free(&list[i]);
	free(list);
	assert_ok(machine_remove(old, &err), &err);
	assert_ok(machine_remove(new, &err), &err);
	assert_ok(machine_remove(broken, &err), &err);
}

static void test_lock_and_status(void **state)
{
	_cleanup_machine_ struct machine *machine = fixture_machine("status"), *other = NULL;
	_cleanup_machine_status_ struct machine_status status = {0};
	_cleanup_error_ struct error err = {0};

	(void)state;
	assert_ok(machine_save(machine, &err), &err);
	assert_ok(machine_find("status", &other, &err), &err);
	assert_ok(machine_read_status(machine, &status, &err), &err);
	assert_int_equal(status.state, MACHINE_CREATED);

	const struct machine_status running = {.state = MACHINE_RUNNING,
										   .pid = 4711,
										   .monitor_pid = 4712,
										   .accel = "tcg",
										   .started = 1000,
										   .init_seconds = 0.125,
										   .init_ticks = 98765432109,
										   .boot_seconds = 0.25,
										   .boot_ticks = 123456789012,
										   .output_seconds = 0.375};
	int lock = machine_lock(machine, &err);
	assert_ok(lock, &err);
	assert_ok(machine_write_status(machine, &running, &err), &err);
	assert_int_equal(machine_lock(other, &err), -EBUSY);
	assert_string_equal(err.message, "the machine status is running");
	assert_int_equal(machine_remove(other, &err), -EBUSY);
	assert_string_equal(err.message, "cannot remove status: the machine status is running");
	assert_ok(machine_read_status(other, &status, &err), &err);
	assert_int_equal(status.state, MACHINE_RUNNING);
	assert_int_equal(status.pid, 4711);
	assert_true(status.init_ticks == 98765432109 && status.init_seconds == 0.125);
	assert_true(status.boot_ticks == 123456789012 && status.boot_seconds == 0.25);
	assert_true(status.output_seconds == 0.375);
	machine_status_free(&status);

	/* Nobody holds it any more: that it runs cannot be true. */
	close(lock);
	assert_ok(machine_read_status(other, &status, &err), &err);
	assert_int_equal(status.state, MACHINE_EXITED);
	assert_int_equal(status.end, END_MONITOR);
	assert_int_equal(status.exit_code, 125);
	assert_int_equal(status.pid, 0);
	assert_string_equal(status.message, "lupine itself was killed, and the machine ended with it");
	machine_status_free(&status);

	const struct machine_status ended = {
		.state = MACHINE_EXITED, .end = END_APPLICATION, .exit_code = 42, .message = "two\nlines"};
	assert_ok(machine_write_status(machine, &ended, &err), &err);
	assert_ok(machine_read_status(other, &status, &err), &err);
	assert_int_equal(status.end, END_APPLICATION);
	assert_int_equal(status.exit_code, 42);
	assert_string_equal(status.message, "two\nlines");
	assert_null(status.accel);

	assert_ok(machine_remove(machine, &err), &err);
	assert_int_equal(machine_lock(other, &err), -ENOENT);
	assert_string_equal(err.message, "the machine status was removed");
}

static void test_damaged_status(void **state)
{
	_cleanup_machine_ struct machine *machine = fixture_machine("damaged");
	_cleanup_free_ char *path = xasprintf("%s/status.json", machine->directory);
	_cleanup_free_ char *prefix = xasprintf("%s: ", path);
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"{\"state\": \"asleep\", \"end\": \"none\"}", "\"state\" cannot be \"asleep\""},
		{"{\"state\": \"exited\"}", "\"end\" is missing"},
		{"{\"state\": \"exited\", \"end\": \"none\", \"exit_code\": 256}",
		 "\"exit_code\" is 256, not between 0 and 255"},
		{"[]", "must be an object, not an array"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_machine_status_ struct machine_status status = {0};
		_cleanup_error_ struct error err = {0};
		_cleanup_free_ char *message = xasprintf("%s%s", prefix, rows[i].message);
		assert_ok(file_write_atomic(path, rows[i].text, strlen(rows[i].text), 0600, &err), &err);
		assert_true(machine_read_status(machine, &status, &err) < 0);
		assert_string_equal(err.message, message);
	}
	_cleanup_error_ struct error err = {0};
	assert_ok(machine_remove(machine, &err), &err);
}

/* The records, NULs as newlines: "key\nvalue\n". */
static char *guest_config(const struct machine *machine)
{
	struct buf config = {0};

	machine_guest_config(machine, &config);
	assert_true(config.length > 0 && config.data[config.length - 1] == '\0');
	for (size_t i = 0; i < config.length; i++)
		if (config.data[i] == '\0')
			config.data[i] = '\n';
	return buf_steal(&config);
}

static void test_guest_config(void **state)
{
	_cleanup_machine_ struct machine *machine = fixture_machine(NULL);
	_cleanup_error_ struct error err = {0};

	(void)state;
	fill(machine);
	machine->application.terminal = false; /* its size is that of the terminal we run on */
	_cleanup_free_ char *config = guest_config(machine);
	assert_string_equal(config, "version\n1\n"
								"arg\n/bin/true\n"
								"arg\nbytes \x80 that are no text\n"
								"arg\n\n"
								"arg\n\xc3\xa4 is text\n"
								"env\nA=1\n"
								"env\nB=\n"
								"uid\n999\n"
								"gid\n998\n"
								"group\n4\n"
								"group\n100\n"
								"home\n/home\n"
								"cwd\n/data\n"
								"hostname\nbox\n"
								"module\n/.lupine/modules/0-a.ko\n"
								"module\n/.lupine/modules/1-a.ko\n"
								"root\n/dev/vda\n"
								"fstype\next2\n"
								"rootflags\nrw\n"
								"rlimit\nnofile 1024 unlimited\n"
								"stdin\n1\n"
								"address\n10.0.2.15/24\n"
								"gateway\n10.0.2.2\n"
								"nameserver\n10.0.2.3\n"
								"tmpfs\n/tmp\n");
	machine->application.terminal = true;
	machine->disk.read_only = true;
	free(config);
	config = guest_config(machine);
	assert_non_null(strstr(config, " xterm\n"));
	assert_non_null(strstr(config, "rootflags\nro\n"));
	/* In memory, there is no device that it is on. */
	free(machine->disk.type);
	machine->disk.type = xstrdup("initramfs");
	free(config);
	config = guest_config(machine);
	assert_null(strstr(config, "root\n"));
	assert_null(strstr(config, "fstype\n"));
	assert_non_null(strstr(config, "rootflags\nro\n"));
	assert_ok(machine_remove(machine, &err), &err);
}

static void test_initramfs(void **state)
{
	_cleanup_machine_ struct machine *machine = fixture_machine(NULL);
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf archive = {0};

	(void)state;
	assert_ok(machine_write_initramfs(machine, &err), &err);
	assert_ok(file_read(AT_FDCWD, machine->initramfs, 1 << 20, &archive, &err), &err);
	assert_memory_equal(archive.data, "070701", 6);
	assert_non_null(memmem(archive.data, archive.length, "the init", 8));
	assert_non_null(memmem(archive.data, archive.length, "arg\0/bin/true", 14));
	/* Secrets are in it. */
	struct stat status;
	assert_int_equal(stat(machine->initramfs, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_ok(machine_remove(machine, &err), &err);
}

static void write_root(const struct machine *machine, const char *name)
{
	_cleanup_tree_ struct tree *tree = tree_new();
	_cleanup_error_ struct error err = {0};
	const struct rootfs_options options = {.type = ROOTFS_INITRAMFS};
	struct rootfs_stats stats;
	_cleanup_close_ int fd = open(machine->disk.path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_ok(tree_put_file(tree, name, 0644, "the image's own", 15, &err), &err);
	assert_ok(rootfs_write(tree, &options, fd, &stats, &err), &err);
}

/* Init, modules and the image together, the image's files last. */
static void test_root_in_memory(void **state)
{
	_cleanup_machine_ struct machine *machine = fixture_machine(NULL);
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf archive = {0};

	(void)state;
	machine->disk.path = xasprintf("%s/root.img", machine->directory);
	machine->disk.type = xstrdup("initramfs");
	strings_take(&machine->modules, xasprintf("%s/module.ko", fixture_home));
	fixture_write("module.ko", "the module", 10);
	write_root(machine, "init");
	assert_true(machine_root_in_memory(machine));
	assert_ok(machine_write_initramfs(machine, &err), &err);
	assert_ok(file_read(AT_FDCWD, machine->initramfs, 1 << 20, &archive, &err), &err);
	const char *ours = memmem(archive.data, archive.length, ".lupine/init", 12);
	const char *module = memmem(archive.data, archive.length, ".lupine/modules/0-module.ko", 27);
	const char *image = memmem(archive.data, archive.length, "the image's own", 15);
	assert_true(ours && module && image && image > ours && image > module);
	assert_int_equal(archive.length % 4, 0);

	/* Without its file, and without a module's. */
	unlink(machine->disk.path);
	assert_int_equal(machine_write_initramfs(machine, &err), -ENOENT);
	assert_true(starts_with(err.message, "the machine's initramfs: cannot open "));
	error_clear(&err);
	write_root(machine, "init");
	unlink(machine->modules.items[0]);
	assert_int_equal(machine_write_initramfs(machine, &err), -ENOENT);
	assert_ok(machine_remove(machine, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_foreign_json),
		cmocka_unit_test(test_absurd_counts),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_ambiguous_beginning),
		cmocka_unit_test(test_names_are_unique),
		cmocka_unit_test(test_names_in_a_race),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_lock_and_status),
		cmocka_unit_test(test_damaged_status),
		cmocka_unit_test(test_guest_config),
		cmocka_unit_test(test_initramfs),
		cmocka_unit_test(test_root_in_memory),
	};

	return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
