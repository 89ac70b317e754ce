"""The Python programs of this console, as ``/proc`` shows them."""

import os
import re
import time

from . import SIGNAL, SOCKET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List

_PYTHON = re.compile(r"(python|pypy)[0-9.]*[a-z]{0,2}( \(deleted\))?$")


class Program:
    """A running program."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def status(self) -> "Dict[str, str]":
        """What the kernel says of it, by name; nothing once it has ended."""
        try:
            with open("/proc/%d/status" % self.pid) as file:
                lines = [line.partition(":") for line in file]
        except OSError:
            return {}
        return {name: value.strip() for name, _, value in lines}

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.status().get("State", "Z")[0] not in "ZX"

    def ends(self, seconds: float) -> bool:
        """Whether it ends within some seconds."""
        until = time.monotonic() + seconds
        while self.is_running and time.monotonic() < until:
            time.sleep(0.02)
        return not self.is_running

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped, by Ctrl-Z for one."""
        return self.status().get("State", "Z")[0] in "Tt"

    @property
    def catches_signal(self) -> bool:
        """Whether it has a handler for our signal; without one it would not notice it."""
        return bool(int(self.status().get("SigCgt", "0"), 16) >> (SIGNAL - 1) & 1)

    @property
    def executable(self) -> str:
        """The file it runs, empty where that is not ours to see."""
        try:
            return os.readlink("/proc/%d/exe" % self.pid)
        except OSError:
            return ""

    @property
    def is_python(self) -> bool:
        """Whether it is a Python interpreter."""
        return _PYTHON.match(os.path.basename(self.executable)) is not None

    @property
    def is_here(self) -> bool:
        """Whether it belongs to this console; outside of a sandbox others could be seen too."""
        try:
            with open("/proc/%d/environ" % self.pid, "rb") as file:
                environment = file.read().split(b"\0")
        except OSError:
            return False
        return ("%s=%s" % (SOCKET, os.environ.get(SOCKET, ""))).encode() in environment

    def __str__(self) -> str:
        try:
            with open("/proc/%d/cmdline" % self.pid, "rb") as file:
                words = file.read().decode("utf-8", "replace").rstrip("\0").split("\0")
            terminal = os.readlink("/proc/%d/fd/0" % self.pid)
        except OSError:
            return "%d" % self.pid
        text = "".join(c if c.isprintable() else "?" for c in " ".join(words))
        place = terminal[len("/dev/") :] if terminal.startswith("/dev/pts/") else "no terminal"
        return "%d  %s  %s" % (self.pid, place, text if len(text) <= 60 else text[:59] + "…")


def programs() -> "List[Program]":
    """The Python programs of this console, oldest number first, without this one."""
    numbers = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    found = [Program(pid) for pid in numbers if pid != os.getpid()]
    return [program for program in found if program.is_python and program.is_here]
