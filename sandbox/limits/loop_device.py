"""Loop devices: a file as a block device (loop(4)), attached once and no more.

Invariant: a file that is attached already is never attached again, whoever attached it;
two devices on one image would destroy the file system in it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator

_CONTROL = "/dev/loop-control"
_GET_FREE = 0x4C82
_CONFIGURE = 0x4C0A  # Linux 5.8
_GET_STATUS = 0x4C05
_SET_CAPACITY = 0x4C07
_AUTOCLEAR, _DIRECT_IO = 4, 16
_MAJOR = 7
_TRIES = 32

# loop_info64 and loop_config of linux/loop.h
_INFO = struct.Struct("=5Q4I64s64s32s2Q")
_CONFIG = struct.Struct(f"=II{_INFO.size}s64x")


@contextlib.contextmanager
def attached(image: str) -> Iterator[str]:
    """The path of the device of an image, attached where it was not.

    The device stays as long as it is open here or mounted, then the kernel gives it back.

    :raises OSError: when there is no device for it.
    """
    backing = os.open(image, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        device, path = _find(backing) or _attach(backing)
    finally:
        os.close(backing)
    try:
        yield path
    finally:
        os.close(device)


def resize(number: int) -> None:
    """Let device ``number`` (of its file's st_dev) have the size that its image has by now."""
    fd = os.open(_path(os.minor(number)), os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(fd, _SET_CAPACITY, 0)
    finally:
        os.close(fd)


def _find(backing: int) -> tuple[int, str] | None:
    """An open descriptor of the device that has this file, and its path."""
    status = os.fstat(backing)
    for name in sorted(os.listdir("/sys/block")):
        if not name.startswith("loop") or not os.path.exists(f"/sys/block/{name}/loop/backing_file"):
            continue
        fd, path = _open(int(name.removeprefix("loop")))
        # Looked at while it is open: from now on the kernel does not give it back.
        with contextlib.suppress(OSError):
            info = _INFO.unpack(fcntl.ioctl(fd, _GET_STATUS, bytes(_INFO.size)))
            if info[:2] == (status.st_dev, status.st_ino):
                return fd, path
        os.close(fd)
    return None


def _attach(backing: int) -> tuple[int, str]:
    with open(_CONTROL, "rb", buffering=0) as control:
        for _ in range(_TRIES):
            fd, path = _open(fcntl.ioctl(control, _GET_FREE))
            try:
                _configure(fd, backing)
            except OSError as error:
                os.close(fd)
                if error.errno != errno.EBUSY:  # somebody else was faster
                    raise
            else:
                return fd, path
    raise OSError(errno.EBUSY, "no loop device is free")


def _configure(device: int, backing: int) -> None:
    for flags in (_AUTOCLEAR | _DIRECT_IO, _AUTOCLEAR):
        info = _INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, flags, b"", b"", b"", 0, 0)
        try:
            fcntl.ioctl(device, _CONFIGURE, _CONFIG.pack(backing, 0, info))
        except OSError as error:
            if error.errno != errno.EINVAL:  # its file system knows no direct reads and writes
                raise
        else:
            return
    raise OSError(errno.EINVAL, "the kernel is older than 5.8")


def _open(number: int) -> tuple[int, str]:
    path = _path(number)
    if not os.path.exists(path):  # nobody makes device files here
        os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(_MAJOR, number))
    return os.open(path, os.O_RDWR | os.O_CLOEXEC), path


def _path(number: int) -> str:
    return f"/dev/loop{number}"
