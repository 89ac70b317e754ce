"""Finding a text in the lines of a screen.

Plain text, never a pattern: a person's regular expression could keep a host busy for hours.  Small
letters find large ones too, as long as there is no large one in what is looked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from termhub.screen.runs import count_cells


class Found(NamedTuple):
    """Where a text stands.

    :param line: counted from the oldest.
    :param x: the column of its first cell.
    """

    line: int
    x: int
    cells: int


class Lines:
    """Lines of text, made ready to be searched many times.

    :param lines: without line ends.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.exact = "\n".join(lines)
        self.folded = _fold(self.exact)
        self.starts = list(accumulate(chain((0,), (len(line) + 1 for line in lines))))


def find(lines: Lines, text: str, line: int, *, forward: bool = True) -> Found | None:
    """The first match in the first line that has one.

    :param line: where to begin, itself included.
    :param forward: towards newer lines, else towards older ones.
    """
    if not text or "\n" in text or not lines.lines:
        return None
    folded = _fold(text)
    where = lines.folded if folded == text else lines.exact
    last = len(lines.lines) - 1
    if forward:
        if line > last:
            return None
        place = where.find(text, lines.starts[line])
    else:
        place = where.rfind(text, 0, lines.starts[min(line, last) + 1])
    if place < 0:
        return None
    number = bisect_right(lines.starts, place) - 1
    start = lines.starts[number]
    place = where.find(text, start)
    prefix, match = lines.exact[start:place], lines.exact[place : place + len(text)]
    return Found(number, count_cells(prefix), count_cells(match))


def _fold(text: str) -> str:
    """In small letters, each character still one."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(small if len(small := character.lower()) == 1 else character for character in text)
