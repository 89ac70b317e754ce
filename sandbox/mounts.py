"""mount(2) and umount2(2): what the standard library does not have."""

from __future__ import annotations

import ctypes
import os

NOSUID, NODEV, NOEXEC, REMOUNT, NOATIME = 2, 4, 8, 32, 1024
BIND, REC, SLAVE = 0x1000, 0x4000, 0x80000
_UMOUNT_NOFOLLOW = 8
_CLONE_NEWNS = 0x00020000


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None) -> None:
    """mount(2); :raises OSError: when the kernel refuses."""
    _call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        None if data is None else data.encode(),
    )


def unmount(target: str) -> None:
    """umount2(2) of what is mounted at ``target``, never through a link.

    :raises OSError: EBUSY while something is open in it, EINVAL when nothing is mounted.
    """
    _call("umount2", os.fsencode(target), _UMOUNT_NOFOLLOW)


def unshare() -> None:
    """Give this process and its children mounts of their own; :raises OSError: when it may not."""
    _call("unshare", _CLONE_NEWNS)


def _call(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
