"""Control groups for sandboxes: made, read back, emptied and removed.

A group has one folder in a version 2 tree, or one in each version 1 tree.  What cannot
be limited is left out, and :meth:`Group.describe` says what is.

Invariant: a group is found again by its name alone, so that another process than its
maker can end it.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import glob
import os
import signal
from collections.abc import Mapping

import attrs

from .hierarchy import Tree, trees
from .model import Limits

_FOLDER = "termhub"
_PERIOD_MICROSECONDS = 100_000
_OOM_EVENTS = {1: "memory.oom_control", 2: "memory.events"}
_OWN_PROCESSES = 2  # bubblewrap and the agent, on top of the user's


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
            _write(f"{folder}/cgroup.procs", str(pid))

    def apply(self, limits: Limits) -> None:
        """Set new limits, also while it runs.

        :raises OSError: when the kernel refuses one.
        """
        writes = _settings_v2(limits) if self.version == 2 else _settings_v1(limits)
        for controller, name, value, required in writes:
            if controller in self.folders:
                try:
                    _write(f"{self.folders[controller]}/{name}", value)
                except OSError:
                    if required:
                        raise

    def usage(self) -> Usage:
        """What its processes use now and have used."""
        get = self.folders.get
        memory = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        return Usage(
            memory_bytes=_number(get("memory"), memory),
            processes=_number(get("pids"), "pids.current"),
            cpu_seconds=self._cpu_seconds(),
            oom_kills=_field(get("memory"), _OOM_EVENTS[self.version], "oom_kill"),
        )

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
                _write(f"{folder}/cgroup.kill", "1")
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

    def memory_ran_out(self) -> bool:
        """Whether processes were ended because the memory limit was reached."""
        return bool(_field(self.folders.get("memory"), _OOM_EVENTS[self.version], "oom_kill"))

    def describe(self) -> str:
        """Words for what it enforces."""
        words = {"memory": "memory", "pids": "processes", "cpu": "CPU"}
        held = [word for controller, word in words.items() if controller in self.folders]
        return f"{' and '.join(held) if held else 'nothing'} held by control groups (version {self.version})"

    def _folders(self) -> list[str]:
        return list(dict.fromkeys(self.folders.values()))


def make(name: str, limits: Limits) -> Group | None:
    """A new group with these limits, or None where we may not make any.

    :param name: unique on this machine, fit for a folder's name.
    """
    folders: dict[str, str] = {}
    version = 0
    for controller, (of, base) in bases().items():
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


def find(name: str) -> Group | None:
    """The group of this name, if there is one.

    It is found also when its maker was in another part of the trees than we are.
    """
    folders: dict[str, str] = {}
    version = 0
    for controller, (of, base) in bases().items():
        if version in (0, of) and os.path.isdir(f"{base}/{name}"):
            version, folders[controller] = of, f"{base}/{name}"
    if folders:
        return Group(name, version, folders)
    for tree in trees():
        for between in ("", "*/", "*/*/", "*/*/*/"):
            found = glob.glob(f"{glob.escape(tree.mount)}/{between}{_FOLDER}/{glob.escape(name)}/")
            if found and version in (0, tree.version):
                version = tree.version
                folders.update(dict.fromkeys(tree.controllers, found[0].rstrip("/")))
                break
    return Group(name, version, folders) if folders else None


@functools.cache
def bases() -> dict[str, tuple[int, str]]:
    """Controller to the tree's version and the folder our groups go into.

    Made once; version 2 is taken where it has the memory controller.
    """
    found: dict[str, tuple[int, str]] = {}
    for tree in trees():
        if tree.version == 2 and "memory" not in tree.controllers:
            continue
        for base in (tree.own, tree.mount):
            usable = _prepare(tree, base)
            if usable:
                found.update(dict.fromkeys(usable, (tree.version, f"{base}/{_FOLDER}")))
                break
        if tree.version == 2 and found:
            break
    return found


def _prepare(tree: Tree, base: str) -> frozenset[str]:
    """Make our folder in ``base``; the controllers that groups in it will have."""
    folder = f"{base}/{_FOLDER}"
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return frozenset()
    if not os.access(folder, os.W_OK):
        return frozenset()
    if tree.version == 1:
        return tree.controllers
    usable = {"cpuacct"}
    for controller in sorted(tree.controllers - usable):
        try:
            _write(f"{base}/cgroup.subtree_control", f"+{controller}")
            _write(f"{folder}/cgroup.subtree_control", f"+{controller}")
        except OSError:
            continue  # processes are in it, or it is not delegated to us
        usable.add(controller)
    if "memory" in usable:
        return frozenset(usable)
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return frozenset()


def _settings_v1(limits: Limits) -> list[tuple[str, str, str, bool]]:
    """``(controller, file, value, required)``, in the order they are written."""
    memory = str(limits.memory_bytes)
    return [
        # With swap counted the pair is raised top down and lowered bottom up, so: out of the way first.
        ("memory", "memory.memsw.limit_in_bytes", "-1", False),
        ("memory", "memory.limit_in_bytes", memory, True),
        ("memory", "memory.memsw.limit_in_bytes", memory, False),
        ("pids", "pids.max", str(limits.processes + _OWN_PROCESSES), True),
        ("cpu", "cpu.cfs_period_us", str(_PERIOD_MICROSECONDS), True),
        ("cpu", "cpu.cfs_quota_us", _quota(limits, "-1"), True),
    ]


def _settings_v2(limits: Limits) -> list[tuple[str, str, str, bool]]:
    return [
        ("memory", "memory.max", str(limits.memory_bytes), True),
        ("memory", "memory.swap.max", "0", False),
        ("memory", "memory.oom.group", "0", False),
        ("pids", "pids.max", str(limits.processes + _OWN_PROCESSES), True),
        ("cpu", "cpu.max", f"{_quota(limits, 'max')} {_PERIOD_MICROSECONDS}", True),
    ]


def _quota(limits: Limits, unlimited: str) -> str:
    if limits.cpu_percent is None:
        return unlimited
    return str(max(limits.cpu_percent * _PERIOD_MICROSECONDS // 100, 1000))


def _write(path: str, value: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)


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
