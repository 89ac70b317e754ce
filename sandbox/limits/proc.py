"""What a sandbox's processes use, read from proc(5), for machines without control groups for us.

A process that has ended counts as long as its parent has waited for it, as the agent does for all
orphans; one whose parent ignores SIGCHLD does not.  So this is the least that was used.
"""

from __future__ import annotations

import os

from .cgroup import Usage

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MOST = 4096
"""Processes that are looked at; a sandbox has fewer."""


def usage(pid: int, start_time: int) -> Usage | None:
    """What a process and all that descend from it use and have used; None when it is gone.

    :param start_time: when it started, in clock ticks since boot, which tells it from a later one.
    """
    first = _stat(pid)
    if first is None or int(first[19]) != start_time:
        return None
    ticks, pages, count = 0, 0, 0
    waiting = [pid]
    while waiting and count < _MOST:
        each = waiting.pop()
        stat = _stat(each)
        if stat is None:
            continue
        count += 1
        ticks += sum(map(int, stat[11:15]))  # of itself, and of the children it has waited for
        pages += int(stat[21])
        waiting += _children(each)
    # Without the first, the agent.  Pages that several share count for each.
    return Usage(pages * _PAGE_BYTES, count - 1, ticks / _TICKS, None)


def _stat(pid: int) -> list[str] | None:
    """The fields behind a process's name, the third of proc(5) first; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].decode("ascii").split()
    except OSError:
        return None


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except OSError:
        pass  # it has ended
    return found
