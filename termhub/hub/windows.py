"""One window of a console as the hub sees it: its recent output and who looks at it.

The hub does not parse output.  It holds the end of the stream as frames (:mod:`.recent`),
passes them to the cursors of viewers (:mod:`.cursors`), and asks the host for a keyframe
when a cursor needs one: one request at a time, shared by all that wait.  Pure: the link to
the host is a :class:`Source`.

Where many look, a little output (the echo of a key, say) goes to those first who typed last, and to
the others some at a time, so that what is typed next does not wait for all of them.

Invariant: output is held, and asked for, exactly while somebody looks.
"""

from __future__ import annotations

import itertools
from typing import Any, Protocol

import attrs

from sandbox.guest import frames
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.cursors import Cursor, Follow, Keyframe
from termhub.hub.recent import Recent
from termhub.hub.sizes import Size, Sizes

REUSE_BYTES = 4096
"""A keyframe older than this many bytes of output is not given to anybody any more."""

AT_ONCE = 16
"""Cursors that are given a little output in one turn of the reactor."""

LITTLE_BYTES = 4096
"""More output than this goes to all at once: that is work for all, and nobody's echo."""


class Source(Protocol):
    """Where a window's output and keyframes come from."""

    def subscribe(self, window: int, since: int | None) -> None:
        """Ask for output; answered by :meth:`Window.subscribed_at`."""

    def unsubscribe(self, window: int) -> None:
        """No output any more."""

    def request_keyframe(self, window: int) -> None:
        """Ask for a keyframe without scrollback; answered by :meth:`Window.keyframe_came`."""


class Window:
    """One window.

    :param number: 0 runs the console's program.
    :param clock: says when it is the next ones' turn.
    """

    def __init__(self, number: int, source: Source, clock: Clock) -> None:
        self.number = number
        self.argv: list[str] = []
        self.offset = 0
        self.cols = 80
        self.rows = 24
        self.size_offset = 0
        self.title = ""
        self.exit: dict[str, Any] | None = None
        self.sizes = Sizes()
        self.wanted_size: Size | None = None
        self.recent: Recent | None = None
        self.cursors: tuple[Cursor, ...] = ()
        self._source = source
        self._clock = clock
        self._unserved: dict[Cursor, None] = {}
        self._turn: DelayedCall | None = None
        self._waiting: set[Cursor] = set()
        self._keyframe_asked = False
        self._keyframe: Keyframe | None = None
        self._subscribed = False
        self._base = 0

    def describe(self) -> dict[str, Any]:
        """What HELLO and REST say about it."""
        return {
            "window": self.number,
            "argv": self.argv,
            "offset": self.offset,
            "cols": self.cols,
            "rows": self.rows,
            "title": self.title,
            "exit": self.exit,
        }

    # -- who looks ---------------------------------------------------------------

    def add(self, cursor: Cursor) -> None:
        """Begin to serve ``cursor``: from the offset it asks for, or with a keyframe."""
        self.cursors = (*self.cursors, cursor)
        if not self._subscribed:
            self._subscribed = True
            self._source.subscribe(self.number, cursor.since)
        if self.recent is not None or cursor.since is None:
            cursor.begin()

    def remove(self, cursor: Cursor) -> None:
        """Stop serving ``cursor``."""
        self.cursors = tuple(other for other in self.cursors if other is not cursor)
        self._waiting.discard(cursor)
        self._unserved.pop(cursor, None)
        if not self._unserved:
            self._stop_turns()
        if not self.cursors and self._subscribed:
            self._subscribed = False
            self.recent = None
            self._keyframe = None
            self._source.unsubscribe(self.number)

    def serve_first(self, cursor: Cursor) -> None:
        """Give ``cursor`` what comes next before all others: its viewer has typed."""
        if self.cursors[:1] != (cursor,):
            self.cursors = (cursor, *(other for other in self.cursors if other is not cursor))

    # -- what comes from the host ------------------------------------------------

    def relink(self) -> None:
        """There is a new link to a host: ask it for what is needed."""
        self._keyframe_asked = False
        if self._subscribed:
            since = self.recent.end if self.recent is not None else None
            if since is None and self.cursors:
                since = self.cursors[0].since
            self._source.subscribe(self.number, since)
        if self._waiting:
            self._ask()

    def subscribed_at(self, offset: int, now: float) -> None:
        """Output starts (or goes on) at ``offset``."""
        if not self._subscribed:
            return
        if self.recent is None:
            self.recent = Recent(self.number, offset)
            self._base = offset
            for cursor in self.cursors:
                if cursor.state is Follow.STARTING:
                    cursor.begin()
        elif offset > self.recent.end:
            self._skip_to(offset, now)

    def output_came(self, offset: int, data: bytes, now: float) -> None:
        """Output of the program."""
        recent = self.recent
        if recent is None:
            return
        if offset > recent.end:
            self._skip_to(offset, now)
        start = recent.end
        frame = recent.append(offset, data)
        end = recent.end
        if end == start:
            return
        if end > self.offset:
            self.offset = end
        cursors = self.cursors
        if len(cursors) > AT_ONCE and end - start <= LITTLE_BYTES:
            self._unserved.update(dict.fromkeys(cursors[AT_ONCE:]))
            cursors = cursors[:AT_ONCE]
            if self._turn is None:
                self._turn = self._clock.callLater(0, self._serve_next)
        if frame is not None:
            for cursor in cursors:
                cursor.offer(frame, start, end, now)
        else:
            for cursor in cursors:
                cursor.advance(now)

    def _serve_next(self) -> None:
        self._turn = None
        now = self._clock.seconds()
        for cursor in list(itertools.islice(self._unserved, AT_ONCE)):
            # Whoever is sent away meanwhile is not there any more.
            if self._unserved.pop(cursor, self) is None:
                cursor.advance(now)
        if self._unserved and self._turn is None:
            self._turn = self._clock.callLater(0, self._serve_next)

    def _stop_turns(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def resized(self, cols: int, rows: int) -> None:
        """The size changed; a keyframe follows."""
        self.cols = cols
        self.rows = rows
        self._keyframe = None

    def draw_again(self, now: float) -> None:
        """What viewers have is out of date: draw each anew when it has caught up."""
        self._keyframe = None
        for cursor in self.cursors:
            cursor.skip(now)

    def keyframe_came(self, keyframe: Keyframe, now: float) -> None:
        """The keyframe that was asked for."""
        self._keyframe_asked = False
        waiting = self._waiting
        self._waiting = set()
        if self.recent is not None:
            self._keyframe = keyframe
            if keyframe.offset < self._base:
                # The host's screen is behind the stream: it sends the output again from there.
                self.recent.restart(keyframe.offset)
                self._base = keyframe.offset
        for cursor in waiting:
            cursor.show(keyframe, now)

    def redrawn(self, keyframe: Keyframe, now: float) -> None:
        """A keyframe that nobody asked for: the one after a change of size."""
        self.size_offset = keyframe.offset
        if self.recent is not None:
            self._keyframe = keyframe
        resize = frames.resize(self.number, keyframe.cols, keyframe.rows)
        drawing = attrs.evolve(keyframe, frames=resize + keyframe.frames)
        for cursor in self.cursors:
            cursor.redraw(drawing, now)

    # -- what cursors ask for ----------------------------------------------------

    def want_keyframe(self, cursor: Cursor, now: float) -> None:
        """Give ``cursor`` a keyframe as soon as there is one."""
        keyframe = self._keyframe
        if (
            keyframe is not None
            and self.recent is not None
            and self.recent.start <= keyframe.offset
            and self.recent.end - keyframe.offset <= REUSE_BYTES
        ):
            cursor.show(keyframe, now)
            return
        self._waiting.add(cursor)
        if not self._keyframe_asked:
            self._ask()

    def holds(self, offset: int) -> bool:
        """Whether a terminal that has everything before ``offset`` can simply go on."""
        recent = self.recent
        return recent is not None and recent.start <= offset <= recent.end and offset >= self.size_offset

    def _ask(self) -> None:
        self._keyframe_asked = True
        self._source.request_keyframe(self.number)

    def _skip_to(self, offset: int, now: float) -> None:
        assert self.recent is not None
        self.recent.restart(offset)
        self._base = offset
        for cursor in self.cursors:
            cursor.advance(now)
