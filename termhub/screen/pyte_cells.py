"""Cells, rows and styles of the pure-Python engine, and SGR both ways.

A row is a dict of only the cells that were written, a pen a dict from character to finished cell, so
that drawing a run is one ``dict.update`` at C speed.  Cells and styles are never changed, only replaced.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from termhub.screen.widths import LAST, width_table

MOST_STYLES = 4096
MOST_PARAMETERS = 32

Color = int | str | None
"""A palette index, ``rrggbb``, or None for the default."""


class Style(NamedTuple):
    """How a cell looks.

    :param underline: 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed.
    :param link: the URI of its hyperlink (OSC 8), or an empty string.
    """

    foreground: Color = None
    background: Color = None
    bold: bool = False
    faint: bool = False
    italic: bool = False
    blink: bool = False
    inverse: bool = False
    invisible: bool = False
    strikethrough: bool = False
    overline: bool = False
    underline: int = 0
    underline_color: Color = None
    link: str = ""


class Cell(NamedTuple):
    """What one cell holds: a character with its combining ones; nothing for the right half of a wide one."""

    data: str
    style: Style


DEFAULT_STYLE = Style()
BLANK = Cell(" ", DEFAULT_STYLE)
PLAIN = "\x1b[0m"


class Pen(dict[str, Cell]):
    """Cells of one style by character, made at first use."""

    __slots__ = ("style",)

    def __init__(self, style: Style) -> None:
        self.style = style

    def __missing__(self, character: str) -> Cell:
        cell = self[character] = Cell(character, self.style)
        return cell


class Row(dict[int, Cell]):
    """Cells by column; ``default`` stands where there is none.

    ``wraps`` says that the next row continues this one.
    """

    __slots__ = ("default", "wraps")

    def __init__(self, default: Cell = BLANK) -> None:
        self.default, self.wraps = default, False

    def __missing__(self, x: int) -> Cell:
        return self.default

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be seen of it."""
        return not self and self.default is BLANK

    def end(self, cols: int) -> int:
        """How many cells from the left there are to draw."""
        if self.default is not BLANK:
            return cols
        return max((x + 1 for x, cell in self.items() if cell != BLANK and x < cols), default=0)

    def copy(self) -> Row:
        """Another row with the same cells."""
        row = Row(self.default)
        row.update(self)
        row.wraps = self.wraps
        return row

    def text(self, cols: int) -> str:
        """The characters, without blanks at the end."""
        end = self.end(cols)
        if end == cols and width(self[cols - 1].data[:1] or " ") == 2:
            end -= 1  # Cut in two by a narrower screen.
        return "".join([self[x].data for x in range(end)]).rstrip()


WIDTHS = width_table()


def _narrow_class() -> str:
    """A regular expression's character class of all printing characters of width 1."""
    ranges, start = [], None
    for code in range(0x20, 0x3000):
        narrow = WIDTHS[code] == 1 and not 0x7F <= code <= 0x9F
        if narrow and start is None:
            start = code
        elif not narrow and start is not None:
            ranges.append((start, code - 1))
            start = None
    if start is not None:
        ranges.append((start, 0x2FFF))
    return "[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges) + "]"


# Runs of width 1, and anything else one by one.
PIECES = re.compile(f"({_narrow_class()}+)|.", re.DOTALL)


def width(character: str) -> int:
    """Cells that a character takes: 0, 1 or 2."""
    code = ord(character)
    return WIDTHS[code] if code <= LAST else 1


FLAGS_ON = {
    1: "bold",
    2: "faint",
    3: "italic",
    5: "blink",
    6: "blink",
    7: "inverse",
    8: "invisible",
    9: "strikethrough",
    53: "overline",
}
FLAGS_OFF = {
    23: "italic",
    25: "blink",
    27: "inverse",
    28: "invisible",
    29: "strikethrough",
    55: "overline",
}
COLORS = {38: "foreground", 48: "background", 58: "underline_color"}

_styles: dict[tuple[Style, str], Style] = {}
_sequences: dict[Style, str] = {}


def style_after(style: Style, parameters: str) -> Style:
    """The style after ``CSI parameters m``."""
    key = (style, parameters)
    after = _styles.get(key)
    if after is None:
        if len(_styles) > MOST_STYLES:
            _styles.clear()
        after = _styles[key] = _apply_sgr(style, parameters)
    return after


def _apply_sgr(style: Style, parameters: str) -> Style:
    fields = style._asdict()
    words = iter(parameters.split(";")[:MOST_PARAMETERS])
    for word in words:
        number, *more = (int(part[:9]) if part.isdigit() else 0 for part in word.split(":"))
        if number == 0:
            fields = DEFAULT_STYLE._replace(link=style.link)._asdict()
        elif number == 4:
            fields["underline"] = min(more[0], 5) if more else 1
        elif number == 21:
            fields["underline"] = 2
        elif number == 22:
            fields["bold"] = fields["faint"] = False
        elif number == 24:
            fields["underline"] = 0
        elif number in FLAGS_ON:
            fields[FLAGS_ON[number]] = True
        elif number in FLAGS_OFF:
            fields[FLAGS_OFF[number]] = False
        elif 30 <= number <= 37 or 90 <= number <= 97:
            fields["foreground"] = number - (30 if number < 90 else 82)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            fields["background"] = number - (40 if number < 100 else 92)
        elif number in (39, 49, 59):
            fields[COLORS[number - 1]] = None
        elif number in COLORS:
            if not more:
                more = _following_color(words)
            color = _color(more)
            if color is not None:
                fields[COLORS[number]] = color
    return Style(**fields)


def _following_color(words: object) -> list[int]:
    """The parameters of a colour given with semicolons."""
    numbers: list[int] = []
    for word in words:  # type: ignore[attr-defined]
        numbers.append(int(word[:9]) if word.isdigit() else 0)
        if numbers[0] not in (2, 5) or len(numbers) == {2: 4, 5: 2}[numbers[0]]:
            break
    return numbers


def _color(numbers: list[int]) -> Color:
    match numbers:
        case [5, index, *_] if index < 256:
            return index
        case [2, _, red, green, blue, *_] | [2, red, green, blue]:
            return f"{red & 255:02x}{green & 255:02x}{blue & 255:02x}"
    return None


def sgr_parameters(style: Style) -> str:
    """The parameters of the SGR sequence that sets exactly this style (but its link)."""
    out = ["0"]
    out += [str(number) for number, name in FLAGS_ON.items() if number != 6 and getattr(style, name)]
    if style.underline:
        out.append("4" if style.underline == 1 else f"4:{style.underline}")
    for base, color in ((30, style.foreground), (40, style.background)):
        if isinstance(color, int):
            if color < 16:
                out.append(str(base + color if color < 8 else base + 52 + color))
            else:
                out.append(f"{base + 8};5;{color}")
        elif color is not None:
            out.append(f"{base + 8};2;{';'.join(_components(color))}")
    line = style.underline_color
    if isinstance(line, int):
        out.append(f"58:5:{line}")
    elif line is not None:
        out.append(f"58:2::{':'.join(_components(line))}")
    return ";".join(out)


def sgr(style: Style) -> str:
    """The SGR sequence that sets exactly this style (but its link)."""
    sequence = _sequences.get(style)
    if sequence is None:
        if len(_sequences) > MOST_STYLES:
            _sequences.clear()
        sequence = _sequences[style] = f"\x1b[{sgr_parameters(style)}m"
    return sequence


def _components(color: str) -> list[str]:
    return [str(int(color[i : i + 2], 16)) for i in (0, 2, 4)]


def draw_cells(row: Row, start: int, end: int) -> str:
    """Cells ``start`` to ``end - 1`` of a row, beginning and ending with default attributes.

    Every cell is written; a wide character cut by an edge is drawn as a space.
    """
    out: list[str] = []
    pen, sequence, link = DEFAULT_STYLE, PLAIN, ""
    for x in range(start, end):
        data, style = row[x]
        if not data:
            if x > start:
                continue
            data = " "
        elif x == end - 1 and width(data[0]) == 2:
            data = " "
        if style is not pen:
            if style.link != link:
                link = style.link
                out.append(f"\x1b]8;;{link}\x1b\\")
            if sgr(style) != sequence:
                sequence = sgr(style)
                out.append(sequence)
            pen = style
        out.append(data)
    if link:
        out.append("\x1b]8;;\x1b\\")
    if sequence != PLAIN:
        out.append(PLAIN)
    return "".join(out)
