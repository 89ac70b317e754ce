"""What an attached console looks like on a real terminal: pure, from frames to bytes.

When the console has the terminal's size, the terminal gets the program's own bytes (without
queries), so its scrollback, selection and speed are those of a local program.  When another
viewer has given the console a different size, a screen of that size is kept here and drawn
into the terminal, a part of it that follows the cursor where it is larger.

Invariant: after :meth:`Display.leave` the terminal is as it was, below what was shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..gateways.queries import QueryFilter

if TYPE_CHECKING:
    from termhub.screen import Screen

_SAVE_TITLE = b"\x1b[22;0t"
_RESTORE_TITLE = b"\x1b[23;0t"

# Everything a program can have changed, back to how a terminal starts: end a cut-off sequence; screens,
# margins, modes, keyboard, mouse, cursor, charsets, colours, links, tab stops. Not RIS: that would throw
# away the person's own scrollback in many terminals.
_RESET = (
    b"\x18\x1b\\"
    b"\x1b[?2026l\x1b[?1049l\x1b[?1047l\x1b[!p"
    b"\x1b[?1;5;6;9;69;1000;1002;1003;1004;1005;1006;1007;1015;1016;2004l"
    b"\x1b[?7;25h\x1b[4;20l\x1b>\x1b[>4;0m\x1b[=0;1u\x1b[0 q"
    b"\x1b(B\x1b)B\x0f\x1b[r\x1b[m\x1b]8;;\x1b\\"
    b"\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\"
)
_CLEAR = b"\x1b[H\x1b[2J"


class Display:
    """Shows one window of a console.

    :param cols: width of the terminal, in cells.
    :param rows: its height.
    """

    def __init__(self, cols: int, rows: int) -> None:
        self.cols, self.rows = cols, rows
        self._filter = QueryFilter()
        self._screen: Screen | None = None
        self._origin = (0, 0)
        self._is_stale = False
        self._has_shown = False
        self._status = ""

    @property
    def is_fitted(self) -> bool:
        """Whether the console has another size than the terminal, so that :meth:`frame` draws."""
        return self._screen is not None

    def resize(self, cols: int, rows: int) -> None:
        """The terminal has a new size; what is shown is right again after the next keyframe."""
        self.cols, self.rows = cols, rows
        self._is_stale = True

    def keyframe(self, cols: int, rows: int, data: bytes) -> bytes:
        """Begin anew with a keyframe of a console of this size."""
        self._filter = QueryFilter()
        if self._screen is not None:
            self._screen.close()
            self._screen = None
        shown = self._begin()
        if (cols, rows) == (self.cols, self.rows):
            return shown + _RESET + self._tab_stops() + _CLEAR + self._filter.feed(data) + self._status_line()
        from termhub.screen import open_screen

        self._screen = open_screen(cols, rows, scrollback=0)
        self._screen.feed(data)
        self._origin = (0, 0)
        self._is_stale = True
        return shown + _RESET + _CLEAR + self.frame()

    def output(self, data: bytes) -> bytes:
        """The program wrote ``data``; when fitted it is only drawn by :meth:`frame`."""
        if self._screen is not None:
            self._screen.feed(data)
            return b""
        return self._filter.feed(data)

    def frame(self) -> bytes:
        """Draw what has changed of a fitted console; nothing otherwise."""
        screen = self._screen
        if screen is None:
            return b""
        origin = self._follow_cursor(screen)
        changed = set(screen.dirty_rows())
        if origin != self._origin or self._is_stale:
            changed = set(range(screen.rows))
        self._origin, self._is_stale = origin, False
        x, y = origin
        width, height = min(self.cols, screen.cols - x), min(self.rows, screen.rows - y)
        drawn = [b"\x1b[?2026h\x1b[?25l\x1b[?7l"]
        for row in range(y, y + height):
            if row in changed:
                drawn.append(b"\x1b[%d;1H" % (row - y + 1) + screen.row(row, x, width))
                if width < self.cols:
                    drawn.append(b"\x1b[m\x1b[K")
        drawn.append(self._note(screen, height))
        cursor = screen.cursor
        drawn.append(b"\x1b[?7h\x1b[m\x1b[%d;%dH" % (cursor.y - y + 1, cursor.x - x + 1))
        drawn.append(self._modes(screen))
        drawn.append(b"\x1b[?25h" if cursor.visible else b"\x1b[?25l")
        drawn.append(b"\x1b[?2026l" + self._status_line())
        return b"".join(drawn)

    def status(self, text: str) -> bytes:
        """Show ``text`` in the last row; an empty one takes it away.

        No output is lost under it: if the cursor is in the last row everything moves up by one
        first.  The screen is right again with the next keyframe.
        """
        before, self._status = self._status, text
        if text:
            return (b"" if before or self.is_fitted else b"\x18\x1bD\x1b[A") + self._status_line()
        if not before:
            return b""
        return b"\x18\x1b7\x1b[?6l\x1b[%d;1H\x1b[m\x1b[K\x1b8" % self.rows

    def leave(self) -> bytes:
        """Give the terminal back, the cursor below everything shown."""
        if not self._has_shown:
            return b""
        return _RESET + _RESTORE_TITLE + b"\x1b[%d;1H\r\n\x1b[K" % self.rows

    def _begin(self) -> bytes:
        if self._has_shown:
            return b""
        self._has_shown = True
        # What the person had on the screen moves up into the scrollback.
        return _SAVE_TITLE + b"\x1b[%d;1H" % self.rows + b"\n" * self.rows

    def _tab_stops(self) -> bytes:
        stops = b"".join(b"\x1b[%dG\x1bH" % column for column in range(9, self.cols + 1, 8))
        return b"\x1b[3g" + stops + b"\r"

    def _follow_cursor(self, screen: Screen) -> tuple[int, int]:
        def follow(origin: int, cursor: int, shown: int, size: int) -> int:
            origin = max(0, min(origin, size - shown))
            return cursor - shown + 1 if cursor >= origin + shown else min(origin, cursor)

        x = follow(self._origin[0], screen.cursor.x, self.cols, screen.cols)
        return x, follow(self._origin[1], screen.cursor.y, self.rows, screen.rows)

    def _note(self, screen: Screen, height: int) -> bytes:
        """Below a smaller console: why it is smaller."""
        if height >= self.rows:
            return b""
        text = f"[{screen.cols}x{screen.rows}: another viewer's size; type to make it yours]"
        return b"\x1b[m\x1b[%d;1H\x1b[J\x1b[2m" % (height + 1) + text[: self.cols].encode() + b"\x1b[m"

    def _modes(self, screen: Screen) -> bytes:
        """What the program asked of the keyboard; the mouse would report places of another size."""
        modes = screen.modes
        return b"".join(
            (
                b"\x1b[?1h" if modes.application_cursor_keys else b"\x1b[?1l",
                b"\x1b=" if modes.application_keypad else b"\x1b>",
                b"\x1b[?2004h" if modes.bracketed_paste else b"\x1b[?2004l",
            )
        )

    def _status_line(self) -> bytes:
        if not self._status:
            return b""
        text = f" {self._status} "[: self.cols].ljust(self.cols)
        # A cut-off sequence must not swallow it; autowrap off, so that nothing scrolls.
        return (
            b"\x18\x1b7\x1b[?7l\x1b[?6l\x1b[%d;1H\x1b[0;7m" % self.rows
            + text.encode()
            + b"\x1b[m\x1b8\x1b[?7h"
        )
