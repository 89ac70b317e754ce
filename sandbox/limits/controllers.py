"""What a limit is called in the files of a control group, in both versions."""

from __future__ import annotations

from .model import Limits

Setting = tuple[str, str, str, str, bool]
"""The limit's name in :class:`Limits`, controller, file, value, and whether it must be taken."""

OOM_EVENTS = {1: "memory.oom_control", 2: "memory.events"}
MEMORY_LIMIT = {1: "memory.limit_in_bytes", 2: "memory.max"}
MEMORY_USED = {1: "memory.usage_in_bytes", 2: "memory.current"}
OWN_PROCESSES = 2
"""bubblewrap and the agent, on top of the user's."""

_PERIOD_MICROSECONDS = 100_000


def settings(version: int, limits: Limits) -> list[Setting]:
    """What to write, in this order."""
    return _settings_v2(limits) if version == 2 else _settings_v1(limits)


def _settings_v1(limits: Limits) -> list[Setting]:
    memory = str(limits.memory_bytes)
    return [
        # With swap counted the pair is raised top down and lowered bottom up, so: out of the way first.
        ("memory_bytes", "memory", "memory.memsw.limit_in_bytes", "-1", False),
        ("memory_bytes", "memory", MEMORY_LIMIT[1], memory, True),
        ("memory_bytes", "memory", "memory.memsw.limit_in_bytes", memory, False),
        ("processes", "pids", "pids.max", str(limits.processes + OWN_PROCESSES), True),
        ("cpu_percent", "cpu", "cpu.cfs_period_us", str(_PERIOD_MICROSECONDS), True),
        ("cpu_percent", "cpu", "cpu.cfs_quota_us", _quota(limits, "-1"), True),
        ("cpu_weight", "cpu", "cpu.shares", str(max(limits.cpu_weight * 1024 // 100, 2)), True),
    ]


def _settings_v2(limits: Limits) -> list[Setting]:
    return [
        ("memory_bytes", "memory", MEMORY_LIMIT[2], str(limits.memory_bytes), True),
        ("memory_bytes", "memory", "memory.swap.max", "0", False),
        ("memory_bytes", "memory", "memory.oom.group", "0", False),
        ("processes", "pids", "pids.max", str(limits.processes + OWN_PROCESSES), True),
        ("cpu_percent", "cpu", "cpu.max", f"{_quota(limits, 'max')} {_PERIOD_MICROSECONDS}", True),
        ("cpu_weight", "cpu", "cpu.weight", str(limits.cpu_weight), True),
    ]


def _quota(limits: Limits, unlimited: str) -> str:
    if limits.cpu_percent is None:
        return unlimited
    return str(max(limits.cpu_percent * _PERIOD_MICROSECONDS // 100, 1000))
