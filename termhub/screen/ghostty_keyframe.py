"""A libghostty-vt terminal as the bytes that draw it on an empty one.

The C formatter alone draws only the active screen, and loses the primary screen under an alternate
one, trailing blank rows, rows of background colour only, hyperlinks, saved cursors, title, cursor
shape and changed colours.  So: its text of the primary screen, wrongly drawn rows over that, then the
alternate screen row by row, then all other state.  What can only be read by disturbing it is read
from a copy.
"""

from __future__ import annotations

import re
from typing import Any

from termhub.screen.ghostty_cells import RowWriter, fills_end, has_text, needs_repair, used_cells
from termhub.screen.ghostty_terminal import (
    NOT_EMPTY,
    SPACER_HEAD,
    SPACER_TAIL,
    WIDE_SHIFT,
    GhosttyError,
    RenderState,
    Terminal,
    check,
    ffi,
    lib,
)

MODE = re.compile(rb"\x1b\[(\??)(\d+)([hl])")
MARGINS = re.compile(rb"\x1b\[(\d+);(\d+)r")
LEFT_RIGHT_MARGINS = re.compile(rb"\x1b\[(\d+);(\d+)s")
BLANK_HISTORY_ROWS = 100
LAST_OUTPUT_BYTES = 64
# Output that ends in text: its last sequence is complete and something printable comes last.
TEXT_AT_END = re.compile(
    rb"(?:\A[^\x1b]*"
    rb"|\x1b(?:\[[0-?]*[ -/]*[@-~]|[ -/]+[0-~]|[0-OQ-WYZ\\`-~]|\][^\x1b\x07]*\x07)[^\x1b]*"
    rb")[!-~\x80-\xff]\Z"
)
PEN = {"style": True, "charsets": True}
NO_SAVED_CURSOR = (b"\x1b[1;1H", b"\x1b[1;1H\x1b[0m")
RESET_PEN = b"\x0f\x1b(B\x1b)B\x1b[0m"
# Modes set some other way, at the end, or not at all: they would change how the rest is drawn
# (4 insert, ?6 origin, ?7 wrap, ?69 margins), are screens and saved cursors (?47, ?104x), resize (?3),
# or stand between a program and its own terminal only (?2026 synchronised output, ?2048 size reports).
LEFT_RIGHT_MARGIN_MODE = (True, 69)
LATE_MODES = {(False, 4), (True, 7), (True, 12)}
SKIPPED_MODES = {(True, n) for n in (3, 6, 47, 1047, 1048, 1049, 2026, 2048)}


def draw_keyframe(
    terminal: Terminal, render: RenderState, scrollback: int, last_output: bytes, *, saved_cursor: bool = True
) -> bytes:
    """The keyframe of ``terminal``, with at most ``scrollback`` lines of its history.

    :param render: the terminal's own render state; brought up to date, its marks are left alone.
    :param last_output: the last bytes that were fed, at least :data:`LAST_OUTPUT_BYTES` where there are.
    :param saved_cursor: whether there may be a saved cursor.
    """
    return _Keyframe(terminal, render, scrollback).draw(last_output, saved_cursor)


class _Keyframe:
    def __init__(self, terminal: Terminal, render: RenderState, scrollback: int) -> None:
        self._terminal, self._render, self._scrollback = terminal, render, scrollback
        self._cols, self._rows = int(terminal.get("COLS")), int(terminal.get("ROWS"))
        self._corner = terminal.selection(0, 0, 0, 0)
        self._corner_text = terminal.format(self._corner)

    def draw(self, last_output: bytes, saved_cursor: bool) -> bytes:
        terminal = self._terminal
        out = [self._tab_stops()]
        if terminal.on_alternate_screen:
            out += self._both_screens()
        else:
            out += _content(terminal, self._render, self._scrollback)
            if saved_cursor:
                out.append(self._saved_cursor_of_active_screen())
        out += [
            _changed_colors(terminal),
            # Always a title and a visible cursor: a reset xterm.js keeps the old title and stays hidden.
            b"\x1b]2;" + terminal.string("TITLE") + b"\x1b\\",
        ]
        cwd = terminal.string("PWD")
        if cwd:
            out.append(b"\x1b]7;" + cwd + b"\x1b\\")
        early, late = self._modes()
        out.append(early)
        out.append(self._margins_and_cursor())
        out.append(
            self._extra(style=True, charsets=True, kitty_keyboard=True, hyperlink=True, protection=True)
        )
        out.append(self._cursor_shape())
        out.append(b"\x1b[?25h" if terminal.mode(25) else b"\x1b[?25l")
        out.append(late)
        if TEXT_AT_END.search(last_output):
            out.append(self._last_character(last_output))
        out.append(terminal.continuation())
        return b"".join(out)

    def _last_character(self, last_output: bytes) -> bytes:
        """The last character once more, in its place, for a REP or a combining character that follows."""
        terminal = self._terminal
        printed = last_output[-4:].decode("utf-8", "ignore")[-1:]
        # Moving left goes wrong in xterm.js in origin mode.
        if terminal.mode(4, ansi=True) or terminal.mode(6) or not terminal.mode(7):
            return b""
        if not terminal.get("VT_GROUND", "bool"):
            return b""
        wrap_pending = bool(terminal.get("CURSOR_PENDING_WRAP", "bool"))
        x, y = int(terminal.get("CURSOR_X")) - (not wrap_pending), int(terminal.get("CURSOR_Y"))
        if x < 0:
            return b""
        is_wide = terminal.cell(x, y) >> WIDE_SHIFT & 3 == SPACER_TAIL
        text = terminal.characters(x - is_wide, y)
        if not printed or not text.endswith(printed):
            return b""
        return (
            (b"\x1b[C" if wrap_pending else b"\x1b[D") + b"\x1b[D" * is_wide + text.encode("utf-8", "replace")
        )

    def _extra(self, **extras: bool) -> bytes:
        """What the formatter adds behind the text for these extras."""
        return self._terminal.format(self._corner, **extras)[len(self._corner_text) :]

    def _extra_before(self, **extras: bool) -> bytes:
        """What the formatter adds in front of the text for these extras."""
        text = self._terminal.format(self._corner, **extras)
        return text[: len(text) - len(self._corner_text)]

    def _tab_stops(self) -> bytes:
        stops = self._extra_before(tabstops=True)
        default = b"".join(b"\x1b[%dG\x1bH" % (x + 1) for x in range(8, self._cols, 8))
        return b"" if stops == b"\x1b[3g" + default + b"\x1b[H" else stops

    def _both_screens(self) -> list[bytes]:
        """The primary screen, the switch, the alternate screen, and the saved cursor of each."""
        terminal = self._terminal
        kind = 1049 if terminal.mode(1049) else 1047 if terminal.mode(1047) else 47
        try:
            primary = terminal.copy(self._scrollback)
        except GhosttyError:
            return [b"\x1b[?%dh" % kind + RESET_PEN, _positioned_rows(terminal, self._render)]
        render = RenderState()
        try:
            saved_alternate = _saved_cursor(primary)
            primary.write(b"\x18\x1b[?47l")
            out = _content(primary, render, self._scrollback)
            saved_primary = _saved_cursor(primary)
        finally:
            render.close()
            primary.close()
        # ?1049 saves the cursor as it switches; the others do not, but there may be a saved one.
        save = b"" if kind == 1049 else b"\x1b7"
        out.append(saved_primary + save + b"\x1b[?%dh\x1b[?6l" % kind + RESET_PEN)
        out.append(_positioned_rows(terminal, self._render))
        out.append(_save_cursor(saved_alternate))
        return out

    def _saved_cursor_of_active_screen(self) -> bytes:
        try:
            copy = self._terminal.copy()
        except GhosttyError:
            return b""
        try:
            return _save_cursor(_saved_cursor(copy))
        finally:
            copy.close()

    def _modes(self) -> tuple[bytes, bytes]:
        early, late = [], []
        for private, number, on in MODE.findall(self._extra_before(modes=True)):
            mode = (bool(private), int(number))
            if mode in LATE_MODES:
                late.append(b"\x1b[" + private + number + on)
            elif mode not in SKIPPED_MODES and mode != (True, 25):
                early.append(b"\x1b[" + private + number + on)
        return b"".join(early), b"".join(late)

    def _margins_and_cursor(self) -> bytes:
        terminal = self._terminal
        region = self._extra(scrolling_region=True, keyboard=True)
        if not terminal.mode(6):
            return region + self._extra(cursor=True) + self._pending_wrap_on_blank()
        vertical, horizontal = MARGINS.search(region), LEFT_RIGHT_MARGINS.search(region)
        top = int(vertical[1]) - 1 if vertical else 0
        left = int(horizontal[1]) - 1 if horizontal else 0
        x, y = terminal.get("CURSOR_X"), terminal.get("CURSOR_Y")
        return region + b"\x1b[?6h\x1b[%d;%dH" % (y - top + 1, x - left + 1)

    def _pending_wrap_on_blank(self) -> bytes:
        """A wrap is brought back by writing the last cell again; a reflow can leave that one empty."""
        terminal = self._terminal
        if not terminal.get("CURSOR_PENDING_WRAP", "bool"):
            return b""
        empty = not terminal.cell(terminal.get("CURSOR_X"), terminal.get("CURSOR_Y")) & NOT_EMPTY
        return b"\x1b[0m " if empty else b""

    def _cursor_shape(self) -> bytes:
        self._render.update(self._terminal)
        number = cursor_shape_number(*self._render.cursor_shape())
        return b"\x1b[%d q" % number if number else b""


def cursor_shape_number(style: int, blinking: bool) -> int:
    """The DECSCUSR parameter of a visual style; 0 when the program has chosen none."""
    number = {
        lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_BLOCK: 2,
        lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_UNDERLINE: 4,
        lib.GHOSTTY_RENDER_STATE_CURSOR_VISUAL_STYLE_BAR: 6,
    }.get(style, 0)
    return number - blinking if number else 0


def _content(terminal: Terminal, render: RenderState, scrollback: int) -> list[bytes]:
    """History and rows of the active screen."""
    return [*_history(terminal, scrollback), *_active_rows(terminal, render)]


def _history(terminal: Terminal, scrollback: int) -> list[bytes]:
    """The last rows of history, pushed out at the top; the screen is empty after."""
    cols, rows, history = int(terminal.get("COLS")), int(terminal.get("ROWS")), terminal.history_rows
    wanted = min(history, scrollback)
    if not wanted:
        return []
    # With an empty cell before a wrapped wide character the formatter would take that one, too.
    last = cols - 1
    if terminal.cell(last, history - 1, in_history=True) >> WIDE_SHIFT & 3 == SPACER_HEAD:
        last -= 1
    selection = terminal.selection(0, history - wanted, last, history - 1, in_history=True)
    text = terminal.format(selection, unwrap=True)
    # The formatter leaves out blank rows at the end.
    looked_at = min(wanted, BLANK_HISTORY_ROWS)
    end = terminal.selection(0, history - looked_at, last, history - 1, in_history=True)
    plain = terminal.format(end, plain=True)
    # One row is there before anything is written.
    written = plain.count(b"\n") + 1 if plain or not text else 0
    return [text, b"\x1b[0m", b"\r\n" * (looked_at - written + rows), b"\x1b[H"]


def _active_rows(terminal: Terminal, render: RenderState) -> list[bytes]:
    """The rows of the active screen, drawn on an empty one, with its soft wraps where they can be had."""
    cols, rows = int(terminal.get("COLS")), int(terminal.get("ROWS"))
    render.update(terminal)
    writer = RowWriter(terminal, render, keep_blanks=True)
    repairs = []
    wraps, keeps_wraps = False, True
    for y, cells in render.rows():
        used = used_cells(cells)
        # Rows joined at a soft wrap come apart where they were only when text fills them up to it.
        if wraps and not has_text(cells):
            keeps_wraps = False
        wraps = render.row_wraps()
        if wraps and not fills_end(cells):
            keeps_wraps = False
        if needs_repair(cells):
            row = writer.write(y, cells, 0, used)
            repairs.append(b"\x1b[%dH\x1b[0m\x1b[%dX" % (y + 1, cols) + row)
    if not keeps_wraps:
        return [_positioned_rows(terminal, render)]
    return [terminal.format(terminal.selection(0, 0, cols - 1, rows - 1), unwrap=True), *repairs]


def _positioned_rows(terminal: Terminal, render: RenderState) -> bytes:
    """The rows of the active screen, each in its place, without soft wraps."""
    render.update(terminal)
    writer = RowWriter(terminal, render, keep_blanks=True)
    out = []
    for y, cells in render.rows():
        row = writer.write(y, cells, 0, used_cells(cells))
        if row:
            out.append(b"\x1b[%dH" % (y + 1) + row)
    return b"".join(out)


def _saved_cursor(copy: Terminal) -> bytes:
    """Bring another terminal's cursor to where DECRC brings the copy's (which this does), pen and all."""
    copy.write(b"\x18\x1b8")
    corner = copy.selection(0, 0, 0, 0)
    text = copy.format(corner)
    origin = b"\x1b[?6h" if copy.mode(6) else b""
    place = copy.format(corner, cursor=True)[len(text) :]
    return origin + place + copy.format(corner, **PEN)[len(text) :]


def _save_cursor(cursor: bytes) -> bytes:
    if cursor in NO_SAVED_CURSOR:
        return b""
    return cursor + b"\x1b7\x1b[?6l" + RESET_PEN


def _changed_colors(terminal: Terminal) -> bytes:
    """OSC 4 for palette entries and OSC 10 to 12 for colours that differ from the defaults."""
    out = []
    now, default = ffi.new("GhosttyColorRgb[256]"), ffi.new("GhosttyColorRgb[256]")
    handle = terminal.handle
    check(lib.ghostty_terminal_get(handle, lib.GHOSTTY_TERMINAL_DATA_COLOR_PALETTE, now), "palette")
    check(
        lib.ghostty_terminal_get(handle, lib.GHOSTTY_TERMINAL_DATA_COLOR_PALETTE_DEFAULT, default), "palette"
    )
    if bytes(ffi.buffer(now)) != bytes(ffi.buffer(default)):
        out += [
            f"\x1b]4;{index};{_rgb(now[index])}\x1b\\"
            for index in range(256)
            if _rgb(now[index]) != _rgb(default[index])
        ]
    for name, number in (("FOREGROUND", 10), ("BACKGROUND", 11), ("CURSOR", 12)):
        color = terminal.get("COLOR_" + name, "GhosttyColorRgb")
        unchanged = terminal.get(f"COLOR_{name}_DEFAULT", "GhosttyColorRgb")
        if color is not None and (unchanged is None or _rgb(color) != _rgb(unchanged)):
            out.append(f"\x1b]{number};{_rgb(color)}\x1b\\")
    return "".join(out).encode("ascii")


def _rgb(color: Any) -> str:
    return f"rgb:{color.r:02x}/{color.g:02x}/{color.b:02x}"
