"""Places within a row of cells that copy mode goes to: words, ends, what is looked for.

Pure: from a row's cells, as :func:`~termhub.screen.runs.split_cells` has them, and a column to a column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import chain

Cells = list[str]


def matches(cells: Cells, text: str) -> list[tuple[int, int]]:
    """Where a text stands in a row: (column, cells)."""
    columns = list(chain.from_iterable([x] * len(cell) for x, cell in enumerate(cells)))
    joined = "".join(cells)
    exact = text != text.lower()
    # As vi's smartcase: capitals in what is looked for make the case count.
    flags = re.NOFLAG if exact else re.IGNORECASE
    found = []
    for match in re.finditer(re.escape(text), joined, flags):
        start, last = columns[match.start()], columns[match.end() - 1]
        wide = last + 1 < len(cells) and cells[last + 1] == ""
        found.append((start, last - start + 1 + wide))
    return found


def _left(cells: Cells, x: int) -> int:
    x -= 1
    return x - 1 if 0 < x < len(cells) and cells[x] == "" else x


def _right(cells: Cells, x: int) -> int:
    x += 1
    return x + 1 if x < len(cells) and cells[x] == "" else x


def _start(cells: Cells, x: int) -> int:
    return 0


def _first_word(cells: Cells, x: int) -> int:
    return next((at for at, cell in enumerate(cells) if cell.strip()), 0)


def _end(cells: Cells, x: int) -> int:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return max(0, len(cells) - 1)


def _kind(cell: str) -> int:
    return 0 if not cell.strip() else 1 if cell[0].isalnum() or cell[0] == "_" else 2


def _next_word(cells: Cells, x: int) -> int:
    kinds = [_kind(cell) for cell in cells]
    if x >= len(kinds):
        return x
    at = x
    while at < len(kinds) and kinds[at] == kinds[x]:
        at += 1
    while at < len(kinds) and kinds[at] == 0:
        at += 1
    return at if at < len(kinds) else _end(cells, x)


def _word_end(cells: Cells, x: int) -> int:
    kinds = [_kind(cell) for cell in cells]
    at = x + 1
    while at < len(kinds) and kinds[at] == 0:
        at += 1
    if at >= len(kinds):
        return max(x, _end(cells, x))
    while at + 1 < len(kinds) and kinds[at + 1] == kinds[at]:
        at += 1
    return at


def _word_start(cells: Cells, x: int) -> int:
    kinds = [_kind(cell) for cell in cells]
    at = min(x, len(kinds)) - 1
    while at > 0 and kinds[at] == 0:
        at -= 1
    while at > 0 and kinds[at - 1] == kinds[at]:
        at -= 1
    return max(0, at)


JUMPS: Mapping[str, Callable[[Cells, int], int]] = {
    name: jump
    for names, jump in (
        (("Left", "h", "Backspace"), _left),
        (("Right", "l"), _right),
        (("0", "Home", "C-a"), _start),
        (("^", "M-m"), _first_word),
        (("$", "End"), _end),
        (("w", "M-f"), _next_word),
        (("e",), _word_end),
        (("b", "M-b"), _word_start),
    )
    for name in names
}
"""What keys do within a row."""
