// SPDX-License-Identifier: Apache-2.0
#include "vmm/control.h"
#include "base/buf.h"
#include "base/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "control"

static const struct verb {
	const char *name;
	enum control_verb verb;
	uint64_t minimum, maximum;
} verbs[] = {
	{"stop", CONTROL_STOP, 0, INT32_MAX},
	{"signal", CONTROL_SIGNAL, 1, 64},
};

int control_parse(const char *line, struct control_command *ret, struct error *err)
{
	uint64_t number;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		size_t length = strlen(verbs[i].name);
		if (strncmp(line, verbs[i].name, length) != 0 || line[length] != ' ')
			continue;
		int error =
			parse_number(line + length + 1, verbs[i].minimum, verbs[i].maximum, &number, err);
		if (error == 0)
			*ret = (struct control_command){.verb = verbs[i].verb, .number = (unsigned)number};
		return error;
	}
	return error_set(err, EINVAL, "unknown command");
}

/* Through the directory's descriptor: a socket's path may have 107 bytes only (unix(7)). */
static struct sockaddr_un socket_address(int directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME,
			 directory);
	return address;
}

static int open_directory(const char *path, struct error *err)
{
	int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return directory < 0 ? error_errno(err, errno, "cannot open %s", path) : directory;
}

void control_init(struct control *control)
{
	control->directory = control->listener = -1;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i].fd = -1;
}

int control_open(struct control *control, const char *directory, struct error *err)
{
	control->directory = open_directory(directory, err);
	if (control->directory < 0)
		return control->directory;
	const struct sockaddr_un address = socket_address(control->directory);
	control->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlinkat(control->directory, SOCKET_NAME, 0);
	if (control->listener < 0 ||
		bind(control->listener, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
		fchmodat(control->directory, SOCKET_NAME, 0600, 0) < 0 ||
		listen(control->listener, CONTROL_CLIENTS) < 0)
		return error_errno(err, errno, "cannot listen on %s/" SOCKET_NAME, directory);
	return 0;
}

void control_wait(const struct control *control, struct pollfd slots[CONTROL_SLOTS])
{
	slots[0] = (struct pollfd){.fd = control->listener, .events = POLLIN};
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		slots[1 + i] = (struct pollfd){.fd = control->clients[i].fd, .events = POLLIN};
}

static void drop(struct control_client *client)
{
	close(client->fd);
	client->fd = -1;
}

static void accept_client(struct control *control)
{
	int fd = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (control->clients[i].fd >= 0)
			continue;
		control->clients[i] = (struct control_client){.fd = fd};
		return;
	}
	close(fd);
}

static void answer(const struct control_client *client, const char *line,
				   void (*run)(const struct control_command *command, void *data), void *data)
{
	struct control_command command;
	_cleanup_error_ struct error err = {0};
	_cleanup_buf_ struct buf text = {0};

	if (control_parse(line, &command, &err) < 0) {
		buf_printf(&text, "error %s\n", err.message);
	} else {
		run(&command, data);
		buf_puts(&text, "ok\n");
	}
	/* So little fits into a socket that the client has not filled by not reading. */
	(void)!send(client->fd, text.data, text.length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void read_client(struct control_client *client,
						void (*run)(const struct control_command *command, void *data), void *data)
{
	ssize_t count = read(client->fd, client->line + client->length, CONTROL_LINE - client->length);
	char *newline;

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count <= 0) {
		drop(client);
		return;
	}
	client->length += (size_t)count;
	while ((newline = memchr(client->line, '\n', client->length))) {
		size_t taken = (size_t)(newline - client->line) + 1;
		*newline = '\0';
		answer(client, client->line, run, data);
		client->length -= taken;
		memmove(client->line, client->line + taken, client->length);
	}
	if (client->length == CONTROL_LINE)
		drop(client);
}

void control_work(struct control *control, const struct pollfd slots[CONTROL_SLOTS],
				  void (*run)(const struct control_command *command, void *data), void *data)
{
	/* Clients first: a slot must not be read for a client that only now took its place. */
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (slots[1 + i].revents && control->clients[i].fd >= 0)
			read_client(&control->clients[i], run, data);
	if (slots[0].revents)
		accept_client(control);
}

void control_close(struct control *control)
{
	if (control->listener >= 0) {
		unlinkat(control->directory, SOCKET_NAME, 0);
		close(control->listener);
	}
	if (control->directory >= 0)
		close(control->directory);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			drop(&control->clients[i]);
	control_init(control);
}

int control_connect(const char *path, struct error *err)
{
	_cleanup_close_ int directory = open_directory(path, err);

	if (directory < 0)
		return directory;
	const struct sockaddr_un address = socket_address(directory);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int code = errno;
	if (fd >= 0)
		close(fd);
	return error_errno(err, code, "cannot reach %s/" SOCKET_NAME, path);
}
