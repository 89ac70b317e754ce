"""A screen of the pure-Python engine as the bytes that draw it on an empty terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from termhub.screen.pyte_cells import DEFAULT_STYLE, Row, draw_cells, sgr
from termhub.screen.pyte_cursor import CursorGrid
from termhub.screen.pyte_grid import AUTOWRAP, INSERT, NEWLINE, ORIGIN, SavedCursor
from termhub.screen.pyte_terminal import CURSOR_VISIBLE, KEYPAD, PyteTerminal

RESET_PEN = "\x1b[0m\x0f\x1b(B\x1b)B"
INITIAL_MODES = {AUTOWRAP, CURSOR_VISIBLE, 1007}
# Set in another way or at the end, or of no concern to another terminal (synchronised output).
SKIPPED_MODES = {ORIGIN, AUTOWRAP, CURSOR_VISIBLE, KEYPAD, 2026, 12}


def draw_keyframe(terminal: PyteTerminal, unfinished: bytes, scrollback: int) -> bytes:
    """The keyframe of ``terminal``, with at most ``scrollback`` lines of its history.

    :param unfinished: the beginning of a sequence that the parser holds.
    """
    grid = terminal.grid
    primary = grid.primary.buffer if grid.primary else grid.buffer
    history = list(islice(grid.history, max(0, len(grid.history) - scrollback), None))
    out = [_rows(history + primary, grid.columns)]
    if grid.tabstops != set(range(8, grid.columns, 8)):
        stops = sorted(x for x in grid.tabstops if x < grid.columns)
        out.append("\x1b[3g" + "".join(f"\x1b[{x + 1}G\x1bH" for x in stops))
    if grid.primary:
        saved = grid.saved.get(False)
        if saved:
            out.append(_save_cursor(grid, primary, saved, save=grid.primary.mode != 1049))
        else:
            out.append("\x1b[H")
        out.append(f"\x1b[?{grid.primary.mode}h{RESET_PEN}")
        for y in range(grid.lines):
            row = grid.buffer[y]
            if not row.is_empty:
                out.append(f"\x1b[{y + 1}H" + _row(row, grid.columns))
    saved = grid.saved.get(grid.on_alternate)
    if saved:
        out.append(_save_cursor(grid, grid.buffer, saved, save=True))
    out.append(_terminal_state(terminal))
    out.append(_cursor_and_pen(grid))
    out.append(_late_state(terminal))
    return "".join(out).encode("utf-8", "replace") + unfinished


def _rows(rows: Sequence[Row], columns: int) -> str:
    """Rows from the top, soft wraps kept."""
    out = []
    wrapping = False
    for index, row in enumerate(rows):
        if index and not (wrapping and row.end(columns) and row.default.style.background is None):
            out.append("\r\n")
        wrapping = row.wraps
        out.append(_row(row, columns, full=wrapping))
    return "".join(out)


def _row(row: Row, columns: int, *, full: bool = False) -> str:
    """One row from the cursor's place on; ``full`` writes it to the last cell, for a wrap."""
    if row.default.style == DEFAULT_STYLE:
        return draw_cells(row, 0, columns if full else row.end(columns))
    # Blanks of a background colour: erase with it, then only what was written.
    end = columns if full else max(row, default=-1) + 1
    return f"{sgr(row.default.style)}\x1b[K\x1b[0m" + draw_cells(row, 0, min(end, columns))


def _save_cursor(grid: CursorGrid, buffer: list[Row], saved: SavedCursor, *, save: bool) -> str:
    """Move to a saved cursor; ``save`` it as DECSC does, or leave that to the ``?1049h`` that follows.

    :param buffer: the rows of its screen.
    """
    out = "\x1b[?6h" if saved.origin else ""
    x = min(saved.x, grid.columns - 1) + saved.pending_wrap
    out += _move_to(grid, buffer, x, min(saved.y, grid.lines - 1), 0)
    out += sgr(saved.style) + _charsets(saved.charset, saved.charsets)
    return out + (f"\x1b7\x1b[?6l{RESET_PEN}" if save else "")


def _move_to(grid: CursorGrid, buffer: list[Row], x: int, y: int, top: int) -> str:
    """Put the cursor there; where a wrap is pending, the last cell is written again.

    :param top: the row that row addresses count from.
    """
    if x < grid.columns:
        return f"\x1b[{y - top + 1};{x + 1}H"
    row, last = buffer[y], grid.columns - 1
    if not row[last].data and last:
        last -= 1
    return f"\x1b[{y - top + 1};{last + 1}H{sgr(row[last].style)}{row[last].data}"


def _charsets(charset: int, charsets: tuple[str, str]) -> str:
    out = "".join(f"\x1b{which}{name}" for which, name in zip("()", charsets, strict=True) if name != "B")
    return out + ("\x0e" if charset else "")


def _terminal_state(terminal: PyteTerminal) -> str:
    """Colours, title, cwd and modes that do not change how the rest is drawn."""
    grid = terminal.grid
    out = [f"\x1b]4;{index};{color}\x1b\\" for index, color in sorted(terminal.palette.items())]
    out += [f"\x1b]{number};{color}\x1b\\" for number, color in sorted(terminal.colors.items())]
    # Always a title: a reset xterm.js keeps the old one.
    out.append(f"\x1b]2;{grid.title}\x1b\\")
    if terminal.cwd_uri:
        out.append(f"\x1b]7;{terminal.cwd_uri}\x1b\\")
    for number in sorted(grid.private_modes - INITIAL_MODES - SKIPPED_MODES):
        out.append(f"\x1b[?{number}h")
    if 1007 not in grid.private_modes:
        out.append("\x1b[?1007l")
    if KEYPAD in grid.private_modes:
        out.append("\x1b=")
    return "".join(out)


def _cursor_and_pen(grid: CursorGrid) -> str:
    out = []
    x, y, top = grid.cursor.x, grid.cursor.y, 0
    if (grid.top, grid.bottom) != (0, grid.lines - 1):
        out.append(f"\x1b[{grid.top + 1};{grid.bottom + 1}r")
    if ORIGIN in grid.private_modes:
        out.append("\x1b[?6h")
        top = grid.top
    out.append(_move_to(grid, grid.buffer, x, y, top))
    style = grid.pen.style
    out.append(sgr(style))
    if style.link:
        out.append(f"\x1b]8;;{style.link}\x1b\\")
    out.append(_charsets(grid.charset, grid.charsets))
    return "".join(out)


def _late_state(terminal: PyteTerminal) -> str:
    grid = terminal.grid
    out = []
    if terminal.kitty[-1]:
        out.append(f"\x1b[={terminal.kitty[-1]};1u")
    if terminal.modify_other_keys:
        out.append(f"\x1b[>4;{terminal.modify_other_keys}m")
    if terminal.cursor_shape:
        out.append(f"\x1b[{terminal.cursor_shape} q")
    out.append("\x1b[?25h" if CURSOR_VISIBLE in grid.private_modes else "\x1b[?25l")
    if AUTOWRAP not in grid.private_modes:
        out.append("\x1b[?7l")
    out += [f"\x1b[{number}h" for number in (INSERT, NEWLINE) if number in grid.ansi_modes]
    out.append(_last_character(grid))
    return "".join(out)


def _last_character(grid: CursorGrid) -> str:
    """The last character once more, in its place, for a REP or a combining character that follows."""
    row, x = grid.buffer[grid.cursor.y], grid.cursor.x - 1
    # Moving left goes wrong in xterm.js in origin mode.
    plain = INSERT not in grid.ansi_modes and grid.private_modes >= {AUTOWRAP}
    plain = plain and ORIGIN not in grid.private_modes
    if not grid.repeatable or not plain or x < 0 or grid.charsets[grid.charset] != "B":
        return ""
    is_wide = not row[x].data
    cell = row[x - is_wide] if x else row[x]
    if cell.data[:1] != grid.repeatable or cell.style != grid.pen.style:
        return ""
    return ("\x1b[C" if x == grid.columns - 1 else "\x1b[D") + "\x1b[D" * is_wide + cell.data
