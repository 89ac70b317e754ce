"""Text in cells: without what would steer a terminal, and cut to a width."""

from __future__ import annotations

import unicodedata

from termhub.hub.host_messages import seen
from termhub.screen.runs import count_cells, split_cells

MOST_MARKS = 2
"""Combining marks that a character of somebody's words may have."""


def clean(text: str) -> str:
    """The text with anything that steers a terminal replaced."""
    return text if text.isascii() and text.isprintable() else seen(text)


def told(text: str, most: int = 2000) -> str:
    """What somebody else wrote, as one line that shows all there is of it and nothing more.

    What steers a terminal is replaced; what is not seen (characters that turn the direction of writing
    round, join or have no width) is left out, and so are piles of combining marks.

    :param most: characters that are looked at.
    """
    text = text[:most]
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category[0] == "M" else 0
        if category in ("Zs", "Zl", "Zp") or character in "\t\n\r":
            kept.append(" ")
        elif category == "Cf" or marks > MOST_MARKS:
            continue
        else:
            kept.append("\N{REPLACEMENT CHARACTER}" if category[0] == "C" else character)
    return "".join(kept)


def wrapped(text: str, cols: int) -> list[str]:
    """Lines of at most ``cols`` cells that hold all of a clean text, broken between words where it can be."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if count_cells(longer) <= cols:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while count_cells(line) > cols:
            head = _head(line, cols)
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line] if line or not lines else lines


def _head(text: str, cols: int) -> str:
    """As much of a text as fits, at least a character."""
    end, cells = 0, 0
    for character in text:
        cells += count_cells(character)
        if cells > cols and end:
            break
        end += 1
    return text[:end]


def clipped(text: str, cols: int) -> str:
    """Clean text of at most ``cols`` cells; ``…`` where some was cut off."""
    text = clean(text)
    if count_cells(text) <= cols:
        return text
    if cols <= 0:
        return ""
    kept = split_cells(text)[:cols]
    # The cell for the dots must not be the left half of a wide character cut in two.
    last = len(kept) - 1
    if kept[last] == "" and last:
        last -= 1
    return "".join(kept[:last]) + "…"


def padded(text: str, cols: int) -> str:
    """Clean text of exactly ``cols`` cells."""
    text = clipped(text, cols)
    return text + " " * (cols - count_cells(text))


def counted(number: int, noun: str) -> str:
    """A number of things, as ``1 character`` or ``2 characters``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
