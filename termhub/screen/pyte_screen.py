"""The engine ``pyte``: pure Python, everywhere, unable to corrupt memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from termhub.screen.events import EventLog, PromptScanner, cwd_path
from termhub.screen.interface import (
    MOUSE,
    MOUSE_ENCODINGS,
    SHAPES,
    SLICE_BYTES,
    Cursor,
    Modes,
    ScreenEvent,
    TextRow,
    clamp_size,
)
from termhub.screen.pyte_cells import draw_cells
from termhub.screen.pyte_grid import AUTOWRAP, INSERT, NEWLINE, ORIGIN
from termhub.screen.pyte_history import PyteHistory, read_runs
from termhub.screen.pyte_keyframe import draw_keyframe
from termhub.screen.pyte_parser import PyteParser
from termhub.screen.pyte_terminal import CURSOR_VISIBLE, KEYPAD, PyteTerminal
from termhub.screen.runs import Run


class PyteScreen:
    """A screen over a subclass of pyte's."""

    engine = "pyte"

    def __init__(self, cols: int, rows: int, scrollback: int) -> None:
        self._log = EventLog()
        self._prompts = PromptScanner(self._log)
        self._terminal = PyteTerminal(cols, rows, scrollback, self._log)
        self._parser = PyteParser(self._terminal)
        self._grid = self._terminal.grid

    @property
    def cols(self) -> int:
        """Width in cells."""
        return self._grid.columns

    @property
    def rows(self) -> int:
        """Height in cells."""
        return self._grid.lines

    @property
    def cursor(self) -> Cursor:
        """Where the cursor is and how it looks."""
        grid = self._grid
        shape, blinking = SHAPES[self._terminal.cursor_shape]
        return Cursor(
            x=grid.column,
            y=grid.cursor.y,
            visible=CURSOR_VISIBLE in grid.private_modes,
            shape=shape,
            blinking=blinking,
            pending_wrap=grid.cursor.x >= grid.columns,
        )

    @property
    def title(self) -> str:
        """What the program last set by OSC 0 or 2."""
        return self._grid.title

    @property
    def cwd(self) -> str:
        """The working directory the program last told by OSC 7, or an empty string."""
        return cwd_path(self._terminal.cwd_uri)

    @property
    def modes(self) -> Modes:
        """The modes in force."""
        grid = self._grid
        on = grid.private_modes
        return Modes(
            application_cursor_keys=1 in on,
            application_keypad=KEYPAD in on,
            bracketed_paste=2004 in on,
            alternate_screen=grid.on_alternate,
            alternate_scroll=1007 in on,
            mouse=next((name for number, name in MOUSE if number in on), "off"),
            mouse_encoding=next((name for number, name in MOUSE_ENCODINGS if number in on), "default"),
            focus_events=1004 in on,
            insert=INSERT in grid.ansi_modes,
            newline=NEWLINE in grid.ansi_modes,
            origin=ORIGIN in on,
            autowrap=AUTOWRAP in on,
            reverse_video=5 in on,
            synchronized_output=2026 in on,
            kitty_keyboard=self._terminal.kitty[-1],
        )

    @property
    def on_alternate_screen(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._grid.on_alternate

    @property
    def history_lines(self) -> int:
        """How many lines of scrollback there are."""
        return len(self._grid.history)

    def feed(self, data: bytes) -> bytes:
        """Take the program's output; see :class:`~termhub.screen.interface.Screen`."""
        self._prompts.scan(data)
        for start in range(0, len(data), SLICE_BYTES):
            self._parser.feed(data[start : start + SLICE_BYTES])
        replies = self._terminal.replies
        if not replies:
            return b""
        answer = "".join(replies).encode("utf-8", "replace")
        replies.clear()
        return answer

    def resize(self, cols: int, rows: int) -> None:
        """Change the size; lines are cut, not wrapped anew."""
        cols, rows = clamp_size(cols, rows)
        self._grid.resize(rows, cols)

    def keyframe(self, scrollback: int | None = None) -> bytes:
        """VT bytes that draw this screen on an empty terminal of the same size."""
        wanted = len(self._grid.history) if scrollback is None else max(0, scrollback)
        return draw_keyframe(self._terminal, self._parser.unfinished, wanted)

    def row(self, y: int, x: int = 0, width: int | None = None) -> bytes:
        """VT bytes that draw part of a row; see :class:`~termhub.screen.interface.Screen`."""
        x = max(0, x)
        end = self.cols if width is None else min(self.cols, x + width)
        if not 0 <= y < self.rows or x >= end:
            return b""
        return b"\x1b[0m" + draw_cells(self._grid.buffer[y], x, end).encode("utf-8", "replace")

    def runs(self, rows: Iterable[int], x: int = 0, width: int | None = None) -> list[list[Run]]:
        """What stands in part of some rows; see :class:`~termhub.screen.interface.Screen`."""
        start = max(0, x)
        end = self.cols if width is None else min(self.cols, x + width)
        buffer = self._grid.buffer
        return [read_runs(buffer[y], start, end) if 0 <= y < len(buffer) else [] for y in rows]

    def freeze(self, scrollback: int) -> PyteHistory:
        """This screen as it is now; see :class:`~termhub.screen.interface.Screen`."""
        grid = self._grid
        # Rows of the history are not copied, as nothing is ever drawn on them again.
        wanted = 0 if grid.on_alternate else max(0, scrollback)
        first = max(0, len(grid.history) - wanted)
        lines = [*islice(grid.history, first, None), *(row.copy() for row in grid.buffer)]
        return PyteHistory(lines, self.cols, self.rows)

    def dirty_rows(self) -> Sequence[int]:
        """The rows that may have changed since the last call, ascending."""
        dirty = sorted(self._grid.dirty)
        self._grid.dirty.clear()
        return dirty

    def text(self, scrollback: int = 0) -> list[str]:
        """The text without attributes: up to ``scrollback`` lines of history, then ``rows`` lines."""
        grid = self._grid
        history = islice(grid.history, max(0, len(grid.history) - max(0, scrollback)), None)
        rows = [*history, *grid.buffer]
        return [row.text(grid.columns) for row in rows]

    def rows_to_cursor(self, count: int) -> list[TextRow]:
        """The row with the cursor and rows above it; see :class:`~termhub.screen.interface.Screen`."""
        grid = self._grid
        on_screen = grid.buffer[max(0, grid.cursor.y + 1 - max(count, 1)) : grid.cursor.y + 1]
        above = 0 if grid.on_alternate else min(count - len(on_screen), len(grid.history))
        history = islice(grid.history, len(grid.history) - above, None) if above > 0 else ()
        return [TextRow(row.text(grid.columns), row.wraps) for row in (*history, *on_screen)]

    def events(self) -> list[ScreenEvent]:
        """What happened since the last call, oldest first."""
        return self._log.take()

    def close(self) -> None:
        """Forget the history; nothing else is held."""
        self._grid.history.clear()
