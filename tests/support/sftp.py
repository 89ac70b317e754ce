"""A client of the SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02).

It asks one thing at a time, and only packs and unpacks what the tests look at.
"""

from __future__ import annotations

import struct
from typing import Any

from termhub.hub.files import SFTP_SERVER
from tests.support.real_hub import Collector

INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT, OPENDIR, READDIR = range(1, 13)
REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK = range(13, 21)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
EXTENDED, EXTENDED_REPLY = 200, 201
OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = range(5)
FXF_READ, FXF_WRITE, FXF_APPEND, FXF_CREAT, FXF_TRUNC = 1, 2, 4, 8, 16
SIZE, UIDGID, PERMISSIONS, ACMODTIME = 1, 2, 4, 8


class Refused(Exception):
    """The server answered with a status that is not OK."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def text(value: str | bytes) -> bytes:
    """A string with its length before it."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def attributes(permissions: int | None = None, size: int | None = None, time: int | None = None) -> bytes:
    """ATTRS with what is given."""
    flags, body = 0, b""
    if size is not None:
        flags, body = flags | SIZE, body + struct.pack(">Q", size)
    if permissions is not None:
        flags, body = flags | PERMISSIONS, body + struct.pack(">I", permissions)
    if time is not None:
        flags, body = flags | ACMODTIME, body + struct.pack(">II", time, time)
    return struct.pack(">I", flags) + body


class Reader:
    """Takes values off a packet."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def number(self, form: str = ">I") -> int:
        (value,) = struct.unpack_from(form, self._data)
        self._data = self._data[struct.calcsize(form) :]
        return int(value)

    def string(self) -> bytes:
        length = self.number()
        value, self._data = self._data[:length], self._data[length:]
        return value

    def attributes(self) -> dict[str, int]:
        flags = self.number()
        found = {}
        if flags & SIZE:
            found["size"] = self.number(">Q")
        if flags & UIDGID:
            found["uid"], found["gid"] = self.number(), self.number()
        if flags & PERMISSIONS:
            found["permissions"] = self.number()
        if flags & ACMODTIME:
            found["atime"], found["mtime"] = self.number(), self.number()
        return found

    @property
    def rest(self) -> bytes:
        return self._data


class Sftp(Collector):
    """A session; ``stream`` is set by whoever started the server."""

    def __init__(self) -> None:
        super().__init__()
        self.extensions: dict[str, str] = {}
        self._id = 0

    async def begin(self) -> None:
        """Agree on the version."""
        self.feed(struct.pack(">IBI", 5, INIT, 3))
        kind, reader = await self._packet()
        assert (kind, reader.number()) == (VERSION, 3)
        while reader.rest:
            name = reader.string().decode()
            self.extensions[name] = reader.string().decode()

    async def ask(self, kind: int, body: bytes) -> Reader:
        """The answer to a request; :raises Refused: when it is a status that is not OK."""
        self._id += 1
        packet = struct.pack(">BI", kind, self._id) + body
        self.feed(struct.pack(">I", len(packet)) + packet)
        answer, reader = await self._packet()
        assert reader.number() == self._id
        if answer == STATUS:
            code = reader.number()
            if code != OK:
                raise Refused(code, reader.string().decode())
        return reader

    async def extended(self, name: str, body: bytes) -> Reader:
        """The answer to an extended request."""
        assert name in self.extensions, self.extensions
        return await self.ask(EXTENDED, text(name) + body)

    async def refused(self, kind: int, body: bytes) -> int:
        """The code that a request is refused with."""
        try:
            reader = await self.ask(kind, body)
        except Refused as error:
            return error.code
        raise AssertionError(f"request {kind} was not refused: {reader.rest!r}")

    async def open(self, path: str, flags: int, permissions: int = 0o644) -> bytes:
        """The handle of an open file."""
        body = text(path) + struct.pack(">I", flags) + attributes(permissions)
        return (await self.ask(OPEN, body)).string()

    async def put(self, path: str, data: bytes) -> None:
        """Write a small file."""
        handle = await self.open(path, FXF_WRITE | FXF_CREAT | FXF_TRUNC)
        await self.ask(WRITE, text(handle) + struct.pack(">Q", 0) + text(data))
        await self.ask(CLOSE, text(handle))

    async def get(self, path: str) -> bytes:
        """Read a small file."""
        handle = await self.open(path, FXF_READ)
        data = (await self.ask(READ, text(handle) + struct.pack(">QI", 0, 32768))).string()
        await self.ask(CLOSE, text(handle))
        return data

    async def list(self, path: str) -> set[str]:
        """The names in a folder."""
        handle = (await self.ask(OPENDIR, text(path))).string()
        names = set()
        while True:
            try:
                reader = await self.ask(READDIR, text(handle))
            except Refused as error:
                assert error.code == EOF, error
                break
            for _ in range(reader.number()):
                names.add(reader.string().decode())
                reader.string()
                reader.attributes()
        await self.ask(CLOSE, text(handle))
        return names - {".", ".."}

    async def stat(self, path: str, kind: int = STAT) -> dict[str, int]:
        """A file's attributes; LSTAT: of a link itself."""
        return (await self.ask(kind, text(path))).attributes()

    async def _packet(self) -> tuple[int, Reader]:
        await self.until(self._whole, "an answer of the file server")
        assert self._whole(), f"the file server is gone: {self.status}"
        (length,) = struct.unpack_from(">I", self.data)
        packet = bytes(self.data[4 : 4 + length])
        del self.data[: 4 + length]
        return packet[0], Reader(packet[1:])

    def _whole(self) -> Any:
        if self.is_over:
            return True
        return len(self.data) >= 4 and len(self.data) >= 4 + struct.unpack_from(">I", self.data)[0]


async def sftp(consoles: Any, user: Any) -> Sftp:
    """A session with the user's files."""
    client = Sftp()
    client.stream = await consoles.run_for_files(user, client, SFTP_SERVER)
    await client.begin()
    return client
