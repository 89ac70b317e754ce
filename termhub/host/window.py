"""One window of a console: its stream, its screen and its journal, kept in step.

Output from the agent is numbered and can be read at once (:meth:`Window.read`); the
screen and the journal follow in slices (:meth:`Window.work`), so that no turn of the
host's loop takes long.  What happens at a place of the stream, a new size or the
program's end, waits as a mark until the screen has got there.

Invariant: ``parsed`` is the offset that both the screen and the journal have reached,
so a keyframe is exact at ``parsed`` and everything before it may be acknowledged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sandbox.guest import frames
from termhub.host.journal import Journal
from termhub.host.stream import Stream
from termhub.host.typed import Typed

if TYPE_CHECKING:
    from termhub.screen import Screen

    OpenScreen = Callable[[int, int], Screen]

HELD_BYTES = 1 << 20
BACKLOG_BYTES = 1 << 18
"""Output received but not parsed from which the agent is no longer read."""

SEGMENT_KEYFRAME_BYTES = 3 << 20
"""Most bytes of the keyframe of a segment; scrollback is left out above."""

MAX_KEYFRAME_BYTES = 16 << 20
KEYFRAME_CELLS = 2_000_000
"""What a keyframe may draw at most: a program can make every cell cost tens of bytes."""

MAX_SCROLLBACK = 10_000
TYPED_SHARE = 16
"""Part of a segment that lines people typed before it may take."""

LEAST_SLICE, MOST_SLICE = 512, 1 << 14
SLOW_SECONDS = 0.004
_MOST_MARKS = 256
_EXIT = ("code", "signal", "out_of_memory")

Mark = tuple[int, str, Any]
Exit = dict[str, Any]


class Window:
    """A window.

    :param number: its number in the console.
    :param journal: its journal, to be written from here on.
    :param open_screen: makes a screen of a size in cells.
    :param unix_time: the time for the journal.
    :param clock: seconds, to measure how long the screen takes.
    """

    def __init__(
        self,
        number: int,
        journal: Journal,
        open_screen: OpenScreen,
        *,
        cols: int,
        rows: int,
        offset: int = 0,
        unix_time: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self.number = number
        self.argv: list[str] = []
        self.exit: Exit | None = None
        self.screen = open_screen(cols, rows)
        self.cols, self.rows = cols, rows
        self.stream = Stream(HELD_BYTES, offset)
        self.parsed = offset
        self.journal = journal
        self.typed = Typed(clock, lambda event: journal.event(event, unix_time()))
        self._unix_time = unix_time
        self._clock = clock
        self._marks: deque[Mark] = deque()
        self._resizes = 0
        self._slice = MOST_SLICE

    # -- the stream ----------------------------------------------------------

    @property
    def backlog(self) -> int:
        """Bytes that were received but not parsed yet."""
        return self.stream.end - self.parsed

    @property
    def has_work(self) -> bool:
        """Whether :meth:`work` has something to do."""
        return self.parsed < self.stream.end or bool(self._marks)

    @property
    def visible_end(self) -> int:
        """How far readers may read: up to the next change of size, which they must see first."""
        if self._resizes:
            for offset, kind, _ in self._marks:
                if kind == "resize":
                    return offset
        return self.stream.end

    def receive(self, offset: int, data: bytes) -> None:
        """Take output from the agent; what is known already is trimmed, a jump is a hole."""
        end = self.stream.end
        if offset > end:
            while self.has_work:
                self.work()
            self.screen.feed(b"\x18")
            self.stream.restart(offset)
            self.parsed = offset
        elif offset < end:
            data = data[end - offset :]
        if data:
            self.stream.append(data)

    def mark(self, kind: str, value: Any) -> None:
        """Put ``kind`` (``resize`` or ``exit`` or another) at the present end of the stream."""
        while len(self._marks) >= _MOST_MARKS:
            self.work()
        self._marks.append((self.stream.end, kind, value))
        self._resizes += kind == "resize"

    def read(self, offset: int, limit: int) -> tuple[int, bytes]:
        """At most ``limit`` bytes that readers may see, as ``(offset, data)``.

        Older output than is in memory comes from the journal; where it is not there
        either the offset returned is later.
        """
        limit = min(limit, self.visible_end - offset)
        if limit <= 0:
            return offset, b""
        if offset < self.stream.start:
            first, data = self.journal.read(offset, limit)
            if data:
                return first, data
            offset = self.stream.start
        return offset, self.stream.read(offset, limit)

    @property
    def start(self) -> int:
        """The oldest offset that can be read."""
        first = self.journal.start
        return self.stream.start if first is None else min(first, self.stream.start)

    def took_input(self, viewer: int, name: str, sequence: int, data: bytes) -> None:
        """Input was passed on to the program; :param name: of who typed it, empty when nobody knows."""
        self.typed.took(viewer, name, sequence, data, self.screen, is_current=not self.has_work)

    # -- work ----------------------------------------------------------------

    def work(self) -> tuple[bytes, Mark | None]:
        """Parse and journal one slice, or reach one mark.

        :returns: the screen's answers to queries in the slice, for the program; the mark.
        """
        if not self.journal.is_open or self.journal.is_full:
            self._start_segment()
        end = self.stream.end
        if self._marks:
            end = self._marks[0][0]
            if end <= self.parsed:
                mark = self._marks.popleft()
                return b"", mark if self._reach(mark) else None
        data = self.stream.read(self.parsed, min(self._slice, end - self.parsed))
        if self.typed.is_expecting:
            data = self._up_to_line_feed(data)
        started = self._clock()
        replies = self.screen.feed(data)
        self._pace(self._clock() - started, len(data))
        self.journal.append(self.parsed, data, self._unix_time())
        self.parsed += len(data)
        return replies, None

    def _up_to_line_feed(self, data: bytes) -> bytes:
        """Cut a slice so that the next one begins with a line feed; look at the line before this one's."""
        if data.startswith(b"\n"):
            self.typed.line_ends(self.screen, self.parsed, self._unix_time())
        line_feed = data.find(b"\n", 1)
        return data if line_feed < 0 else data[:line_feed]

    def _pace(self, seconds: float, length: int) -> None:
        """Smaller slices while the screen is slow with what it gets, so that others get a turn."""
        if seconds > SLOW_SECONDS:
            self._slice = max(min(self._slice, length) // 2, LEAST_SLICE)
        elif self._slice < MOST_SLICE:
            self._slice *= 2

    def _reach(self, mark: Mark) -> bool:
        """Apply a mark; False when it says nothing new, as after an agent repeats itself."""
        _, kind, value = mark
        now = self._unix_time()
        if kind == "resize":
            self._resizes -= 1
            if value == (self.cols, self.rows):
                return False
            self.cols, self.rows = value
            self.screen.resize(self.cols, self.rows)
            self.journal.resize(self.cols, self.rows, now)
        elif kind == "exit":
            if value == self.exit:
                return False
            self.exit = value
            self.typed.program_changed()
            self.journal.event({"type": "exit", **value}, now)
        elif kind == "opened":
            if value == self.argv and self.exit is None:
                return False
            self.argv, self.exit = value, None
            self.typed.program_changed()
            self.journal.event({"type": "opened", "argv": value}, now)
        return True

    # -- the screen ----------------------------------------------------------

    def keyframe(self, scrollback: int | None = None, limit_bytes: int = MAX_KEYFRAME_BYTES) -> bytes:
        """The screen at ``parsed`` with as much history as fits into about ``limit_bytes``.

        :param scrollback: most lines of history; None for all there are.
        """
        most = max(KEYFRAME_CELLS // self.cols - self.rows, 0)
        lines = min(MAX_SCROLLBACK if scrollback is None else scrollback, most)
        keyframe = self.screen.keyframe(lines)
        while len(keyframe) > limit_bytes and lines:
            lines //= 2
            keyframe = self.screen.keyframe(lines)
        return keyframe

    def _start_segment(self) -> None:
        now = self._unix_time()
        if self.journal.wants_segment(now):
            limit = min(SEGMENT_KEYFRAME_BYTES, self.journal.full_bytes // 2)
            keyframe = self.keyframe(None, limit)
            self.journal.start_segment(self.parsed, self.cols, self.rows, keyframe, now)
            if self.exit is not None:
                self.journal.event({"type": "exit", **self.exit}, now)
            for event in self.typed.events(self.journal.full_bytes // TYPED_SHARE):
                self.journal.event(event, now)

    # -- recovery ------------------------------------------------------------

    @classmethod
    def recover(
        cls,
        number: int,
        journal: Journal,
        open_screen: OpenScreen,
        *,
        unix_time: Callable[[], float],
        clock: Callable[[], float],
        blank: bool = False,
    ) -> Window | None:
        """The window as its journal has it; None when there is no usable journal.

        :param blank: take only offset and size from the journal, for a screen that the
            output itself makes fail.
        """
        window: Window | None = None
        keyframe: list[bytes] = []
        for frame in journal.recover():
            if frame.type == frames.KEYFRAME:
                offset, cols, rows, data = frames.parse_keyframe(frame.payload)
                keyframe.append(data)
                if frames.keyframe_continues(frame.payload):
                    continue
                window = cls(
                    number,
                    journal,
                    open_screen,
                    cols=cols,
                    rows=rows,
                    offset=offset,
                    unix_time=unix_time,
                    clock=clock,
                )
                if not blank:
                    window._replay(b"".join(keyframe))
                keyframe.clear()
            elif window is not None:
                with suppress(frames.FrameError):  # of another version, say: go on without it
                    window._recover(frame, blank)
        if window is not None:
            window.screen.events()
            if blank and journal.is_open:
                journal.close()
        return window

    def _recover(self, frame: frames.Frame, blank: bool) -> None:
        if frame.type == frames.OUTPUT:
            offset, data = frames.parse_output(frame.payload)
            if offset > self.stream.end:
                self.stream.restart(offset)
            self.stream.append(data)
            self.parsed = self.stream.end
            if not blank:
                self._replay(data)
        elif frame.type == frames.RESIZE:
            self.cols, self.rows = frames.parse_resize(frame.payload)
            self.screen.resize(self.cols, self.rows)
        elif frame.type == frames.EVENT:
            event = frames.parse_json(frame.payload)
            if event.get("type") == "exit":
                self.exit = {key: event[key] for key in _EXIT if key in event}
            elif event.get("type") == "opened":
                self.exit = None
            elif event.get("type") in ("typed", "typing"):
                self.typed.restore(event)

    def _replay(self, data: bytes) -> None:
        for start in range(0, len(data), MOST_SLICE):
            self.screen.feed(data[start : start + MOST_SLICE])
