"""Input to a window, written exactly once.

Each viewer numbers its input by bytes, as TCP does.  What was had already is trimmed,
what would leave a hole is refused, and a viewer is told the next byte expected of it
after the bytes before are written.  So any party on the way may split, repeat and
resend input at will.

Invariant: a byte of a viewer's input is queued once; :meth:`Inputs.written` moves
forward only by what the terminal took.
"""

from __future__ import annotations

from .lean import OrderedDict, deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, List, Tuple

PENDING_BYTES = 1 << 20
"""Most bytes queued for a window; input beyond it is refused."""

_MOST_VIEWERS = 1024


class _Viewer:
    __slots__ = ("expected", "number", "refused", "written")

    def __init__(self, number: int, sequence: int) -> None:
        self.number = number
        self.expected = sequence  # the next byte to queue
        self.written = sequence  # the next byte to write
        self.refused = False  # must be told when there is room again


class Inputs:
    """The queued input of one window, from all its viewers.

    :param limit_bytes: most bytes queued.
    """

    def __init__(self, limit_bytes: int = PENDING_BYTES) -> None:
        self._limit = limit_bytes
        self._viewers: OrderedDict[int, _Viewer] = OrderedDict()
        self._queue: Deque[Tuple[_Viewer, bytes]] = deque()
        self._position = 0  # bytes of the queue's first piece that are written
        self._answers: List[Tuple[int, int]] = []
        self.pending_bytes = 0

    def receive(self, number: int, sequence: int, data: bytes) -> None:
        """Take what is new of ``data``, which starts at byte ``sequence`` of the viewer."""
        viewer = self._viewers.get(number)
        if viewer is None:
            viewer = self._viewers[number] = _Viewer(number, sequence)
            if len(self._viewers) > _MOST_VIEWERS:
                self._forget_one()
        else:
            self._viewers.move_to_end(number)
        if sequence > viewer.expected:
            if not viewer.refused:
                self._answer(viewer)
                viewer.refused = True
            return
        data = data[viewer.expected - sequence :]
        if not data:
            if viewer.written == viewer.expected:
                # Whoever sends again missed the answer, perhaps behind a peer that had it.
                self._answer(viewer)
            return
        if self.pending_bytes + len(data) > self._limit:
            viewer.refused = True  # answered when the queue is shorter
            return
        viewer.refused = False
        viewer.expected += len(data)
        self.pending_bytes += len(data)
        self._queue.append((viewer, data))

    def next(self, most_bytes: int = 1 << 16) -> bytes:
        """The bytes to write next, of as many viewers as it takes; empty: none."""
        if len(self._queue) == 1:
            return self._queue[0][1][self._position : self._position + most_bytes]
        pieces, size, position = [], 0, self._position
        for _, data in self._queue:
            pieces.append(data[position : position + most_bytes - size])
            size += len(pieces[-1])
            position = 0
            if size >= most_bytes:
                break
        return b"".join(pieces)

    def written(self, count: int) -> None:
        """The terminal took ``count`` bytes of what :meth:`next` gave."""
        was_full = self.pending_bytes * 2 > self._limit
        self.pending_bytes -= count
        moved = {}
        while count:
            viewer, data = self._queue[0]
            part = min(count, len(data) - self._position)
            viewer.written += part
            moved[viewer.number] = viewer
            count -= part
            self._position += part
            if self._position == len(data):
                self._queue.popleft()
                self._position = 0
        for viewer in moved.values():
            self._answer(viewer)
        if was_full and self.pending_bytes * 2 <= self._limit:
            for viewer in self._viewers.values():
                if viewer.refused:
                    viewer.refused = False
                    self._answer(viewer)

    def drop(self) -> None:
        """Nobody will read what is queued: count it as written."""
        self._position = 0
        moved = {viewer.number: viewer for viewer, _ in self._queue}
        self._queue.clear()
        self.pending_bytes = 0
        for viewer in moved.values():
            viewer.written = viewer.expected
            self._answer(viewer)

    def answers(self) -> List[Tuple[int, int]]:
        """``(viewer, next byte expected)`` to tell, since the last call."""
        answers, self._answers = self._answers, []
        return answers

    def new_peer(self) -> None:
        """Someone else listens now, who has been told nothing."""
        self._answers.clear()
        for viewer in self._viewers.values():
            viewer.refused = False

    def _answer(self, viewer: _Viewer) -> None:
        self._answers.append((viewer.number, viewer.written))

    def _forget_one(self) -> None:
        for number, viewer in self._viewers.items():
            if viewer.written == viewer.expected:
                del self._viewers[number]
                return
