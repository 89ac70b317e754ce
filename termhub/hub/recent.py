"""The latest output of a window, cut into frames that are encoded once.

All viewers of a window are cursors into this: they are sent the same bytes objects, so a
broadcast costs one encoding.  Pure.

Invariant: the frames are contiguous, ``start`` is where the first begins and ``end`` where
the last ends; their number is bounded and they hold at most twice ``limit_bytes`` and the
last chunk.
"""

from __future__ import annotations

from bisect import bisect_right

from sandbox.guest import frames

FRAME_BYTES = 32 * 1024
"""Most output bytes in one frame to a viewer."""


class Recent:
    """The end of an output stream.

    :param start: offset of the first byte it will hold.
    """

    __slots__ = ("_frames", "_limit", "_offsets", "_window", "end", "start")

    def __init__(self, window: int, start: int, limit_bytes: int = 512 * 1024) -> None:
        self._window = window
        self._limit = limit_bytes
        self._frames: list[bytes] = []
        self._offsets: list[int] = []
        self.start = start
        self.end = start

    def append(self, offset: int, data: bytes) -> bytes | None:
        """Add output; what is already there is trimmed.

        :returns: the frame, when the output became exactly one.
        :raises ValueError: when it would leave a hole; use :meth:`restart`.
        """
        if offset != self.end:
            if offset > self.end:
                raise ValueError(f"output at {offset} after {self.end}")
            data = data[self.end - offset :]
        size = len(data)
        if not size:
            return None
        frame: bytes | None = None
        if size <= FRAME_BYTES:
            frame = frames.output(self._window, self.end, data)
            self._frames.append(frame)
            self._offsets.append(self.end)
            self.end += size
        else:
            for position in range(0, size, FRAME_BYTES):
                piece = data[position : position + FRAME_BYTES]
                self._frames.append(frames.output(self._window, self.end, piece))
                self._offsets.append(self.end)
                self.end += len(piece)
        if self.end - self.start > self._limit:
            self._prune()
        if len(self._frames) > _MOST_FRAMES:
            self._cut(_MOST_FRAMES // 4)
        return frame

    def restart(self, offset: int) -> None:
        """Forget everything; the next output starts at ``offset``."""
        self._frames.clear()
        self._offsets.clear()
        self.start = self.end = offset

    def frame_at(self, offset: int, limit: int) -> tuple[bytes, int]:
        """An OUTPUT frame with output from ``offset`` on, and where it ends.

        The very object all viewers share, unless ``offset`` or ``limit`` cut it.

        :param limit: most bytes of output in it, at least 1.
        :raises ValueError: when ``offset`` is not held.
        """
        if not self.start <= offset < self.end:
            raise ValueError(f"offset {offset} is not in {self.start}..{self.end}")
        index = bisect_right(self._offsets, offset) - 1
        frame = self._frames[index]
        begin = self._offsets[index]
        size = len(frame) - _HEAD
        if offset == begin and size <= limit:
            return frame, begin + size
        low = _HEAD + offset - begin
        piece = frame[low : low + limit]
        return frames.output(self._window, offset, piece), offset + len(piece)

    def _prune(self) -> None:
        index = bisect_right(self._offsets, self.end - self._limit) - 1
        # Cutting the front of a list moves the rest: do it for several frames at a time.
        if index >= _PRUNE_FRAMES or self.end - self.start > 2 * self._limit:
            self._cut(index)

    def _cut(self, index: int) -> None:
        del self._frames[:index]
        del self._offsets[:index]
        self.start = self._offsets[0]


_PRUNE_FRAMES = 16
_MOST_FRAMES = 4096
_HEAD = len(frames.output_head(0, 0, 0))
