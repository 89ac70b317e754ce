"""How many terminals a sandbox can open.

All devpts file systems of a machine draw from one number (``kernel.pty.max``): without a
bound one program could open them all, and nobody else would get a new window.  bubblewrap
mounts one for each sandbox, without a bound; it is set here from outside, between the mounts
and the sandbox's first program.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time

from sandbox import mounts
from sandbox.network import namespaces

MOST = 64
_FOLDER = "/dev/pts"
_OPTIONS = f"ptmxmode=0666,mode=620,max={MOST}"
_NS_GET_USERNS = 0xB701
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_SECONDS = 5.0
_POLL_SECONDS = 0.0005


def limit(pid: int, gate: int) -> None:
    """Bound the terminals of a sandbox whose first program waits for ``gate``.

    Does not wait for it: a child does, and the program starts when that has ended, also
    when nothing could be done, which it says on standard error.  It is for the caller to
    collect the child.

    :param pid: the sandbox's first process.
    :param gate: the write end of the pipe whose end it waits for; closed here.
    """
    child = -1
    with contextlib.suppress(OSError):
        child = os.fork()
    if child == 0:
        try:
            _leave(gate)
            _limit(pid)
        except BaseException as error:  # noqa: BLE001 - nothing may return from here
            with contextlib.suppress(OSError):
                os.write(2, f"sandbox: the terminals of {pid} have no bound: {error}\n".encode())
        finally:
            os._exit(0)
    os.close(gate)


def _leave(gate: int) -> None:
    """Keep nothing open but the gate: neither the sandbox's FIFOs nor the caller's sockets."""
    os.closerange(3, gate)
    os.closerange(gate + 1, 1 << 16)


def _limit(pid: int) -> None:
    ours = _mounted("self")
    deadline = time.monotonic() + _SECONDS
    while not set(_mounted(pid)) - set(ours):  # it has the machine's files yet
        if time.monotonic() > deadline:
            raise TimeoutError("it has none of its own")
        time.sleep(_POLL_SECONDS)
    view = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    if os.geteuid() != 0:
        namespaces.enter(fcntl.ioctl(view, _NS_GET_USERNS), _NEW_USER)
    while time.monotonic() < deadline:
        namespaces.enter(view, _NEW_MOUNTS)  # again: what is its root at first may be on its way out
        # Looked at from inside once more: those of the machine must never be bounded.
        if _device(_FOLDER) not in (None, *ours):
            mounts.mount("devpts", _FOLDER, None, mounts.REMOUNT | mounts.NOSUID | mounts.NOEXEC, _OPTIONS)
            return
        time.sleep(_POLL_SECONDS)
    raise TimeoutError("it keeps the machine's")


def _device(path: str) -> int | None:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None


def _mounted(process: int | str) -> list[int]:
    """The devices of what is mounted for terminals, as a process sees it; one may cover another."""
    found = []
    with open(f"/proc/{process}/mountinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            fields = line.split()
            if fields[4] == _FOLDER and " - devpts " in line:
                major, _, minor = fields[2].partition(":")
                found.append(os.makedev(int(major), int(minor)))
    return found
