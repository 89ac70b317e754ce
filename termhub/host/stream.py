"""The newest bytes of a window's output, by offset.

A stream is numbered from birth: byte ``offset`` is the same byte for everybody, for
ever.  :class:`Stream` keeps the newest part of one in memory; host and hub read it by
offset for as many readers as they like, and a reader that falls behind what is held
costs nothing.  Pure: bytes in, bytes out.

Invariant: what is held is the unbroken run ``start`` to ``end``, of at least
``limit_bytes`` once so much was appended, and never more than one block above that.
"""

from __future__ import annotations

BLOCK_BYTES = 1 << 16


class Stream:
    """A ring of bytes addressed by offset.

    :param limit_bytes: how many of the newest bytes are surely held.
    :param offset: where the stream starts.
    """

    __slots__ = ("_blocks", "_first", "_limit", "end", "start")

    def __init__(self, limit_bytes: int, offset: int = 0) -> None:
        self._limit = limit_bytes
        self._blocks: list[bytearray] = []
        self._first = offset
        self.start = offset
        self.end = offset

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Add ``data`` at ``end``; the oldest bytes beyond the limit go."""
        length = len(data)
        if not length:
            return
        blocks = self._blocks
        self.end += length
        room = BLOCK_BYTES - len(blocks[-1]) if blocks else 0
        if length <= room:
            blocks[-1] += data
        else:
            view = memoryview(data)
            if room:
                blocks[-1] += view[:room]
            for position in range(room, length, BLOCK_BYTES):
                blocks.append(bytearray(view[position : position + BLOCK_BYTES]))
        excess = (self.end - self._first - self._limit) // BLOCK_BYTES
        if excess > 0:
            del blocks[:excess]
            self._first += excess * BLOCK_BYTES
            self.start = self._first

    def read(self, offset: int, limit: int) -> bytes:
        """At most ``limit`` bytes from ``offset`` on; empty at ``end``.

        :raises LookupError: when ``offset`` is not between ``start`` and ``end``.
        """
        if not self.start <= offset <= self.end:
            raise LookupError(f"offset {offset}; held are {self.start} to {self.end}")
        index, position = divmod(offset - self._first, BLOCK_BYTES)
        blocks = self._blocks
        if index >= len(blocks):
            return b""
        last = position + min(limit, self.end - offset)
        if last <= BLOCK_BYTES:
            return bytes(memoryview(blocks[index])[position:last])
        parts = []
        while last > 0 and index < len(blocks):
            parts.append(bytes(memoryview(blocks[index])[position : min(last, BLOCK_BYTES)]))
            index += 1
            last -= BLOCK_BYTES
            position = 0
        return b"".join(parts)

    def restart(self, offset: int) -> None:
        """Forget everything; the stream goes on at ``offset`` (after a skip)."""
        self._blocks.clear()
        self._first = self.start = self.end = offset
