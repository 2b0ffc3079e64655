/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs at CPL 0: what the entry code and the page tables need to know.
 *
 * The idea, the states and the windows are explained in Lupine's
 * docs/kernel-mode.md. In short: a program runs with the kernel's CS, in a
 * user half whose top-level page table entries lack _PAGE_USER, so that SMEP
 * and SMAP stay on. struct pt_regs always shows a program at CPL 3: the stubs
 * in front of the interrupt handlers make it so, and the two ways back undo it.
 */
#ifndef _ASM_X86_KERNEL_MODE_H
#define _ASM_X86_KERNEL_MODE_H

#include <asm/alternative.h>
#include <asm/cpufeatures.h>

/* The slot of the TSS for all vectors that have no stack of their own. */
#define KERNEL_MODE_IST		5
/* What an NMI, #MC or #DB that hits the stubs leaves untouched below it. */
#define KERNEL_MODE_IST_STEP	1024
/* One step for a program's trap, and one each for #DB, #MC and NMI in it. */
#define KERNEL_MODE_IST_SIZE	(4 * KERNEL_MODE_IST_STEP)

#ifdef __ASSEMBLY__

/* TSS.ist[n] lies behind sp0, sp1, sp2 and a reserved word (SDM 3, 8.7). */
#define TSS_kernel_mode_ist	(TSS_sp0 + 4 * 8 + KERNEL_MODE_IST * 8)

#ifdef CONFIG_X86_KERNEL_MODE
/* Instead of SYSRET, under the same conditions. */
#define KERNEL_MODE_SYSRET \
	ALTERNATIVE "", "jmp kernel_mode_sysret", X86_FEATURE_KERNEL_MODE
/* Instead of swapgs and IRET to a program. */
#define KERNEL_MODE_IRET \
	ALTERNATIVE "", "jmp kernel_mode_iret", X86_FEATURE_KERNEL_MODE
/*
 * In an NMI, #MC or #DB that interrupted the kernel: what traps from here on
 * must not overwrite a frame that a stub has not yet moved away.
 */
#define KERNEL_MODE_NEST						\
	ALTERNATIVE "", __stringify(subq $KERNEL_MODE_IST_STEP,		\
		PER_CPU_VAR(cpu_tss_rw + TSS_kernel_mode_ist)), X86_FEATURE_KERNEL_MODE
#define KERNEL_MODE_UNNEST						\
	ALTERNATIVE "", __stringify(addq $KERNEL_MODE_IST_STEP,		\
		PER_CPU_VAR(cpu_tss_rw + TSS_kernel_mode_ist)), X86_FEATURE_KERNEL_MODE
#else
#define KERNEL_MODE_SYSRET
#define KERNEL_MODE_IRET
#define KERNEL_MODE_NEST
#define KERNEL_MODE_UNNEST
#endif

#else /* !__ASSEMBLY__ */

#include <asm/cpufeature.h>
#include <asm/pgtable_types.h>

/*
 * The flags of an upper-level entry of a user half. Without _PAGE_USER in any
 * one level a whole address is the supervisor's, whatever the leaf says
 * (SDM 3, 4.6.1).
 */
static __always_inline unsigned long kernel_mode_table_flags(void)
{
	if (IS_ENABLED(CONFIG_X86_KERNEL_MODE) &&
	    cpu_feature_enabled(X86_FEATURE_KERNEL_MODE))
		return _KERNPG_TABLE;
	return _PAGE_TABLE;
}

/* One for each vector, in front of the handler in kernel_mode_handlers[]. */
extern const unsigned long kernel_mode_stubs[];
extern unsigned long kernel_mode_handlers[];

/* Behind the breakpoint of kernel_mode_test.c. */
extern const char kernel_mode_test_int3[];

#endif /* __ASSEMBLY__ */
#endif /* _ASM_X86_KERNEL_MODE_H */
