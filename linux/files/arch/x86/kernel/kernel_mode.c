// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs at CPL 0: turned on once, for all of them, by "kernel_mode=on".
 *
 * A machine with one application has no use for a choice between programs, and
 * without one there is nothing to do when tasks are switched: one IDT serves
 * all, and every user half is the supervisor's.
 */
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/panic.h>
#include <linux/percpu.h>
#include <linux/smp.h>

#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/kernel_mode.h>
#include <asm/processor.h>
#include <asm/set_memory.h>
#include <asm/trapnr.h>

static gate_desc kernel_mode_idt[IDT_ENTRIES] __page_aligned_bss;
unsigned long kernel_mode_handlers[IDT_ENTRIES] __ro_after_init;

/* Straight-line code runs on it, until the frame is on a task's stack. */
static DEFINE_PER_CPU_PAGE_ALIGNED(char [KERNEL_MODE_IST_SIZE], kernel_mode_stack);

static int __init setup_kernel_mode(char *text)
{
	bool on;
	int ret = kstrtobool(text ?: "", &on);

	if (ret || !on)
		return ret;
	setup_force_cpu_cap(X86_FEATURE_KERNEL_MODE);
	/*
	 * What the processor enforces at CPL 3 only, a program must not
	 * believe to have; and indirect branches of programs need not lead to
	 * ENDBR.
	 */
	setup_clear_cpu_cap(X86_FEATURE_PKU);
#ifdef X86_FEATURE_USER_SHSTK	/* not in 6.1 */
	setup_clear_cpu_cap(X86_FEATURE_USER_SHSTK);
#endif
	setup_clear_cpu_cap(X86_FEATURE_IBT);
	/* Kept from devices: what comes there is a program's `int $0x80`. */
	set_bit(IA32_SYSCALL_VECTOR, system_vectors);
	return 0;
}
early_param("kernel_mode", setup_kernel_mode);

static int load_kernel_mode_idt(unsigned int cpu)
{
	const struct desc_ptr descriptor = {
		.address = (unsigned long)kernel_mode_idt,
		.size = sizeof(kernel_mode_idt) - 1,
	};

	load_idt(&descriptor);
	return 0;
}

/* Puts our stub in front of a gate's handler. */
static void __init make_gate(unsigned int vector, const gate_desc *gate)
{
	unsigned long stub = kernel_mode_stubs[vector];
	gate_desc *ours = &kernel_mode_idt[vector];

	*ours = *gate;
	kernel_mode_handlers[vector] = gate_offset(gate);
	/* #DF is nobody's: it is fatal, and has its own stack. */
	if (vector == X86_TRAP_DF || !gate->bits.p)
		return;
	ours->offset_low = (u16)stub;
	ours->offset_middle = (u16)(stub >> 16);
	ours->offset_high = (u32)(stub >> 32);
	/* Gates count from 1, 0 stands for none. */
	if (!gate->bits.ist)
		ours->bits.ist = KERNEL_MODE_IST + 1;
}

/*
 * Before other processors start and before the first program, the kernel's own
 * helpers included; all handlers are in the IDT by now.
 */
static int __init start_kernel_mode(void)
{
	struct desc_ptr live;
	unsigned int i;
	int cpu, ret;

	BUILD_BUG_ON(offsetof(struct x86_hw_tss, ist) !=
		     offsetof(struct x86_hw_tss, sp0) + 4 * sizeof(u64));
	if (!cpu_feature_enabled(X86_FEATURE_KERNEL_MODE))
		return 0;
	store_idt(&live);
	for (i = 0; i < IDT_ENTRIES; i++)
		make_gate(i, (const gate_desc *)live.address +
			     (i == IA32_SYSCALL_VECTOR ? X86_TRAP_GP : i));
	for_each_possible_cpu(cpu)
		per_cpu(cpu_tss_rw, cpu).x86_tss.ist[KERNEL_MODE_IST] =
			(unsigned long)(per_cpu(kernel_mode_stack, cpu) +
					KERNEL_MODE_IST_SIZE);
	set_memory_ro((unsigned long)kernel_mode_idt, 1);
	/* On this processor now; on others before they may run a program. */
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "x86/kernel_mode:online",
				load_kernel_mode_idt, NULL);
	if (ret < 0)
		panic("kernel mode: no callback for new processors: %d", ret);
	add_taint(TAINT_AUX, LOCKDEP_STILL_OK);
	pr_info("Kernel mode: every program runs at CPL 0\n");
	return 0;
}
early_initcall(start_kernel_mode);
