// SPDX-License-Identifier: GPL-2.0-only
/*
 * An NMI handler that does what NMI handlers seldom do, and may: page faults in
 * both halves, and a breakpoint. Where an NMI hits our entry code, each of them
 * goes through the stack that the stubs share. One test injects NMIs by the
 * monitor and reads the counters by its debugger interface; another has each
 * processor send them to the others and reads the counters in
 * /sys/module/kernel_mode_test/parameters.
 */
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/uaccess.h>

#include <asm/apic.h>
#include <asm/cmpxchg.h>
#include <asm/kernel_mode.h>
#include <asm/nmi.h>
#include <asm/pgtable.h>

unsigned long kernel_mode_test_nmis, kernel_mode_test_ip;
unsigned long kernel_mode_test_faults, kernel_mode_test_breakpoints;

/* Its IRET lets the next NMI in: they nest. */
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
		xadd(&kernel_mode_test_faults, 1UL);
	if (copy_from_user_nofault(&value, (void __user *)(TASK_SIZE_MAX - PAGE_SIZE),
				   sizeof(value)))
		xadd(&kernel_mode_test_faults, 1UL);
	take_breakpoint();
	xadd(&kernel_mode_test_nmis, 1UL);
	return NMI_HANDLED;
}

static int on_die(struct notifier_block *block, unsigned long what, void *data)
{
	const struct die_args *args = data;

	if (what != DIE_INT3 || args->regs->ip != (unsigned long)kernel_mode_test_int3)
		return NOTIFY_DONE;
	xadd(&kernel_mode_test_breakpoints, 1UL);
	return NOTIFY_STOP;
}

static struct notifier_block die_block = { .notifier_call = on_die };

/* Microseconds between two NMIs to each other processor; 0: none. */
static uint storm;
module_param(storm, uint, 0444);
module_param_named(nmis, kernel_mode_test_nmis, ulong, 0444);
module_param_named(faults, kernel_mode_test_faults, ulong, 0444);
module_param_named(breakpoints, kernel_mode_test_breakpoints, ulong, 0444);

static DEFINE_PER_CPU(struct hrtimer, storm_timer);

static enum hrtimer_restart send_nmis(struct hrtimer *timer)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (cpu != smp_processor_id())
			apic->send_IPI(cpu, NMI_VECTOR);
	hrtimer_forward_now(timer, ns_to_ktime(storm * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static void start_storm(void *unused)
{
	struct hrtimer *timer = this_cpu_ptr(&storm_timer);

	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	timer->function = send_nmis;
	hrtimer_start(timer, ns_to_ktime(storm * NSEC_PER_USEC), HRTIMER_MODE_REL_PINNED_HARD);
}

static int __init kernel_mode_test_start(void)
{
	int ret = register_die_notifier(&die_block);

	ret = ret ?: register_nmi_handler(NMI_LOCAL, on_nmi, NMI_FLAG_FIRST, "kernel_mode_test");
	if (!ret && storm)
		on_each_cpu(start_storm, NULL, 1);
	return ret;
}
late_initcall(kernel_mode_test_start);
