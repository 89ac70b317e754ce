"""The cells of the pure-Python engine and all that moves in them: a subclass of pyte's screen.

pyte's own methods keep their names and meaning here, but are complete (alternate screen, scrollback,
wrap flags, background colour erase, wide characters that are cut) and some ten times faster.  A
cursor with ``x == columns`` has a wrap pending.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import pyte
from pyte.screens import Cursor

from termhub.screen.interface import shortened_repetition
from termhub.screen.pyte_cells import (
    BLANK,
    DEFAULT_STYLE,
    MOST_STYLES,
    PIECES,
    Cell,
    Pen,
    Row,
    Style,
    width,
)

COMBINED_CHARACTERS = 16
LETTER_E = Cell("E", DEFAULT_STYLE)
AUTOWRAP, ORIGIN, INSERT, NEWLINE = 7, 6, 4, 20


class SavedCursor(NamedTuple):
    """What DECSC saves."""

    x: int = 0
    y: int = 0
    style: Style = DEFAULT_STYLE
    charset: int = 0
    charsets: tuple[str, str] = ("B", "B")
    origin: bool = False
    pending_wrap: bool = False


class Primary(NamedTuple):
    """The primary screen while the alternate one is shown."""

    buffer: list[Row]
    mode: int


class Grid(pyte.Screen):
    """Rows of cells, a cursor, margins and history.

    :param scrollback: most rows of history kept.
    """

    buffer: list[Row]  # type: ignore[assignment]

    def __init__(self, columns: int, lines: int, scrollback: int) -> None:
        self.history: deque[Row] = deque(maxlen=scrollback)
        self._pens: dict[Style, Pen] = {}
        super().__init__(columns, lines)

    def reset(self) -> None:
        """Back to the initial state (RIS); the history goes too."""
        self.buffer = [Row() for _ in range(self.lines)]
        self.history.clear()
        self.primary: Primary | None = None
        self.saved: dict[bool, SavedCursor] = {}
        self.dirty.update(range(self.lines))
        self.title = self.icon_name = ""
        self.charset, self.charsets = 0, ("B", "B")
        self.tabstops = set(range(8, self.columns, 8))
        self.cursor = Cursor(0, 0)
        self.private_modes: set[int] = {AUTOWRAP, 25, 1007}
        self.ansi_modes: set[int] = set()
        self.repeatable = ""
        self.top, self.bottom = 0, self.lines - 1
        self.set_style(DEFAULT_STYLE)

    def set_style(self, style: Style) -> None:
        """Draw in this style from now on."""
        pen = self._pens.get(style)
        if pen is None:
            if len(self._pens) > MOST_STYLES:
                self._pens.clear()
            pen = self._pens[style] = Pen(style)
        self.pen = pen
        color = style.background
        self.blank = BLANK if color is None else Cell(" ", Style(background=color))

    @property
    def column(self) -> int:
        """The cursor's column, on the screen even while a wrap is pending."""
        return min(self.cursor.x, self.columns - 1)

    # Size

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """Change the size; rows go into the history and come back from it, lines are cut."""
        lines, columns = lines or self.lines, columns or self.columns
        if (lines, columns) == (self.lines, self.columns):
            return
        cursor_y = self.cursor.y
        if self.primary is None:
            self.cursor.y = self._resize_rows(self.buffer, lines, cursor_y, keep_history=True)
        else:
            saved = self.saved.get(False, SavedCursor())
            y = self._resize_rows(self.primary.buffer, lines, saved.y, keep_history=True)
            self.saved[False] = saved._replace(y=y)
            self.cursor.y = self._resize_rows(self.buffer, lines, cursor_y, keep_history=False)
        if columns < self.columns:
            for row in [*self.buffer, *(self.primary.buffer if self.primary else ())]:
                _cut(row, columns)
        else:
            self.tabstops.update(range((self.columns + 7) // 8 * 8, columns, 8))
        self.cursor.x = min(self.cursor.x, columns - 1)
        self.repeatable = ""
        self.lines, self.columns = lines, columns
        self.top, self.bottom = 0, lines - 1
        self.dirty.clear()
        self.dirty.update(range(lines))

    def _resize_rows(self, buffer: list[Row], lines: int, y: int, *, keep_history: bool) -> int:
        """Take rows off or add some; returns where row ``y`` is now."""
        rows = buffer[:]
        while len(rows) > lines and len(rows) - 1 > y and rows[-1].is_empty:
            rows.pop()
        gone = max(0, len(rows) - lines)
        if keep_history:
            self.history.extend(rows[:gone])
        rows = rows[gone:]
        back = 0
        while len(rows) < lines and keep_history and self.history:
            rows.insert(0, self.history.pop().copy())
            back += 1
        rows += [Row() for _ in range(lines - len(rows))]
        buffer[:] = rows
        return min(max(0, y - gone + back), lines - 1)

    # Drawing

    def draw(self, data: str) -> None:
        """Print characters."""
        if not data:
            return
        if self.charsets[self.charset] != "B":
            data = data.translate(CHARSETS.get(self.charsets[self.charset], {}))
        if INSERT in self.ansi_modes:
            for character in data:
                self._draw_character(character)
        elif data.isascii():
            self._draw_narrow(data)
        else:
            for piece in PIECES.finditer(data):
                if piece[1]:
                    self._draw_narrow(piece[1])
                else:
                    self._draw_character(piece[0])

    def _draw_narrow(self, text: str) -> None:
        """Print characters that all take one cell."""
        cursor, columns, length, position = self.cursor, self.columns, len(text), 0
        pen, dirty = self.pen, self.dirty
        x = cursor.x
        while position < length:
            if x >= columns:
                if AUTOWRAP not in self.private_modes:
                    row = self.buffer[cursor.y]
                    self._split_wide(row, columns - 1, columns)
                    row[columns - 1] = pen[text[-1]]
                    dirty.add(cursor.y)
                    cursor.x = columns
                    break
                self._wrap()
                x = 0
            row = self.buffer[cursor.y]
            count = min(columns - x, length - position)
            if row and not (row[x].data and row[x + count - 1].data and row[x + count].data):
                self._split_wide(row, x, x + count)
            run = text if count == length else text[position : position + count]
            row.update(zip(range(x, x + count), map(pen.__getitem__, run), strict=True))
            dirty.add(cursor.y)
            x += count
            position += count
            cursor.x = x
        self.repeatable = text[-1]

    def _draw_character(self, character: str) -> None:
        """Print one character of any width."""
        cells, cursor, columns = width(character), self.cursor, self.columns
        if cells == 0:
            self._combine(character)
            return
        if cursor.x + cells > columns:
            if AUTOWRAP in self.private_modes:
                if cursor.x < columns:
                    row = self.buffer[cursor.y]
                    self._split_wide(row, cursor.x, columns)
                    row[cursor.x] = self.blank
                    self.dirty.add(cursor.y)
                self._wrap()
            elif cells == 2:
                return
            else:
                cursor.x = columns - 1
        row = self.buffer[cursor.y]
        if INSERT in self.ansi_modes:
            self._shift_right(row, cursor.x, cells)
        self._split_wide(row, cursor.x, cursor.x + cells)
        row[cursor.x] = self.pen[character]
        if cells == 2:
            row[cursor.x + 1] = self.pen[""]
        cursor.x += cells
        self.dirty.add(cursor.y)
        self.repeatable = character

    def _combine(self, character: str) -> None:
        """Add a character of no width to the one before the cursor."""
        x = min(self.cursor.x, self.columns) - 1
        if x < 0:
            return
        row = self.buffer[self.cursor.y]
        if not row[x].data and x:
            x -= 1
        cell = row[x]
        if len(cell.data) < COMBINED_CHARACTERS:
            row[x] = cell._replace(data=cell.data + character)
            self.dirty.add(self.cursor.y)

    def _wrap(self) -> None:
        self.buffer[self.cursor.y].wraps = True
        self.index()
        self.cursor.x = 0

    def repeat(self, count: int) -> None:
        """Print the last character again (REP)."""
        character, columns = self.repeatable, self.columns
        if not character:
            return
        count = shortened_repetition(count, columns, self.lines)
        if count > columns and AUTOWRAP in self.private_modes and width(character) == 1:
            count = self._repeat_rows(character, count)
        self.draw(character * count)

    def _repeat_rows(self, character: str, count: int) -> int:
        """Fill the row and as many whole ones as can be; returns how many characters are left."""
        columns = self.columns
        rest = columns - self.cursor.x
        self.draw(character * rest)
        rows, left = divmod(count - rest, columns)
        cells = dict.fromkeys(range(columns), self.pen[character])
        for _ in range(rows):
            self._wrap()
            self.buffer[self.cursor.y].update(cells)
            self.cursor.x = columns
            self.dirty.add(self.cursor.y)
        self.repeatable = character
        return left

    def _split_wide(self, row: Row, start: int, end: int) -> None:
        """Blank the other halves of wide characters that a change of ``start`` to ``end - 1`` cuts."""
        if start > 0 and start in row and not row[start].data:
            row[start - 1] = row[start - 1]._replace(data=" ")
        if end in row and not row[end].data and end < self.columns:
            row[end] = row[end]._replace(data=" ")

    # Scrolling

    def index(self) -> None:
        """Down a row, scrolling at the bottom margin."""
        cursor = self.cursor
        if cursor.y == self.bottom:
            self.scroll_up(1)
        elif cursor.y < self.lines - 1:
            cursor.y += 1
        cursor.x = min(cursor.x, self.columns - 1)

    def reverse_index(self) -> None:
        """Up a row, scrolling at the top margin."""
        if self.cursor.y == self.top:
            self.scroll_down(1)
        elif self.cursor.y:
            self.cursor.y -= 1
        self.cursor.x = self.column

    def linefeed(self) -> None:
        """Down a row; to its start in newline mode."""
        self.index()
        if NEWLINE in self.ansi_modes:
            self.cursor.x = 0

    def scroll_up(self, count: int, top: int | None = None, *, keep: bool = True) -> None:
        """Move the rows of the scrolling region up; those that leave the screen at its top are kept."""
        start = self.top if top is None else top
        buffer, bottom = self.buffer, self.bottom
        count = min(count, bottom - start + 1)
        if keep and start == 0 and self.primary is None:
            self.history.extend(buffer[:count])
        del buffer[start : start + count]
        buffer[bottom + 1 - count : bottom + 1 - count] = [Row(self.blank) for _ in range(count)]
        self.dirty.update(range(start, bottom + 1))

    def scroll_down(self, count: int, top: int | None = None) -> None:
        """Move the rows of the scrolling region down."""
        start = self.top if top is None else top
        buffer, bottom = self.buffer, self.bottom
        count = min(count, bottom - start + 1)
        del buffer[bottom + 1 - count : bottom + 1]
        buffer[start:start] = [Row(self.blank) for _ in range(count)]
        self.dirty.update(range(start, bottom + 1))

    def insert_lines(self, count: int | None = None) -> None:
        """Push the cursor's row and those below down."""
        if self.top <= self.cursor.y <= self.bottom:
            self.scroll_down(count or 1, self.cursor.y)
            self.cursor.x = 0

    def delete_lines(self, count: int | None = None) -> None:
        """Pull the rows below the cursor's up."""
        if self.top <= self.cursor.y <= self.bottom:
            self.scroll_up(count or 1, self.cursor.y, keep=False)
            self.cursor.x = 0

    def set_margins(self, top: int | None = None, bottom: int | None = None) -> None:
        """Scroll only between these rows, from 1, both included (DECSTBM)."""
        first, last = max(1, top or 1) - 1, min(bottom or self.lines, self.lines) - 1
        if first < last:
            self.top, self.bottom = first, last
            self.cursor_position()

    # Inserting, deleting and erasing cells

    def insert_characters(self, count: int | None = None) -> None:
        """Push the cells from the cursor on to the right."""
        x = self.cursor.x = self.column
        row = self.buffer[self.cursor.y]
        self._split_wide(row, x, x)
        if x in row and not row[x].data:
            self._split_wide(row, x, x + 1)
            row[x] = row[x]._replace(data=" ")
        self._shift_right(row, x, count or 1)
        self.dirty.add(self.cursor.y)

    def _shift_right(self, row: Row, x: int, count: int) -> None:
        columns = self.columns
        count = min(count, columns - x)
        moved = {k + count: cell for k, cell in row.items() if k >= x and k + count < columns}
        if row.default is not BLANK:
            moved = dict.fromkeys(range(x + count, columns), row.default) | moved
        for k in [k for k in row if k >= x]:
            del row[k]
        row.update(moved)
        self._fill(row, x, x + count)
        last = row[columns - 1]
        if columns - 1 in row and last.data and width(last.data[0]) == 2:
            row[columns - 1] = last._replace(data=" ")

    def delete_characters(self, count: int | None = None) -> None:
        """Pull the cells right of the cursor to the left."""
        x, columns = self.column, self.columns
        self.cursor.x = x
        taken = min(count or 1, columns - x)
        row = self.buffer[self.cursor.y]
        self._split_wide(row, x, x + taken)
        moved = {k - taken: cell for k, cell in row.items() if k >= x + taken}
        for k in [k for k in row if k >= x]:
            del row[k]
        row.update(moved)
        self._fill(row, columns - taken, columns)
        self.dirty.add(self.cursor.y)

    def _fill(self, row: Row, start: int, end: int) -> None:
        """Make cells that are not in the row blank in the pen's background."""
        if row.default is not self.blank:
            row.update(dict.fromkeys(range(start, end), self.blank))

    def _erase(self, y: int, start: int, end: int) -> None:
        if start == 0 and end >= self.columns:
            self.buffer[y] = Row(self.blank)
        else:
            row = self.buffer[y]
            self._split_wide(row, start, end)
            if row.default is self.blank:
                for x in [x for x in row if start <= x < end]:
                    del row[x]
            else:
                row.update(dict.fromkeys(range(start, end), self.blank))
        self.dirty.add(y)

    def erase_characters(self, count: int | None = None) -> None:
        """Blank cells from the cursor on."""
        x = self.cursor.x = self.column
        self._erase(self.cursor.y, x, min(x + (count or 1), self.columns))

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        """Blank the cursor's row: 0 from the cursor on, 1 up to it, 2 all."""
        cursor, columns = self.cursor, self.columns
        if how == 0:
            cursor.x = self.column
            self._erase(cursor.y, cursor.x, columns)
            self.buffer[cursor.y].wraps = False
        elif how == 1:
            self._erase(cursor.y, 0, self.column + 1)
        elif how == 2:
            self._erase(cursor.y, 0, columns)

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        """Blank the screen: 0 from the cursor on, 1 up to it, 2 all; 3 forgets the history."""
        rows: range = range(0)
        if how == 0:
            self.erase_in_line(0)
            rows = range(self.cursor.y + 1, self.lines)
        elif how == 1:
            self.erase_in_line(1)
            rows = range(self.cursor.y)
        elif how == 2:
            rows = range(self.lines)
        elif how == 3:
            self.history.clear()
        for y in rows:
            self.buffer[y] = Row(self.blank)
        self.dirty.update(rows)

    def alignment_display(self) -> None:
        """Fill the screen with E (DECALN)."""
        self.buffer = [Row(LETTER_E) for _ in range(self.lines)]
        self.top, self.bottom = 0, self.lines - 1
        self.cursor.x = self.cursor.y = 0
        self.dirty.update(range(self.lines))


def _cut(row: Row, columns: int) -> None:
    for x in [x for x in row if x >= columns]:
        del row[x]
    last = row[columns - 1]
    if last.data and width(last.data[0]) == 2:
        row[columns - 1] = last._replace(data=" ")


def _drawing_characters() -> dict[int, str]:
    shapes = pyte.charsets.VT100_MAP
    return {code: shapes[code] for code in range(0x60, 0x7F)} | {ord("h"): "\u2424"}


CHARSETS: dict[str, dict[int, str]] = {"0": _drawing_characters(), "A": {0x23: "£"}}
