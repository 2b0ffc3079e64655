/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ways into the kernel from a program at CPL 0, and back.
 *
 * A trap at CPL 0 does not switch stacks by itself, and a program's stack
 * pointer may be anything. So each gate names an IST stack: those of #DF, NMI,
 * #DB and #MC keep theirs, all others share the one of KERNEL_MODE_IST. The
 * stub in front of each handler tells a program from the kernel by RIP, makes
 * the frame look like one from CPL 3, or moves a kernel's frame to where the
 * hardware would have pushed it, the interrupted stack.
 *
 * From the delivery until RSP is off the shared stack nothing here faults, and
 * interrupts are off.
 */
#include <linux/export.h>
#include <linux/linkage.h>
#include <linux/stringify.h>
#include <asm/asm-offsets.h>
#include <asm/asm.h>
#include <asm/irq_vectors.h>
#include <asm/kernel_mode.h>
#include <asm/nospec-branch.h>
#include <asm/percpu.h>
#include <asm/processor-flags.h>
#include <asm/segment.h>
#include <asm/trapnr.h>
#include <asm/unwind_hints.h>

#include "calling.h"

/* The hardware's frame, behind the error code if there is one. */
#define IRET_IP	(0 * 8)
#define IRET_CS	(1 * 8)
#define IRET_FLAGS	(2 * 8)
#define IRET_SP	(3 * 8)
#define IRET_SS	(4 * 8)
#define IRET_SIZE	(5 * 8)

/* Vectors that push an error code (SDM 3, 6.15; APM 2, 8.4.1). */
#define HAS_ERROR_CODE							\
	(1 << X86_TRAP_DF | 1 << X86_TRAP_TS | 1 << X86_TRAP_NP |	\
	 1 << X86_TRAP_SS | 1 << X86_TRAP_GP | 1 << X86_TRAP_PF |	\
	 1 << X86_TRAP_AC | 1 << X86_TRAP_CP | 1 << X86_TRAP_VC | 1 << 30)
/* These have a stack of their own, where nothing may be pushed before NMIs are told apart. */
#define HAS_STACK	(1 << X86_TRAP_NMI | 1 << X86_TRAP_DB | 1 << X86_TRAP_MC)

/* X86_PF_USER of asm/trap_pf.h, which is an enum. */
#define PF_USER		4
#define PF_INSTR	16

.code64
.section .entry.text, "ax"

/* The origin is a program: what CPL 3 would have pushed. Selectors are below 256. */
.macro CLAIM_USER at:req
	movb	$__USER_CS, \at + IRET_CS(%rsp)
	movb	$__USER_DS, \at + IRET_SS(%rsp)
.endm

/*
 * The program was given back its registers, all but RIP, and a trap comes in
 * before the last jump: it had jumped already, as far as anyone can see.
 */
.macro STUB vector:req
	.if \vector < 32
	.set	error, (HAS_ERROR_CODE >> \vector) & 1
	.set	own_stack, (HAS_STACK >> \vector) & 1
	.else
	.set	error, 0
	.set	own_stack, 0
	.endif
1:
	UNWIND_HINT_IRET_REGS offset=8*error
	ENDBR
	.if \vector == IA32_SYSCALL_VECTOR
	/* `int $0x80`, two bytes long: the protection fault that it is at CPL 3. */
	subq	$2, IRET_IP(%rsp)
	pushq	$(IA32_SYSCALL_VECTOR * 8 + 2)
	jmp	kernel_mode_protection_fault
	.else
	.if \vector == X86_TRAP_GP
SYM_INNER_LABEL(kernel_mode_protection_fault, SYM_L_LOCAL)
	.endif
	cmpb	$0, 8 * error + IRET_IP + 7(%rsp)
	js	2f
	.if \vector < 32 && !own_stack
	testb	$(X86_EFLAGS_IF >> 8), 8 * error + IRET_FLAGS + 1(%rsp)
	.if error
	jz	kernel_mode_no_interrupts_error
	.else
	jz	kernel_mode_no_interrupts
	.endif
	.endif
	CLAIM_USER at=8*error
	.if \vector == X86_TRAP_PF
	orb	$PF_USER, (%rsp)
	.endif
	.if own_stack
2:
	.endif
	ANNOTATE_RETPOLINE_SAFE
	jmp	*kernel_mode_handlers + 8 * \vector(%rip)
	.if !own_stack
2:
	pushq	kernel_mode_handlers + 8 * \vector(%rip)
	.if \vector == X86_TRAP_PF
	jmp	kernel_mode_page_fault
	.elseif error
	jmp	kernel_mode_kernel_rip_error
	.else
	jmp	kernel_mode_kernel_rip
	.endif
	.endif
	.endif
	.pushsection .rodata, "a"
	.quad	1b
	.popsection
.endm

/*
 * RIP is the kernel's. On the shared stack: the handler, the error code if
 * there is one, the frame.
 */
.macro KERNEL_RIP name:req error:req page_fault=0
SYM_CODE_START_LOCAL(\name)
	UNWIND_HINT_IRET_REGS offset=8+8*\error
	pushq	%rax
	.set	frame, 16 + 8 * \error

	leaq	kernel_mode_sysret_jump(%rip), %rax
	cmpq	%rax, frame + IRET_IP(%rsp)
	jne	1f
	movq	%rcx, frame + IRET_IP(%rsp)
	jmp	2f
1:
	/* The kernel has its own stack wherever interrupts are on or it may fault. */
	cmpb	$0, frame + IRET_SP + 7(%rsp)
	js	3f
2:
	/* A program, perhaps one that jumped to an address of the kernel's. */
	CLAIM_USER at=frame
	.if \page_fault
	orb	$PF_USER, 16(%rsp)
	.endif
	popq	%rax
	ANNOTATE_UNRET_SAFE
	ret				/* to the handler */
	int3
3:
	/* To the kernel's stack, aligned as the hardware aligns it (SDM 3, 6.14.2). */
	movq	frame + IRET_SP(%rsp), %rax
	andq	$-16, %rax
	.irp	offset, IRET_SS, IRET_SP, IRET_FLAGS, IRET_CS, IRET_IP
	pushq	frame + \offset(%rsp)
	popq	\offset - IRET_SIZE(%rax)
	.endr
	.if \error
	pushq	16(%rsp)
	popq	-IRET_SIZE - 8(%rax)
	.endif
	pushq	8(%rsp)
	popq	-IRET_SIZE - 8 - 8 * \error(%rax)	/* the handler */
	pushq	(%rsp)
	popq	-IRET_SIZE - 16 - 8 * \error(%rax)	/* rax */
	leaq	-IRET_SIZE - 16 - 8 * \error(%rax), %rsp
	popq	%rax
	ANNOTATE_UNRET_SAFE
	ret				/* to the handler */
	int3
SYM_CODE_END(\name)
.endm

SYM_INNER_LABEL(kernel_mode_text_start, SYM_L_GLOBAL)

	.pushsection .rodata, "a"
	.balign 8
SYM_DATA_START(kernel_mode_stubs)
	.popsection
SYM_CODE_START_LOCAL(kernel_mode_all_stubs)
	.set	vector, 0
	.rept	256
	STUB	vector
	.set	vector, vector + 1
	.endr
SYM_CODE_END(kernel_mode_all_stubs)
	.pushsection .rodata, "a"
SYM_DATA_END(kernel_mode_stubs)
	.popsection

KERNEL_RIP kernel_mode_kernel_rip error=0
KERNEL_RIP kernel_mode_kernel_rip_error error=1
KERNEL_RIP kernel_mode_page_fault error=1 page_fault=1

/*
 * A program turned interrupts off, which at CPL 3 is a protection fault. The
 * handlers of the kernel rely on that; it comes late, but it comes.
 */
SYM_CODE_START_LOCAL(kernel_mode_no_interrupts)
	UNWIND_HINT_IRET_REGS
	pushq	$0			/* error code */
SYM_INNER_LABEL(kernel_mode_no_interrupts_error, SYM_L_LOCAL)
	UNWIND_HINT_IRET_REGS offset=8
	movq	$0, (%rsp)
	orb	$(X86_EFLAGS_IF >> 8), 8 + IRET_FLAGS + 1(%rsp)
	CLAIM_USER at=8
	jmp	asm_exc_general_protection
SYM_CODE_END(kernel_mode_no_interrupts)

/*
 * Back to a program after a system call, under the conditions of SYSRET:
 * rcx == ip and lies in the user half, r11 == flags without TF and RF.
 */
SYM_CODE_START(kernel_mode_sysret)
	UNWIND_HINT_REGS
	/* 6.1 takes any canonical address for SYSRET. */
	cmpb	$0, RIP + 7(%rsp)
	js	kernel_mode_iret
	/* A program that turned interrupts off goes the slow way, which ends it. */
	btrq	$X86_EFLAGS_IF_BIT, EFLAGS(%rsp)
	jnc	kernel_mode_iret
	POP_REGS
	addq	$(EFLAGS - ORIG_RAX), %rsp
	UNWIND_HINT_IRET_REGS offset=-16
	popfq
	swapgs
	movq	(%rsp), %rsp
	/* Interrupts stay off for one instruction more. */
	sti
SYM_INNER_LABEL(kernel_mode_sysret_jump, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
	ANNOTATE_RETPOLINE_SAFE
	jmp	*%rcx
	int3
SYM_CODE_END(kernel_mode_sysret)

/*
 * Back to a program from anywhere. IRET itself must not fault: there would be
 * no telling whose fault it is.
 */
SYM_CODE_START(kernel_mode_iret)
	UNWIND_HINT_REGS
	btsq	$X86_EFLAGS_IF_BIT, EFLAGS(%rsp)
	jnc	.Lprotection_fault
	movq	RIP(%rsp), %rax
	ALTERNATIVE "sarq $47, %rax", "sarq $56, %rax", X86_FEATURE_LA57
	jnz	.Lbad_ip
	POP_REGS
	movb	$__KERNEL_CS, CS - ORIG_RAX(%rsp)
	movb	$__KERNEL_DS, SS - ORIG_RAX(%rsp)
	addq	$8, %rsp
	UNWIND_HINT_IRET_REGS
	swapgs
	iretq

	/* What it would have come to at CPL 3, on the very frame of such a trap. */
.Lbad_ip:
	incq	%rax
	jnz	.Lprotection_fault	/* not canonical */
	movq	RIP(%rsp), %rax
	movq	%rax, %cr2
	movq	$(PF_USER | PF_INSTR), ORIG_RAX(%rsp)
	POP_REGS
	UNWIND_HINT_IRET_REGS offset=8
	swapgs
	jmp	asm_exc_page_fault
.Lprotection_fault:
	movq	$0, ORIG_RAX(%rsp)
	POP_REGS
	UNWIND_HINT_IRET_REGS offset=8
	swapgs
	jmp	asm_exc_general_protection
SYM_CODE_END(kernel_mode_iret)

SYM_INNER_LABEL(kernel_mode_text_end, SYM_L_GLOBAL)
