#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""NMIs at every instruction of the ways into the kernel and back.

Runs tests/programs/every_entry.c as PID 1 of a kernel of the variant kernel-mode-test. Its NMI
handler takes two page faults and a breakpoint, each of which would overwrite a frame that has not
been moved off the shared stack (docs/kernel-mode.md, "The window").

A breakpoint is set at each instruction as the machine has it, after alternatives were patched. At
each stop an NMI is injected, and the handler keeps the RIP that it interrupted: the instruction is
"hit exactly" when it is the same. Passes are repeated for what is left, until one hits nothing more.
One more pass injects NMIs at the instructions of the NMI's own way, too: they come when its
breakpoint's IRET lets them in. (The handler sees no RIP of these: they make it run once more.)

Ends with status 0 if every NMI took all its faults, the guest went on and nothing was wrong in it.
"""
import argparse
import bisect
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter

from debugger import Debugger, Failure, Machine, Monitor

# Where a program's trap and a way back go through, up to the next of entry.text's functions.
FUNCTIONS = """kernel_mode_kernel_rip kernel_mode_kernel_rip_error kernel_mode_page_fault
    kernel_mode_no_interrupts kernel_mode_sysret kernel_mode_iret
    entry_SYSCALL_64 common_interrupt_return ret_from_fork_asm
    error_entry error_return paranoid_entry paranoid_exit
    asm_exc_divide_error asm_exc_debug asm_exc_nmi asm_exc_int3 asm_exc_invalid_op
    asm_exc_general_protection asm_exc_page_fault asm_sysvec_apic_timer_interrupt""".split()
# Labels inside of functions, which end none.
INNER = re.compile("""entry_SYS(CALL_64|RETQ)_.*|syscall_return_via_sysret|swapgs_restore_regs_.*
    |restore_regs_and_return_to_kernel|native_irq_return_.*|kernel_mode_(sysret_jump|text_end)
    |kernel_mode_no_interrupts_error|(end_)?(repeat|first|nested)_nmi(_out)?
    |nmi_(no_fsgsbase|swapgs|restore)""",
                   re.VERBOSE)
# Vectors whose stubs the guest goes through: #DE #DB NMI #BP #UD #GP #PF, the local APIC's timer.
VECTORS = 0, 1, 2, 3, 6, 13, 14, 0xec
COUNTERS = "nmis", "faults", "breakpoints"
NEST = re.compile(r"(sub|add)q +\$0x400,%gs:")
PADDING = re.compile(r"(data16 |cs )*(nop|int3|xchgw? +%ax,%ax)")
WRONG = re.compile("FAILED|BUG|Oops|WARNING|[Pp]anic|general protection|stack segment|double fault")


class Symbols:
    def __init__(self, path):
        self.address = {}
        with open(path) as file:
            for line in file:
                address, _, name = line.split()
                self.address.setdefault(name, int(address, 16))
        self.ends = sorted({address for name, address in self.address.items()
                            if not INNER.fullmatch(name)})

    def extent(self, name):
        start = self.address[name]
        return start, self.ends[bisect.bisect_right(self.ends, start)]


def disassemble(start, code):
    """{address: text}"""
    with tempfile.NamedTemporaryFile() as file:
        file.write(code)
        file.flush()
        text = subprocess.run(
            ["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "suffix",
             "--no-show-raw-insn", f"--adjust-vma={start:#x}", file.name],
            check=True, capture_output=True, text=True).stdout
    return {int(line[1], 16): line[2].strip()
            for line in re.finditer(r"^\s*([0-9a-f]+):\s+(.*)$", text, re.M)}


def find_instructions(debugger, symbols):
    """{address: (function, text)} of all that is tested."""
    extents = [(name, *symbols.extent(name)) for name in FUNCTIONS if name in symbols.address]
    table = symbols.address["kernel_mode_stubs"]
    for vector in VECTORS:
        extents.append((f"stub {vector}", debugger.read_word(table + 8 * vector),
                        debugger.read_word(table + 8 * vector + 8)))
    return {address: (name, text) for name, start, end in extents
            for address, text in disassemble(start, debugger.read(start, end - start)).items()}


def remove_nesting(debugger, instructions):
    """What makes room on the shared stack adds 0 from now on: this must be found."""
    addresses = sorted(instructions)
    nests = [address for address in addresses if NEST.match(instructions[address][1])]
    if len(nests) != 3:  # paranoid_entry, paranoid_exit, asm_exc_nmi
        raise Failure(f"{len(nests)} instructions make room on the shared stack, not 3")
    for address in nests:
        end = addresses[addresses.index(address) + 1]
        debugger.write(end - 4, bytes(4))


class Test:
    def __init__(self, machine, symbols, options):
        self.machine, self.symbols, self.options = machine, symbols, options
        self.end = time.monotonic() + options.seconds
        self.monitor = Monitor(machine.path("monitor"))
        self.wait_rounds(1)
        self.debugger = Debugger(machine.path("gdb"))
        self.instructions = find_instructions(self.debugger, symbols)
        if options.no_nesting:
            remove_nesting(self.debugger, self.instructions)
        self.reached, self.exact = set(), set()

    def check(self):
        """The guest's console has nothing wrong on it."""
        wrong = [line for line in self.machine.console().splitlines() if WRONG.search(line)]
        if wrong:
            raise Failure("the guest says: " + "; ".join(wrong[:5]))

    def rounds(self):
        self.check()
        return self.machine.console().count("\nround ") + self.machine.console().startswith("round ")

    def wait_rounds(self, more, seconds=120):
        """Until the guest, which runs, has gone round so often; it says so each twentieth time."""
        enough, end = self.rounds() + more, time.monotonic() + seconds
        while self.rounds() < enough:
            if time.monotonic() > end:
                raise Failure("the guest does not go on: " + self.machine.console()[-1000:])
            time.sleep(0.1)

    def counter(self, name):
        return self.debugger.read_word(self.symbols.address["kernel_mode_test_" + name])

    def note_exact(self):
        ip = self.counter("ip")
        if ip in self.instructions:
            self.exact.add(ip)

    def next_stop(self):
        """The guest runs; where it stops, or None when it went round twice without."""
        if time.monotonic() > self.end:
            raise Failure(f"not done after {self.options.seconds} seconds")
        self.debugger.go()
        enough, end = self.rounds() + 3, time.monotonic() + 120
        while True:
            if self.debugger.receive(0.2) is not None:
                return self.debugger.ip()
            if self.rounds() >= enough:
                self.debugger.stop()
                return None
            if time.monotonic() > end:
                raise Failure("the guest does not go on: " + self.machine.console()[-1000:])

    def wait_nmi(self, address, before):
        """Lets the NMI happen that was injected at this address, and come back from there."""
        self.debugger.set_breakpoints([address])
        while self.next_stop() is not None and self.counter("nmis") == before:
            # It is what the NMI itself does that came by.
            self.debugger.clear_breakpoints([address])
            self.debugger.step()
            self.debugger.set_breakpoints([address])
        self.debugger.clear_breakpoints([address])

    def run_pass(self, left, nested):
        """An NMI at each instruction of `left`; whether it hit new ones. `nested`: inside of NMIs too."""
        before = len(self.exact)
        self.debugger.set_breakpoints(left)
        while left:
            address = self.next_stop()
            if address is None:
                break
            if address not in left:
                raise Failure(f"stopped at {address:#x}, where no breakpoint is")
            self.reached.add(address)
            left.remove(address)
            self.debugger.clear_breakpoints([address] if nested else [address, *left])
            nmis = self.counter("nmis")
            self.monitor.command("nmi")
            if not nested:
                self.wait_nmi(address, nmis)
                self.debugger.set_breakpoints(left)
            self.note_exact()
        self.debugger.clear_breakpoints(left)
        self.go_on()
        return len(self.exact) > before

    def go_on(self):
        """Without breakpoints; then it stands, and no NMI is on its way."""
        self.debugger.go()
        self.wait_rounds(2)
        self.debugger.stop()
        self.note_exact()

    def hit_programs(self):
        """NMIs in the program, and where that leads to."""
        hits = 0
        for _ in range(500):
            self.go_on()
            if self.debugger.ip() >> 63:
                continue
            self.monitor.command("nmi")
            self.run_pass(set(self.instructions) - self.reached, nested=True)
            hits += 1
            if hits == 10:
                return
        raise Failure("the program is hardly ever executed")

    def run(self):
        passes = 1
        while self.run_pass(set(self.instructions) - self.exact, nested=False):
            self.report(f"pass {passes}")
            passes += 1
        self.run_pass(set(self.instructions), nested=True)
        self.report("NMIs in NMIs")
        self.hit_programs()
        self.report("NMIs in the program")
        for name, text in self.unreached().items():
            print(f"  never reached in {name}: {text}")
        for name, text in self.missed().items():
            print(f"  reached, not hit exactly in {name}: {text}")
        nmis, faults, breakpoints = (self.counter(name) for name in COUNTERS)
        print(f"{nmis} NMIs took {faults} page faults and {breakpoints} breakpoints")
        if not nmis or faults != 2 * nmis or breakpoints != nmis:
            raise Failure("an NMI did not take its two page faults and its breakpoint")

    def report(self, when):
        print(f"{when}: {len(self.instructions)} instructions, {len(self.reached)} reached, "
              f"{len(self.exact)} hit exactly", flush=True)

    def list_by_function(self, addresses):
        lists = {}
        for address in sorted(addresses):
            name, text = self.instructions[address]
            what = "padding" if PADDING.match(text) else re.sub(r"\s+", " ", text)
            lists.setdefault(name, Counter())[what] += 1
        return {name: "; ".join(f"{what}{f' ({count})' if count > 1 else ''}"
                                for what, count in counts.items())
                for name, counts in lists.items()}

    def unreached(self):
        return self.list_by_function(set(self.instructions) - self.reached - self.exact)

    def missed(self):
        return self.list_by_function(self.reached - self.exact)


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernel", help="vmlinux of the variant kernel-mode-test")
    parser.add_argument("map", help="its System.map")
    parser.add_argument("program", help="tests/programs/every_entry.c, linked statically")
    parser.add_argument("--no-nesting", action="store_true",
                        help="first take out what the test must prove necessary: it must fail then")
    parser.add_argument("--seconds", type=float, default=900, help="give up then (%(default)s)")
    parser.add_argument("--qemu", default="qemu-system-x86_64", help="%(default)s")
    return parser.parse_args()


def main():
    options = parse()
    symbols = Symbols(options.map)
    try:
        with Machine(options.qemu, options.kernel, options.program, "kernel_mode=on") as machine:
            Test(machine, symbols, options).run()
    except Failure as failure:
        print(f"windows: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
