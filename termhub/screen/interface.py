"""What every screen offers, whichever engine stands behind it.

A screen is a terminal without a window: program output in, replies and state out.  Coordinates
count from 0, columns and rows in cells.  The one invariant: nothing that is fed raises, however
broken, and feeding a stream in one piece or in any pieces gives the same screen.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from attrs import frozen

from termhub.screen.runs import Run

MIN_COLS, MAX_COLS = 2, 1000
MIN_ROWS, MAX_ROWS = 1, 500
SLICE_BYTES = 16 * 1024
CLIPBOARD_BYTES = 100_000
TEXT_CHARACTERS = 2048
# What programs are told: a name (XTVERSION), and a version that makes vim use SGR mouse reports.
TERMINAL_NAME = "termhub"
FIRMWARE_VERSION = 277
# Default colours (OSC 10 and 11), greys: a light text on a dark ground.
FOREGROUND_LEVEL, BACKGROUND_LEVEL = 0xD8, 0x1A

CursorShape = Literal["default", "block", "underline", "bar"]
MouseTracking = Literal["off", "x10", "normal", "button", "any"]
MouseEncoding = Literal["default", "utf8", "sgr", "urxvt", "sgr-pixels"]
EventType = Literal["bell", "title", "cwd", "prompt", "clipboard"]

# Shape and blinking by DECSCUSR parameter; names by DEC private mode, the strongest first.
SHAPES: tuple[tuple[CursorShape, bool], ...] = (
    ("default", False),
    ("block", True),
    ("block", False),
    ("underline", True),
    ("underline", False),
    ("bar", True),
    ("bar", False),
)
MOUSE: tuple[tuple[int, MouseTracking], ...] = ((1003, "any"), (1002, "button"), (1000, "normal"), (9, "x10"))
MOUSE_ENCODINGS: tuple[tuple[int, MouseEncoding], ...] = (
    (1016, "sgr-pixels"),
    (1006, "sgr"),
    (1015, "urxvt"),
    (1005, "utf8"),
)


@frozen
class Cursor:
    """Where the next character goes and how that place is shown.

    :param x: column from 0; stays on the last column while a wrap is pending.
    :param y: row from 0.
    :param shape: ``default`` until the program chooses one (DECSCUSR).
    :param pending_wrap: the last column was just written, the next character goes to the next row.
    """

    x: int
    y: int
    visible: bool = True
    shape: CursorShape = "default"
    blinking: bool = False
    pending_wrap: bool = False


@frozen
class Modes:
    """What the program asked of the terminal that a viewer must know (DEC private modes, xterm ctlseqs)."""

    application_cursor_keys: bool = False
    application_keypad: bool = False
    bracketed_paste: bool = False
    alternate_screen: bool = False
    alternate_scroll: bool = False
    mouse: MouseTracking = "off"
    mouse_encoding: MouseEncoding = "default"
    focus_events: bool = False
    insert: bool = False
    newline: bool = False
    origin: bool = False
    autowrap: bool = True
    reverse_video: bool = False
    synchronized_output: bool = False
    kitty_keyboard: int = 0


@frozen
class ScreenEvent:
    """Something the program told its terminal that is not on the screen.

    :param type: ``bell``; ``title`` (text); ``cwd`` (text: an absolute path, OSC 7);
        ``prompt`` (text: A, B, C or D, with the exit status of D where it was given, OSC 133);
        ``clipboard`` (selection and data, at most 100 kB, OSC 52; set only).
    """

    type: EventType
    text: str = ""
    exit_status: int | None = None
    selection: str = ""
    data: bytes = b""

    def fields(self) -> dict[str, str | int]:
        """The fields of this event's EVENT frame, as docs/protocol.md has them."""
        match self.type:
            case "title":
                return {"type": "title", "title": self.text}
            case "cwd":
                return {"type": "cwd", "cwd": self.text}
            case "prompt":
                status: dict[str, str | int] = {} if self.exit_status is None else {"exit": self.exit_status}
                return {"type": "prompt", "mark": self.text, **status}
            case "clipboard":
                data = base64.b64encode(self.data).decode("ascii")
                return {"type": "clipboard", "selection": self.selection, "data": data}
        return {"type": self.type}


@frozen
class TextRow:
    """The text of a row without blanks at its end, and whether the next row continues it."""

    text: str
    wraps: bool


class Screen(Protocol):
    """A terminal's state, fed with what a program writes."""

    @property
    def engine(self) -> str:
        """Which engine this is: ``ghostty`` or ``pyte``."""

    @property
    def cols(self) -> int:
        """Width in cells."""

    @property
    def rows(self) -> int:
        """Height in cells."""

    @property
    def cursor(self) -> Cursor:
        """Where the cursor is and how it looks."""

    @property
    def title(self) -> str:
        """What the program last set by OSC 0 or 2."""

    @property
    def cwd(self) -> str:
        """The working directory the program last told by OSC 7, or an empty string."""

    @property
    def modes(self) -> Modes:
        """The modes in force."""

    @property
    def on_alternate_screen(self) -> bool:
        """Whether the alternate screen is shown; ``modes`` says it too, but is dearer to ask."""

    @property
    def history_lines(self) -> int:
        """How many lines of scrollback there are; at most what the screen was opened with."""

    def feed(self, data: bytes) -> bytes:
        """Take the program's output.

        :returns: what a terminal answers to the queries in it (DA, DSR, DECRQM, …), for the PTY.
        """

    def resize(self, cols: int, rows: int) -> None:
        """Change the size; values beyond the limits are brought within them."""

    def keyframe(self, scrollback: int | None = None) -> bytes:
        """VT bytes that draw this screen on an empty terminal of the same size.

        :param scrollback: how many lines of history to include; None for all.
        :returns: UTF-8 and control sequences (ECMA-48, xterm ctlseqs).  A fresh terminal of the same
            engine that is fed them has the same text, attributes, screens, modes, margins and cursor,
            and goes on the same, even in the middle of a sequence.
        """

    def row(self, y: int, x: int = 0, width: int | None = None) -> bytes:
        """VT bytes that draw part of a row from wherever the other terminal's cursor is.

        Every one of the ``width`` cells is written and nothing beyond them, beginning and ending
        with default attributes.  A wide character cut by an edge is drawn as a space.  No cursor
        addressing, no erasing and nothing that depends on the terminal's kind but SGR and OSC 8.

        :param width: in cells; None for all up to the right edge.
        """

    def runs(self, rows: Iterable[int], x: int = 0, width: int | None = None) -> list[list[Run]]:
        """What stands in part of some rows, for a drawing; columns are counted from ``x``.

        A wide character cut by an edge becomes a blank; hyperlinks are left out.

        :param rows: ascending.
        :param width: in cells; None for all up to the right edge.
        """

    def freeze(self, scrollback: int) -> History:
        """This screen as it is now with up to ``scrollback`` lines of history, to be read at leisure.

        The alternate screen has no history.  ``ghostty`` needs about 25 ms for 10,000 lines of 80 cells,
        ``pyte`` less than 1 ms.
        """

    def dirty_rows(self) -> Sequence[int]:
        """The rows that may have changed since the last call, ascending; all of them at the first."""

    def text(self, scrollback: int = 0) -> list[str]:
        """The text without attributes: ``rows`` lines, before them up to ``scrollback`` of history.

        Blanks at the end of lines are left out.
        """

    def rows_to_cursor(self, count: int) -> list[TextRow]:
        """The row with the cursor, last, after up to ``count - 1`` rows above it, of the history too."""

    def events(self) -> list[ScreenEvent]:
        """What happened since the last call, oldest first; bounded, the newest win."""

    def close(self) -> None:
        """Free what the engine holds; the screen may not be used after."""


class History(Protocol):
    """A screen as it was at one moment, below the lines that had scrolled off it.

    Lines count from the oldest; the screen's rows are the last ``rows`` of them.
    """

    @property
    def cols(self) -> int:
        """Width in cells."""

    @property
    def rows(self) -> int:
        """Height of the screen in cells."""

    @property
    def history_lines(self) -> int:
        """How many lines there are before the screen."""

    def runs(self, lines: range, x: int = 0, width: int | None = None) -> list[list[Run]]:
        """What stands in part of some lines, as :meth:`Screen.runs` has it."""

    def text(self) -> list[str]:
        """All lines without attributes and without blanks at their ends."""

    def copy(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text from one cell to another, both ``(line, x)`` and included.

        Lines that wrapped are joined; blanks at the end of the others are left out.
        """

    def close(self) -> None:
        """Free what it holds; it may not be used after."""


def clamp_size(cols: int, rows: int) -> tuple[int, int]:
    """``cols`` and ``rows`` brought within what a screen can be."""
    return max(MIN_COLS, min(cols, MAX_COLS)), max(MIN_ROWS, min(rows, MAX_ROWS))


def shortened_repetition(count: int, cols: int, rows: int) -> int:
    """A count for REP that ends in the same screen and cursor as ``count``, and fills the screen once.

    Whole rows are taken off, so that the cursor ends in the same column; as every row then holds the same
    character, the screen ends the same too, with less of it in the history.
    """
    screen = cols * (rows + 1)
    # Narrow characters fill cols a row, wide ones half of that.
    whole_rows = math.lcm(cols, cols // 2)
    if count <= screen + whole_rows:
        return count
    return count - (count - screen) // whole_rows * whole_rows
