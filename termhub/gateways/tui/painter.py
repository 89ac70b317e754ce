"""Everything that is sent to the person's terminal: pictures, modes, title, bell, clipboard.

Pure: bytes come out, and whoever asks sends them, all of them, in order.
"""

from __future__ import annotations

import base64
import sys

import attrs

from termhub.gateways.tui.canvas import Canvas, CanvasCursor
from termhub.gateways.tui.drawer import Drawer
from termhub.gateways.tui.events import Report
from termhub.gateways.tui.scrolling import find_scroll
from termhub.gateways.tui.terminal import Terminal
from termhub.screen.interface import SHAPES, MouseTracking
from termhub.screen.runs import CONTROLS

SYNCHRONIZED = 2026
# So little arrives in one piece anyway.
_SMALL_BYTES = 120
_MOUSE_MODES: dict[MouseTracking, int] = {"x10": 1000, "normal": 1000, "button": 1002, "any": 1003}
_TITLE_CHARACTERS = 256


@attrs.frozen
class _Modes:
    mouse: MouseTracking = "off"
    bracketed_paste: bool = False
    focus: bool = False


class Painter:
    """Brings one terminal from what it shows to what it shall show.

    :ivar terminal: what it can do, as far as is known by now.
    :ivar is_unfinished: the last picture was cut off; painting again goes on with it.
    """

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.is_unfinished = False
        self._is_held = False  # synchronized: the terminal waits for the end of the picture
        self._drawer: Drawer | None = None
        self._modes = _Modes()
        self._is_cursor_visible = True
        self._shape = 0

    def begin(self) -> bytes:
        """Take the terminal over: alternate screen, own title, no wrapping; ask what it can do."""
        terminal = self.terminal
        out = bytearray()
        if terminal.title:
            out += b"\x1b[22;0t"
        if terminal.alternate_screen:
            out += b"\x1b[?1049h"
        out += b"\x1b[?7l"
        if terminal.queries:
            # What a terminal does not understand it may print: all is erased before the first picture.
            # It answers DA1 last, so that whoever waits knows that no more will come.
            out += b"\x1b[?%d$p\x1b[>q\x1b[c" % SYNCHRONIZED
        self._drawer = None
        return bytes(out)

    def end(self) -> bytes:
        """Give the terminal back as it was, the cursor below everything shown where there is one screen."""
        terminal, drawer = self.terminal, self._drawer
        out = bytearray(self._let_go() + self.set_modes(mouse="off", bracketed_paste=False, focus=False))
        if drawer is not None:
            out += drawer.leave()
        if self._shape:
            out += b"\x1b[0 q"
        if not self._is_cursor_visible:
            out += b"\x1b[?25h"
        out += b"\x1b[?7h"
        if terminal.alternate_screen:
            out += b"\x1b[?1049l"
        elif drawer is not None:
            out += b"\x1b[%d;1H\r\n" % drawer.rows
        if terminal.title:
            out += b"\x1b[23;0t"
        self._drawer, self._is_cursor_visible, self._shape = None, True, 0
        self.is_unfinished = False
        return bytes(out)

    def resized(self) -> None:
        """The terminal has another size, or may show anything: the next picture is drawn whole."""
        self._drawer = None

    def report(self, report: Report) -> bool:
        """Learn from an answer of the terminal.

        :returns: whether the next picture will be a better one, so that it is worth painting now.
        """
        terminal = self.terminal
        if report.kind == "mode" and report.numbers[:1] == (SYNCHRONIZED,):
            # 1 set, 2 reset: it knows the mode; 0, 3 and 4 say that it cannot be set.
            self.terminal = attrs.evolve(terminal, synchronized=report.numbers[1:] in ((1,), (2,)))
            return False
        if report.kind == "version":
            terminal = terminal.identified(report.text)
        if terminal == self.terminal:
            return False
        self.terminal, self._drawer = terminal, None
        return True

    def paint(self, canvas: Canvas, most_bytes: int | None = None) -> bytes:
        """The fewest bytes that make the terminal show ``canvas``; none when it does.

        :param most_bytes: the picture is cut off behind the row that goes beyond; see
            :attr:`is_unfinished`.
        """
        drawer = self._drawer
        if drawer is None or (drawer.cols, drawer.rows) != (canvas.cols, canvas.rows):
            drawer = self._drawer = Drawer(self.terminal, canvas.cols, canvas.rows)
            drawer.clear()
        self._draw(drawer, canvas, most_bytes)
        drawn = bytes(drawer.out)
        drawer.out.clear()
        if self.is_unfinished:
            return self._hold() + drawn
        was_visible = self._is_cursor_visible
        pointed = self._point(drawer, canvas.cursor)
        if self._is_held:
            return drawn + pointed + self._let_go()
        if len(drawn) <= _SMALL_BYTES:
            return drawn + pointed
        if self.terminal.synchronized:
            return b"\x1b[?%dh%s%s\x1b[?%dl" % (SYNCHRONIZED, drawn, pointed, SYNCHRONIZED)
        if self.terminal.cursor_hiding and was_visible and self._is_cursor_visible:
            # It would be seen running along.
            return b"\x1b[?25l" + drawn + pointed.removesuffix(b"\x1b[?25h") + b"\x1b[?25h"
        return drawn + pointed

    def set_modes(
        self,
        mouse: MouseTracking | None = None,
        bracketed_paste: bool | None = None,
        focus: bool | None = None,
    ) -> bytes:
        """Have the terminal report these; None: as before.

        :param mouse: which of its movements, always as SGR (1006) reports where it has them.
        """
        terminal, old = self.terminal, self._modes
        new = _Modes(
            mouse=(old.mouse if mouse is None else mouse) if terminal.mouse else "off",
            bracketed_paste=terminal.bracketed_paste
            and (old.bracketed_paste if bracketed_paste is None else bracketed_paste),
            focus=terminal.focus and (old.focus if focus is None else focus),
        )
        self._modes = new
        out = bytearray()
        before, after = _MOUSE_MODES.get(old.mouse), _MOUSE_MODES.get(new.mouse)
        if before != after:
            if before:
                out += b"\x1b[?%dl" % before
            # Also after another mode was reset: with that, some terminals turn off all of it.
            out += b"\x1b[?%d;1006h" % after if after else b"\x1b[?1006l"
        if old.bracketed_paste != new.bracketed_paste:
            out += b"\x1b[?2004h" if new.bracketed_paste else b"\x1b[?2004l"
        if old.focus != new.focus:
            out += b"\x1b[?1004h" if new.focus else b"\x1b[?1004l"
        return bytes(out)

    def title(self, text: str) -> bytes:
        """Set the title of the terminal's window."""
        if not self.terminal.title:
            return b""
        text = CONTROLS.sub(" ", text)[:_TITLE_CHARACTERS]
        data = text.encode() if self.terminal.utf8 else text.encode("ascii", "replace")
        return b"\x1b]2;%s\x07" % data

    def bell(self) -> bytes:
        """Ring."""
        return b"\x07"

    def clipboard(self, text: str) -> bytes:
        """Put a text into the clipboard of the person's device (OSC 52), where the terminal may do that."""
        if not self.terminal.clipboard:
            return b""
        return b"\x1b]52;c;%s\x07" % base64.b64encode(text.encode("utf-8", "replace"))

    def _hold(self) -> bytes:
        """Only a part of a picture follows."""
        if self.terminal.synchronized and not self._is_held:
            self._is_held = True
            return b"\x1b[?%dh" % SYNCHRONIZED
        if self.terminal.cursor_hiding and not self._is_held and self._is_cursor_visible:
            self._is_cursor_visible = False
            return b"\x1b[?25l"
        return b""

    def _let_go(self) -> bytes:
        """The picture is whole."""
        was_held, self._is_held = self._is_held, False
        return b"\x1b[?%dl" % SYNCHRONIZED if was_held else b""

    def _draw(self, drawer: Drawer, canvas: Canvas, most_bytes: int | None) -> None:
        texts, styles = canvas.texts, canvas.styles
        most = sys.maxsize if most_bytes is None else most_bytes
        goes_on, self.is_unfinished = self.is_unfinished, False
        changed = [
            y for y in range(canvas.rows) if texts[y] != drawer.texts[y] or styles[y] != drawer.styles[y]
        ]
        if len(changed) > 1 and self.terminal.scroll_region and not goes_on:
            shown, wanted = (drawer.texts, drawer.styles), (texts, styles)
            scroll = find_scroll(shown, wanted, changed, drawer.margins, canvas.moved)
            if scroll is not None:
                drawer.scroll(scroll, texts, styles, most)
                changed = list(range(canvas.rows))
        canvas.moved = 0
        for y in changed:
            if len(drawer.out) > most and drawer.differs(y, texts[y], styles[y]):
                self.is_unfinished = True
                return
            drawer.draw_row(y, texts[y], styles[y])
        drawer.keep(texts, styles)

    def _point(self, drawer: Drawer, cursor: CanvasCursor | None) -> bytes:
        """Place and show the cursor, or hide it."""
        hiding = self.terminal.cursor_hiding
        out = bytearray()
        is_visible = cursor is not None and cursor.visible
        if cursor is not None and is_visible:
            drawer.move(
                min(max(0, cursor.x), drawer.cols - 1),
                min(max(0, cursor.y), drawer.rows - 1),
            )
            shape = SHAPES.index((cursor.shape, cursor.blinking)) if cursor.shape != "default" else 0
            if shape != self._shape and self.terminal.cursor_shapes:
                self._shape = shape
                out += b"\x1b[%d q" % shape
        elif not hiding:
            # It has to stand somewhere.
            drawer.move(drawer.cols - 1, drawer.rows - 1)
        moved = bytes(drawer.out)
        drawer.out.clear()
        if hiding and is_visible != self._is_cursor_visible:
            self._is_cursor_visible = is_visible
            return b"%s%s%s" % (moved, out, b"\x1b[?25h" if is_visible else b"\x1b[?25l")
        return moved + bytes(out)
