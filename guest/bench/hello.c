// SPDX-License-Identifier: Apache-2.0
/*
 * The smallest application: tells when it was entered and when its first output was out.
 *
 * No C library, no loader: the time stamp counter is read by the very first instruction that the
 * kernel lets the program execute, so that what is counted is the system's and nothing of ours.
 *
 *   Hello, world!
 *   ticks FIRST AFTER      at the entry; right after the write of the first line returned
 */
#include <stdint.h>
#include <sys/syscall.h>

#ifndef __x86_64__
#error "the entry is written for x86-64"
#endif

/* The kernel enters with the stack aligned to 16 bytes (System V ABI, AMD64 supplement, 3.4.1), as
 * a call wants it; it never comes back. */
__asm__(".globl _start\n"
		"_start:\n"
		"	rdtsc\n"
		"	shl $32, %rdx\n"
		"	or %rax, %rdx\n"
		"	mov %rdx, %rdi\n"
		"	xor %ebp, %ebp\n"
		"	call hello\n");

static long system_call(long number, long first, const void *second, long third)
{
	long result;

	__asm__ volatile("syscall"
					 : "=a"(result)
					 : "0"(number), "D"(first), "S"(second), "d"(third)
					 : "rcx", "r11", "memory");
	return result;
}

static char *append_text(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *append_number(char *to, uint64_t number)
{
	char digits[20];
	int count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		*to++ = digits[--count];
	return to;
}

_Noreturn void hello(uint64_t first);
_Noreturn void hello(uint64_t first)
{
	static const char greeting[] = "Hello, world!\n";
	char line[64], *end = line;
	long length = sizeof(greeting) - 1;
	int failed = system_call(SYS_write, 1, greeting, length) != length;
	uint64_t after = __builtin_ia32_rdtsc();

	end = append_text(end, "ticks ");
	end = append_number(end, first);
	end = append_text(end, " ");
	end = append_number(end, after);
	end = append_text(end, "\n");
	length = end - line;
	failed |= system_call(SYS_write, 1, line, length) != length;
	for (;;)
		system_call(SYS_exit_group, failed, 0, 0);
}
