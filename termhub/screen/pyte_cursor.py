"""Cursor movement, tab stops, saved cursors and the alternate screen of the pure-Python engine."""

from __future__ import annotations

from termhub.screen.pyte_cells import Row
from termhub.screen.pyte_grid import ORIGIN, Grid, Primary, SavedCursor


class CursorGrid(Grid):
    """A grid whose cursor moves."""

    def cursor_up(self, count: int | None = None) -> None:
        """Up, at most to the top margin when below it."""
        cursor = self.cursor
        cursor.y = max(self.top if cursor.y >= self.top else 0, cursor.y - (count or 1))
        cursor.x = self.column

    def cursor_down(self, count: int | None = None) -> None:
        """Down, at most to the bottom margin when above it."""
        cursor = self.cursor
        last = self.bottom if cursor.y <= self.bottom else self.lines - 1
        cursor.y = min(last, cursor.y + (count or 1))
        cursor.x = self.column

    def cursor_up1(self, count: int | None = None) -> None:
        """Up, to the first column."""
        self.cursor_up(count)
        self.cursor.x = 0

    def cursor_down1(self, count: int | None = None) -> None:
        """Down, to the first column."""
        self.cursor_down(count)
        self.cursor.x = 0

    def cursor_forward(self, count: int | None = None) -> None:
        """Right."""
        self.cursor.x = min(self.column + (count or 1), self.columns - 1)

    def cursor_back(self, count: int | None = None) -> None:
        """Left."""
        self.cursor.x = max(0, self.column - (count or 1))

    def cursor_to_column(self, column: int | None = None) -> None:
        """To a column, from 1."""
        self.cursor.x = min(column or 1, self.columns) - 1

    def cursor_to_line(self, line: int | None = None) -> None:
        """To a row, from 1."""
        self.cursor_position(line, self.column + 1)

    def cursor_position(self, line: int | None = None, column: int | None = None) -> None:
        """To a row and a column, from 1; within the margins in origin mode."""
        y, cursor = max(line or 1, 1) - 1, self.cursor
        if ORIGIN in self.private_modes:
            cursor.y = min(self.top + y, self.bottom)
        else:
            cursor.y = min(y, self.lines - 1)
        cursor.x = min(max(column or 1, 1), self.columns) - 1

    def backspace(self) -> None:
        """Left by one."""
        self.cursor.x = max(0, self.column - 1)

    def tab(self) -> None:
        """To the next tab stop; nowhere while a wrap is pending."""
        if self.cursor.x >= self.columns:
            return
        x, last = self.column + 1, self.columns - 1
        while x < last and x not in self.tabstops:
            x += 1
        self.cursor.x = min(x, last)

    def tab_forward(self, count: int) -> None:
        """To the ``count``-th tab stop on the right, or the last column."""
        stops = sorted(x for x in self.tabstops if self.column < x < self.columns)
        self.cursor.x = stops[count - 1] if count <= len(stops) else self.columns - 1

    def tab_back(self, count: int) -> None:
        """To the ``count``-th tab stop on the left, or the first column."""
        stops = sorted((x for x in self.tabstops if x < self.column), reverse=True)
        self.cursor.x = stops[count - 1] if count <= len(stops) else 0

    def set_tab_stop(self) -> None:
        """Set one here."""
        self.tabstops.add(self.column)

    def clear_tab_stop(self, how: int = 0) -> None:
        """Clear the one here (0) or all (3)."""
        if how == 0:
            self.tabstops.discard(self.column)
        elif how == 3:
            self.tabstops.clear()

    def save_cursor(self) -> None:
        """Save position, style, character sets and origin mode (DECSC), for each screen its own."""
        self.saved[self.on_alternate] = SavedCursor(
            self.column,
            self.cursor.y,
            self.pen.style,
            self.charset,
            self.charsets,
            ORIGIN in self.private_modes,
            self.cursor.x >= self.columns,
        )

    def restore_cursor(self) -> None:
        """Restore what was saved, or the initial state (DECRC)."""
        saved = self.saved.get(self.on_alternate, SavedCursor())
        self.cursor.x = min(saved.x, self.columns - 1)
        if saved.pending_wrap and saved.x == self.columns - 1:
            self.cursor.x = self.columns
        self.cursor.y = min(saved.y, self.lines - 1)
        self.charset, self.charsets = saved.charset, saved.charsets
        (self.private_modes.add if saved.origin else self.private_modes.discard)(ORIGIN)
        self.set_style(saved.style)

    @property
    def on_alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self.primary is not None

    def show_alternate(self, mode: int) -> None:
        """Switch to an empty alternate screen by this private mode: 47, 1047 or 1049."""
        if self.primary is not None:
            return
        if mode == 1049:
            self.save_cursor()
        self.primary = Primary(self.buffer, mode)
        self.buffer = [Row(self.blank) for _ in range(self.lines)]
        self.saved.pop(True, None)
        self.dirty.update(range(self.lines))

    def show_primary(self, mode: int) -> None:
        """Switch back."""
        if self.primary is not None:
            self.buffer = self.primary.buffer
            self.primary = None
            self.dirty.update(range(self.lines))
        if mode == 1049:
            self.restore_cursor()
