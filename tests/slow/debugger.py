# SPDX-License-Identifier: Apache-2.0
"""A machine under QEMU that is stopped, read and written by its debugger interface."""
import os
import re
import select
import socket
import subprocess
import tempfile
import time


class Failure(Exception):
    """What the test was to find, or a machine that does not answer."""


def cpio(files):
    """An initramfs ("newc"); `files` are (name, mode, contents), devices (name, mode, (major, minor))."""
    archive = bytearray()
    for number, (name, mode, contents) in enumerate([*files, ("TRAILER!!!", 0, b"")]):
        device = contents if isinstance(contents, tuple) else (0, 0)
        data = b"" if isinstance(contents, tuple) else contents
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        archive += b"070701" + b"".join(b"%08x" % field for field in fields)
        archive += name.encode() + b"\0"
        archive += bytes(-len(archive) % 4) + data
        archive += bytes(-len(archive) % 4)
    return bytes(archive)


def connect(path, deadline=20):
    """QEMU makes its sockets some time after its start."""
    end = time.monotonic() + deadline
    while True:
        try:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(path)
            return connection
        except OSError:
            if time.monotonic() > end:
                raise Failure(f"QEMU does not listen at {path}") from None
            time.sleep(0.1)


class Debugger:
    """GDB's remote protocol: packets $DATA#CHECKSUM, each acknowledged by +."""

    RIP = slice(16 * 16, 17 * 16)  # of the answer to "g": the seventeenth register, in hexadecimal

    def __init__(self, path):
        self.socket = connect(path)
        self.pending = b""
        self.ask("?")
        while self.receive(0.5) is not None:
            pass  # that it stopped because of us may be said twice

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 255))

    def receive(self, seconds=60):
        """The next packet, or None."""
        end = time.monotonic() + seconds
        while True:
            self.pending = self.pending.lstrip(b"+")
            packet = re.match(rb"\$([^#]*)#..", self.pending, re.S)
            if packet:
                self.pending = self.pending[packet.end():]
                self.socket.sendall(b"+")
                return packet[1].decode()
            if not select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
                return None
            read = self.socket.recv(65536)
            if not read:
                raise Failure("QEMU has ended")
            self.pending += read

    def ask(self, text):
        self.send(text)
        answer = self.receive()
        if answer is None or re.fullmatch("E[0-9a-f]{2}", answer):
            raise Failure(f"QEMU's debugger answers {text!r} by {answer}")
        return answer

    def go(self):
        self.send("c")

    def stop(self):
        """For a machine that runs; a breakpoint may be faster."""
        self.socket.sendall(b"\x03")
        if self.receive() is None:
            raise Failure("the machine does not stop")
        self.receive(0.2)

    def ip(self):
        return int.from_bytes(bytes.fromhex(self.ask("g")[self.RIP]), "little")

    def read(self, address, size):
        parts = [self.ask(f"m{at:x},{min(1024, address + size - at):x}")
                 for at in range(address, address + size, 1024)]
        return bytes.fromhex("".join(parts))

    def read_word(self, address):
        return int.from_bytes(self.read(address, 8), "little")

    def write(self, address, data):
        self.ask(f"M{address:x},{len(data):x}:{data.hex()}")

    def set_breakpoints(self, addresses):
        for address in addresses:
            self.ask(f"Z0,{address:x},1")

    def clear_breakpoints(self, addresses):
        for address in addresses:
            self.ask(f"z0,{address:x},1")

    def step(self):
        self.ask("s")


class Monitor:
    """QEMU's human monitor."""

    PROMPT = b"(qemu) "

    def __init__(self, path):
        self.socket = connect(path)
        self.wait()

    def wait(self):
        answer = b""
        while not answer.endswith(self.PROMPT):
            if not select.select([self.socket], [], [], 60)[0]:
                raise Failure("QEMU's monitor does not answer")
            answer += self.socket.recv(65536)

    def command(self, text):
        self.socket.sendall(text.encode() + b"\n")
        self.wait()


class Machine:
    """One processor that runs `program` as PID 1, with what it says on its console."""

    def __init__(self, qemu, kernel, program, parameters):
        self.directory = tempfile.TemporaryDirectory(prefix="windows-")
        self.console_path = self.path("console")
        with open(program, "rb") as file:
            contents = file.read()
        with open(self.path("initrd"), "wb") as file:
            file.write(cpio([("dev", 0o040755, b""), ("dev/console", 0o020600, (5, 1)),
                             ("init", 0o100755, contents)]))
        # Its clocks are known to the kernel: without a PIT it cannot measure them.
        command = f"""{qemu} -accel tcg -cpu max -m 256 -nodefaults -no-user-config -no-reboot
            -M microvm,acpi=off,pit=off,pic=off,rtc=off,isa-serial=on,auto-kernel-cmdline=on
            -display none -serial file:{self.console_path} -kernel {kernel}
            -initrd {self.path("initrd")} -gdb unix:{self.path("gdb")},server=on,wait=off
            -monitor unix:{self.path("monitor")},server=on,wait=off""".split()
        append = ("console=ttyS0 loglevel=4 panic=-1 reboot=t no_timer_check tsc=reliable "
                  f"tsc_khz=1000000 lapic_timer_khz=1000000 {parameters}")
        self.process = subprocess.Popen([*command, "-append", append])

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.directory.cleanup()

    def console(self):
        try:
            with open(self.console_path, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""
