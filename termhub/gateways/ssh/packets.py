"""Reading and writing what ssh packets are made of (RFC 4251, section 5).

Invariant: a reader never reads beyond its packet; what is cut off or left over raises.
"""

from __future__ import annotations

import struct

_u32 = struct.Struct(">L")


class PacketError(Exception):
    """A packet is not what its number says, or comes when it may not."""


class Reader:
    """Reads the fields of one packet, in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def byte(self) -> int:
        """A byte."""
        return self._take(1)[0]

    def boolean(self) -> bool:
        """A boolean."""
        return self._take(1) != b"\0"

    def u32(self) -> int:
        """A uint32."""
        (number,) = _u32.unpack(self._take(4))
        return int(number)

    def string(self) -> bytes:
        """A string of bytes."""
        return self._take(self.u32())

    def text(self) -> str:
        """A string of UTF-8."""
        try:
            return self.string().decode()
        except UnicodeDecodeError:
            raise PacketError("a text that is not UTF-8") from None

    def name(self) -> str:
        """A string that names something: printable US-ASCII."""
        text = self.text()
        if not text.isascii() or not text.isprintable():
            raise PacketError("a name that is not printable US-ASCII")
        return text

    def rest(self) -> bytes:
        """Everything that was not read yet."""
        return self._take(len(self._data) - self._position)

    def end(self) -> None:
        """There must be nothing left."""
        if self._position != len(self._data):
            raise PacketError("a packet that is too long")

    def _take(self, count: int) -> bytes:
        start = self._position
        if count > len(self._data) - start:
            raise PacketError("a packet that is too short")
        self._position = start + count
        return self._data[start : start + count]


def u32(number: int) -> bytes:
    """A uint32."""
    return _u32.pack(number)


def string(data: bytes | str) -> bytes:
    """A string; text as UTF-8."""
    if isinstance(data, str):
        data = data.encode("utf-8", "replace")
    return _u32.pack(len(data)) + data


def boolean(value: bool) -> bytes:
    """A boolean."""
    return b"\1" if value else b"\0"
