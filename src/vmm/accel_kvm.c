// SPDX-License-Identifier: Apache-2.0
/*
 * Does /dev/kvm run guests at hardware speed?
 *
 * That it opens, and even that it runs code, says little: some hosts emulate it, a hundred times
 * slower and not well enough for a kernel. So a small guest in 64-bit mode with paging computes
 * something that takes this processor half a millisecond; what it answers must be right, and it
 * may take a few times as long. A child process does it, which can be killed when it hangs.
 */
#include "vmm/probe.h"
#include "vmm/vmm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIME_LIMIT 500 /* milliseconds */
/* Seconds that the first runs of hardware may take beyond the loop itself: for the first use of
 * the memory, and for the exits. */
#define SHORT_SLACK 0.002
/* Hardware needs 1.0 to 1.3 times as long, nested virtualization included; the rest is room for
 * a busy host. Emulations were seen at a hundred and at two thousand. */
#define FACTOR_LIMIT 4.0
#define REASON_SIZE 160

/* A loop: its right answer, and the seconds of the fastest run here and in the guest. */
struct loop {
	uint64_t rounds;
	uint32_t checksum;
	double native, guest;
};

struct probe {
	int kvm, vm, vcpu;
	uint8_t *memory;
	struct kvm_run *run;
	uint32_t vendor; /* what CPUID leaf 0 must answer in EBX */
	char *reason;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct probe *probe,
														const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(probe->reason, REASON_SIZE, format, arguments);
	va_end(arguments);
	return -ENOTSUP;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void keep_least(double *least, double seconds)
{
	if (seconds < *least)
		*least = seconds;
}

/* The loop here: the measure, and the right answer. */
static struct loop run_native(uint64_t rounds)
{
	struct loop loop = {.rounds = rounds, .native = 1e9, .guest = 1e9};
	void *buffer = xcalloc(1, PROBE_BUFFER_SIZE);

	for (int i = 0; i < 3; i++) {
		double start = seconds_now();
		loop.checksum = (uint32_t)probe_loop(buffer, rounds);
		keep_least(&loop.native, seconds_now() - start);
	}
	free(buffer);
	return loop;
}

static int open_vm(struct probe *probe)
{
	probe->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (probe->kvm < 0 && errno == EACCES)
		return refuse(probe, "there is no permission to use /dev/kvm (is its group yours?)");
	if (probe->kvm < 0)
		return refuse(probe, "cannot open /dev/kvm: %s", strerror(errno));
	if (ioctl(probe->kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return refuse(probe, "/dev/kvm speaks an unknown version");
	probe->vm = ioctl(probe->kvm, KVM_CREATE_VM, 0);
	if (probe->vm < 0)
		return refuse(probe, "/dev/kvm cannot make a machine: %s", strerror(errno));
	/* Three pages that Intel's hardware needs on old processors; elsewhere it is ignored. */
	ioctl(probe->vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
	return 0;
}

static void store_entry(struct probe *probe, size_t at, uint64_t entry)
{
	memcpy(probe->memory + at, &entry, sizeof(entry));
}

static int make_memory(struct probe *probe)
{
	probe->memory =
		mmap(NULL, PROBE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (probe->memory == MAP_FAILED)
		return refuse(probe, "cannot get memory for the probe");
	/* One large page at 0. Bits: 0 present, 1 writable, 7 large (SDM volume 3, 4.5). */
	store_entry(probe, PROBE_PML4, PROBE_PDPT | 3);
	store_entry(probe, PROBE_PDPT, PROBE_PD | 3);
	store_entry(probe, PROBE_PD, 0x83);
	memcpy(probe->memory + PROBE_CODE, probe_guest_start,
		   (size_t)(probe_guest_end - probe_guest_start));

	struct kvm_userspace_memory_region region = {.memory_size = PROBE_MEMORY,
												 .userspace_addr = (uintptr_t)probe->memory};
	if (ioctl(probe->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return refuse(probe, "/dev/kvm does not take memory: %s", strerror(errno));
	return 0;
}

/* Shows the guest the processor that it has. */
static void set_cpuid(struct probe *probe)
{
	enum { ENTRIES = 256 };
	struct kvm_cpuid2 *cpuid = xcalloc(1, sizeof(*cpuid) + ENTRIES * sizeof(cpuid->entries[0]));

	cpuid->nent = ENTRIES;
	if (ioctl(probe->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) == 0 &&
		ioctl(probe->vcpu, KVM_SET_CPUID2, cpuid) == 0)
		for (uint32_t i = 0; i < cpuid->nent; i++)
			if (cpuid->entries[i].function == 0)
				probe->vendor = cpuid->entries[i].ebx;
	free(cpuid);
}

static int set_registers(const struct probe *probe)
{
	struct kvm_segment data = {
		.limit = UINT32_MAX, .selector = 0x10, .type = 3, .present = 1, .db = 1, .s = 1, .g = 1};
	struct kvm_segment code = data;
	struct kvm_sregs special;
	struct kvm_regs registers = {
		.rip = PROBE_CODE, .rsp = PROBE_STACK, .rflags = 2 /* the bit that is always set */};

	if (ioctl(probe->vcpu, KVM_GET_SREGS, &special) < 0)
		return refuse(probe, "/dev/kvm does not show registers: %s", strerror(errno));
	code.selector = 0x8;
	code.type = 11; /* execute, read, accessed */
	code.db = 0;
	code.l = 1; /* 64-bit */
	special.cs = code;
	special.ds = special.es = special.fs = special.gs = special.ss = data;
	/* VM entry checks ask for a busy 64-bit TSS (SDM volume 3, 26.3.1.2). */
	special.tr = (struct kvm_segment){.limit = 0x67, .selector = 0x18, .type = 11, .present = 1};
	special.cr0 = 0x80000031; /* PE, ET, NE, PG */
	special.cr3 = PROBE_PML4;
	special.cr4 = 0x20;   /* PAE */
	special.efer = 0x500; /* LME, LMA */
	if (ioctl(probe->vcpu, KVM_SET_SREGS, &special) < 0 ||
		ioctl(probe->vcpu, KVM_SET_REGS, &registers) < 0)
		return refuse(probe, "/dev/kvm does not enter 64-bit mode: %s", strerror(errno));
	return 0;
}

static int make_vcpu(struct probe *probe)
{
	probe->vcpu = ioctl(probe->vm, KVM_CREATE_VCPU, 0);
	if (probe->vcpu < 0)
		return refuse(probe, "/dev/kvm cannot make a processor: %s", strerror(errno));
	int size = ioctl(probe->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(*probe->run))
		return refuse(probe, "/dev/kvm does not tell the size of its state");
	probe->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, probe->vcpu, 0);
	if (!probe->run || probe->run == MAP_FAILED)
		return refuse(probe, "/dev/kvm does not show its state: %s", strerror(errno));
	set_cpuid(probe);
	return set_registers(probe);
}

/* Runs the guest up to its next answer. */
static int run_guest(struct probe *probe, uint32_t *ret)
{
	struct kvm_run *run = probe->run;
	int result;

	do
		result = ioctl(probe->vcpu, KVM_RUN, 0);
	while (result < 0 && errno == EINTR);
	if (result < 0)
		return refuse(probe, "/dev/kvm does not run a guest: %s", strerror(errno));
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		return refuse(probe, "/dev/kvm fails to enter a guest (hardware reason 0x%llx)",
					  (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
	if (run->exit_reason != KVM_EXIT_IO || run->io.port != PROBE_PORT || run->io.size != 4)
		return refuse(probe, "/dev/kvm runs guest code wrongly (exit reason %u)", run->exit_reason);
	memcpy(ret, (const uint8_t *)run + run->io.data_offset, sizeof(*ret));
	return 0;
}

/* The next answer must be `expected`. */
static int expect(struct probe *probe, uint32_t expected, const char *what)
{
	uint32_t answer = 0;
	int error = run_guest(probe, &answer);

	if (error == 0 && answer != expected)
		return refuse(probe, "/dev/kvm computes wrong results (%s)", what);
	return error;
}

static int expect_loop(struct probe *probe, unsigned runs, struct loop *loop)
{
	for (unsigned i = 0; i < runs; i++) {
		double start = seconds_now();
		int error = expect(probe, loop->checksum, "arithmetic and memory");
		if (error < 0)
			return error;
		keep_least(&loop->guest, seconds_now() - start);
	}
	return 0;
}

static int judge(struct probe *probe, const struct loop *loop, double slack)
{
	double factor = loop->guest / loop->native;

	if (loop->guest > FACTOR_LIMIT * loop->native + slack)
		return refuse(
			probe, "/dev/kvm is emulated: it runs guest code %.0f times slower than the processor",
			factor);
	snprintf(probe->reason, REASON_SIZE, "/dev/kvm runs guest code at %.2f times its time here",
			 factor);
	return 0;
}

static int run_probe(struct probe *probe)
{
	struct loop short_loop = run_native(PROBE_SHORT), long_loop = run_native(PROBE_LONG);
	int error = open_vm(probe);

	if (error == 0)
		error = make_memory(probe);
	if (error == 0)
		error = make_vcpu(probe);
	if (error == 0)
		error = expect_loop(probe, PROBE_SHORT_RUNS, &short_loop);
	if (error == 0)
		error = judge(probe, &short_loop, SHORT_SLACK);
	if (error == 0)
		error = expect_loop(probe, PROBE_LONG_RUNS, &long_loop);
	if (error == 0)
		error = judge(probe, &long_loop, 0);
	if (error == 0)
		error = expect(probe, probe->vendor, "CPUID");
	if (error == 0)
		error = expect(probe, PROBE_PATTERN, "a model specific register");
	return error != 0 ? error : expect(probe, PROBE_PATTERN, "a fresh page table entry");
}

struct answer {
	int error;
	char reason[REASON_SIZE];
};

static _Noreturn void child(int result, pid_t parent)
{
	struct answer answer = {0};
	struct probe probe = {.kvm = -1, .vm = -1, .vcpu = -1, .reason = answer.reason};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent) {
		answer.error = run_probe(&probe);
		(void)!write(result, &answer, sizeof(answer));
	}
	_exit(0);
}

int accel_probe_kvm(char reason[REASON_SIZE])
{
	struct answer answer = {.error = -ENOTSUP};
	int ends[2];

	snprintf(reason, REASON_SIZE, "cannot start a process to try /dev/kvm");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		child(ends[1], parent);
	close(ends[1]);
	struct pollfd ready = {.fd = ends[0], .events = POLLIN};
	if (pid > 0) {
		if (poll(&ready, 1, TIME_LIMIT) <= 0)
			snprintf(answer.reason, REASON_SIZE,
					 "/dev/kvm hangs: it did not run a short guest "
					 "within half a second");
		else if (read(ends[0], &answer, sizeof(answer)) != (ssize_t)sizeof(answer))
			snprintf(answer.reason, REASON_SIZE, "/dev/kvm makes the program that uses it crash");
		kill(pid, SIGKILL);
		/* One that hangs inside the kernel is not waited for. */
		for (int i = 0; waitpid(pid, NULL, WNOHANG) == 0 && i < 50; i++)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		memcpy(reason, answer.reason, REASON_SIZE);
	}
	close(ends[0]);
	return answer.error;
}
