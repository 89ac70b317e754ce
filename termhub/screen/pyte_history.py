"""The pure-Python engine's rows as runs, and a frozen screen: the rows themselves, shared."""

from __future__ import annotations

from collections.abc import Sequence

from termhub.screen.pyte_cells import MOST_STYLES, Color, Row, width
from termhub.screen.pyte_cells import Style as CellStyle
from termhub.screen.runs import (
    DEFAULT_STYLE,
    PALETTE,
    RGB,
    Run,
    Style,
    cell_text,
    make_runs,
    style_attrs,
)

_styles: dict[CellStyle, Style] = {}


def read_runs(row: Row, start: int, end: int) -> list[Run]:
    """The runs in cells ``start`` to ``end - 1``; halves of wide characters that an edge cuts are blank."""
    if row.is_empty or start >= end:
        return []
    stop = min(end, row.end(end))
    pieces: list[tuple[int, int, Style, str]] = []
    last: CellStyle | None = None
    style = DEFAULT_STYLE
    for x in range(start, stop):
        data, look = row[x]
        if look is not last:
            last, style = look, _style(look)
        if not data:
            if x == start:
                pieces.append((0, 1, style, ""))
        elif data.isascii():
            pieces.append((x - start, 1, style, data))
        else:
            pieces.append(_character(data, x, end, style, start))
    return make_runs(pieces)


def _character(data: str, x: int, end: int, style: Style, start: int) -> tuple[int, int, Style, str]:
    cells = 2 if width(data[0]) == 2 else 1
    if x + cells > end:
        return x - start, 1, style, ""
    return x - start, cells, style, cell_text(data, cells)


def _style(look: CellStyle) -> Style:
    style = _styles.get(look)
    if style is None:
        if len(_styles) > MOST_STYLES:
            _styles.clear()
        style = _styles[look] = Style(
            _color(look.foreground),
            _color(look.background),
            _color(look.underline_color),
            style_attrs(look, look.underline),
        )
    return style


def _color(color: Color) -> int:
    if color is None:
        return 0
    return PALETTE | color if isinstance(color, int) else RGB | int(color, 16)


class PyteHistory:
    """See :class:`~termhub.screen.interface.History`.

    :param lines: the lines, the screen's last; nobody changes them.
    """

    def __init__(self, lines: Sequence[Row], cols: int, rows: int) -> None:
        self.cols, self.rows = cols, rows
        self.history_lines = len(lines) - rows
        self._lines = lines

    def runs(self, lines: range, x: int = 0, width: int | None = None) -> list[list[Run]]:
        """What stands in part of some lines."""
        end = self.cols if width is None else min(self.cols, x + width)
        found = [read_runs(row, max(0, x), end) for row in self._lines[lines.start : lines.stop]]
        return found + [[] for _ in range(len(lines) - len(found))]

    def text(self) -> list[str]:
        """All lines without attributes."""
        return [row.text(self.cols) for row in self._lines]

    def copy(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text from one cell to another."""
        out: list[str] = []
        for line in range(start[0], min(end[0] + 1, len(self._lines))):
            row = self._lines[line]
            first = start[1] if line == start[0] else 0
            wraps = row.wraps and line < end[0]
            stop = min(self.cols, end[1] + 1) if line == end[0] else self.cols
            text = "".join([row[x].data for x in range(first, stop)])
            out.append(text if wraps else text.rstrip() + "\n")
        return "".join(out).removesuffix("\n")

    def close(self) -> None:
        """Forget the lines."""
        self._lines = ()
