"""libghostty-vt's cells as runs.

Most rows hold only plain text, and most others text of a few styles; both are found by looking at
all cells of a row at once, because a Python loop over 80 cells takes ten times as long.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from termhub.screen.ghostty_cells import STYLED
from termhub.screen.ghostty_terminal import (
    CODE_POINT,
    CONTENT_TAG,
    SPACER_TAIL,
    STYLE_ID,
    WIDE_SHIFT,
    RenderState,
    ffi,
    lib,
)
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

MOST_STYLES = 4096
PLAIN_ROWS = 128
"""So many rows are remembered: those that have only moved are not read again."""

# Lowest bytes of cells that hold one code point and no more.
ONE_CODE_POINT = bytes(low for low in range(256) if not low & CONTENT_TAG)
# Cells shifted right by the two bits of their tag, little-endian: three bytes of code point, two of
# style, then the width in the lowest bits.
LOOKS = re.compile(rb"(?s)...(.{5})(?:...\1)*")

_styles: dict[bytes, Style] = {}

Piece = tuple[int, int, Style, str]


def read_rows(render: RenderState, wanted: Sequence[int], start: int, end: int) -> list[list[Run]]:
    """The runs in cells ``start`` to ``end - 1`` of rows of a render state.

    :param wanted: the rows, ascending; those that there are not have no runs.
    """
    found: dict[int, list[Run]] = {}
    left = set(wanted)
    if start < end:
        for y, cells in render.rows():
            if y in left:
                found[y] = _read_row(render, cells, start, end)
                left.discard(y)
                if not left:
                    break
    return [found.get(y, []) for y in wanted]


def _read_row(render: RenderState, cells: array[int], start: int, end: int) -> list[Run]:
    cut = cells[start:end]
    data = cut.tobytes()
    plain = _plain_runs(data)
    if plain is not None:
        return plain
    if data[::8].translate(None, ONE_CODE_POINT):
        return make_runs(_each_cell(render, cut, start))
    return make_runs(_looks(render, cut, _shifted(data), start))


@lru_cache(PLAIN_ROWS)
def _plain_runs(data: bytes) -> list[Run] | None:
    """The runs of cells without styles, from their bytes alone; None when these do not say all."""
    if not data.strip(b"\0"):
        return []
    if data[::8].translate(None, ONE_CODE_POINT) or max(array("Q", data)) >= STYLED:
        return None
    return make_runs([(0, len(data) // 8, DEFAULT_STYLE, _text(_shifted(data)))])


def _shifted(data: bytes) -> bytes:
    """Cells without their tags."""
    return (int.from_bytes(data, "little") >> 2).to_bytes(len(data), "little")


def _text(cells: bytes) -> str:
    """The characters of shifted cells of one look and width 1."""
    codes = bytearray(len(cells) // 2)
    codes[0::4], codes[1::4], codes[2::4] = cells[0::8], cells[1::8], cells[2::8]
    text = codes.decode("utf-32-le", "replace").replace("\0", " ")
    if text.isprintable():
        return text
    return "".join(cell_text(character, 1) for character in text)


def _looks(render: RenderState, cut: array[int], shifted: bytes, start: int) -> list[Piece]:
    """Pieces of a row whose cells hold at most one code point each."""
    render.open_cells()
    styles: dict[int, Style] = {0: DEFAULT_STYLE}
    pieces: list[Piece] = []
    x = 0
    for match in LOOKS.finditer(shifted):
        cells = match[0]
        count = len(cells) // 8
        identity = cells[3] | cells[4] << 8
        style = styles.get(identity)
        if style is None:
            style = styles[identity] = _style(render.style(start + x))
        if cells[5] & 3 == 0:
            pieces.append((x, count, style, _text(cells)))
        else:
            pieces += _wide(render, cut, x, x + count, style, start)
        x += count
    return pieces


def _each_cell(render: RenderState, cut: array[int], start: int) -> list[Piece]:
    """Pieces of a row cell by cell."""
    render.open_cells()
    styles: dict[int, Style] = {0: DEFAULT_STYLE}
    pieces: list[Piece] = []
    for x, cell in enumerate(cut):
        tag = cell & CONTENT_TAG
        if tag >= 2:
            value = cell >> 2 & 0xFFFFFF
            color = PALETTE | value & 255
            if tag == 3:
                color = RGB | (value & 255) << 16 | (value >> 8 & 255) << 8 | value >> 16
            pieces.append((x, 1, Style(bg=color), ""))
            continue
        identity = (cell & STYLE_ID) >> 26
        style = styles.get(identity)
        if style is None:
            style = styles[identity] = _style(render.style(start + x))
        pieces += _wide(render, cut, x, x + 1, style, start)
    return pieces


def _wide(
    render: RenderState, cut: array[int], first: int, end: int, style: Style, start: int
) -> list[Piece]:
    """Cells of one style, of any width; halves of characters that an edge cuts are blank."""
    pieces: list[Piece] = []
    for x in range(first, end):
        cell = cut[x]
        wide, code = cell >> WIDE_SHIFT & 3, (cell & CODE_POINT) >> 2
        if wide == SPACER_TAIL:
            if x == 0:
                pieces.append((x, 1, style, ""))
            continue
        width = 2 if wide == 1 else 1
        if not code or x + width > len(cut):
            pieces.append((x, min(width, len(cut) - x), style, ""))
        else:
            characters = render.characters(start + x) if cell & CONTENT_TAG else chr(code)
            pieces.append((x, width, style, cell_text(characters, width)))
    return pieces


def _style(style: Any) -> Style:
    """A ``GhosttyStyle`` as a run has it."""
    key = bytes(ffi.buffer(style))
    found = _styles.get(key)
    if found is None:
        if len(_styles) > MOST_STYLES:
            _styles.clear()
        found = _styles[key] = Style(
            fg=_color(style.fg_color),
            bg=_color(style.bg_color),
            underline=_color(style.underline_color),
            attrs=style_attrs(style, min(style.underline, 5)),
        )
    return found


def _color(color: Any) -> int:
    if color.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return PALETTE | int(color.value.palette)
    if color.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        rgb = color.value.rgb
        return RGB | int(rgb.r) << 16 | int(rgb.g) << 8 | int(rgb.b)
    return 0
