"""Homes as volumes: an ext4 file system in a file, which holds them to bytes and files.

The file is sparse: it takes what is in it, and what is deleted is given back.  As root only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess

import attrs

from sandbox import mounts

from . import loop_device

_MEBIBYTE = 1 << 20
_BLOCK_BYTES = 4096
_INODE_BYTES = 256
_LEAST_BYTES = 8 * _MEBIBYTE  # a smaller one has no journal
_RESERVED_INODES = 10
_RESIZE_FS = 0x40086610  # EXT4_IOC_RESIZE_FS
_OPTIONS = "errors=remount-ro,noinit_itable,discard"
_MOST_STEPS = 8
_MKFS_SECONDS = 20
PATH = "/usr/sbin:/sbin:/usr/bin:/bin"


class VolumeError(Exception):
    """A volume cannot be made, mounted or grown; the message says why and what helps."""


@attrs.frozen
class VolumeUsage:
    """What a home uses of its volume, and the most it can."""

    bytes: int
    files: int
    limit_bytes: int
    limit_files: int


def missing(folder: str) -> str | None:
    """What keeps volumes from being used here; None when they work.

    Tries it, with a small one in ``folder`` (about 30 ms).
    """
    if os.geteuid() != 0:
        return "only root can mount them"
    if shutil.which("mkfs.ext4", path=PATH) is None:
        return "mkfs.ext4 is not installed: apt-get install e2fsprogs"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices: modprobe loop; in a container, give it /dev/loop-control"
    image, home = f"{folder}/.try.ext4", f"{folder}/.try"
    try:
        os.makedirs(home, exist_ok=True)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(image)
            make(image, _LEAST_BYTES, 16, 0, 0)
            mount(image, home)
            unmount(home)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(image)
            os.rmdir(home)
    except (OSError, VolumeError) as error:
        return f"a volume cannot be mounted ({error}); as root of the machine, or of a privileged container"
    return None


def make(image: str, size: int, files: int | None, uid: int, gid: int) -> None:
    """Make the image of a volume; it is there whole or not at all.

    :param size: bytes that a user can fill.
    :param files: most files, folders and links; None for one a 16 KiB.
    :raises VolumeError: when it cannot be made.
    """
    size = max(size, _LEAST_BYTES)
    journal = min(max(size >> 28, 4), 64)
    inodes = files if files is not None else size // 16384
    inodes = max(min(inodes, size // _BLOCK_BYTES), 16) + _RESERVED_INODES
    room = size + size // 64 + inodes * _INODE_BYTES + (journal + 1) * _MEBIBYTE
    part = image + ".part"
    command = ["mkfs.ext4", "-q", "-F", "-m0", f"-b{_BLOCK_BYTES}", f"-I{_INODE_BYTES}", f"-N{inodes}"]
    command += [f"-Jsize={journal}", "-E"]
    command += [f"lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner={uid}:{gid}", part]
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(fd, room // _BLOCK_BYTES * _BLOCK_BYTES)
        finally:
            os.close(fd)
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={"PATH": PATH},
            cwd="/",
            timeout=_MKFS_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VolumeError(f"no volume can be made: {error}") from error
    if done.returncode != 0:
        raise VolumeError(f"mkfs.ext4: {done.stderr.decode(errors='replace').strip()[-300:]}")
    os.rename(part, image)


def mount(image: str, folder: str) -> None:
    """Mount a volume; for its root folder's owner alone.

    :raises VolumeError: when it cannot be, with what helps.
    """
    try:
        with loop_device.attached(image) as device:
            mounts.mount(device, folder, "ext4", mounts.NOSUID | mounts.NODEV | mounts.NOATIME, _OPTIONS)
        os.chmod(folder, 0o700)
        with contextlib.suppress(OSError):  # it would be another's folder in the user's home
            os.rmdir(f"{folder}/lost+found")
    except OSError as error:
        raise VolumeError(f"{image} cannot be mounted ({error}); look at it with e2fsck -f") from error


def unmount(folder: str) -> bool:
    """Unmount a volume here; False while somebody is in it.

    A sandbox that has it still has a mount of its own.
    """
    try:
        mounts.unmount(folder)
    except OSError:
        return not is_mounted(folder)
    return True


def is_mounted(folder: str) -> bool:
    """Whether a volume is mounted at this folder."""
    try:
        return os.stat(folder).st_dev != os.stat(os.path.dirname(folder)).st_dev
    except OSError:
        return False


def grow(image: str, folder: str, size: int) -> None:
    """Make a mounted volume larger, also while it is used.

    :param size: bytes that a user can fill; more than it has.
    :raises VolumeError: when the kernel refuses.
    """
    try:
        for _ in range(_MOST_STEPS):
            lacking = size - usage(folder).limit_bytes
            if lacking <= 0:
                return
            before = os.stat(image).st_size
            room = before + lacking + lacking // 16 + _MEBIBYTE
            os.truncate(image, room // _BLOCK_BYTES * _BLOCK_BYTES)
            loop_device.resize(os.stat(folder).st_dev)
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.ioctl(fd, _RESIZE_FS, struct.pack("Q", room // _BLOCK_BYTES))
            except PermissionError:  # asked before anything is done; each try would make the file larger
                os.truncate(image, before)
                loop_device.resize(os.stat(folder).st_dev)
                raise
            finally:
                os.close(fd)
    except PermissionError as error:
        raise VolumeError(f"{image} cannot grow: the launcher has no CAP_SYS_RESOURCE") from error
    except OSError as error:
        raise VolumeError(f"{image} cannot grow: {error}") from error


def is_smaller(size: int, limit_bytes: int) -> bool:
    """Whether a volume of this limit is larger than one of ``size`` was made: it has room for rounding."""
    return max(size, _LEAST_BYTES) * 17 // 16 + 2 * _MEBIBYTE < limit_bytes


def usage(folder: str) -> VolumeUsage:
    """What a mounted volume holds; :raises OSError: when it cannot be read."""
    status = os.statvfs(folder)
    return VolumeUsage(
        bytes=(status.f_blocks - status.f_bfree) * status.f_frsize,
        files=max(status.f_files - status.f_ffree - _RESERVED_INODES, 0),
        limit_bytes=status.f_blocks * status.f_frsize,
        limit_files=max(status.f_files - _RESERVED_INODES, 0),
    )
