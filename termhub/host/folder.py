"""A console's folder: the files by which launcher, host and hub find each other.

Where the launcher is root, a folder belongs to the console's own uid, under which its
host parses hostile output.  So whoever reads here trusts nothing: links are not
followed, FIFOs do not block, sizes are bounded, and files appear whole by renaming.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from termhub import __version__

SPEC = "spec.json"
SANDBOX = "sandbox.json"
ENDING = "ending.json"
ENDED = "ended.json"
LOCK = "host.lock"
SOCKET = "host.sock"
FIFO_IN = "in"
FIFO_OUT = "out"
JOURNAL = "journal"

MAX_JSON_BYTES = 8 << 20
CONSOLE_ID = re.compile(r"c-[a-z2-7]{10}")

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Folder:
    """The folder of one console.

    :param path: ``RUN/consoles/<id>``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def console(self) -> str:
        """The console's id."""
        return self.path.name

    @property
    def uid(self) -> int:
        """The uid the console belongs to."""
        return self.path.stat().st_uid

    def read(self, name: str) -> dict[str, Any] | None:
        """A JSON file's object; None when it is missing or nothing of the kind."""
        try:
            fd = os.open(self.path / name, _READ)
        except OSError:
            return None
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_JSON_BYTES:
                return None
            data = b""
            while chunk := os.read(fd, MAX_JSON_BYTES):
                data += chunk
            value = json.loads(data)
        except (OSError, ValueError, RecursionError):
            return None
        finally:
            os.close(fd)
        return value if isinstance(value, dict) else None

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Write a JSON file; it is there whole or not at all.

        :raises OSError: when it cannot be written.
        """
        part = f".{name}.part"
        with directory(self.path) as at:
            try:
                os.unlink(part, dir_fd=at)
            except FileNotFoundError:
                pass
            fd = os.open(part, _WRITE, 0o640, dir_fd=at)
            try:
                os.fchmod(fd, 0o644)  # the folder itself keeps others out
                data = memoryview(json.dumps(value, separators=(",", ":")).encode())
                while data:
                    data = data[os.write(fd, data) :]
            finally:
                os.close(fd)
            os.rename(part, name, src_dir_fd=at, dst_dir_fd=at)

    def has(self, name: str) -> bool:
        """Whether there is something of this name."""
        return os.path.lexists(self.path / name)

    def isolation(self) -> str:
        """Words for people about what keeps the console apart; empty until all of them are known."""
        record = self.read(SANDBOX) or {}
        return "" if record.get("connecting") else str(record.get("isolation") or "")

    def try_lock(self) -> int | None:
        """Take ``host.lock``, with this process's pid and version in it; None while another holds it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(self.path / LOCK, flags, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} {__version__}".encode(), 0)
        return fd

    def locked_by(self) -> int | None:
        """The pid of the host that holds ``host.lock``; None when nobody does."""
        holder = self._holder()
        return int(holder[0]) if holder and holder[0].isdigit() else None

    def host_version(self) -> str | None:
        """The version of termhub that the living host runs; None when there is no host."""
        holder = self._holder()
        return holder[1] if holder is not None and len(holder) == 2 else None

    def _holder(self) -> list[str] | None:
        try:
            fd = os.open(self.path / LOCK, _READ)
        except OSError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return None
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.pread(fd, 100, 0).decode(errors="replace").split()
        finally:
            os.close(fd)
        return None

    def listen(self) -> socket.socket:
        """Serve ``host.sock``, in place of any before.

        Makes the folder the process's working directory: a process that may not be
        dumped cannot reach its own descriptors through ``/proc``.
        """
        os.chdir(self.path)
        return listen(Path(SOCKET), 0o660)


@contextmanager
def directory(path: Path) -> Iterator[int]:
    """A descriptor of a folder, to reach what is in it whatever the path's length."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def delete(path: Path) -> None:
    """Delete a folder with all that is in it, however deep; without following links."""
    try:
        shutil.rmtree(path, ignore_errors=True)
    except RecursionError:
        # Deeper than any of ours: its console made it so.
        subprocess.run(["rm", "-rf", "--", str(path)], stdin=subprocess.DEVNULL, check=False)


def listen(path: Path, mode: int) -> socket.socket:
    """A listening Unix socket; a path of more than one part may be of any length."""
    server = socket.socket(socket.AF_UNIX)
    with directory(path.parent) as at:
        try:
            os.unlink(path.name, dir_fd=at)
        except FileNotFoundError:
            pass
        server.bind(path.name if path == Path(path.name) else f"/proc/self/fd/{at}/{path.name}")
        os.chmod(path.name, mode, dir_fd=at)
    server.listen(64)
    server.setblocking(False)
    return server


def connect(path: Path, timeout_seconds: float | None = None) -> socket.socket:
    """A connection to a Unix socket at a path of any length.

    :raises OSError: when nobody listens there.
    """
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(timeout_seconds)
    try:
        with directory(path.parent) as at:
            client.connect(f"/proc/self/fd/{at}/{path.name}")
    except BaseException:
        client.close()
        raise
    return client
