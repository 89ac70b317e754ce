"""Opening closed folders for other users, in our own view of the files only.

A hub started as root runs consoles and itself under other users.  Code, an interpreter
or the data below a folder that only its owner may pass (``/root``, mode 0700) would be
out of their reach.  :func:`expose` gives this process and its children a mount namespace
in which such a folder is replaced by an empty, passable one, with just the needed paths
in their old places.  For the rest of the machine nothing changes.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from sandbox import mounts


class ExposeError(Exception):
    """A folder cannot be opened; the message says which and why."""


def closed_ancestor(path: str) -> str | None:
    """The topmost folder on the way to ``path`` that other users cannot pass, or None.

    :raises OSError: when the path does not exist.
    """
    parts = [part for part in os.path.abspath(path).split("/") if part]
    here = ""
    for part in parts:
        here += "/" + part
        mode = os.stat(here).st_mode
        if stat.S_ISDIR(mode) and not mode & stat.S_IXOTH:
            return here
    return None


def unreachable(paths: Iterable[str]) -> dict[str, list[str]]:
    """The needed paths that other users cannot reach, by the folder that keeps them out.

    Links are followed: both the path as given and what it means are needed.
    """
    found: dict[str, list[str]] = {}
    forms = {form for path in paths for form in (os.path.abspath(path), os.path.realpath(path))}
    for path in sorted(forms):
        if not os.path.exists(path):
            continue
        closed = closed_ancestor(path)
        if closed is not None:
            needed = found.setdefault(closed, [])
            if not any(path == other or path.startswith(other + "/") for other in needed):
                needed.append(path)
    return found


def expose(paths: Iterable[str]) -> list[str]:
    """Make ``paths`` reachable for other users, for this process and its children.

    Call it once, as root, with everything that is needed and before anything is started.
    Does nothing as an ordinary user or when all can be reached already.

    :returns: the folders that were replaced.
    :raises ExposeError: when one of the paths itself is closed, or mounting is not allowed.
    """
    if os.geteuid() != 0:
        return []
    closed = unreachable(paths)
    for folder, needed in closed.items():
        if folder in needed:
            raise ExposeError(f"{folder} is closed to other users; open it with: chmod o+rx {folder}")
    if not closed:
        return []
    here = os.getcwd()
    try:
        mounts.unshare()
        mounts.mount("none", "/", None, mounts.REC | mounts.SLAVE, None)
        for folder, needed in closed.items():
            _replace(folder, needed)
        os.chdir(here)
    except OSError as error:
        raise ExposeError(f"{', '.join(closed)} cannot be opened for other users: {error}") from error
    return list(closed)


def _replace(folder: str, needed: list[str]) -> None:
    """Cover ``folder`` by an empty one that has just the needed paths."""
    originals = {path: os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC) for path in needed}
    try:
        mounts.mount("tmpfs", folder, "tmpfs", mounts.NOSUID | mounts.NODEV, "mode=0755,size=1m")
        for path, fd in originals.items():
            mode = os.fstat(fd).st_mode
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            if stat.S_ISLNK(mode):
                os.symlink(os.readlink("", dir_fd=fd), path)
                continue
            if stat.S_ISDIR(mode):
                os.mkdir(path, 0o755)
            else:
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
            mounts.mount(f"/proc/self/fd/{fd}", path, None, mounts.BIND | mounts.REC, None)
    finally:
        for fd in originals.values():
            os.close(fd)
