"""Where our control groups go, made fit for them.

Consoles have one folder in each tree, their hosts another beside it: so all hosts together
have as much right to the CPU as all programs together, and an echo waits for no program.

Version 2 lets a group hold either processes or groups with controllers, not both.  So where
a part of the tree was delegated to us (systemd's ``Delegate=yes``), our own processes are
moved into a group beside those of the consoles.
"""

from __future__ import annotations

import contextlib
import functools
import glob
import os

from .hierarchy import Tree, read_file, trees

CONSOLES = "termhub"
HOSTS = "termhub-hosts"
OWN = "termhub-main"
"""The group of our own processes, where a part of a version 2 tree was delegated to us."""

_MOVES = 20


@functools.cache
def bases(kind: str = CONSOLES) -> dict[str, tuple[int, str]]:
    """Controller to the tree's version and the folder that groups of this kind go into.

    Made once; version 2 is taken where it has the memory controller.
    """
    found: dict[str, tuple[int, str]] = {}
    for tree in trees():
        if tree.version == 2 and "memory" not in tree.controllers:
            continue
        for base in candidates(tree):
            usable = _prepare(tree, base, kind)
            if usable:
                found.update(dict.fromkeys(usable, (tree.version, f"{base}/{kind}")))
                break
        if tree.version == 2 and found:
            break
    return found


@functools.cache
def others(kind: str) -> tuple[tuple[Tree, str], ...]:
    """Folders of this kind anywhere, with their tree: an earlier launcher may have been in another part.

    Looked for once, because it takes the longer the more groups there are (0.1 s for 1000).
    """
    found = []
    for tree in trees():
        for between in ("", "*/", "*/*/", "*/*/*/"):
            paths = glob.glob(f"{glob.escape(tree.mount)}/{between}{kind}/")
            found += [(tree, path.rstrip("/")) for path in paths]
    return tuple(found)


def candidates(tree: Tree) -> list[str]:
    """Groups that ours could be in, the best first.

    The group we are in, and the root of the tree.  In version 2 not the one we are in, where
    others may be in it too, but the nearest above that was delegated to us.
    """
    if tree.version == 1:
        return list(dict.fromkeys((tree.own, tree.mount)))
    if os.path.basename(tree.own) == OWN:  # an earlier launcher moved us there
        return [os.path.dirname(tree.own)]
    here = tree.own
    while here.startswith(tree.mount) and here != tree.mount:
        if _is_delegated(here):
            return [here, tree.mount]
        here = os.path.dirname(here)
    return [tree.mount]


def _is_delegated(folder: str) -> bool:
    """Whether systemd gave this group away (``Delegate=``), as its mark on it says."""
    for name in ("user.delegate", "trusted.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(folder, name) == b"1":
                return True
    return False


def _prepare(tree: Tree, base: str, kind: str) -> frozenset[str]:
    """Make our folder in ``base``; the controllers that groups in it will have."""
    folder = f"{base}/{kind}"
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return frozenset()
    if not os.access(folder, os.W_OK):
        return frozenset()
    if tree.version == 1:
        return tree.controllers
    wanted = frozenset(read_file(f"{base}/cgroup.controllers").split()) & tree.controllers
    if _is_leaf_only(base):
        _move_processes(base)
    usable = {"cpuacct"}
    for controller in sorted(wanted):
        try:
            write(f"{base}/cgroup.subtree_control", f"+{controller}")
            write(f"{folder}/cgroup.subtree_control", f"+{controller}")
        except OSError:
            continue  # processes are in it, or it is not delegated to us
        usable.add(controller)
    if "memory" in usable:
        return frozenset(usable)
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    return frozenset()


def _is_leaf_only(base: str) -> bool:
    """Whether processes in this group keep it from having groups with controllers.

    The root of all groups may have both; it is the one without a type.
    """
    return os.path.exists(f"{base}/cgroup.type") and bool(read_file(f"{base}/cgroup.procs").strip())


def _move_processes(base: str) -> None:
    """Move all processes of a group that is ours into one below it."""
    own = f"{base}/{OWN}"
    with contextlib.suppress(OSError):
        os.makedirs(own, exist_ok=True)
    for _ in range(_MOVES):  # again for what was forked meanwhile
        pids = read_file(f"{base}/cgroup.procs").split()
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(OSError):  # it has ended, or is not ours to move
                write(f"{own}/cgroup.procs", pid)


def write(path: str, value: str) -> None:
    """Write to a file of the kernel's; :raises OSError: when it refuses the value."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)
