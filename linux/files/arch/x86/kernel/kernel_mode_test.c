// SPDX-License-Identifier: GPL-2.0-only
/*
 * An NMI handler that does what NMI handlers seldom do, and may: page faults in
 * both halves, and a breakpoint. Where an NMI hits our entry code, each of them
 * goes through the stack that the stubs share. A test injects NMIs by the
 * monitor and reads the counters by its debugger interface.
 */
#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/uaccess.h>

#include <asm/nmi.h>
#include <asm/pgtable.h>

unsigned long kernel_mode_test_nmis, kernel_mode_test_ip;
unsigned long kernel_mode_test_faults, kernel_mode_test_breakpoints;
/* Nested NMIs: a breakpoint's IRET lets the next one in. */
extern const char kernel_mode_test_int3[];

static noinline void take_breakpoint(void)
{
	asm volatile(".globl kernel_mode_test_int3\n"
		     "	int3\n"
		     "kernel_mode_test_int3:\n");
}

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	unsigned long value;

	kernel_mode_test_ip = regs->ip;
	if (copy_from_kernel_nofault(&value, (void *)(VMALLOC_END - PAGE_SIZE), sizeof(value)))
		kernel_mode_test_faults++;
	if (copy_from_user_nofault(&value, (void __user *)(TASK_SIZE_MAX - PAGE_SIZE),
				   sizeof(value)))
		kernel_mode_test_faults++;
	take_breakpoint();
	kernel_mode_test_nmis++;
	return NMI_HANDLED;
}

static int on_die(struct notifier_block *block, unsigned long what, void *data)
{
	const struct die_args *args = data;

	if (what != DIE_INT3 || args->regs->ip != (unsigned long)kernel_mode_test_int3)
		return NOTIFY_DONE;
	kernel_mode_test_breakpoints++;
	return NOTIFY_STOP;
}

static struct notifier_block die_block = { .notifier_call = on_die };

static int __init kernel_mode_test_start(void)
{
	int ret = register_die_notifier(&die_block);

	return ret ?: register_nmi_handler(NMI_LOCAL, on_nmi, NMI_FLAG_FIRST, "kernel_mode_test");
}
late_initcall(kernel_mode_test_start);
