// SPDX-License-Identifier: Apache-2.0
/* The order of things from the kernel's first process to the end of the machine. */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct config config;
static struct channel channel;
static struct application application = {.input = -1, .outputs = {-1, -1}, .terminal = -1};
static struct relay relay;

/* Descriptors 0 to 2 are the console's, so that none that we open gets such a number. */
static void console_open(void)
{
	int fd = STDERR_FILENO;
	if (fcntl(STDERR_FILENO, F_GETFD) < 0)
		do
			fd = open("/dev/console", O_RDWR | O_NOCTTY);
		while (fd >= 0 && fd < STDERR_FILENO);
	if (fd < 0)
		do
			fd = open("/dev/null", O_RDWR);
		while (fd >= 0 && fd < STDERR_FILENO);
}

static void random_check(void)
{
	char byte;
	if (getrandom(&byte, 1, GRND_NONBLOCK) < 0 && errno == EAGAIN)
		log_line(TEXT("the kernel has no randomness yet: programs that need some will wait"));
}

/* What is ours goes once it was read: the environment may hold secrets that every user could read
 * there, and the application's root is to be the image's. */
static void remove_own_files(void)
{
	for (char **module = config.module; module && *module; module++)
		unlink(*module);
	if (config.module && *config.module)
		rmdir(GUEST_DIRECTORY "/modules");
	unlink(GUEST_CONFIG_PATH);
	unlink(GUEST_INIT_PATH);
	rmdir(GUEST_DIRECTORY);
}

/* Devices may be among what these drive, the way to the host too. */
static void modules_load(void)
{
	for (char **module = config.module; *module; module++) {
		int fd = open(*module, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
			log_line(TEXT("module ", *module, ": ", strerror(errno)));
		if (fd >= 0)
			close(fd);
	}
}

/* Whoever asked for kernel mode is not to get less without knowing. */
static int mode_check(struct failure *failure)
{
	if (!config.mode || in_kernel_mode())
		return 0;
	return failure_set(failure, 125,
					   TEXT("the kernel did not turn kernel mode on: it was built without the "
							"feature kernel-mode, or is not one of lupine's"));
}

static int guest_start(struct failure *failure)
{
	static struct network network;
	if (mode_check(failure) < 0)
		return -1;
	random_check();
	network_start(&config, &network);
	etc_write(&config, &network);
	if (mount_root(&config, failure) < 0)
		return -1;
	mount_all(&config);
	etc_bind();
	mount_read_only(&config);
	return application_start(&config, &application, failure);
}

/* Never returns: the machine ends. */
static void guest_stop(void)
{
	kill_all();
	alarm(5); /* a process that even SIGKILL does not end must not keep the machine */
	while (waitpid(-1, NULL, 0) > 0)
		;
	mount_finish(&config);
	/* To restart is what ends it: the monitors end with the first reset (qemu -no-reboot,
	 * firecracker always), while a power-off needs ACPI or the like, which the machine and the
	 * kernel do without, and would halt the processor for ever. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

int main(void)
{
	static struct failure failure;
	uint64_t ticks = ticks_now();
	int devices = mount_devices();
	/* Not in an initialiser: that would put its whole buffer into the file. */
	relay.channel = &channel;
	relay.application = &application;
	relay.outputs[0].window = relay.outputs[1].window = PROTOCOL_WINDOW;
	console_open();
	log_open();
	log_note(TEXT(NUMBER(ticks_now()), " ticks since power-on"));
	if (devices < 0)
		log_line(TEXT("devtmpfs on /dev: ", strerror(-devices)));
	bool configured = config_load(GUEST_CONFIG_PATH, &config, &failure) == 0;
	if (configured)
		modules_load();
	remove_own_files();
	int r = channel_open(&channel, PROTOCOL_DEVICE, ticks);
	if (r < 0) {
		log_line(TEXT("no way to the host, " PROTOCOL_DEVICE ": ", strerror(-r)));
		guest_stop();
	}
	log_quiet();

	relay_prepare();
	if (!configured || guest_start(&failure) < 0)
		relay.failure = &failure;
	r = relay_run(&relay);
	if (r < 0)
		log_line(TEXT("the host is gone: ", strerror(-r)));
	guest_stop();
}
