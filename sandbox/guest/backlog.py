"""What a window's program has written and nobody has acknowledged yet.

The output is a stream of bytes numbered by offset.  Between its bytes lie *marks*:
frames that belong to one place of the stream (a new size, the end of the program) and
go out exactly there.  Everything stays until it is acknowledged, so that a new reader
goes on without a gap.

Invariant: ``start <= sent <= end``, and at most ``limit_bytes`` bytes are held.
"""

from __future__ import annotations

from . import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple, Union

    Mark = Union[bytes, Dict[str, Any]]

LIMIT_BYTES = 1 << 18
FRAME_BYTES = 1 << 16
_MOST_MARKS = 256


class Backlog:
    """A bounded stretch of one window's stream, and how far it has been sent.

    :param limit_bytes: most bytes held; the owner stops reading while :attr:`room` is 0.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._data = bytearray()
        self._marks: List[Tuple[int, Mark]] = []
        self._marks_sent = 0
        self._settled = True
        self.start = 0
        self.sent = 0

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.start + len(self._data)

    @property
    def room(self) -> int:
        """How many more bytes it takes."""
        return self._limit - len(self._data)

    @property
    def has_bytes(self) -> bool:
        """Whether it holds output that is not acknowledged."""
        return bool(self._data)

    @property
    def is_settled(self) -> bool:
        """Whether everything, marks too, was sent and acknowledged."""
        return self._settled and not self._data

    def append(self, data: bytes) -> None:
        """Add output; the owner has looked at :attr:`room`."""
        self._data += data

    def mark(self, mark: Mark) -> None:
        """Put a frame, or an event to make one of, at the present end of the stream."""
        self._marks.append((self.end, mark))
        self._settled = False
        if len(self._marks) > _MOST_MARKS:  # a size among hundreds is forgotten, the last never
            del self._marks[0]
            self._marks_sent = max(self._marks_sent - 1, 0)

    def take(self, window: int) -> Optional[Tuple[bytes, Optional[memoryview]]]:
        """The next frame to send, as its beginning and the rest, or None.

        The rest is a view of the backlog itself: release it before any other call.
        """
        end = self.end
        if self._marks_sent < len(self._marks):
            offset, mark = self._marks[self._marks_sent]
            if offset <= self.sent:
                self._marks_sent += 1
                return mark if isinstance(mark, bytes) else frames.encode_json(
                    frames.EVENT, window, mark
                ), None
            end = offset
        length = min(end - self.sent, FRAME_BYTES)
        if length <= 0:
            return None
        first = self.sent - self.start
        head = frames.output_head(window, self.sent, length)
        self.sent += length
        return head, memoryview(self._data)[first : first + length]

    def acknowledge(self, offset: int) -> None:
        """Forget what lies before ``offset``; one that was never sent is not believed."""
        offset = min(offset, self.sent)
        if offset > self.start:
            del self._data[: offset - self.start]
            self.start = offset
        gone = 0
        while gone < self._marks_sent and self._marks[gone][0] < offset:
            gone += 1
        if gone:
            del self._marks[:gone]
            self._marks_sent -= gone
        if offset == self.end and self._marks_sent == len(self._marks):
            self._settled = True

    def rewind(self, offset: int) -> None:
        """Send again from ``offset``, or from :attr:`start` where that is later."""
        self.sent = min(max(offset, self.start), self.end)
        self._marks_sent = 0
        while self._marks_sent < len(self._marks) and self._marks[self._marks_sent][0] < self.sent:
            self._marks_sent += 1
