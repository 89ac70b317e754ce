"""A console's memory: how often it ran out, as the kernel counts it, and what was told of that.

The count is that of the console's control group (``oom_kill`` in cgroups(7)); the host may read it
although it is outside of the group.  What was told is kept in ``memory.json``, so that the next host
tells nothing twice and misses nothing.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

from attrs import frozen

from sandbox.limits import Group, find
from termhub.host.folder import Folder

MEMORY = "memory.json"
MEBIBYTE = 1 << 20


def limit_words(limit_bytes: int) -> str:
    """What ran out: ``out of memory, limit 512 MB``."""
    return f"out of memory, limit {max(round(limit_bytes / MEBIBYTE), 1)} MB"


def killed_words(limit_bytes: int) -> str:
    """How a program ended: ``killed: out of memory, limit 512 MB``."""
    return f"killed: {limit_words(limit_bytes)}"


@frozen
class Count:
    """What the control group says.

    :param kills: processes ended because memory ran out, since the console began.
    :param limit_bytes: the most that all its processes may have together.
    """

    kills: int
    limit_bytes: int


class Memory(Protocol):
    """What :class:`~termhub.host.out_of_memory.OutOfMemory` needs of the world."""

    def count(self) -> Count | None:
        """The count now; None where nothing counts."""

    def load(self) -> dict[str, Any]:
        """What was told, as :meth:`save` got it last; empty at first."""

    def save(self, told: dict[str, Any]) -> None:
        """Keep what was told."""


class Uncounted:
    """Memory that nothing counts: a program at its rlimit gets MemoryError, and nobody else hears of it."""

    def count(self) -> Count | None:
        """Nothing."""
        return None

    def load(self) -> dict[str, Any]:
        """Nothing was told."""
        return {}

    def save(self, told: dict[str, Any]) -> None:
        """Nothing is told."""


class GroupMemory:
    """Memory that a control group counts.

    :param folder: the console's folder.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._group: Group | None = None

    def count(self) -> Count | None:
        """The count now; None where the console's memory is not held by a group."""
        if self._group is None:
            self._group = find(self._folder.console)
        group = self._group
        if group is None or not group.limits_memory:
            return None
        kills = group.usage().oom_kills
        limit = group.memory_limit()
        return None if kills is None or limit is None else Count(kills, limit)

    def load(self) -> dict[str, Any]:
        """What an earlier host told."""
        return self._folder.read(MEMORY) or {}

    def save(self, told: dict[str, Any]) -> None:
        """Keep what was told; where the disk refuses, until this host ends."""
        try:
            self._folder.write(MEMORY, told)
        except OSError as error:
            sys.stderr.write(f"{self._folder.console}: {MEMORY} is not written: {error}\n")
