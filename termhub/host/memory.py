"""A console's memory: how often it ran out, as the kernel counts it, and what was told of that.

The count is that of the console's control group (``oom_kill`` in cgroups(7)); the host may read it
although it is outside of the group.  What was told is kept in ``memory.json``, so that the next host
tells nothing twice and misses nothing.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

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


class Memory(Protocol):
    """What :class:`~termhub.host.out_of_memory.OutOfMemory` needs of the world."""

    def kills(self) -> int | None:
        """Processes ended because memory ran out, since the console began; None where nothing counts."""

    def limit_bytes(self) -> int:
        """The most that all its processes may have together."""

    def load(self) -> dict[str, Any]:
        """What was told, as :meth:`save` got it last; empty at first."""

    def save(self, told: dict[str, Any]) -> None:
        """Keep what was told."""


class Uncounted:
    """Memory that nothing counts: a program at its rlimit gets MemoryError, and nobody else hears of it."""

    def kills(self) -> int | None:
        """Nothing."""
        return None

    def limit_bytes(self) -> int:
        """None."""
        return 0

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

    def kills(self) -> int | None:
        """The count now; None where the console's memory is not held by a group."""
        if self._group is None:
            self._group = find(self._folder.console)
        return None if self._group is None else self._group.oom_kills()

    def limit_bytes(self) -> int:
        """The limit now, which a change of the plan may have moved."""
        limit = None if self._group is None else self._group.memory_limit()
        return limit or 0

    def load(self) -> dict[str, Any]:
        """What an earlier host told."""
        return self._folder.read(MEMORY) or {}

    def save(self, told: dict[str, Any]) -> None:
        """Keep what was told; where the disk refuses, until this host ends."""
        try:
            self._folder.write(MEMORY, told)
        except OSError as error:
            sys.stderr.write(f"{self._folder.console}: {MEMORY} is not written: {error}\n")
