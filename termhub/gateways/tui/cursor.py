"""Where a terminal's cursor is, and the fewest bytes that bring it elsewhere.

Invariant: the column is unknown (None) whenever terminals disagree about it: after the last column was
written, and after a character whose width they do not agree on.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.gateways.tui.terminal import Terminal

Reprint = Callable[[int, int], bytes | None]
"""Bytes that print cells ``start`` to ``end - 1`` of the target row as they are, or None."""

_MOST_REPRINTED = 5
_MOST_LINE_FEEDS = 5


class TerminalCursor:
    """The cursor of one terminal.

    :param rows: height of the terminal.
    """

    def __init__(self, terminal: Terminal, rows: int) -> None:
        self._terminal = terminal
        self._rows = rows
        self.x: int | None = None
        self.y: int | None = None
        self.margins: tuple[int, int] | None = None
        """First row and row after the last of the scrolling region; None: not known."""

    def at(self, x: int | None, y: int | None) -> None:
        """The cursor is here now."""
        self.x, self.y = x, y

    def set_margins(self, top: int, bottom: int) -> bytes:
        """Make rows ``top`` to ``bottom - 1`` the scrolling region."""
        if self.margins == (top, bottom):
            return b""
        self.margins = (top, bottom)
        self.at(0, 0)
        if (top, bottom) == (0, self._rows):
            return b"\x1b[r"
        return b"\x1b[%s;%dr" % (b"%d" % (top + 1) if top else b"", bottom)

    def move(self, x: int, y: int, reprint: Reprint | None = None) -> bytes:
        """Go to a cell."""
        if (self.x, self.y) == (x, y):
            return b""
        ways = [_position(x, y)]
        if self.y is not None:
            for way, column in self._to_row(y):
                rest = self._to_column(column, x, reprint)
                if rest is not None:
                    ways.append(way + rest)
        self.at(x, y)
        return min(ways, key=len)

    def _to_row(self, y: int) -> list[tuple[bytes, int | None]]:
        """Ways to a row, with the column each ends in."""
        now = self.y
        assert now is not None
        if now == y:
            return [(b"", self.x)]
        ways: list[tuple[bytes, int | None]] = []
        if self._terminal.to_column:
            ways.append((b"\x1b[%dd" % (y + 1) if y else b"\x1b[d", self.x))
        if not self._is_free(now, y):
            return ways
        lines = y - now
        if lines > 0:
            ways.append((b"\x1b[%dB" % lines if lines > 1 else b"\x1b[B", self.x))
            if lines <= _MOST_LINE_FEEDS:
                ways.append((b"\r" + b"\n" * lines, 0))
                if self._terminal.line_feed:
                    ways.append((b"\n" * lines, self.x))
        else:
            ways.append((b"\x1b[%dA" % -lines if lines < -1 else b"\x1b[A", self.x))
            if lines == -1 and self._terminal.scroll_region:
                ways.append((b"\x1bM", self.x))
        return ways

    def _is_free(self, now: int, y: int) -> bool:
        """Whether no margin lies between two rows: relative movement stops, or scrolls, there."""
        if self.margins is None:
            return False
        top, bottom = self.margins
        return (now >= top) == (y >= top) and (now < bottom) == (y < bottom)

    def _to_column(self, now: int | None, x: int, reprint: Reprint | None) -> bytes | None:
        """Along the row; None when there is no safe way."""
        if now == x:
            return b""
        if x == 0:
            return b"\r"
        ways: list[bytes] = []
        if self._terminal.to_column:
            ways.append(b"\x1b[%dG" % (x + 1))
        if now is not None and now > x:
            ways.append(b"\b" * (now - x) if now - x < 5 else b"\x1b[%dD" % (now - x))
        elif now is not None:
            ways.append(_forward(x - now))
            if reprint and x - now <= _MOST_REPRINTED:
                again = reprint(now, x)
                if again is not None:
                    ways.append(again)
        if x <= _MOST_REPRINTED and (now is None or now > x):
            again = reprint(0, x) if reprint else None
            ways.append(b"\r" + (_forward(x) if again is None else again))
        elif now is None:
            ways.append(b"\r" + _forward(x))
        return min(ways, key=len)


def _position(x: int, y: int) -> bytes:
    if x:
        return b"\x1b[%s;%dH" % (b"%d" % (y + 1) if y else b"", x + 1)
    return b"\x1b[%dH" % (y + 1) if y else b"\x1b[H"


def _forward(cells: int) -> bytes:
    return b"\x1b[%dC" % cells if cells > 1 else b"\x1b[C"
