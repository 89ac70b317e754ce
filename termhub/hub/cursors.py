"""A viewer's place in a window's output.

A cursor is never a queue: it knows the offset it was sent and what of that is not yet
acknowledged.  Within the viewer's in-flight window (:mod:`.pace`) it passes raw output on.
When more than a window of output waits behind that, it stops following, lets the viewer
catch up, and then asks for one keyframe and goes on from there.  So a viewer that reads
slowly, or never, costs nothing.  Pure.

Invariant: bytes in flight stay within the window, except for one keyframe.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Protocol

import attrs

from termhub.hub.clock import Clock
from termhub.hub.pace import Pace
from termhub.hub.recent import Recent

KEYFRAME_SECONDS = 1 / 30
"""Shortest time between two keyframes that one cursor asks for."""

RESUME_BYTES = 384 * 1024
"""How far behind a viewer that comes back may be and still get the bytes instead of a keyframe."""

_PIECE_BYTES = 4096


@attrs.frozen
class Keyframe:
    """The picture of a window at an offset, encoded once for all viewers."""

    offset: int
    cols: int
    rows: int
    frames: bytes


class Watched(Protocol):
    """What a cursor needs of its window."""

    recent: Recent | None

    def holds(self, offset: int) -> bool:
        """Whether a terminal that has everything before ``offset`` can simply go on."""

    def want_keyframe(self, cursor: Cursor, now: float) -> None:
        """Give ``cursor`` a keyframe as soon as there is one."""

    def serve_first(self, cursor: Cursor) -> None:
        """Give ``cursor`` what comes next before all others."""

    def remove(self, cursor: Cursor) -> None:
        """Stop serving ``cursor``."""


class Follow(enum.Enum):
    """What a cursor does."""

    STARTING = enum.auto()
    LIVE = enum.auto()
    SKIPPING = enum.auto()
    WAITING = enum.auto()
    CLOSED = enum.auto()


class Cursor:
    """One viewer's place in one window.

    :param since: the offset up to which the viewer's terminal is drawn; None: not at all.
    :param send: passes bytes to the client.
    """

    __slots__ = (
        "_allowance",
        "_clock",
        "_in_flight",
        "_keyframe_at",
        "_pace",
        "_send",
        "_timer_is_set",
        "sent",
        "since",
        "state",
        "window",
    )

    def __init__(
        self, window: Watched, pace: Pace, send: Callable[[bytes], None], clock: Clock, since: int | None
    ) -> None:
        self.window = window
        self.since = since
        self.sent = 0
        self.state = Follow.STARTING
        self._pace = pace
        self._send = send
        self._clock = clock
        self._allowance = 0
        self._keyframe_at = -KEYFRAME_SECONDS
        self._timer_is_set = False
        # (offset, bytes, time) of what is sent and not acknowledged.
        self._in_flight: deque[tuple[int, int, float]] = deque()

    @property
    def is_skipping(self) -> bool:
        """Whether output passes the viewer by until it has caught up."""
        return self.state is Follow.SKIPPING

    def begin(self) -> None:
        """The window's output is there: go on where the viewer is, or draw it anew."""
        now = self._clock.seconds()
        if self.since is not None and self.window.holds(self.since):
            self.sent = self.since
            self.state = Follow.LIVE
            self._allowance = RESUME_BYTES
            self.advance(now)
        else:
            self._ask(now)

    def hurry(self) -> None:
        """The viewer has typed, and waits for what that shows."""
        self.window.serve_first(self)

    def close(self) -> None:
        """The viewer looks no longer."""
        self.state = Follow.CLOSED
        for _, size, _ in self._in_flight:
            self._pace.forget(size)
        self._in_flight.clear()
        self.window.remove(self)

    def offer(self, frame: bytes, start: int, end: int, now: float) -> None:
        """Pass on the newest output, from ``start`` to ``end``, as one shared frame."""
        if self.state is Follow.LIVE and self.sent == start:
            pace = self._pace
            size = end - start
            if pace.in_flight + size <= pace.window:
                self.sent = end
                self._in_flight.append((end, size, now))
                pace.sent(size, now)
                self._send(frame)
                return
        self.advance(now)

    def advance(self, now: float) -> None:
        """Send what may be sent."""
        if self.state is Follow.LIVE:
            self._follow(now)
        elif self.state is Follow.SKIPPING:
            self._pace.held_back()
        if self.state is Follow.SKIPPING and not self._in_flight:
            self._ask(now)

    def acknowledged(self, offset: int, now: float) -> None:
        """The viewer's terminal has processed everything before ``offset``."""
        in_flight = self._in_flight
        size = 0
        sent_at = now
        while in_flight and in_flight[0][0] <= offset:
            _, piece, sent_at = in_flight.popleft()
            size += piece
        if size:
            self._pace.acknowledged(size, sent_at, now)
            self.advance(now)

    def show(self, keyframe: Keyframe, now: float) -> None:
        """Draw the viewer's terminal anew and go on from there."""
        if self.state in (Follow.LIVE, Follow.CLOSED):
            return
        recent = self.window.recent
        if recent is not None and keyframe.offset < recent.start:
            self.state = Follow.SKIPPING
            self.advance(now)
            return
        self._draw(keyframe.frames, keyframe.offset, now)

    def redraw(self, keyframe: Keyframe, now: float) -> None:
        """The size changed: draw anew, now or when the viewer has caught up."""
        if self.state in (Follow.STARTING, Follow.CLOSED):
            return
        if self._pace.room > 0:
            self._draw(keyframe.frames, keyframe.offset, now)
        elif self.state is Follow.LIVE:
            self.state = Follow.SKIPPING

    def skip(self, now: float) -> None:
        """Follow no longer; catch up and be drawn anew."""
        if self.state is Follow.LIVE:
            self.state = Follow.SKIPPING
        self.advance(now)

    def draw(self, keyframe: Keyframe, now: float) -> None:
        """Send a keyframe that this viewer asked for, with scrollback."""
        if self.state is not Follow.CLOSED:
            self._draw(keyframe.frames, keyframe.offset, now)

    def _draw(self, frames: bytes, offset: int, now: float) -> None:
        self.state = Follow.LIVE
        self.sent = offset
        self._allowance = 0
        self._in_flight.append((offset, len(frames), now))
        self._pace.sent(len(frames), now)
        self._send(frames)
        self.advance(now)

    def _follow(self, now: float) -> None:
        recent = self.window.recent
        if recent is None:
            return
        pace = self._pace
        if self.sent < recent.start:
            self.state = Follow.SKIPPING
            pace.held_back()
            return
        while self.sent < recent.end:
            room = pace.window - pace.in_flight
            waiting = recent.end - self.sent
            if room < _PIECE_BYTES and room < waiting:
                pace.held_back()
                if waiting > pace.window and waiting > self._allowance:
                    self.state = Follow.SKIPPING
                return
            frame, end = recent.frame_at(self.sent, room)
            size = end - self.sent
            self.sent = end
            self._in_flight.append((end, size, now))
            pace.sent(size, now)
            self._send(frame)
            if self.state is not Follow.LIVE:
                return
        self._allowance = 0

    def _ask(self, now: float) -> None:
        if self._timer_is_set:
            return
        wait = self._keyframe_at + KEYFRAME_SECONDS - now
        if wait > 0:
            self._timer_is_set = True
            self._clock.callLater(wait, self._ask_later)
            return
        self._keyframe_at = now
        self.state = Follow.WAITING
        self.window.want_keyframe(self, now)

    def _ask_later(self) -> None:
        self._timer_is_set = False
        if self.state in (Follow.SKIPPING, Follow.STARTING):
            self._ask(self._clock.seconds())
