"""A client of drawings: a grid of cells that they are applied to, and screens to compare it with."""

from __future__ import annotations

from collections.abc import Sequence

from termhub.screen import Screen
from termhub.screen.drawing import Drawing, encode_drawing, parse_drawing
from termhub.screen.runs import DEFAULT_STYLE, Run, Style, split_cells

Cell = tuple[str, Style]
BLANK: Cell = (" ", DEFAULT_STYLE)


def row_cells(runs: Sequence[Run], cols: int) -> list[Cell]:
    """A row of runs cell by cell."""
    cells = [BLANK] * cols
    for x, count, style, text in runs:
        parts = split_cells(text) or [" "] * count
        assert len(parts) == count
        cells[x : x + count] = [(part, style) for part in parts]
    assert len(cells) == cols
    return cells


class Grid:
    """What a client shows that does as drawings say."""

    def __init__(self) -> None:
        self.cells: list[list[Cell]] = []
        self.last: Drawing | None = None
        self.drawings = 0
        self.rows_drawn = 0
        self.bytes = 0

    def apply(self, drawing: Drawing) -> None:
        """Take a drawing, over its bytes."""
        payload = encode_drawing(drawing)
        assert parse_drawing(payload) == drawing
        cols, rows = drawing.view_cols, drawing.view_rows
        if drawing.whole:
            self.cells = [[BLANK] * cols for _ in range(rows)]
        assert (len(self.cells), len(self.cells[0])) == (rows, cols)
        if drawing.scroll is not None:
            top, bottom, lines = drawing.scroll
            blank = [[BLANK] * cols for _ in range(abs(lines))]
            kept = self.cells[top + max(lines, 0) : bottom + min(lines, 0)]
            self.cells[top:bottom] = kept + blank if lines > 0 else blank + kept
        for y, runs in drawing.rows_drawn:
            self.cells[y] = row_cells(runs, cols)
        self.last = drawing
        self.drawings += 1
        self.rows_drawn += len(drawing.rows_drawn)
        self.bytes += len(payload)

    @property
    def text(self) -> list[str]:
        """The lines, without blanks at their ends."""
        return ["".join(cell for cell, _ in row).rstrip() for row in self.cells]

    def assert_shows(self, screen: Screen) -> None:
        """Every cell, the cursor and the modes are the screen's."""
        drawing = self.last
        assert drawing is not None
        assert drawing.back == 0
        assert (drawing.cols, drawing.rows) == (screen.cols, screen.rows)
        left, top = drawing.left, drawing.top
        width = min(drawing.view_cols, screen.cols - left)
        height = min(drawing.view_rows, screen.rows - top)
        expected = [row_cells(runs, width) for runs in screen.runs(range(top, top + height), left, width)]
        assert [row[:width] for row in self.cells[:height]] == expected
        assert all(cell == BLANK for row in self.cells[:height] for cell in row[width:])
        assert all(cell == BLANK for row in self.cells[height:] for cell in row)
        assert drawing.modes == screen.modes
        cursor, place = screen.cursor, drawing.cursor
        x, y = cursor.x - left, cursor.y - top
        if cursor.visible:
            assert (place.x, place.y) == (x, y), "the viewport follows the cursor"
        elif 0 <= x < drawing.view_cols and 0 <= y < drawing.view_rows:
            assert (place.x, place.y) == (x, y)
        assert place.visible == cursor.visible
        assert place.shape == cursor.shape
