"""The engine ``ghostty``: libghostty-vt behind the Screen interface.

Memory is bounded by lines and by bytes of history.  Output is filtered (ghostty_filter) and fed in
slices, so that no slice costs more than some milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from termhub.screen.events import EventLog, PromptScanner, cwd_path
from termhub.screen.ghostty_cells import PLAIN, RowWriter
from termhub.screen.ghostty_filter import OutputFilter
from termhub.screen.ghostty_history import GhosttyHistory
from termhub.screen.ghostty_keyframe import LAST_OUTPUT_BYTES, cursor_shape_number, draw_keyframe
from termhub.screen.ghostty_runs import read_rows
from termhub.screen.ghostty_terminal import GhosttyError, RenderState, Terminal, ffi, lib
from termhub.screen.ghostty_types import as_callback, new, typed
from termhub.screen.interface import (
    BACKGROUND_LEVEL,
    CLIPBOARD_BYTES,
    FIRMWARE_VERSION,
    FOREGROUND_LEVEL,
    MOUSE,
    MOUSE_ENCODINGS,
    SHAPES,
    SLICE_BYTES,
    TERMINAL_NAME,
    TEXT_CHARACTERS,
    Cursor,
    Modes,
    ScreenEvent,
    TextRow,
    clamp_size,
)
from termhub.screen.runs import Run

# History is limited by bytes, not by lines: only then does the library fill the page it drops
# first anew; else it gives the memory back and faults it in again, at four times the CPU.
CELL_BYTES, ROW_BYTES = 8, 128
LEAST_HISTORY_BYTES = 2 * 1024 * 1024
ANY_NUMBER_OF_LINES = 1 << 40
UNFINISHED_BYTES = 1024 * 1024

SELECTIONS = {
    lib.GHOSTTY_CLIPBOARD_LOCATION_STANDARD: "c",
    lib.GHOSTTY_CLIPBOARD_LOCATION_SELECTION: "s",
    lib.GHOSTTY_CLIPBOARD_LOCATION_PRIMARY: "p",
}


class _Callbacks:
    """What the terminal calls back for, and where it goes.

    Holds no terminal, so that no cycle keeps one alive.
    """

    def __init__(self, log: EventLog, cols: int, rows: int) -> None:
        self.replies: list[bytes] = []
        self.size = cols, rows
        self.title_changed = self.cwd_changed = False
        self._log = log
        self._name = ffi.new("char[]", TERMINAL_NAME.encode("ascii"))
        self._kept = [
            ("WRITE_PTY", as_callback("GhosttyTerminalWritePtyFn", self._reply)),
            ("DEVICE_ATTRIBUTES", as_callback("GhosttyTerminalDeviceAttributesFn", self._attributes)),
            ("XTVERSION", as_callback("GhosttyTerminalXtversionFn", self._version)),
            ("SIZE", as_callback("GhosttyTerminalSizeFn", self._report_size)),
            ("BELL", as_callback("GhosttyTerminalBellFn", self._bell)),
            ("TITLE_CHANGED", as_callback("GhosttyTerminalTitleChangedFn", self._title)),
            ("PWD_CHANGED", as_callback("GhosttyTerminalPwdChangedFn", self._cwd)),
            ("CLIPBOARD_WRITE", as_callback("GhosttyTerminalClipboardWriteFn", self._clipboard)),
        ]

    def register(self, terminal: Terminal) -> None:
        for name, callback in self._kept:
            terminal.set(name, callback)

    def _reply(self, _terminal: Any, _userdata: Any, data: Any, length: int) -> None:
        self.replies.append(bytes(ffi.buffer(data, length)))

    def _attributes(self, _terminal: Any, _userdata: Any, out: Any) -> bool:
        """A VT220 with colour, as what xterm.js can do; every field is set, as the memory is not.

        Calling oneself a VT420 (41) makes tmux use left and right margins, which xterm.js lacks.
        """
        out.primary.conformance_level = 62
        out.primary.num_features = 1
        out.primary.features[0] = 22
        out.secondary.device_type = 1
        out.secondary.firmware_version = FIRMWARE_VERSION
        out.secondary.rom_cartridge = 0
        out.tertiary.unit_id = 0
        return True

    def _version(self, _terminal: Any, _userdata: Any) -> Any:
        return new("GhosttyString*", (ffi.cast(typed("uint8_t*"), self._name), len(TERMINAL_NAME)))[0]

    def _report_size(self, _terminal: Any, _userdata: Any, out: Any) -> bool:
        out.columns, out.rows = self.size
        out.cell_width, out.cell_height = 8, 16
        return True

    def _bell(self, _terminal: Any, _userdata: Any) -> None:
        self._log.bell()

    def _title(self, _terminal: Any, _userdata: Any) -> None:
        self.title_changed = True

    def _cwd(self, _terminal: Any, _userdata: Any) -> None:
        self.cwd_changed = True

    def _clipboard(self, _terminal: Any, _userdata: Any, write: Any) -> None:
        for index in range(write.contents_len):
            data = write.contents[index].data
            if data.len <= CLIPBOARD_BYTES:
                selection = SELECTIONS.get(write.location, "c")
                self._log.clipboard(selection, bytes(ffi.buffer(data.ptr, data.len)) if data.len else b"")
            break


class GhosttyScreen:
    """A screen over one libghostty-vt terminal."""

    engine = "ghostty"

    def __init__(self, cols: int, rows: int, scrollback: int) -> None:
        self._log = EventLog()
        self._prompts = PromptScanner(self._log)
        self._callbacks = _Callbacks(self._log, cols, rows)
        self._scrollback = scrollback
        self._cols, self._rows = cols, rows
        self._filter = OutputFilter(cols, rows)
        self._last_output = b""
        self._dirty: set[int] = set(range(rows))
        self._terminal = terminal = Terminal(cols, rows)
        terminal.set_size_limit("SCROLLBACK_MAX_LINES", ANY_NUMBER_OF_LINES if scrollback else 0)
        self._limit_history()
        terminal.set_size_limit("CONTINUATION_MAX_BYTES", UNFINISHED_BYTES)
        terminal.set_size_limit("CLIPBOARD_WRITE_MAX_BYTES", CLIPBOARD_BYTES)
        terminal.set("KITTY_IMAGE_STORAGE_LIMIT", new("uint64_t*", 0))
        for name, level in (("FOREGROUND", FOREGROUND_LEVEL), ("BACKGROUND", BACKGROUND_LEVEL)):
            terminal.set("COLOR_" + name, new("GhosttyColorRgb*", [level, level, level]))
        # No program can ask for a hollow block, so it stands for "none chosen".
        hollow = lib.GHOSTTY_TERMINAL_CURSOR_STYLE_BLOCK_HOLLOW
        terminal.set("DEFAULT_CURSOR_STYLE", new("GhosttyTerminalCursorStyle*", hollow))
        self._callbacks.register(terminal)
        self._render = RenderState()

    @property
    def cols(self) -> int:
        """Width in cells."""
        return self._cols

    @property
    def rows(self) -> int:
        """Height in cells."""
        return self._rows

    @property
    def cursor(self) -> Cursor:
        """Where the cursor is and how it looks."""
        terminal = self._terminal
        self._refresh()
        shape, blinking = SHAPES[cursor_shape_number(*self._render.cursor_shape())]
        return Cursor(
            x=int(terminal.get("CURSOR_X")),
            y=int(terminal.get("CURSOR_Y")),
            visible=terminal.mode(25),
            shape=shape,
            blinking=blinking,
            pending_wrap=bool(terminal.get("CURSOR_PENDING_WRAP", "bool")),
        )

    @property
    def title(self) -> str:
        """What the program last set by OSC 0 or 2."""
        return self._terminal.string("TITLE").decode("utf-8", "replace")[:TEXT_CHARACTERS]

    @property
    def cwd(self) -> str:
        """The working directory the program last told by OSC 7, or an empty string."""
        return cwd_path(self._terminal.string("PWD").decode("utf-8", "replace"))[:TEXT_CHARACTERS]

    @property
    def modes(self) -> Modes:
        """The modes in force."""
        on = self._terminal.mode
        return Modes(
            application_cursor_keys=on(1),
            application_keypad=on(66),
            bracketed_paste=on(2004),
            alternate_screen=self._terminal.on_alternate_screen,
            alternate_scroll=on(1007),
            mouse=next((name for number, name in MOUSE if on(number)), "off"),
            mouse_encoding=next((name for number, name in MOUSE_ENCODINGS if on(number)), "default"),
            focus_events=on(1004),
            insert=on(4, ansi=True),
            newline=on(20, ansi=True),
            origin=on(6),
            autowrap=on(7),
            reverse_video=on(5),
            synchronized_output=on(2026),
            kitty_keyboard=int(self._terminal.get("KITTY_KEYBOARD_FLAGS", "uint8_t")),
        )

    @property
    def on_alternate_screen(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._terminal.on_alternate_screen

    @property
    def history_lines(self) -> int:
        """How many lines of scrollback there are."""
        return min(self._scrollback, self._terminal.history_rows)

    def feed(self, data: bytes) -> bytes:
        """Take the program's output; see :class:`~termhub.screen.interface.Screen`."""
        self._prompts.scan(data)
        if len(data) <= SLICE_BYTES:
            self._feed_slice(data)
        else:
            for start in range(0, len(data), SLICE_BYTES):
                self._feed_slice(data[start : start + SLICE_BYTES])
        callbacks = self._callbacks
        if callbacks.title_changed:
            callbacks.title_changed = False
            self._log.title(self.title)
        if callbacks.cwd_changed:
            callbacks.cwd_changed = False
            if self.cwd:
                self._log.cwd(self.cwd)
        if not callbacks.replies:
            return b""
        replies = b"".join(map(self._filter.reply, callbacks.replies))
        callbacks.replies.clear()
        return replies

    def resize(self, cols: int, rows: int) -> None:
        """Change the size; the primary screen's lines are wrapped anew."""
        self._cols, self._rows = size = clamp_size(cols, rows)
        self._callbacks.size = self._filter.size = size
        self._limit_history()
        self._terminal.resize(self._cols, self._rows)
        self._last_output = b""
        self._dirty = set(range(self._rows))

    def keyframe(self, scrollback: int | None = None) -> bytes:
        """VT bytes that draw this screen on an empty terminal of the same size."""
        self._refresh()
        wanted = self._scrollback if scrollback is None else max(0, min(scrollback, self._scrollback))
        keyframe = draw_keyframe(
            self._terminal, self._render, wanted, self._last_output, saved_cursor=self._filter.saved_cursor
        )
        return keyframe + self._filter.held

    def row(self, y: int, x: int = 0, width: int | None = None) -> bytes:
        """VT bytes that draw part of a row; see :class:`~termhub.screen.interface.Screen`."""
        x = max(0, x)
        end = self._cols if width is None else min(self._cols, x + width)
        self._refresh()
        writer = RowWriter(self._terminal, self._render, keep_blanks=False)
        for number, cells in self._render.rows():
            if number == y and x < end:
                return PLAIN.encode("ascii") + writer.write(y, cells, x, end)
        return b""

    def runs(self, rows: Iterable[int], x: int = 0, width: int | None = None) -> list[list[Run]]:
        """What stands in part of some rows; see :class:`~termhub.screen.interface.Screen`."""
        self._refresh()
        start = max(0, x)
        end = self._cols if width is None else min(self._cols, x + width)
        return read_rows(self._render, list(rows), start, end)

    def freeze(self, scrollback: int) -> GhosttyHistory:
        """This screen as it is now; see :class:`~termhub.screen.interface.Screen`."""
        lines = max(0, min(scrollback, self.history_lines))
        try:
            terminal = self._terminal.copy(lines)
        except GhosttyError:
            terminal = Terminal(self._cols, self._rows)
            terminal.set_size_limit("SCROLLBACK_MAX_LINES", ANY_NUMBER_OF_LINES if lines else 0)
            terminal.set_size_limit("SCROLLBACK_MAX_BYTES", self._most_history_bytes)
            terminal.write(self.keyframe(lines))
        return GhosttyHistory(terminal, self._cols, self._rows, lines)

    def dirty_rows(self) -> Sequence[int]:
        """The rows that may have changed since the last call, ascending."""
        self._refresh()
        dirty, self._dirty = self._dirty, set()
        return sorted(dirty)

    def text(self, scrollback: int = 0) -> list[str]:
        """The text without attributes: up to ``scrollback`` lines of history, then ``rows`` lines."""
        history = self._terminal.history_rows
        lines = max(0, min(scrollback, self.history_lines))
        last = history + self._rows - 1
        selection = self._terminal.selection(0, history - lines, self._cols - 1, last, in_history=True)
        text = self._terminal.format(selection, plain=True).decode("utf-8", "replace")
        found = [line.rstrip() for line in text.split("\n")]
        return found + [""] * (lines + self._rows - len(found))

    def rows_to_cursor(self, count: int) -> list[TextRow]:
        """The row with the cursor and rows above it; see :class:`~termhub.screen.interface.Screen`."""
        terminal = self._terminal
        last = terminal.history_rows + int(terminal.get("CURSOR_Y"))
        first = max(last + 1 - max(count, 1), terminal.history_rows - self.history_lines, 0)
        selection = terminal.selection(0, first, self._cols - 1, last, in_history=True)
        text = terminal.format(selection, plain=True).decode("utf-8", "replace").split("\n")
        text += [""] * (last + 1 - first - len(text))
        return [TextRow(line.rstrip(), terminal.wraps(row)) for row, line in enumerate(text, first)]

    def events(self) -> list[ScreenEvent]:
        """What happened since the last call, oldest first."""
        return self._log.take()

    def close(self) -> None:
        """Free the terminal; the screen may not be used after."""
        self._render.close()
        self._terminal.close()

    def _limit_history(self) -> None:
        """Allow a quarter more than plain lines of this width need."""
        self._terminal.set_size_limit("SCROLLBACK_MAX_BYTES", self._most_history_bytes)

    @property
    def _most_history_bytes(self) -> int:
        wanted = self._scrollback * (self._cols * CELL_BYTES + ROW_BYTES) * 5 // 4
        return max(wanted, LEAST_HISTORY_BYTES)

    def _feed_slice(self, data: bytes) -> None:
        terminal = self._terminal
        data = self._filter.filter(data)
        terminal.write(data)
        self._last_output = (self._last_output + data)[-LAST_OUTPUT_BYTES:]
        # ?40h ?3h make a terminal switch to 132 columns by itself.
        if terminal.get("COLS") != self._cols:
            terminal.resize(self._cols, self._rows)

    def _refresh(self) -> None:
        """Bring the render state up to date and remember which rows it says have changed."""
        changed = self._render.update(self._terminal)
        if changed == lib.GHOSTTY_RENDER_STATE_DIRTY_FULL:
            self._dirty.update(range(self._rows))
        elif changed:
            self._dirty.update(self._render.dirty_rows())
        if changed:
            self._render.clean()
