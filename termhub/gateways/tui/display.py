"""When the terminal is painted: at most so often, and only when it has taken what it was sent.

Nothing queues for a slow terminal: what changes meanwhile is in the next picture.  Titles, bells and
clipboards wait with it, the last of each.

Invariant: at most one picture is on its way.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.events import Report
from termhub.gateways.tui.interface import Transport
from termhub.gateways.tui.painter import Painter
from termhub.gateways.tui.terminal import Terminal
from termhub.gateways.tui.turns import TYPING_SECONDS, Turns
from termhub.hub.clock import Clock, DelayedCall
from termhub.screen.interface import MouseTracking

FRAME_SECONDS = 1 / 60
HURRIED_FRAME_SECONDS = 1 / 240
HURRY_SECONDS = 0.1
"""For so long after the person typed pictures may follow each other as hurried ones."""

BELL_SECONDS = 0.5

MOST_BYTES = 4 * 1024
"""Of a picture in one turn: thousands of colours take long to paint, and others have theirs between."""

MOST_CELLS = 120_000
"""A terminal with more is used as far as its upper rows go; a screen of 4K in tiny print has as many."""


class Display:
    """Paints one person's terminal.

    :param compose: draws everything onto a blank canvas.
    :param painted: called when a picture has left for the terminal.
    """

    def __init__(
        self,
        terminal: Terminal,
        cols: int,
        rows: int,
        transport: Transport,
        clock: Clock,
        turns: Turns,
        compose: Callable[[Canvas], None],
        painted: Callable[[], None],
    ) -> None:
        self.canvas = _canvas(cols, rows)
        self.is_stale = True
        self._painter = Painter(terminal)
        self._transport = transport
        self._clock = clock
        self._turns = turns
        self._compose = compose
        self._painted = painted
        self._is_due = False
        self._is_painting = False
        self._is_leaving = False
        self._is_open = False
        self._painted_at = -FRAME_SECONDS
        self._spent = 0.0  # seconds, on the picture that is being painted
        self._rest = 0.0
        self._hurries_until = 0.0
        self._types_until = 0.0
        self._has_turn = False
        self._is_awaited = False
        self._bell_not_before = 0.0
        self._timer: DelayedCall | None = None
        self._rings = False
        self._title = ""
        self._title_shown = ""
        self._copied: str | None = None
        self._mouse: MouseTracking = "off"

    def begin(self) -> None:
        """Take the terminal over."""
        self._is_open = True
        modes = self._painter.set_modes(bracketed_paste=True, focus=True)
        self._transport.write(self._painter.begin() + modes)

    def end(self) -> None:
        """Give the terminal back."""
        if self._is_open:
            self._is_open = False
            self.stop()
            self._transport.write(self._painter.end())

    def stop(self) -> None:
        """Paint no more."""
        self._is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- what changes --------------------------------------------------------------

    def changed(self) -> None:
        """The canvas has changed."""
        self._is_due = True
        self._paint_when_possible()

    def stale(self) -> None:
        """Something that shows has changed: everything is drawn anew onto the canvas."""
        self.is_stale = True
        self.changed()

    def resize(self, cols: int, rows: int) -> None:
        """The terminal has another size."""
        self.canvas = _canvas(cols, rows)
        self._painter.resized()
        self.stale()

    def hurry(self) -> None:
        """The person has typed: what that changes first is painted at once, what follows in a hurry."""
        now = self._clock.seconds()
        self._is_awaited = True
        self._hurries_until = now + HURRY_SECONDS
        self._types_until = now + TYPING_SECONDS
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._paint_when_possible()

    def redraw(self) -> None:
        """Paint every cell anew: something else may have written on the terminal."""
        self._painter.resized()
        self.stale()

    def report(self, report: Report) -> None:
        """The terminal answered what it can do."""
        if self._painter.report(report):
            self.stale()

    def ring(self) -> None:
        """Ring the terminal's bell, unless it has just rung."""
        now = self._clock.seconds()
        if now >= self._bell_not_before:
            self._bell_not_before = now + BELL_SECONDS
            self._rings = True
            self.changed()

    def set_title(self, title: str) -> None:
        """Give the terminal's window a title."""
        if title != self._title:
            self._title = title
            self.changed()

    def set_clipboard(self, text: str) -> bool:
        """Put a text into the person's clipboard; whether the terminal may take it."""
        if not self._painter.terminal.clipboard:
            return False
        self._copied = text
        self.changed()
        return True

    def set_mouse(self, mouse: MouseTracking) -> None:
        """Have the terminal report the mouse, or not."""
        if mouse != self._mouse:
            self._mouse = mouse
            self.changed()

    def drained(self) -> None:
        """Everything written has left."""
        if self._is_leaving and self._transport.is_clear:
            self._is_leaving = False
            self._painted()
        self._paint_when_possible()

    # -- painting ------------------------------------------------------------------

    def _paint_when_possible(self) -> None:
        if not self._is_open or not self._is_due or self._is_painting or self._timer is not None:
            return
        if not self._transport.is_clear:
            return
        now = self._clock.seconds()
        frame = HURRIED_FRAME_SECONDS if now < self._hurries_until else FRAME_SECONDS
        wait = self._painted_at + max(frame, self._rest) - now
        if self._painter.is_unfinished or self._is_awaited:
            wait = 0.0
        if wait <= 0 and not self._has_turn and not self._painter.is_unfinished:
            self._has_turn = True
            wait = self._turns.take(now)
            if now < self._types_until:
                wait = 0.0
        if wait > 0:
            self._timer = self._clock.callLater(wait, self._time_has_come)
        else:
            self._paint()

    def _time_has_come(self) -> None:
        self._timer = None
        self._paint_when_possible()

    def _paint(self) -> None:
        self._is_painting = True
        self._is_due = self._has_turn = self._is_awaited = False
        began = self._painted_at = self._clock.seconds()
        try:
            if self.is_stale:
                self.is_stale = False
                self.canvas.clear()
                self._compose(self.canvas)
            data = self._asides() + self._painter.paint(self.canvas, MOST_BYTES)
        finally:
            self._is_painting = False
        self._spent += self._clock.seconds() - began
        if data:
            self._transport.write(data)
        self._turns.painted(self._clock.seconds() - began)
        if self._painter.is_unfinished:
            self._is_due = True
            self._timer = self._clock.callLater(0, self._time_has_come)
            return
        # Whose pictures take long gets fewer of them, so that there is time for others.
        self._rest, self._spent = self._spent, 0.0
        self._is_leaving = True
        if self._transport.is_clear:
            self._is_leaving = False
            self._painted()
        self._paint_when_possible()

    def _asides(self) -> bytes:
        """What is sent beside the picture."""
        painter = self._painter
        parts = [painter.set_modes(mouse=self._mouse)]
        if self._rings:
            self._rings = False
            parts.append(painter.bell())
        if self._title != self._title_shown:
            self._title_shown = self._title
            parts.append(painter.title(self._title))
        if self._copied is not None:
            parts.append(painter.clipboard(self._copied))
            self._copied = None
        return b"".join(parts)


def _canvas(cols: int, rows: int) -> Canvas:
    return Canvas(cols, min(rows, max(1, MOST_CELLS // max(1, cols))))
