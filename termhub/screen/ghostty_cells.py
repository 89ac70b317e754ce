"""libghostty-vt's cells as VT bytes: styles as SGR, parts of rows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

from termhub.screen.ghostty_terminal import (
    CODE_POINT,
    CONTENT,
    CONTENT_TAG,
    HYPERLINK,
    NOT_EMPTY,
    SPACER_HEAD,
    SPACER_TAIL,
    STYLE_ID,
    WIDE_CHARACTER,
    WIDE_SHIFT,
    WIDE_SPACE,
    RenderState,
    Terminal,
    lib,
)

PLAIN = "\x1b[0m"
# Cells below have no style, width or link; their lowest byte tells text from background.
STYLED = 1 << 26
TAGS_OF_TEXT = bytes(low for low in range(256) if not low & 0b10)
CLOSE_LINK = "\x1b]8;;\x1b\\"
FLAGS = (
    ("bold", "1"),
    ("faint", "2"),
    ("italic", "3"),
    ("blink", "5"),
    ("inverse", "7"),
    ("invisible", "8"),
    ("strikethrough", "9"),
    ("overline", "53"),
)


def has_text(cells: Sequence[int]) -> bool:
    """Whether any cell holds a character."""
    return any(cell & 0b10 == 0 and cell & CODE_POINT for cell in cells)


def fills_end(cells: Sequence[int]) -> bool:
    """Whether text goes up to the end, but for an empty cell before a wide character in the next row."""
    last = cells[-1]
    if last >> WIDE_SHIFT & 3 == SPACER_HEAD:
        last = cells[-2]
    return last >> WIDE_SHIFT & 3 == SPACER_TAIL or (last & 0b10 == 0 and bool(last & CODE_POINT))


def needs_repair(cells: array[int]) -> bool:
    """Whether the C formatter draws this row wrong.

    It drops hyperlinks and coloured blanks of rows without text, paints default blanks between a styled
    cell and a later one in the style before them, and takes wide spaces for narrow ones (a wide
    character printed while line drawing is on becomes one).
    """
    if max(cells) < STYLED and not cells.tobytes()[::8].translate(None, TAGS_OF_TEXT):
        return False
    styled = gap = False
    for cell in cells:
        if cell & HYPERLINK or cell & WIDE_CHARACTER == WIDE_SPACE:
            return True
        if not cell & CONTENT and cell >> WIDE_SHIFT & 3 == 0:
            gap = styled
        elif gap:
            return True
        else:
            styled = cell & CONTENT_TAG >= 2 or bool(cell & STYLE_ID)
    return any(cell & CONTENT for cell in cells) and not has_text(cells)


def sgr(style: Any) -> str:
    """The SGR sequence that sets exactly this style."""
    parameters = ["0"]
    parameters += [number for name, number in FLAGS if getattr(style, name)]
    if style.underline:
        parameters.append("4" if style.underline == 1 else f"4:{style.underline}")
    parameters += _color(style.fg_color, 30)
    parameters += _color(style.bg_color, 40)
    line = style.underline_color
    if line.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        parameters.append(f"58:5:{line.value.palette}")
    elif line.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        rgb = line.value.rgb
        parameters.append(f"58:2::{rgb.r}:{rgb.g}:{rgb.b}")
    return f"\x1b[{';'.join(parameters)}m"


def _color(color: Any, base: int) -> list[str]:
    if color.tag == lib.GHOSTTY_STYLE_COLOR_PALETTE:
        return [_palette_color(color.value.palette, base)]
    if color.tag == lib.GHOSTTY_STYLE_COLOR_RGB:
        rgb = color.value.rgb
        return [f"{base + 8};2;{rgb.r};{rgb.g};{rgb.b}"]
    return []


def _palette_color(index: int, base: int) -> str:
    if index < 16:
        return str(base + index if index < 8 else base + 52 + index)
    return f"{base + 8};5;{index}"


class RowWriter:
    """Draws cells of the row that a render state stands on.

    :param keep_blanks: blanks stay blanks (ECH and CUF), for a keyframe; otherwise they become spaces,
        so that nothing depends on what was there or on the terminal's kind.
    """

    def __init__(self, terminal: Terminal, render: RenderState, *, keep_blanks: bool) -> None:
        self._terminal, self._render, self._keep_blanks = terminal, render, keep_blanks

    def write(self, y: int, cells: array[int], start: int, end: int) -> bytes:
        """Cells ``start`` to ``end - 1``, beginning and ending with default attributes."""
        self._render.open_cells()
        styles = {0: PLAIN}
        out: list[str] = []
        pen, link = PLAIN, b""
        x = start
        while x < end:
            cell = cells[x]
            tag, wide = cell & CONTENT_TAG, cell >> WIDE_SHIFT & 3
            if wide == 2 and self._keep_blanks:
                x += 1
                continue
            style, text = self._look(cell, x, styles)
            if wide == 2 or (wide == 1 and x + 1 >= end):
                text = None if self._keep_blanks else " "
            width = 2 if wide == 1 and text != " " else 1
            if text is None:
                stop = x + 1
                while stop < end and cells[stop] == cell:
                    stop += 1
                width = stop - x
                blanks = self._blanks(width, style)
                if style != pen and not (self._keep_blanks and style == PLAIN):
                    out.append(style)
                    pen = style
                text = blanks
            elif style != pen:
                out.append(style)
                pen = style
            uri = self._terminal.link(x, y) if cell & HYPERLINK and tag < 2 else b""
            if uri != link:
                out.append(f"\x1b]8;;{uri.decode('utf-8', 'replace')}\x1b\\")
                link = uri
            out.append(text)
            x += width
        if link:
            out.append(CLOSE_LINK)
        if pen != PLAIN:
            out.append(PLAIN)
        return "".join(out).encode("utf-8", "surrogatepass")

    def _look(self, cell: int, x: int, styles: dict[int, str]) -> tuple[str, str | None]:
        """A cell's SGR sequence and its text, None for a blank."""
        tag = cell & CONTENT_TAG
        if tag >= 2:
            value = cell >> 2 & 0xFFFFFF
            if tag == 2:
                return f"\x1b[0;{_palette_color(value & 255, 40)}m", None
            return f"\x1b[0;48;2;{value & 255};{value >> 8 & 255};{value >> 16}m", None
        identity = (cell & STYLE_ID) >> 26
        style = styles.get(identity)
        if style is None:
            style = styles[identity] = sgr(self._render.style(x))
        code = (cell & CODE_POINT) >> 2
        if not code:
            return style, None
        if cell & WIDE_CHARACTER == WIDE_SPACE:
            return style, "  "
        return style, chr(code) if tag == 0 else self._render.characters(x)

    def _blanks(self, width: int, style: str) -> str:
        if not self._keep_blanks:
            return " " * width
        return f"\x1b[{width}C" if style == PLAIN else f"\x1b[{width}X\x1b[{width}C"


def used_cells(cells: array[int]) -> int:
    """How many cells from the left are not empty."""
    end = (len(cells.tobytes().rstrip(b"\0")) + 7) // 8
    while end and not cells[end - 1] & NOT_EMPTY:
        end -= 1
    return end
