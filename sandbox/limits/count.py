"""How much is in a home: bytes and files, counted folder by folder.

What is counted belongs to a hostile user, who changes it meanwhile: links are not followed,
other file systems not entered, one folder is open at a time however deep it lies, and time
and memory have an end.  Then the count is one of "at least".

Standard library only; runs in a process of its own (:func:`be_counter`).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import stat
import struct
import time

import attrs

CPU_SECONDS = 10
_MEMORY_BYTES = 1 << 30
_BLOCK_BYTES = 512  # of st_blocks, on every file system
_MOST_REMEMBERED = 1_000_000
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NICE = 19

_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522


@attrs.frozen
class Count:
    """What was found below a folder.

    :param bytes: space it takes on the disk; what has several names is counted once.
    :param files: files, folders, links and such, without the folder itself.
    :param is_whole: False when there may be more.
    :param seconds: CPU time it took.
    """

    bytes: int
    files: int
    is_whole: bool
    seconds: float


class _Moved(Exception):
    """A folder is no more where it was."""


def count(folder: str, seconds: float = CPU_SECONDS) -> Count:
    """Count what is below ``folder``.

    :param seconds: CPU time after which it stops.
    :raises OSError: when the folder itself cannot be read.
    """
    walk = _Walk(os.open(folder, _FOLDER), time.process_time() + seconds)
    try:
        walk.run()
    except (_Moved, MemoryError):
        walk.is_whole = False
    finally:
        os.close(walk.here)
    return Count(walk.bytes, walk.files, walk.is_whole, time.process_time())


class _Walk:
    """A walk through folders with one of them open.

    Back up it goes by ``..``, which is believed when it is the folder we came from.
    """

    def __init__(self, here: int, deadline: float) -> None:
        self.here = here
        self.bytes = self.files = 0
        self.is_whole = True
        self._deadline = deadline
        self._device = os.fstat(here).st_dev
        self._linked: set[int] = set()
        self._remembered = 0

    def run(self) -> None:
        above: list[tuple[int, list[str]]] = []  # inode of a folder, those in it still to be counted
        folders = self._scan()
        while True:
            if folders:
                if self._enter(folders.pop()):
                    above.append((self._above, folders))
                    folders = self._scan()
            elif above:
                inode, folders = above.pop()
                self._move(os.open("..", _FOLDER, dir_fd=self.here))
                if os.fstat(self.here).st_ino != inode:
                    raise _Moved
            else:
                return
            if time.process_time() > self._deadline:
                self.is_whole = False
                return

    def _enter(self, name: str) -> bool:
        try:
            fd = os.open(name, _FOLDER, dir_fd=self.here)
        except FileNotFoundError:
            return False
        except OSError:
            self.is_whole = False  # closed to us
            return False
        if os.fstat(fd).st_dev != self._device:
            os.close(fd)
            return False
        self._above = os.fstat(self.here).st_ino
        self._move(fd)
        return True

    def _move(self, fd: int) -> None:
        os.close(self.here)
        self.here = fd

    def _scan(self) -> list[str]:
        """Count what is in the folder that is open; the names of the folders in it."""
        folders = []
        with os.scandir(self.here) as entries:
            for number, entry in enumerate(entries):
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # gone meanwhile
                self._add(status)
                if stat.S_ISDIR(status.st_mode):
                    folders.append(entry.name)
                    self._remembered += 1
                if self._remembered > _MOST_REMEMBERED:
                    raise MemoryError
                if not number % 1000 and time.process_time() > self._deadline:
                    break  # and run() sees it too
        return folders

    def _add(self, status: os.stat_result) -> None:
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            if status.st_ino in self._linked:
                self.files += 1
                return
            self._linked.add(status.st_ino)
            self._remembered += 1
        self.files += 1
        self.bytes += status.st_blocks * _BLOCK_BYTES


def be_counter(folder: str, uid: int | None, gid: int | None, output: int) -> None:
    """Count in this process, which is for nothing else, and write the result as JSON.

    It becomes the home's user, who cannot be harmed by it; as root it may read what that
    user closed to everybody.  Beside others it takes little CPU time, but some.

    :param uid: the home's user; None to stay.
    :param output: descriptor that gets a line; nothing when the folder cannot be read.
    """
    os.nice(_NICE)  # not SCHED_IDLE: whoever keeps every CPU busy would not be counted any more
    _become(uid, gid)
    for kind, limit in (
        (resource.RLIMIT_CPU, CPU_SECONDS * 2),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))
    with contextlib.suppress(OSError):
        os.write(output, json.dumps(attrs.asdict(count(folder))).encode())


def _become(uid: int | None, gid: int | None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if uid is not None and gid is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        only = 1 << _CAP_DAC_READ_SEARCH
        header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
        libc.capset(header, struct.pack("=6I", only, only, 0, 0, 0, 0))  # effective, permitted, inheritable
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
