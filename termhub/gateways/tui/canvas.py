"""A grid of cells to draw on: what the person's terminal shall show next.

Invariant: every row has exactly ``cols`` cells; a wide character is followed by an empty string in the
same style; no cell holds a control character.  A row is never changed but replaced, so that whoever keeps
one (what the terminal shows, for each of many people) needs no copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from termhub.screen.interface import CursorShape
from termhub.screen.runs import CONTROLS, DEFAULT_STYLE, Run, Style, split_cells

_Cell = TypeVar("_Cell")


class CanvasCursor(NamedTuple):
    """Where the terminal's cursor shall stand, and how."""

    x: int
    y: int
    visible: bool = True
    shape: CursorShape = "default"
    blinking: bool = False


class Canvas:
    """A screenful of cells; everything drawn beyond its edges is cut off.

    :param cols: width in cells, ``rows`` the height; at least 1.
    """

    def __init__(self, cols: int, rows: int) -> None:
        self.cols, self.rows = max(1, cols), max(1, rows)
        self.cursor: CanvasCursor | None = None
        self.moved = 0
        """By how many lines something was scrolled since this was last set to 0."""
        self.texts: list[list[str]] = []
        """The characters of each row, cell by cell, as :func:`~termhub.screen.runs.split_cells` has them."""
        self.styles: list[list[Style]] = []
        """The style of each cell."""
        self.clear()

    def clear(self) -> None:
        """Blank everything and take the cursor away."""
        self.texts = [[" "] * self.cols] * self.rows
        self.styles = [[DEFAULT_STYLE] * self.cols] * self.rows
        self.cursor = None

    def put(self, x: int, y: int, text: str, style: Style = DEFAULT_STYLE, width: int | None = None) -> int:
        """Write a text; control characters in it become U+FFFD.

        :param width: cells that may be used at most; a wide character that is cut becomes a blank.
        :returns: cells the text takes, at most ``width``.
        """
        if not text.isprintable():
            text = CONTROLS.sub("\ufffd", text)
        cells = split_cells(text)
        limit = self.cols - x if width is None else width
        self._write(x, y, cells, [style] * len(cells), x, x + limit)
        return max(0, min(len(cells), limit))

    def draw(self, x: int, y: int, runs: Iterable[Run], width: int) -> None:
        """Draw a row of a drawing from column ``x`` on, blanks where it has no runs.

        :param width: cells of the row that are shown; what is beyond is cut off.
        """
        self.fill(x, y, width, 1, DEFAULT_STYLE)
        for start, count, style, text in runs:
            cells = split_cells(text) if text else [" "] * count
            self._write(x + start, y, cells, [style] * len(cells), x, x + width)

    def fill(self, x: int, y: int, cols: int, rows: int, style: Style = DEFAULT_STYLE) -> None:
        """Blank a rectangle in this style."""
        cols = min(cols, self.cols - x)
        for row in range(max(0, y), min(y + rows, self.rows)):
            self._write(x, row, [" "] * cols, [style] * cols, x, x + cols)

    def scroll(self, x: int, y: int, cols: int, rows: int, lines: int) -> None:
        """Move what is in a rectangle up by ``lines``, down when negative; rows that come free are blank."""
        left, right = max(0, x), min(x + cols, self.cols)
        top, bottom = max(0, y), min(y + rows, self.rows)
        if left >= right or top >= bottom or not lines:
            return
        self.moved += lines
        if right - left == self.cols:
            _move(self.texts, top, bottom, lines, " ")
            _move(self.styles, top, bottom, lines, DEFAULT_STYLE)
            return
        region = range(top, bottom)
        moved = [self._part(row + lines, left, right, region) for row in region]
        for row, (texts, styles) in zip(region, moved, strict=True):
            self._write(left, row, texts, styles, left, right)

    def _part(self, y: int, left: int, right: int, region: range) -> tuple[list[str], list[Style]]:
        """The cells of part of a row, without halves of wide characters; blanks outside ``region``."""
        if y not in region:
            return [" "] * (right - left), [DEFAULT_STYLE] * (right - left)
        row = self.texts[y]
        texts = row[left:right]
        if texts[0] == "":
            texts[0] = " "
        if right < self.cols and row[right] == "":
            texts[-1] = " "
        return texts, self.styles[y][left:right]

    def _write(self, x: int, y: int, cells: list[str], styles: list[Style], left: int, right: int) -> None:
        """Replace cells from ``x`` on, but only within ``left`` to ``right - 1``."""
        left, right = max(left, x, 0), min(right, x + len(cells), self.cols)
        if left >= right or not 0 <= y < self.rows:
            return
        if left > x or right < x + len(cells):
            cut = right < x + len(cells) and cells[right - x] == ""
            cells, styles = cells[left - x : right - x], styles[left - x : right - x]
            if cells[0] == "":
                cells[0] = " "
            if cut:
                cells[-1] = " "
        row = self.texts[y]
        if row[left:right] != cells or row[left] == "" or row[right : right + 1] == [""]:
            row = self.texts[y] = row[:]
            if row[left] == "":
                row[left - 1] = " "
            if right < self.cols and row[right] == "":
                row[right] = " "
            row[left:right] = cells
        if self.styles[y][left:right] != styles:
            row_styles = self.styles[y] = self.styles[y][:]
            row_styles[left:right] = styles


def _move(grid: list[list[_Cell]], top: int, bottom: int, lines: int, blank: _Cell) -> None:
    """Move whole rows up by ``lines``, down when negative."""
    part = grid[top:bottom]
    free = [[blank] * len(part[0])] * min(abs(lines), len(part))
    grid[top:bottom] = part[lines:] + free if lines > 0 else free + part[:lines]
