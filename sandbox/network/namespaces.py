"""Entering and making namespaces of Linux."""

from __future__ import annotations

import ctypes
import fcntl
import os

NEW_USER = 0x10000000
NEW_NET = 0x40000000
_NS_GET_USERNS = 0xB701

_libc = ctypes.CDLL(None, use_errno=True)


def of_process(pid: int) -> tuple[int, int]:
    """Descriptors of a process's network namespace, and of the user namespace that owns it.

    :raises OSError: when we may not have them.
    """
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return network, fcntl.ioctl(network, _NS_GET_USERNS)
    except BaseException:
        os.close(network)
        raise


def enter(fd: int, kind: int) -> None:
    """Join a namespace; :raises OSError: when we may not."""
    if _libc.setns(fd, kind):
        raise _error("setns")


def leave(kind: int) -> None:
    """Go to a new namespace; :raises OSError: when we may not make one."""
    if _libc.unshare(kind):
        raise _error("unshare")


def _error(name: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{name}: {os.strerror(number)}")
