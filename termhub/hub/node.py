"""This machine as the hub sees it: processors, memory and disk, cheaply read."""

from __future__ import annotations

import os
from pathlib import Path

import attrs


@attrs.frozen
class NodeLoad:
    """How loaded the machine is; sizes in bytes.

    ``load`` are the averages of runnable processes over 1, 5 and 15 minutes; ``disk_*`` are those of the
    data folder.
    """

    cpus: int
    load: tuple[float, float, float]
    memory_total: int
    memory_available: int
    disk_total: int
    disk_free: int


def node_load(data: Path) -> NodeLoad:
    """What the kernel says of the machine; blocks as long as the disk of ``data`` takes to answer."""
    disk = os.statvfs(data)
    memory = _memory()
    return NodeLoad(
        cpus=len(os.sched_getaffinity(0)),
        load=os.getloadavg(),
        memory_total=memory.get("MemTotal", 0),
        memory_available=memory.get("MemAvailable", 0),
        disk_total=disk.f_blocks * disk.f_frsize,
        disk_free=disk.f_bavail * disk.f_frsize,
    )


def _memory() -> dict[str, int]:
    """``/proc/meminfo`` in bytes; empty where there is none."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines)
    return {parts[0].rstrip(":"): int(parts[1]) * 1024 for parts in fields if len(parts) == 3}
