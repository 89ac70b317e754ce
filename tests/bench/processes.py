"""What processes cost: CPU time, memory, and who started whom."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

_LAST = 19
"""The niceness of whoever is served last."""

_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


def children() -> dict[int, list[int]]:
    """Every process on this machine under its parent."""
    tree: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(*_GONE):
                stat = Path("/proc", entry, "stat").read_bytes()
                parent = int(stat.rpartition(b")")[2].split()[1])
                tree.setdefault(parent, []).append(int(entry))
    return tree


def descendants(roots: Iterable[int]) -> set[int]:
    """All that ``roots`` started, and what that started; without ``roots``."""
    tree = children()
    found: set[int] = set()
    todo = list(roots)
    while todo:
        for pid in tree.get(todo.pop(), ()):
            if pid not in found:
                found.add(pid)
                todo.append(pid)
    return found


def comm(pid: int) -> str:
    """The short name of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except _GONE:
        return ""


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except _GONE:
        return []


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that these processes have used, all threads; exact to the nanosecond."""
    total = 0
    for pid in pids:
        with contextlib.suppress(*_GONE):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(*_GONE):
                    total += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_bytes().split()[0])
    return total / 1e9


def step_back() -> None:
    """Have every other process go before this one, which leads a session of its own."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.setpriority(os.PRIO_PROCESS, 0, _LAST)
    with contextlib.suppress(OSError):  # where the kernel shares the time among sessions
        Path("/proc/self/autogroup").write_text(str(_LAST))


def pss_bytes(pids: Iterable[int]) -> int:
    """Proportional set size of these processes."""
    total = 0
    for pid in pids:
        with contextlib.suppress(*_GONE):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
                    break
    return total


def bytes_read(pid: int) -> int:
    """How many bytes a process has got from ``read`` so far, whatever it read from.

    :raises OSError: when it is not ours to know, or gone.
    """
    for line in Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("rchar:"):
            return int(line.split()[1])
    raise OSError(f"/proc/{pid}/io says nothing")
