// SPDX-License-Identifier: Apache-2.0
#include "bench/guest.h"
#include "base/files.h"
#include "rootfs/rootfs.h"
#include "vmm/vmm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TEXT_LIMIT = 1024 * 1024, /* of what a guest wrote, bytes of each stream */
	STOP_SECONDS = 5,         /* that an application has to end by itself */
	/* What its supervisor gets beyond that until it is killed: a disk may have to be written. */
	PATIENCE_SECONDS = 90,
};
#define LOOPBACK "127.0.0.1"
#define HOSTNAME "guest" /* the same for all: what is measured must not depend on an id */

/* One that nobody has now. Whoever takes it before the monitor does makes that run fail. */
static int free_port(uint16_t *ret, struct error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return error_errno(err, errno, "cannot find a free port");
	*ret = ntohs(address.sin_port);
	return 0;
}

static void replace(char **text, const char *with)
{
	free(*text);
	*text = with ? xstrdup(with) : NULL;
}

static void fill_application(const struct guest_request *request, struct application *application)
{
	strings_extend(&application->argv, request->argv);
	application->cwd = xstrdup("/");
	application->hostname = xstrdup(HOSTNAME);
	machine_default_limits(application);
	if (!request->user)
		return;
	application->user = *request->user;
	application->user.home = request->user->home ? xstrdup(request->user->home) : NULL;
}

static int fill_port(const struct guest_request *request, struct machine *machine,
					 struct error *err)
{
	struct machine_port port = {.guest = request->port};

	if (!request->port)
		return 0;
	if (free_port(&port.host, err) < 0)
		return -err->code;
	port.address = xstrdup(LOOPBACK);
	machine->ports = xcalloc(1, sizeof(port));
	machine->ports[machine->port_count++] = port;
	return 0;
}

static void fill_kernel(const struct guest_request *request, struct machine *machine)
{
	const struct kernel *kernel = request->system->kernel;
	const char *const parts[] = {request->system->append, request->append};
	struct buf append = {0};

	machine->kernel = xstrdup(kernel->vmlinux);
	replace(&machine->kernel_id, kernel->id);
	machine->acpi = kernel->acpi;
	strings_extend(&machine->modules, &kernel->modules);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i] && *parts[i])
			buf_printf(&append, "%s%s", append.length ? " " : "", parts[i]);
	machine->append = buf_steal(&append);
}

/* The root as a file of the machine's own. */
static int write_root(const struct guest_request *request, struct machine *machine,
					  struct error *err)
{
	struct rootfs_options options = {.type = request->disk ? ROOTFS_EXT2 : ROOTFS_INITRAMFS};
	struct rootfs_stats stats;

	machine->disk.path = xasprintf("%s/root.img", machine->directory);
	machine->disk.type = xstrdup(rootfs_type_name(options.type));
	_cleanup_close_ int fd = open(machine->disk.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(err, errno, "cannot make %s", machine->disk.path);
	return rootfs_write(request->tree, &options, fd, &stats, err);
}

static int fill_machine(const struct guest_request *request, struct machine *machine,
						struct error *err)
{
	replace(&machine->image, request->system->name);
	replace(&machine->accel, request->accel);
	machine->memory = request->memory;
	machine->cpus = request->cpus ? request->cpus : 1;
	machine->stop_timeout = STOP_SECONDS;
	fill_kernel(request, machine);
	fill_application(request, &machine->application);
	if (fill_port(request, machine, err) < 0 || write_root(request, machine, err) < 0)
		return -err->code;
	return machine_save(machine, err);
}

static int pin(int processor)
{
	cpu_set_t set;

	if (processor < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET((unsigned)processor, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

/* The supervisor's process: a machine ends with it, and it with us. */
static _Noreturn void supervise_in_child(struct machine *machine, int processor, pid_t parent,
										 int ready, int report)
{
	const struct supervise_options options = {.logs = true, .ready = ready};
	struct machine_status status = {0};
	struct error err = {0}, ignored = {0};
	int error = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(EXIT_FAILURE);
	if (pin(processor) < 0)
		error = error_errno(&err, errno, "cannot use processor %d only", processor);
	if (error == 0)
		error = supervise(machine, &options, &status, &err);
	if (error < 0) {
		fd_write_all(report, &err.code, sizeof(err.code), &ignored);
		fd_write_all(report, err.message, strlen(err.message) + 1, &ignored);
		if (err.hint)
			fd_write_all(report, err.hint, strlen(err.hint), &ignored);
	}
	_exit(error < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* What a guest is while this file's functions hold it. */
struct session {
	struct guest guest;
	int ready;  /* gets a byte when the application was started; its end says that it never will */
	int report; /* why it could not be tried: errno (an int), message, NUL, hint */
};
#define SESSION_NONE                                                                               \
	{                                                                                              \
		.ready = -1, .report = -1                                                                  \
	}

static void kill_and_reap(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

static void session_end(struct session *session)
{
	_cleanup_error_ struct error ignored = {0};

	kill_and_reap(&session->guest.supervisor);
	if (session->ready >= 0)
		close(session->ready);
	if (session->report >= 0)
		close(session->report);
	if (session->guest.machine)
		machine_remove(session->guest.machine, &ignored);
	machine_free(&session->guest.machine);
}

static int spawn_supervisor(const struct guest_request *request, struct session *session,
							struct error *err)
{
	struct machine *machine = session->guest.machine;
	pid_t parent = getpid();
	int ready[2], report[2];

	if (pipe2(ready, O_CLOEXEC) < 0)
		return error_errno(err, errno, "cannot make a pipe");
	session->ready = ready[0];
	if (pipe2(report, O_CLOEXEC) < 0) {
		close(ready[1]);
		return error_errno(err, errno, "cannot make a pipe");
	}
	session->report = report[0];
	pid_t pid = fork();
	if (pid == 0)
		supervise_in_child(machine, request->processor, parent, ready[1], report[1]);
	int error = errno;
	close(ready[1]);
	close(report[1]);
	if (pid < 0)
		return error_errno(err, error, "cannot start a process");
	session->guest.supervisor = pid;
	return 0;
}

static int begin(const struct guest_request *request, struct session *session, struct error *err)
{
	struct guest *guest = &session->guest;
	int error = machine_new(NULL, &guest->machine, err);

	if (error == 0)
		error = fill_machine(request, guest->machine, err);
	if (error == 0 && guest->machine->port_count)
		guest->port = guest->machine->ports[0].host;
	if (error == 0)
		error = spawn_supervisor(request, session, err);
	return error < 0 ? error_wrap(err, "a machine of %s", request->system->name) : 0;
}

/* True when the process has ended, and was reaped, within that time. */
static bool ended_within(pid_t *pid, unsigned seconds)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, *pid, 0);
	struct pollfd slot = {.fd = fd, .events = POLLIN};
	int most = seconds > INT32_MAX / 1000 ? INT32_MAX : (int)(seconds * 1000);
	int result;

	do
		result = poll(&slot, 1, most);
	while (result < 0 && errno == EINTR);
	if (result <= 0)
		return false;
	waitpid(*pid, NULL, 0);
	*pid = 0;
	return true;
}

/* By its own end if it comes to one: the application is asked, then the machine is ended. */
static void stop(struct guest *guest)
{
	if (guest->supervisor <= 0)
		return;
	kill(guest->supervisor, SIGTERM);
	if (!ended_within(&guest->supervisor, STOP_SECONDS + PATIENCE_SECONDS))
		kill_and_reap(&guest->supervisor);
}

/* The beginning of a file of the machine's; "" when there is none. */
static char *read_text(const struct machine *machine, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", machine->directory, name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = xmalloc(TEXT_LIMIT + 1);
	size_t length = 0;
	ssize_t count;

	while (fd >= 0 && length < TEXT_LIMIT &&
		   (count = read(fd, text + length, TEXT_LIMIT - length)) > 0)
		length += (size_t)count;
	text[length] = '\0';
	return xrealloc(text, length + 1, 1);
}

/* Of a machine that has ended. */
static int collect(const struct machine *machine, struct guest_run *ret, struct error *err)
{
	int error = machine_read_status(machine, &ret->status, err);

	if (error < 0)
		return error;
	ret->output = read_text(machine, "stdout.log");
	ret->errors = read_text(machine, "stderr.log");
	ret->log = read_text(machine, "console.log");
	return 0;
}

/* After the supervisor's end: what kept it from even trying, or what came of it. */
static int judge(const struct session *session, bool timed_out, struct guest_run *ret,
				 struct error *err)
{
	_cleanup_buf_ struct buf report = {0};
	int error = fd_read_all(session->report, TEXT_LIMIT, &report, err);

	int code;

	if (error == 0 && report.length > sizeof(code)) {
		const char *message = report.data + sizeof(code), *hint = message + strlen(message) + 1;
		memcpy(&code, report.data, sizeof(code));
		error = error_set(err, code, "%s", message);
		if (hint < report.data + report.length)
			error_hint(err, "%s", hint);
	}
	ret->timed_out = timed_out;
	return error < 0 ? error : collect(session->guest.machine, ret, err);
}

int guest_run(const struct guest_request *request, struct guest_run *ret, struct error *err)
{
	_cleanup_(session_end) struct session session = SESSION_NONE;
	_cleanup_guest_run_ struct guest_run run = {0};

	if (begin(request, &session, err) < 0)
		return -err->code;
	bool timed_out = !ended_within(&session.guest.supervisor, request->timeout);
	stop(&session.guest);
	if (judge(&session, timed_out, &run, err) < 0)
		return -err->code;
	*ret = run;
	run = (struct guest_run){0};
	return 0;
}

void guest_run_free(struct guest_run *run)
{
	machine_status_free(&run->status);
	free(run->output);
	free(run->errors);
	free(run->log);
	*run = (struct guest_run){0};
}

enum start { STARTED, ENDED, TOO_LATE };

static enum start wait_for_start(int ready, unsigned seconds)
{
	struct pollfd slot = {.fd = ready, .events = POLLIN};
	int most = seconds > INT32_MAX / 1000 ? INT32_MAX : (int)(seconds * 1000);
	char byte;
	int result;

	do
		result = poll(&slot, 1, most);
	while (result < 0 && errno == EINTR);
	if (result <= 0)
		return TOO_LATE;
	return read(ready, &byte, 1) == 1 ? STARTED : ENDED;
}

/* The status of a machine that runs has the monitor's process. Our own hold on the lock, which
 * keeps its directory from being swept away, must not pass for that of who runs it. */
static int find_monitor(struct machine *machine, pid_t *ret, struct error *err)
{
	_cleanup_machine_status_ struct machine_status status = {0};
	int lock = machine->lock;

	machine->lock = -1;
	int error = machine_read_status(machine, &status, err);
	machine->lock = lock;
	*ret = status.monitor_pid;
	return error;
}

int guest_start(const struct guest_request *request, struct guest *ret, struct guest_run *ret_run,
				struct error *err)
{
	_cleanup_(session_end) struct session session = SESSION_NONE;
	_cleanup_guest_run_ struct guest_run run = {0};

	if (begin(request, &session, err) < 0)
		return -err->code;
	enum start start = wait_for_start(session.ready, request->timeout);
	if (start == STARTED) {
		if (find_monitor(session.guest.machine, &session.guest.monitor, err) < 0)
			return -err->code;
		*ret = session.guest;
		session.guest = (struct guest){0};
		return 0;
	}
	stop(&session.guest);
	if (judge(&session, start == TOO_LATE, &run, err) < 0)
		return -err->code;
	*ret_run = run;
	run = (struct guest_run){0};
	return 1;
}

int guest_stop(struct guest *guest, struct guest_run *ret, struct error *err)
{
	_cleanup_(session_end) struct session session = SESSION_NONE;

	session.guest = *guest;
	*guest = (struct guest){0};
	if (!session.guest.machine)
		return 0;
	stop(&session.guest);
	return ret ? collect(session.guest.machine, ret, err) : 0;
}
