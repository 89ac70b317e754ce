"""Parts of a row of cells as runs: text of one style at a column.

What both engines give (:meth:`~termhub.screen.interface.Screen.runs`) and what a drawing holds
(:mod:`.drawing`).  The form is canonical, so that equal rows of cells are equal lists: neighbours of
one style are one run, blanks of the default style are left out unless text of that style surrounds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from termhub.screen.widths import width_table

PALETTE = 1 << 24
RGB = 2 << 24
BOLD, FAINT, ITALIC, BLINK, REVERSE, HIDDEN, STRIKE, OVERLINE = 1, 2, 4, 8, 16, 32, 64, 128
UNDERLINE_SHIFT = 8
MOST_COMBINING = 8
"""Combining characters that a cell keeps; a program may print any number of them."""

# What both engines call them.
_FLAGS = (
    ("bold", BOLD),
    ("faint", FAINT),
    ("italic", ITALIC),
    ("blink", BLINK),
    ("inverse", REVERSE),
    ("invisible", HIDDEN),
    ("strikethrough", STRIKE),
    ("overline", OVERLINE),
)

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")


class Style(NamedTuple):
    """How cells look.

    :param fg: the colour of text: 0 the default, ``PALETTE | index`` or ``RGB | 0xRRGGBB``.
    :param bg: the colour behind it, likewise.
    :param underline: the colour of the underline, likewise; 0 the text's.
    :param attrs: the sum of ``BOLD`` … ``OVERLINE``, and the kind of underline (0 none, 1 single,
        2 double, 3 curly, 4 dotted, 5 dashed) shifted left by ``UNDERLINE_SHIFT``.
    """

    fg: int = 0
    bg: int = 0
    underline: int = 0
    attrs: int = 0


def style_attrs(look: Any, underline: int) -> int:
    """:attr:`Style.attrs` of an engine's own style, which has ``bold`` … ``overline``.

    :param underline: the kind, from 0 to 5.
    """
    return sum(bit for name, bit in _FLAGS if getattr(look, name)) | underline << UNDERLINE_SHIFT


class Run(NamedTuple):
    """Neighbouring cells of one style.

    :param x: the first one's column.
    :param cells: how many.
    :param text: what stands in them, see :func:`split_cells`; empty: blanks.
    """

    x: int
    cells: int
    style: Style
    text: str


DEFAULT_STYLE = Style()


@cache
def _widths() -> bytes:
    return width_table()


def count_cells(text: str) -> int:
    """How many cells a text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_widths().__getitem__, map(ord, text)))


def split_cells(text: str) -> list[str]:
    """The text cell by cell.

    :returns: one entry a cell: a character with its combining ones, or an empty string for the right
        half of a wide one.  Combining characters that nothing stands before are left out.
    """
    if text.isascii():
        return list(text)
    widths = _widths()
    cells: list[str] = []
    last = -1
    for character in text:
        width = widths[ord(character)]
        if width:
            last = len(cells)
            cells.append(character)
            if width == 2:
                cells.append("")
        elif last >= 0:
            cells[last] += character
    return cells


def cell_text(characters: str, width: int) -> str:
    """What a cell's characters become in a run, so that :func:`split_cells` finds the cell again.

    :param characters: a character with those that combine with it, never empty.
    :param width: the cells it takes on the screen; a program can make that differ from the table's.
    """
    first = characters[0]
    if len(characters) == 1 and first.isascii() and width == 1:
        return first if first.isprintable() else " "
    widths = _widths()
    own = widths[ord(first)]
    if own == 0 or own > width or CONTROLS.match(first):
        return " " * width
    combining = [character for character in characters[1:] if widths[ord(character)] == 0]
    combining = [character for character in combining if not CONTROLS.match(character)]
    return first + "".join(combining[:MOST_COMBINING]) + " " * (width - own)


def make_runs(pieces: Iterable[tuple[int, int, Style, str]]) -> list[Run]:
    """Runs in their canonical form.

    :param pieces: ``(x, cells, style, text)`` from left to right without gaps, as in :class:`Run`;
        several of one style may follow each other, and blanks may be spaces.
    """
    runs: list[Run] = []
    start = cells = 0
    pen = DEFAULT_STYLE
    texts: list[str] = []
    for x, count, style, text in pieces:
        if style != pen:
            if texts:
                _add_run(runs, start, cells, pen, "".join(texts))
                texts.clear()
            pen = style
        if not texts:
            start, cells = x, 0
        cells += count
        texts.append(text or " " * count)
    if texts:
        _add_run(runs, start, cells, pen, "".join(texts))
    return runs


def _add_run(runs: list[Run], x: int, cells: int, style: Style, text: str) -> None:
    if style != DEFAULT_STYLE:
        runs.append(Run(x, cells, style, "" if not text.strip(" ") else text))
        return
    length = len(text)
    text = text.rstrip(" ")
    cells -= length - len(text)
    begun = text.lstrip(" ")
    if not begun:
        return
    if not (begun[0].isascii() or _widths()[ord(begun[0])]):
        begun = " " + begun  # What combines with a blank keeps it.
    blanks = len(text) - len(begun)
    runs.append(Run(x + blanks, cells - blanks, style, begun))
