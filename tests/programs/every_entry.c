// SPDX-License-Identifier: Apache-2.0
/*
 * PID 1 of tests/slow/windows.py: goes every way into the kernel and back, for ever, and says on
 * the console how often it has. What is not as it must be makes a line "FAILED ...", and an end of
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define KERNEL_TEXT 0xffffffff81000000
#define KERNEL_HALF 0xffffffffff000123
#define NOT_CANONICAL 0x0000900000000000
/* Behind the end of the GDT, with the privilege that ptrace demands. */
#define NO_SELECTOR 0xfff3

static sigjmp_buf landing;
static volatile sig_atomic_t signals, traps;
static volatile unsigned long wild_ip;
static int ends[2];

__attribute__((noreturn)) static void fail(const char *what)
{
	printf("FAILED: %s\n", what);
	for (;;)
		pause();
}

static void must(bool holds, const char *what)
{
	if (!holds)
		fail(what);
}

static void land(int number)
{
	(void)number;
	siglongjmp(landing, 1);
}
static void count_signal(int number)
{
	(void)number;
	signals++;
}
static void count_trap(int number)
{
	(void)number;
	traps++;
}
static void return_wildly(int number, siginfo_t *info, void *context)
{
	ucontext_t *state = context;
	(void)number;
	(void)info;
	state->uc_mcontext.gregs[REG_RIP] = (greg_t)wild_ip;
}

/* What SYSCALL leaves in its registers, and that nothing else changes. */
static void call(void)
{
	unsigned long rcx, r11, behind, result;
	register unsigned long kept __asm__("r12") = 0x1122334455667788;
	__asm__ volatile("stc; mov $39, %%eax; syscall\n"
					 "1: lea 1b(%%rip), %2; mov %%rcx, %0; mov %%r11, %1"
					 : "=&r"(rcx), "=&r"(r11), "=&r"(behind), "=&a"(result), "+r"(kept)::"rcx",
					   "r11", "memory", "cc");
	must(rcx == behind && (r11 & 1) && result == (unsigned long)getpid() &&
			 kept == 0x1122334455667788,
		 "registers of a system call");
}

/* Time for interrupts, with something in the 128 bytes below the stack pointer. */
static void compute(void)
{
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
					 : "=a"(difference)::"rcx", "rdx", "memory", "cc");
	must(difference == 0, "red zone");
}

/* The kernel takes page faults of its own when it copies to pages that are not there yet. */
static void fault_in_kernel(void)
{
	char bytes[100] = "";
	char *fresh = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(fresh != MAP_FAILED, "mmap");
	for (int i = 0; i < 8; i++)
		fresh[i * 4096] = 1;
	must(write(ends[1], bytes, sizeof(bytes)) == sizeof(bytes), "write to a pipe");
	must(read(ends[0], fresh + 12 * 4096, sizeof(bytes)) == sizeof(bytes), "read to a fresh page");
	must(write(ends[1], (void *)4096, 1) == -1 && errno == EFAULT, "write from nowhere");
	munmap(fresh, 1 << 16);
}

static void write_null(void)
{
	*(volatile int *)NULL = 1;
}
static void jump_to_kernel_half(void)
{
	((void (*)(void))KERNEL_HALF)();
}
static void jump_to_no_address(void)
{
	((void (*)(void))NOT_CANONICAL)();
}
/* Kernel code on a program's stack: the first bytes of its text that are such an instruction. */
static void jump_into_kernel(unsigned char first, unsigned char second)
{
	const unsigned char *code = (const unsigned char *)KERNEL_TEXT;
	while (code[0] != first || code[1] != second)
		code++;
	unsigned long address = NOT_CANONICAL;
	__asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; call *%1"
					 : "+a"(address)
					 : "b"(code)
					 : "rcx", "rdx", "memory");
}
static void undefined_in_kernel(void)
{
	jump_into_kernel(0x0f, 0x0b); /* ud2 */
}
static void divide_in_kernel(void)
{
	jump_into_kernel(0xf7, 0xf1); /* div %ecx */
}
static void read_no_address_in_kernel(void)
{
	jump_into_kernel(0x8b, 0x00); /* mov (%rax), %eax */
}
static void undefined(void)
{
	__asm__ volatile("ud2");
}
static void divide(void)
{
	__asm__ volatile("xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx" ::: "rax", "rcx", "rdx");
}
static void load_no_selector(void)
{
	__asm__ volatile("mov %0, %%fs" ::"r"(NO_SELECTOR));
}
static void interrupts_off_call(void)
{
	__asm__ volatile("cli");
	syscall(SYS_getppid);
	syscall(SYS_getppid);
}
static void interrupts_off_fault(void)
{
	__asm__ volatile("cli");
	*(volatile int *)8 = 1;
}
static void interrupts_off_undefined(void)
{
	__asm__ volatile("cli; ud2");
}
static void return_to(unsigned long ip)
{
	wild_ip = ip;
	raise(SIGUSR2);
}
static void return_to_kernel_half(void)
{
	return_to(KERNEL_HALF);
}
static void return_to_no_address(void)
{
	return_to(NOT_CANONICAL);
}

static const struct {
	const char *name;
	void (*act)(void);
} faults[] = {
	{"NULL", write_null},
	{"jump to the kernel's half", jump_to_kernel_half},
	{"jump to no address", jump_to_no_address},
	{"undefined instruction of the kernel", undefined_in_kernel},
	{"division of the kernel", divide_in_kernel},
	{"read of no address by the kernel", read_no_address_in_kernel},
	{"undefined instruction", undefined},
	{"division by zero", divide},
	{"no selector", load_no_selector},
	{"interrupts off, then a call", interrupts_off_call},
	{"interrupts off, then a fault", interrupts_off_fault},
	{"interrupts off, then an undefined instruction", interrupts_off_undefined},
	{"return of a handler to the kernel's half", return_to_kernel_half},
	{"return of a handler to no address", return_to_no_address},
};

static void step(void)
{
	traps = 0;
	__asm__ volatile("int3");
	must(traps == 1, "breakpoint");
	traps = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; mov $39, %%eax; syscall; nop\n"
					 "pushfq; andq $~0x100, (%%rsp); popfq" ::
						 : "memory", "cc", "rax", "rcx", "r11");
	must(traps >= 4, "single steps");
}

static char watched;

/* A stopped child that reads a byte to `watched` when it goes on, and ends with status 3. */
static pid_t traced_child(void)
{
	pid_t child = fork();
	if (child == 0) {
		setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(write(ends[1], "x", 1) == 1 && read(ends[0], &watched, 1) == 1 ? 3 : 4);
	}
	return child;
}

static int wait_child(pid_t child)
{
	int status;
	while (waitpid(child, &status, 0) < 0)
		must(errno == EINTR, "waitpid");
	return status;
}

/* Goes on with other registers; the signal at which the child stops. */
static int stops_with(const struct user_regs_struct *change, struct user_regs_struct *registers)
{
	pid_t child = traced_child();
	must(WIFSTOPPED(wait_child(child)), "a tracer's stop");
	ptrace(PTRACE_GETREGS, child, NULL, registers);
	if (change->rip)
		registers->rip = change->rip;
	registers->fs = change->fs;
	registers->gs = change->gs;
	ptrace(PTRACE_SETREGS, child, NULL, registers);
	ptrace(PTRACE_CONT, child, NULL, NULL);
	int status = wait_child(child);
	if (WIFSTOPPED(status)) {
		kill(child, SIGKILL);
		wait_child(child);
		return WSTOPSIG(status);
	}
	return WEXITSTATUS(status) == 3 ? 0 : -1;
}

/*
 * A data breakpoint that the kernel's own copying meets: #DB with the kernel's RIP. The kernel
 * makes no signal of those.
 */
static void watch(void)
{
	pid_t child = traced_child();
	must(WIFSTOPPED(wait_child(child)), "a tracer's stop");
	ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[0]), &watched);
	must(ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg[7]), 0x10001) == 0,
		 "debug registers");
	ptrace(PTRACE_CONT, child, NULL, NULL);
	must(WEXITSTATUS(wait_child(child)) == 3, "the end of a watched child");
}

static void trace(void)
{
	struct user_regs_struct registers;
	must(stops_with(&(struct user_regs_struct){.rip = KERNEL_HALF}, &registers) == SIGSEGV,
		 "a tracer's jump to the kernel's half");
	must(stops_with(&(struct user_regs_struct){.rip = NOT_CANONICAL}, &registers) == SIGSEGV,
		 "a tracer's jump to no address");
	/* Loaded when the child is switched to: a protection fault of the kernel's own. */
	must(stops_with(&(struct user_regs_struct){.gs = NO_SELECTOR}, &registers) == 0,
		 "a tracer's GS");
	stops_with(&(struct user_regs_struct){.fs = NO_SELECTOR}, &registers); /* no thread pointer */
	watch();
}

static void take_signals(void)
{
	static const int landed[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
	for (size_t i = 0; i < sizeof(landed) / sizeof(*landed); i++)
		signal(landed[i], land);
	signal(SIGALRM, count_signal);
	signal(SIGUSR1, count_signal);
	signal(SIGTRAP, count_trap);
	const struct sigaction wild = {.sa_sigaction = return_wildly, .sa_flags = SA_SIGINFO};
	sigaction(SIGUSR2, &wild, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){{0, 3000}, {0, 3000}}, NULL);
}

static void go_round(unsigned round)
{
	for (int i = 0; i < 20; i++)
		call();
	compute();
	fault_in_kernel();
	int before = signals;
	raise(SIGUSR1);
	must(signals > before, "signal");
	for (volatile size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (!sigsetjmp(landing, 1)) {
			faults[i].act();
			fail(faults[i].name);
		}
	step();
	if (round % 4 == 0)
		trace();
	if (round % 20 == 0)
		printf("round %u\n", round);
}

int main(void)
{
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(console, fd);
	setvbuf(stdout, NULL, _IONBF, 0);
	/* PID 1 gets no signals that it would die of. */
	pid_t child = fork();
	if (child) {
		dprintf(console, "FAILED: it ended with status %x\n", (unsigned)wait_child(child));
		for (;;)
			pause();
	}
	if (pipe(ends) < 0)
		fail("pipe");
	take_signals();
	for (unsigned round = 0;; round++)
		go_round(round);
}
