// SPDX-License-Identifier: Apache-2.0
/* The guest's code, in assembler since it runs bare, in the kernel's mode and the host's alike. */
#include "vmm/probe.h"

#define TEXT_OF(number) #number
#define STRING(number) TEXT_OF(number)
#define ANSWER "	out %eax, $" STRING(PROBE_PORT) "\n"

// clang-format off
__asm__(
	"	.text\n"
	"	.balign 64\n"
	"	.globl probe_guest_start, probe_guest_end, probe_loop\n"
	"	.type probe_loop, @function\n"

	"probe_guest_start:\n"
	"	mov $" STRING(PROBE_BUFFER) ", %r12d\n"
	"	mov $" STRING(PROBE_SHORT_RUNS) ", %ebp\n"
	"1:	mov %r12, %rdi\n"
	"	mov $" STRING(PROBE_SHORT) ", %esi\n"
	"	call probe_loop\n"
	ANSWER
	"	dec %ebp\n"
	"	jnz 1b\n"
	"	mov $" STRING(PROBE_LONG_RUNS) ", %ebp\n"
	"2:	mov %r12, %rdi\n"
	"	mov $" STRING(PROBE_LONG) ", %esi\n"
	"	call probe_loop\n"
	ANSWER
	"	dec %ebp\n"
	"	jnz 2b\n"
	/* What a kernel does all the time and an application cannot. */
	"	xor %eax, %eax\n"
	"	xor %ecx, %ecx\n"
	"	cpuid\n"
	"	mov %ebx, %eax\n"
	ANSWER
	"	mov $" STRING(PROBE_PATTERN) ", %eax\n"
	"	xor %edx, %edx\n"
	"	mov $0xc0000082, %ecx\n" /* LSTAR (AMD APM volume 2, 6.1.1) */
	"	wrmsr\n"
	"	xor %eax, %eax\n"
	"	rdmsr\n"
	ANSWER
	/* The second 2 MiB are mapped to the first: present, writable, large page. */
	"	movl $" STRING(PROBE_PATTERN) ", (%r12)\n"
	"	movq $0x83, " STRING(PROBE_PD) " + 8\n"
	"	invlpg " STRING(PROBE_ALIAS) "\n"
	"	mov " STRING(PROBE_ALIAS) "(%r12), %eax\n"
	ANSWER
	"3:	hlt\n"
	"	jmp 3b\n"

	"probe_loop:\n"
	"	mov %rdi, %r8\n"
	"	mov $" STRING(PROBE_BUFFER_SIZE) " / 8, %ecx\n"
	"	xor %eax, %eax\n"
	"	cld\n"
	"	rep stosq\n"
	"	mov $0x9e3779b97f4a7c15, %rdx\n" /* 2^64 by the golden ratio: an odd number, well mixed */
	"	mov %rdx, %rax\n"
	"4:	imul %rdx, %rax\n"
	"	add %rsi, %rax\n"
	"	mov %rax, %rcx\n"
	"	shr $48, %rcx\n"
	"	and $" STRING(PROBE_BUFFER_SIZE) " - 8, %ecx\n"
	"	mov (%r8,%rcx), %r9\n"
	"	add %rax, (%r8,%rcx)\n"
	"	xor %r9, %rax\n"
	"	rol $7, %rax\n"
	"	dec %rsi\n"
	"	jnz 4b\n"
	"	ret\n"
	"	.size probe_loop, . - probe_loop\n"
	"probe_guest_end:\n");
// clang-format on
