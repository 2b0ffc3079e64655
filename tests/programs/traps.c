// SPDX-License-Identifier: Apache-2.0
/*
 * Every way from a program into the kernel and back, as a program sees it: the same at CPL 3 and
 * at CPL 0. TAP; the first line says at which of them it runs.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define KERNEL_HALF 0xffffffffff000123
#define NOT_CANONICAL 0x0000900000000000

static sigjmp_buf landing;
static void *volatile fault_address;
static volatile uintptr_t fault_instruction;
static volatile sig_atomic_t signals, depth;

static void land(int number, siginfo_t *info, void *context)
{
	(void)number;
	fault_instruction = (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	fault_address = info->si_addr;
	siglongjmp(landing, 1);
}

/* Whether `act` ends in that signal, or in SIGBUS: processors differ in what a bad stack is. */
static bool faults(void (*act)(void), int number)
{
	const struct sigaction action = {.sa_sigaction = land, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	struct sigaction old, old_bus;
	sigaction(number, &action, &old);
	sigaction(SIGBUS, &action, &old_bus);
	int landed = sigsetjmp(landing, 1);
	if (!landed)
		act();
	sigaction(number, &old, NULL);
	sigaction(SIGBUS, &old_bus, NULL);
	return landed;
}

static void write_null(void)
{
	*(volatile int *)fault_address = 1;
}
static void jump_to_kernel_half(void)
{
	((void (*)(void))KERNEL_HALF)();
}
static void jump_to_no_address(void)
{
	((void (*)(void))NOT_CANONICAL)();
}
static void push_to_no_address(void)
{
	__asm__ volatile(
		"mov %%rsp, %%rbx; mov %0, %%rsp; push %%rax; mov %%rbx, %%rsp" ::"r"(NOT_CANONICAL)
		: "rbx", "memory");
}
static void undefined_instruction(void)
{
	__asm__ volatile("ud2");
}
static void divide_by_zero(void)
{
	__asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" ::: "rax", "rcx", "rdx");
}
static void turn_interrupts_off(void)
{
	__asm__ volatile("cli");
	syscall(SYS_getppid);
	syscall(SYS_getppid);
}
static void turn_interrupts_off_and_fault(void)
{
	__asm__ volatile("cli");
	*(volatile int *)8 = 1;
}
static void execute_data(void)
{
	static char code[16] = {(char)0xc3};
	((void (*)(void))(void *)code)();
}
static void write_read_only(void)
{
	*(volatile char *)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
}
static volatile int sink;
static int recurse(int n)
{
	volatile char frame[4096];
	frame[0] = (char)n;
	sink = frame[0];
	return n < 0 ? 0 : recurse(n + 1) + frame[1];
}
static void overflow_stack(void)
{
	recurse(0);
}

static bool null_is_caught(void)
{
	fault_address = NULL;
	return faults(write_null, SIGSEGV) && !fault_address;
}
static bool kernel_half_is_caught(void)
{
	return faults(jump_to_kernel_half, SIGSEGV) && (uintptr_t)fault_address == KERNEL_HALF;
}
/* Where a kernel still has 32-bit calls, this is one. */
static volatile long old_call;
static void make_old_call(void)
{
	enum { GETPID = 20 };
	long result = GETPID;
	__asm__ volatile("int $0x80" : "+a"(result)::"memory", "r8", "r9", "r10", "r11");
	old_call = result;
}
static bool old_call_is_refused(void)
{
	static const uint8_t int80[] = {0xcd, 0x80};
	if (!faults(make_old_call, SIGSEGV))
		return old_call == getpid();
	return memcmp((const void *)fault_instruction, int80, sizeof(int80)) == 0;
}
static bool stack_overflow_is_caught(void)
{
	const struct rlimit limit = {1 << 20, 1 << 20};
	setrlimit(RLIMIT_STACK, &limit);
	return faults(overflow_stack, SIGSEGV);
}

static const struct {
	const char *name;
	void (*act)(void);
	int signal;
} simple_faults[] = {
	{"a jump to no address", jump_to_no_address, SIGSEGV},
	{"a push to no address", push_to_no_address, SIGSEGV},
	{"an undefined instruction", undefined_instruction, SIGILL},
	{"a division by zero", divide_by_zero, SIGFPE},
	{"data executed", execute_data, SIGSEGV},
	{"a write to read-only memory", write_read_only, SIGSEGV},
	{"interrupts turned off, then a system call", turn_interrupts_off, SIGSEGV},
	{"interrupts turned off, then a page fault", turn_interrupts_off_and_fault, SIGSEGV},
};

static void count(int number)
{
	(void)number;
	signals++;
}

static void nest(int number)
{
	signals++;
	if (++depth < 5)
		raise(number);
	depth--;
}

static bool handlers_nest(void)
{
	const struct sigaction action = {.sa_handler = nest, .sa_flags = SA_NODEFER};
	sigaction(SIGUSR1, &action, NULL);
	signals = 0;
	raise(SIGUSR1);
	return signals == 5;
}

static void alarms(long microseconds, int flags)
{
	const struct sigaction action = {.sa_handler = count, .sa_flags = flags};
	const struct itimerval every = {{0, microseconds}, {0, microseconds}};
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

/* A read that alarms interrupt until, `after` them, there is something to read. */
static ssize_t interrupted_read(int flags)
{
	int ends[2];
	char byte;
	if (pipe(ends) < 0)
		return -2;
	pid_t writer = fork();
	if (writer == 0) {
		nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
		_exit(write(ends[1], "x", 1) != 1);
	}
	signals = 0;
	alarms(2000, flags);
	ssize_t count_read = read(ends[0], &byte, 1);
	alarms(0, flags);
	waitpid(writer, NULL, 0);
	return count_read;
}

static bool reads_restart(void)
{
	return interrupted_read(SA_RESTART) == 1 && signals > 2;
}
static bool reads_are_interrupted(void)
{
	return interrupted_read(0) == -1;
}

/* The 128 bytes below the stack pointer belong to the program (System V ABI, 3.2.2). */
static bool red_zone_survives(void)
{
	unsigned long bad = 0;
	alarms(1000, SA_RESTART);
	for (int i = 0; i < 500; i++) {
		unsigned long difference;
		__asm__ volatile("movq $0x1234567, -128(%%rsp)\n"
						 "movq $0x7654321, -8(%%rsp)\n"
						 "mov $20000, %%ecx\n"
						 "1: dec %%ecx\n"
						 "jnz 1b\n"
						 "movq -128(%%rsp), %%rax\n"
						 "xorq $0x1234567, %%rax\n"
						 "movq -8(%%rsp), %%rdx\n"
						 "xorq $0x7654321, %%rdx\n"
						 "orq %%rdx, %%rax\n"
						 : "=a"(difference)::"rcx", "rdx", "memory");
		bad |= difference;
	}
	alarms(0, SA_RESTART);
	return !bad;
}

static void *wait_for_ever(void *data)
{
	for (;;)
		pause();
	return data;
}
static bool threads_are_cancelled(void)
{
	pthread_t thread;
	void *result;
	pthread_create(&thread, NULL, wait_for_ever, NULL);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	return result == PTHREAD_CANCELED;
}

static bool child_exits(pid_t child, int status)
{
	int ended;
	return waitpid(child, &ended, 0) == child && WIFEXITED(ended) && WEXITSTATUS(ended) == status;
}
static bool vfork_works(void)
{
	pid_t child = vfork();
	if (child == 0)
		_exit(9);
	return child_exits(child, 9);
}
static bool spawn_works(void)
{
	char *const argv[] = {(char *)"traps", (char *)"exit", NULL};
	char *const none[] = {NULL};
	pid_t child;
	return posix_spawn(&child, "/nonexistent", NULL, NULL, argv, none) == ENOENT &&
		   posix_spawn(&child, "/proc/self/exe", NULL, NULL, argv, none) == 0 &&
		   child_exits(child, 7);
}

/* Traps in the middle of the flag being set and cleared by ourselves. */
#define STEPPED(code)                                                                              \
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n" code                                   \
					 "pushfq; andq $~0x100, (%%rsp); popfq" ::                                     \
						 : "rax", "rcx", "r11", "memory", "cc")
static bool steps_trap(void)
{
	signal(SIGTRAP, count);
	signals = 0;
	STEPPED("nop; nop; nop\n");
	int plain = signals;
	signals = 0;
	STEPPED("mov $39, %%eax; syscall; nop\n");
	return plain >= 5 && signals >= 5;
}
static bool breakpoints_trap(void)
{
	signals = 0;
	__asm__ volatile("int3");
	return signals == 1;
}

/* What SYSCALL leaves in its registers, and that nothing else changes. */
static bool calls_keep_registers(void)
{
	unsigned long rcx, r11, behind, carry, direction;
	register unsigned long kept __asm__("r12") = 0x1122334455667788;
	__asm__ volatile("stc; mov $39, %%eax; syscall\n"
					 "1: lea 1b(%%rip), %2; mov %%rcx, %0; mov %%r11, %1"
					 : "=&r"(rcx), "=&r"(r11), "=&r"(behind), "+r"(kept)::"rax", "rcx", "r11",
					   "memory", "cc");
	__asm__ volatile("stc; mov $39, %%eax; syscall; pushfq; popq %0"
					 : "=r"(carry)::"rax", "rcx", "r11", "memory", "cc");
	__asm__ volatile("std; mov $39, %%eax; syscall; pushfq; cld; popq %0"
					 : "=r"(direction)::"rax", "rcx", "r11", "memory", "cc");
	return rcx == behind && (r11 & 0x201) == 0x201 && (carry & 1) && (direction & 0x400) &&
		   kept == 0x1122334455667788;
}

static pid_t traced_child(void)
{
	pid_t child = fork();
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		for (volatile int i = 0; i < 10; i++)
			syscall(SYS_getpid);
		_exit(5);
	}
	waitpid(child, NULL, 0);
	return child;
}
static bool tracers_see_a_user(void)
{
	struct user_regs_struct registers;
	pid_t child = traced_child();
	ptrace(PTRACE_GETREGS, child, NULL, &registers);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return registers.cs == 0x33 && registers.ss == 0x2b;
}
static bool tracers_step(void)
{
	int steps = 0, status = 0;
	pid_t child = traced_child();
	while (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0 &&
		   waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP)
		steps++;
	return steps > 100 && WIFEXITED(status) && WEXITSTATUS(status) == 5;
}
/* A tracer's jump into the kernel is no more than the program's own. */
static bool tracers_cannot_enter(uint64_t ip)
{
	struct user_regs_struct registers;
	int status;
	pid_t child = traced_child();
	ptrace(PTRACE_GETREGS, child, NULL, &registers);
	registers.rip = ip;
	ptrace(PTRACE_SETREGS, child, NULL, &registers);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	waitpid(child, &status, 0);
	bool caught = WIFSTOPPED(status) && WSTOPSIG(status) == SIGSEGV;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return caught;
}
static bool tracers_cannot_enter_text(void)
{
	return tracers_cannot_enter(0xffffffff81000000);
}
static bool tracers_cannot_enter_nothing(void)
{
	return tracers_cannot_enter(NOT_CANONICAL);
}

static bool seccomp_filters(void)
{
	struct sock_filter code[] = {{0x20, 0, 0, 0},
								 {0x15, 0, 1, SYS_getpid},
								 {0x06, 0, 0, SECCOMP_RET_ERRNO | 77},
								 {0x06, 0, 0, SECCOMP_RET_ALLOW}};
	const struct sock_fprog program = {.len = 4, .filter = code};
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
		_exit(syscall(SYS_getpid) == -1 && errno == 77 ? 0 : 1);
	}
	return child_exits(child, 0);
}

static const struct {
	const char *name;
	bool (*holds)(void);
} tests[] = {
	{"NULL is caught", null_is_caught},
	{"a jump to the kernel's half is caught, at its address", kernel_half_is_caught},
	{"int $0x80 is a 32-bit call or a protection fault", old_call_is_refused},
	{"handlers nest", handlers_nest},
	{"SA_RESTART restarts", reads_restart},
	{"EINTR without it", reads_are_interrupted},
	{"the red zone survives", red_zone_survives},
	{"threads are cancelled", threads_are_cancelled},
	{"vfork", vfork_works},
	{"posix_spawn", spawn_works},
	{"single steps", steps_trap},
	{"breakpoints", breakpoints_trap},
	{"registers and flags around a call", calls_keep_registers},
	{"a tracer sees CPL 3", tracers_see_a_user},
	{"a tracer steps", tracers_step},
	{"a tracer cannot enter the kernel", tracers_cannot_enter_text},
	{"a tracer cannot go nowhere", tracers_cannot_enter_nothing},
	{"seccomp", seccomp_filters},
	{"a stack overflow is caught on another stack", stack_overflow_is_caught},
};

static int number;
static void report(bool holds, const char *prefix, const char *name)
{
	printf("%sok %d - %s%s\n", holds ? "" : "not ", ++number, prefix, name);
	fflush(stdout); /* children must not print it again */
}

int main(int argc, char **argv)
{
	unsigned short cs;
	static char stack[65536];
	const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};

	(void)argv;
	if (argc > 1)
		return 7; /* spawned */
	__asm__("mov %%cs, %0" : "=r"(cs));
	printf("# CPL %d\n1..%zu\n", cs & 3,
		   sizeof(tests) / sizeof(*tests) + sizeof(simple_faults) / sizeof(*simple_faults));
	fflush(stdout);
	sigaltstack(&alternative, NULL);
	for (size_t i = 0; i < sizeof(simple_faults) / sizeof(*simple_faults); i++)
		report(faults(simple_faults[i].act, simple_faults[i].signal), "a signal for ",
			   simple_faults[i].name);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		report(tests[i].holds(), "", tests[i].name);
	return 0;
}
