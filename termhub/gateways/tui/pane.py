"""A pane: what is known of one window's picture, and how it is put on the canvas.

The host draws; a pane only keeps the rows it was sent, so that it can be drawn again when something
that covered it is gone.

Invariant: ``rows`` are the viewport as the last drawing left it.
"""

from __future__ import annotations

from collections.abc import Sequence

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.history import History
from termhub.gateways.tui.pointers import Pointer
from termhub.gateways.tui.text import padded
from termhub.gateways.tui.tree import Rect
from termhub.screen import Cursor, Modes
from termhub.screen.drawing import Drawing
from termhub.screen.runs import DEFAULT_STYLE, FAINT, REVERSE, Run, Style, count_cells, split_cells

OUTSIDE = Style(attrs=FAINT)
NOTICE = Style(attrs=REVERSE)


class Pane:
    """One window on the screen.

    :param place: its cells of the screen.
    """

    def __init__(self, window: int, place: Rect) -> None:
        self.window = window
        self.place = place
        self.rows: list[Sequence[Run]] = []
        self.cols_drawn = 0
        self.cursor = Cursor(0, 0, visible=False)
        self.modes = Modes()
        self.size: tuple[int, int] | None = None
        self.origin = (0, 0)
        self.lines = 0
        self.back = 0
        self.view: int | None = None
        self.is_ready_due = False
        self.notice = ""
        self.history: History | None = None
        self.pointers: Sequence[Pointer] = ()
        """What others have selected in this window."""
        self.is_still = False
        """Copy mode looks at the present, which then stands still: what changes it is not shown."""

    @property
    def has_another_size(self) -> bool:
        """Whether the window is larger or smaller than this."""
        return self.size is not None and self.size != self.place[2:]

    @property
    def is_plain(self) -> bool:
        """Whether it shows its window and nothing over it."""
        return self.history is None and not self.notice and not self.pointers

    @property
    def first_line(self) -> int:
        """The line that the first row shows, counted from the oldest."""
        return self.lines + self.origin[1] - self.back

    def apply(self, drawing: Drawing) -> bool:
        """Take note of what changed.

        :returns: whether only the drawing's rows need to be drawn.
        """
        same = (
            not drawing.whole
            and len(self.rows) == drawing.view_rows
            and self.cols_drawn == drawing.view_cols
            and self.size == (drawing.cols, drawing.rows)
            and (drawing.view_cols, drawing.view_rows) == self.place[2:]
        )
        if drawing.whole or len(self.rows) != drawing.view_rows:
            self.rows = [()] * drawing.view_rows
        if drawing.scroll is not None:
            top, bottom, lines = drawing.scroll
            part = self.rows[top:bottom]
            blank: list[Sequence[Run]] = [()] * abs(lines)
            self.rows[top:bottom] = part[lines:] + blank if lines > 0 else blank + part[:lines]
        for y, runs in drawing.rows_drawn:
            self.rows[y] = runs
        self.cols_drawn = drawing.view_cols
        self.cursor, self.modes = drawing.cursor, drawing.modes
        self.size = drawing.cols, drawing.rows
        self.origin = drawing.left, drawing.top
        self.lines, self.back = drawing.history, drawing.back
        self.view, self.is_ready_due = drawing.view, True
        if self.history is not None:
            self.is_still = self.back == 0
            self.history.arrived(self.lines, self.size[1], self.first_line, self.back)
        return same

    def text(self, y: int) -> list[str]:
        """A row's cells; blanks at its end are left out."""
        return row_cells(self.rows[y]) if 0 <= y < len(self.rows) else []

    # -- on the canvas -------------------------------------------------------------

    def draw(self, canvas: Canvas) -> None:
        """Draw all of it."""
        x, y, cols, rows = self.place
        canvas.fill(x, y, cols, rows, DEFAULT_STYLE)
        for row in range(min(rows, len(self.rows))):
            self._draw_row(canvas, row)
        self._draw_outside(canvas)
        self._draw_pointers(canvas)
        if self.history is not None:
            self._draw_history(canvas, self.history)
        if self.notice:
            canvas.put(x, y + rows - 1, padded(f" {self.notice}", cols), NOTICE)

    def draw_changes(self, canvas: Canvas, drawing: Drawing) -> None:
        """Draw what a drawing changed, after :meth:`apply` said that this is enough."""
        x, y, cols, _ = self.place
        if drawing.scroll is not None:
            top, bottom, lines = drawing.scroll
            canvas.scroll(x, y + top, min(cols, drawing.cols), bottom - top, lines)
        for row, _ in drawing.rows_drawn:
            self._draw_row(canvas, row)

    def _draw_row(self, canvas: Canvas, row: int) -> None:
        x, y, cols, _ = self.place
        canvas.draw(x, y + row, self.rows[row], cols if self.size is None else min(cols, self.size[0]))

    def _draw_outside(self, canvas: Canvas) -> None:
        """Where the window ends and the pane goes on."""
        if self.size is None:
            return
        x, y, cols, rows = self.place
        wide, high = min(cols, self.size[0]), min(rows, self.size[1])
        for row in range(rows):
            start = wide if row < high else 0
            if start < cols:
                canvas.put(x + start, y + row, "·" * (cols - start), OUTSIDE)

    def _draw_history(self, canvas: Canvas, history: History) -> None:
        x, y, cols, rows = self.place
        first = self.first_line
        for row in range(min(rows, len(self.rows))):
            marked = history.marked(first + row, cols)
            if marked is not None:
                self._draw_marked(canvas, row, *marked)
        position = history.position
        if count_cells(position) <= cols:
            canvas.put(x + cols - count_cells(position), y, position, NOTICE)

    def _draw_pointers(self, canvas: Canvas) -> None:
        """What others point at, as far as it is in view."""
        if not self.pointers:
            return
        # Rows of the live screen are counted from behind the history.
        first = self.first_line - self.lines
        left = self.origin[0]
        cols = self.place.cols if self.size is None else min(self.place.cols, self.size[0] - left)
        for row in range(min(self.place.rows, len(self.rows))):
            for pointer in self.pointers:
                marked = pointer.marked(first + row, cols + left)
                if marked is not None and marked[1] > left:
                    self._draw_marked(canvas, row, max(0, marked[0] - left), marked[1] - left, pointer.style)

    def _draw_marked(self, canvas: Canvas, row: int, start: int, end: int, style: Style) -> None:
        """Draw cells of a row in another style."""
        cells = self.text(row)[start:end]
        cells += [" "] * (end - start - len(cells))
        if cells and cells[0] == "":
            cells[0] = " "
        canvas.put(self.place.x + start, self.place.y + row, "".join(cells), style, end - start)

    @property
    def cursor_on_screen(self) -> tuple[int, int, bool]:
        """Where the cursor is on the screen, and whether it shows."""
        x, y, cols, rows = self.place
        if self.history is not None:
            at, line = self.history.x, self.history.line - self.first_line
            return x + min(at, cols - 1), y + max(0, min(line, rows - 1)), 0 <= line < rows
        cursor = self.cursor
        visible = cursor.visible and cursor.x < cols and cursor.y < rows
        return x + min(cursor.x, cols - 1), y + min(cursor.y, rows - 1), visible


def row_cells(runs: Sequence[Run]) -> list[str]:
    """The cells of a row that has these runs."""
    cells: list[str] = []
    for run in runs:
        cells += [" "] * (run.x - len(cells))
        cells += split_cells(run.text) if run.text else [" "] * run.cells
    return cells
