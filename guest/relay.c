// SPDX-License-Identifier: Apache-2.0
/*
 * The application's streams, signals and end <-> frames. One poll, nothing that blocks: each
 * descriptor is looked at only while there is a place for what it would give, so whoever is slow
 * holds up only the stream that goes to it.
 */
#include "guest/init.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYE_WAIT 5000 /* ms */
/* Reading back the kernel's log of the boot waits until the application has had a start. */
#define LOG_DELAY 50 /* ms */
static sigset_t signals_while_polling;

static void wake(int signal_number)
{
	(void)signal_number; /* interrupting the poll is all */
}

void relay_prepare(void)
{
	struct sigaction action = {.sa_handler = wake};
	sigset_t child;
	sigaction(SIGCHLD, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &signals_while_polling);
}

void kill_all(void)
{
	/* The unit tests are ordinary processes, for which -1 would mean the whole machine. */
	if (getpid() == 1)
		kill(-1, SIGKILL);
}

/* As PID 1 we get every orphan too. */
static void reap(struct relay *relay)
{
	struct application *application = relay->application;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != application->pid)
			continue;
		relay->exited = true;
		relay->status = status;
		bool killed = WIFSIGNALED(status);
		log_line(TEXT("the application ended: ", killed ? "signal " : "exit status ",
					  NUMBER((unsigned)(killed ? WTERMSIG(status) : WEXITSTATUS(status)))));
		/* What it left behind ends with it, so that its streams come to an end as well. */
		kill_all();
		if (application->terminal >= 0)
			close(application->terminal);
		application->terminal = -1;
	}
}

static int on_data(struct relay *relay, const struct frame *frame)
{
	return frame->stream == STREAM_STDIN ? input_push(relay, frame) : -EPROTO;
}

static int on_end(struct relay *relay, const struct frame *frame)
{
	if (frame->stream == STREAM_STDIN) {
		relay->input.ended = true;
		input_flush(relay);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_COUNT(output_streams); i++)
		if (frame->stream == output_streams[i]) {
			output_close(relay, i);
			return 0;
		}
	return -EPROTO;
}

static int on_credit(struct relay *relay, const struct frame *frame)
{
	for (size_t i = 0; i < ARRAY_COUNT(output_streams); i++) {
		uint32_t more = le32_read(frame->payload);
		if (frame->stream != output_streams[i])
			continue;
		if (more > PROTOCOL_WINDOW - relay->outputs[i].window)
			return -EPROTO;
		relay->outputs[i].window += more;
		return 0;
	}
	return -EPROTO;
}

static int on_signal(struct relay *relay, const struct frame *frame)
{
	if (!relay->exited)
		kill(relay->application->pid, (int)le32_read(frame->payload));
	return 0;
}

static int on_window(struct relay *relay, const struct frame *frame)
{
	const uint8_t *at = frame->payload;
	struct winsize size = {
		.ws_row = (unsigned short)(at[0] | at[1] << 8),
		.ws_col = (unsigned short)(at[2] | at[3] << 8),
	};
	if (relay->application->terminal >= 0)
		ioctl(relay->application->terminal, TIOCSWINSZ, &size);
	return 0;
}

static int on_bye(struct relay *relay, const struct frame *frame)
{
	(void)frame;
	relay->bye = true;
	return 0;
}

static int frame_handle(struct relay *relay, const struct frame *frame)
{
	static const struct {
		enum frame_type type;
		uint32_t length; /* at least */
		int (*handle)(struct relay *, const struct frame *);
	} handlers[] = {
		{FRAME_DATA, 0, on_data},     {FRAME_END, 0, on_end},       {FRAME_CREDIT, 4, on_credit},
		{FRAME_SIGNAL, 4, on_signal}, {FRAME_WINDOW, 4, on_window}, {FRAME_BYE, 0, on_bye},
	};
	for (size_t i = 0; i < ARRAY_COUNT(handlers); i++)
		if (frame->type == handlers[i].type && frame->length >= handlers[i].length)
			return handlers[i].handle(relay, frame);
	return -EPROTO;
}

static int frames_handle(struct relay *relay)
{
	struct frame frame;
	int r = channel_fill(relay->channel);
	if (r < 0)
		return r;
	while ((r = channel_next(relay->channel, &frame)) > 0)
		if ((r = frame_handle(relay, &frame)) < 0)
			break;
	if (r == -EPROTO)
		log_line(TEXT("a frame from the host makes no sense: type ", NUMBER(frame.type),
					  ", stream ", NUMBER(frame.stream), ", length ", NUMBER(frame.length)));
	return r;
}

static void started_send(struct relay *relay)
{
	uint8_t payload[8];
	le64_write(payload, relay->application->ticks);
	channel_put(relay->channel, FRAME_STARTED, 0, payload, sizeof(payload));
}

static void failure_send(struct relay *relay)
{
	uint8_t payload[4 + sizeof(relay->failure->text)];
	size_t length = strlen(relay->failure->text);
	le32_write(payload, relay->failure->status);
	memcpy(payload + 4, relay->failure->text, length);
	channel_put(relay->channel, FRAME_FAILED, 0, payload, 4 + length);
}

static void exit_send(struct relay *relay)
{
	bool killed = WIFSIGNALED(relay->status);
	int value = killed ? WTERMSIG(relay->status) : WEXITSTATUS(relay->status);
	uint8_t payload[8];
	le32_write(payload, killed ? EXIT_SIGNAL : EXIT_CODE);
	le32_write(payload + 4, (uint32_t)value);
	channel_put(relay->channel, FRAME_EXIT, 0, payload, sizeof(payload));
}

enum { POLL_CHANNEL, POLL_OUTPUTS, POLL_INPUT = POLL_OUTPUTS + 2, POLL_LOG, POLL_COUNT };

/* Waits for something to do, at most `timeout` ms (forever when negative). */
static int wait_for_work(struct relay *relay, struct pollfd polls[POLL_COUNT], bool log,
						 int64_t timeout)
{
	struct application *application = relay->application;
	bool writing = channel_pending(relay->channel), room = channel_room(relay->channel) > 0;
	bool input = application->input >= 0 && relay->input.start < relay->input.end;
	polls[POLL_CHANNEL] = (struct pollfd){.fd = relay->channel->fd,
										  .events = (short)(POLLIN | (writing ? POLLOUT : 0))};
	for (size_t i = 0; i < 2; i++)
		polls[POLL_OUTPUTS + i] = (struct pollfd){
			.fd = output_room(relay, i) > 0 ? application->outputs[i] : -1, .events = POLLIN};
	polls[POLL_INPUT] = (struct pollfd){.fd = input ? application->input : -1, .events = POLLOUT};
	polls[POLL_LOG] = (struct pollfd){.fd = log && room ? log_fd() : -1, .events = POLLIN};

	struct timespec time = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000};
	int r = ppoll(polls, POLL_COUNT, timeout < 0 ? NULL : &time, &signals_while_polling);
	if (r < 0)
		for (size_t i = 0; i < POLL_COUNT; i++)
			polls[i].revents = 0; /* a child has ended */
	return r;
}

/* When all that was to be sent is sent: how it ended. */
static void end_send(struct relay *relay)
{
	struct application *application = relay->application;
	if (!relay->exited || relay->told || application->outputs[0] >= 0 ||
		application->outputs[1] >= 0 || !log_send(relay))
		return;
	if (relay->failure)
		failure_send(relay);
	else
		exit_send(relay);
	relay->told = true;
	relay->end = now_ms() + BYE_WAIT;
}

int relay_run(struct relay *relay)
{
	struct pollfd polls[POLL_COUNT];
	relay->log_from = now_ms() + LOG_DELAY;
	if (relay->failure)
		relay->exited = true;
	else
		started_send(relay);
	while (!relay->bye) {
		reap(relay);
		credit_send(relay);
		end_send(relay);
		int r = channel_flush(relay->channel);
		if (r < 0)
			return r;

		int64_t now = now_ms(), timeout = -1;
		bool log = now >= relay->log_from;
		if (relay->told)
			timeout = relay->end - now;
		else if (!log)
			timeout = relay->log_from - now;
		if (relay->told && timeout <= 0)
			return 0;
		if (wait_for_work(relay, polls, log, timeout) < 0)
			continue;
		for (size_t i = 0; i < 2; i++)
			if (polls[POLL_OUTPUTS + i].revents)
				output_read(relay, i);
		if (polls[POLL_INPUT].revents)
			input_flush(relay);
		if (polls[POLL_LOG].revents)
			log_send(relay);
		if (polls[POLL_CHANNEL].revents & ~POLLOUT && (r = frames_handle(relay)) < 0)
			return r;
	}
	return 0;
}
