"""Control groups for sandboxes: made, read back, emptied and removed.

A group has one folder in a version 2 tree, or one in each version 1 tree.  What cannot
be limited is left out, and :meth:`Group.describe` says what is.

Invariant: a group is found again by its name alone, so that another process than its
maker can end it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Collection, Mapping

import attrs

from .controllers import MEMORY_LIMIT, MEMORY_USED, OOM_EVENTS, settings
from .model import Limits
from .places import CONSOLES, bases, others, write

_RECLAIM_MARGIN = 1 << 20


@attrs.frozen
class Usage:
    """What a group uses; None where nothing counts it.

    :param oom_kills: processes ended because memory ran out.
    """

    memory_bytes: int | None
    processes: int | None
    cpu_seconds: float | None
    oom_kills: int | None


@attrs.frozen
class Group:
    """The group of one sandbox.

    :param folders: its folder for each controller that limits or counts it.
    """

    name: str
    version: int
    folders: Mapping[str, str]
    limits: Limits | None = None

    @property
    def limits_memory(self) -> bool:
        """Whether all processes together are held to the memory limit."""
        return "memory" in self.folders

    def add(self, pid: int) -> None:
        """Move a process into the group; its later children are born in it."""
        for folder in self._folders():
            write(f"{folder}/cgroup.procs", str(pid))

    def apply(self, limits: Limits, names: Collection[str] | None = None) -> None:
        """Set new limits, also while it runs.

        :param names: of the limits to set; None for all.
        :raises OSError: when the kernel refuses one.
        """
        for limit, controller, name, value, required in settings(self.version, limits):
            if controller in self.folders and (names is None or limit in names):
                try:
                    write(f"{self.folders[controller]}/{name}", value)
                except OSError:
                    if required:
                        raise

    def holds(self) -> set[str]:
        """The limits of :class:`Limits` that it holds its processes to."""
        return {each[0] for each in settings(self.version, Limits()) if each[1] in self.folders}

    def change_memory(self, limits: Limits) -> bool:
        """Set a new memory limit while it runs; False when more than that is in use now.

        No process is ended for it: what is only cached is given back first.

        :raises OSError: when the kernel refuses it for another reason.
        """
        before = self.memory_limit()
        excess = (self.usage().memory_bytes or 0) - limits.memory_bytes
        if self.version == 2 and excess > 0:
            with contextlib.suppress(OSError):  # before Linux 5.19, or it could not give back as much
                write(f"{self.folders['memory']}/memory.reclaim", str(excess + _RECLAIM_MARGIN))
            if (self.usage().memory_bytes or 0) > limits.memory_bytes:
                return False
        try:
            self.apply(limits, {"memory_bytes"})
        except OSError as error:
            if before is not None:
                self.apply(attrs.evolve(limits, memory_bytes=before), {"memory_bytes"})
            if error.errno != errno.EBUSY:
                raise
            return False
        return True

    def memory_limit(self) -> int | None:
        """What all its processes together may use, in bytes; None where nothing holds them."""
        return _number(self.folders.get("memory"), MEMORY_LIMIT[self.version])

    def process_limit(self) -> int | None:
        """How many processes it may have, the sandbox's own too; None where nothing holds them."""
        return _number(self.folders.get("pids"), "pids.max")

    def usage(self) -> Usage:
        """What its processes use now and have used."""
        get = self.folders.get
        return Usage(
            memory_bytes=_number(get("memory"), MEMORY_USED[self.version]),
            processes=_number(get("pids"), "pids.current"),
            cpu_seconds=self._cpu_seconds(),
            oom_kills=self.oom_kills(),
        )

    def oom_kills(self) -> int | None:
        """Processes ended because memory ran out; None where nothing counts them."""
        return _field(self.folders.get("memory"), OOM_EVENTS[self.version], "oom_kill")

    def _cpu_seconds(self) -> float | None:
        folder = self.folders.get("cpuacct")
        if self.version == 2:
            used = _field(folder, "cpu.stat", "usage_usec")
            return None if used is None else used / 1e6
        used = _number(folder, "cpuacct.usage")
        return None if used is None else used / 1e9

    def pids(self) -> set[int]:
        """The processes in it."""
        found: set[int] = set()
        for folder in self._folders():
            with contextlib.suppress(OSError), open(f"{folder}/cgroup.procs", encoding="ascii") as file:
                found.update(int(line) for line in file)
        return found - {0}

    def kill(self) -> None:
        """SIGKILL every process in it."""
        for folder in self._folders():
            try:
                write(f"{folder}/cgroup.kill", "1")
                return
            except OSError:
                continue  # version 1, or a kernel before 5.14
        for _ in range(10):  # again for what was forked meanwhile
            pids = self.pids()
            if not pids:
                return
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)

    def remove(self) -> bool:
        """Delete the group; False while processes of it are still ending."""
        gone = True
        for folder in self._folders():
            try:
                os.rmdir(folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno not in (errno.EBUSY, errno.EACCES, errno.EPERM):
                    raise
                gone = False
        return gone

    def describe(self) -> str:
        """Words for what it enforces."""
        words = {"memory": "memory", "pids": "processes", "cpu": "CPU"}
        held = [word for controller, word in words.items() if controller in self.folders]
        return f"{' and '.join(held) if held else 'nothing'} held by control groups (version {self.version})"

    def _folders(self) -> list[str]:
        return list(dict.fromkeys(self.folders.values()))


def make(name: str, limits: Limits, kind: str = CONSOLES) -> Group | None:
    """A new group with these limits, or None where we may not make any.

    :param name: unique on this machine, fit for a folder's name.
    :param kind: the folder it goes into, :data:`places.CONSOLES` or :data:`places.HOSTS`.
    """
    folders: dict[str, str] = {}
    version = 0
    for controller, (of, base) in bases(kind).items():
        if version in (0, of):
            version, folders[controller] = of, f"{base}/{name}"
    group = Group(name, version, folders, limits)
    if not folders:
        return None
    try:
        for folder in group._folders():
            os.makedirs(folder, exist_ok=True)
        group.apply(limits)
    except OSError:
        group.remove()
        return None
    return group


def find(name: str, kind: str = CONSOLES) -> Group | None:
    """The group of this name and kind, if there is one.

    It is found also when its maker was in another part of the trees than we are.
    """
    folders: dict[str, str] = {}
    version = 0
    for controller, (of, base) in bases(kind).items():
        if version in (0, of) and os.path.isdir(f"{base}/{name}"):
            version, folders[controller] = of, f"{base}/{name}"
    if folders:
        return Group(name, version, folders)
    for tree, base in others(kind):
        if version in (0, tree.version) and os.path.isdir(f"{base}/{name}"):
            version = tree.version
            folders.update(dict.fromkeys(tree.controllers, f"{base}/{name}"))
    return Group(name, version, folders) if folders else None


def _number(folder: str | None, name: str) -> int | None:
    if folder is None:
        return None
    try:
        with open(f"{folder}/{name}", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _field(folder: str | None, name: str, field: str) -> int | None:
    if folder is None:
        return None
    try:
        with open(f"{folder}/{name}", encoding="ascii") as file:
            values = dict(line.split() for line in file if len(line.split()) == 2)
        return int(values[field])
    except (OSError, ValueError, KeyError):
        return None
