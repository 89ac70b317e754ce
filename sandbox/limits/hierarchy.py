"""The control groups of this machine: where they are, and where we may make our own.

Version 1 has one tree a controller, version 2 one tree for all; both may be mounted at
once.  Nothing here changes anything.
"""

from __future__ import annotations

import os

import attrs

CONTROLLERS = ("memory", "pids", "cpu", "cpuacct")


@attrs.frozen
class Tree:
    """One mounted tree.

    :param mount: where its root is.
    :param own: the folder of the group this process is in.
    :param controllers: those of :data:`CONTROLLERS` it has; for version 2 those that are
        available at :attr:`own`.
    """

    version: int
    mount: str
    own: str
    controllers: frozenset[str]


def trees(mountinfo: str | None = None, membership: str | None = None) -> list[Tree]:
    """The trees with controllers of ours, version 2 first.

    :param mountinfo: content of ``/proc/self/mountinfo``.
    :param membership: content of ``/proc/self/cgroup``.
    """
    mountinfo = read_file("/proc/self/mountinfo") if mountinfo is None else mountinfo
    membership = read_file("/proc/self/cgroup") if membership is None else membership
    groups: dict[str, str] = {}
    for line in membership.splitlines():
        _, names, path = line.split(":", 2)
        groups.update(dict.fromkeys(names.split(","), path))
    found: dict[str, Tree] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, _, options) = before.split(), after.split(" ", 2)
        root, mount = fields[3], _unescape(fields[4])
        if kind == "cgroup2" and "" in groups:
            own = _inside(mount, root, groups[""])
            available = frozenset(read_file(f"{own}/cgroup.controllers").split()) & set(CONTROLLERS)
            found.setdefault("2", Tree(2, mount, own, available | {"cpuacct"} if available else available))
        elif kind == "cgroup":
            here = [name for name in CONTROLLERS if name in options.split(",") and name in groups]
            if here:
                own = _inside(mount, root, groups[here[0]])
                found.setdefault(mount, Tree(1, mount, own, frozenset(here)))
    return sorted((tree for tree in found.values() if tree.controllers), key=lambda tree: -tree.version)


def _inside(mount: str, root: str, path: str) -> str:
    """Where the group ``path`` is below a mount that shows the tree from ``root`` on."""
    if root != "/" and (path == root or path.startswith(root + "/")):
        path = path[len(root) :]
    return os.path.normpath(f"{mount}/{path}")


def _unescape(path: str) -> str:
    return path.encode().decode("unicode_escape") if "\\" in path else path


def read_file(path: str) -> str:
    """The file's text, empty when it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
