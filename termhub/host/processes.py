"""Naming a process for longer than its pid lasts: pid, start time and boot.

A pid alone may belong to somebody else tomorrow; with its start time (and the boot it
was counted in) it names one process for ever.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any


def boot_id() -> str:
    """Which boot of the machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none (proc(5), stat 22)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def real_uid(pid: int) -> int | None:
    """The real uid of a process; None when there is none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("Uid:"):
            return int(line.split()[1])
    return None


def open_process(pid: int, started: int | None) -> int | None:
    """A descriptor (pidfd_open(2)) of the process ``pid`` that started then; None when it is gone.

    :param started: as :func:`start_time` gave it; None to take whichever there is.
    """
    if pid <= 0:
        return None
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return None
    now = start_time(pid)
    if now is None or (started is not None and now != started):
        os.close(fd)
        return None
    return fd


def kill(pidfd: int, number: int = signal.SIGKILL) -> None:
    """Signal a process; harmless when it is gone."""
    with suppress(OSError):
        signal.pidfd_send_signal(pidfd, number)


def kill_signal(record: dict[str, Any]) -> int:
    """The signal that ends the sandbox of a ``sandbox.json`` with all that is in it."""
    return signal.SIGTERM if record.get("signal") == signal.SIGTERM else signal.SIGKILL


def wait(pidfd: int, seconds: float) -> bool:
    """Wait until a process that was killed has ended; whether it has."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
