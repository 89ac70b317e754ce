"""``hub.pid``: held by the running hub, so that there is one for a data folder.

The lock tells whether a hub runs, not the file's being there: after a crash nothing is stale.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from termhub.errors import TermhubError


class PidFile:
    """The lock on a data folder, held until :meth:`release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, address: str = "") -> None:
        """Note the process that holds it, the one that calls this, and where it is reached."""
        text = f"{os.getpid()}\n{address}\n".encode()
        # In this order, so that who reads it meanwhile does not find it empty.
        os.pwrite(self._descriptor, text, 0)
        os.ftruncate(self._descriptor, len(text))

    def release(self) -> None:
        """Let another hub have the folder."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def hold(path: Path) -> PidFile:
    """Take the lock.

    :raises TermhubError: when another hub has it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid, _ = _read(descriptor)
        os.close(descriptor)
        who = f"A hub (process {pid})" if pid else "Another hub"
        message = f"{who} serves {path.parent} already. Stop it with: termhub down --data {path.parent}"
        raise TermhubError(message, "already_running") from None
    os.fchmod(descriptor, 0o600)  # whoever can read it could take the lock
    held = PidFile(descriptor)
    held.write()
    return held


def holder(path: Path) -> int | None:
    """The process id of the hub that holds the lock; None when no hub runs.

    :raises OSError: when the file cannot be read.
    """
    return _holder(path)[0]


def address(path: Path) -> str | None:
    """Where the hub that holds the lock is reached (``http://…``); None when no hub says so.

    :raises OSError: when the file cannot be read.
    """
    return _holder(path)[1]


def _holder(path: Path) -> tuple[int | None, str | None]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None, None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor)
    finally:
        os.close(descriptor)
    return None, None


def _read(descriptor: int) -> tuple[int | None, str | None]:
    pid, address, *_ = [*os.pread(descriptor, 300, 0).decode("ascii", "replace").split("\n"), "", ""]
    return int(pid) if pid.isdigit() else None, address.strip() or None
