"""Finds rows that only moved up or down, so that the terminal can move them itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from operator import ne
from typing import NamedTuple

from termhub.screen.runs import Style

_MOST_PLACES = 4
# Bytes for new margins and the way to them.
_MARGIN_BYTES = 12
_MOVE_BYTES = 4
# As many cells that stay are rather skipped than written again.
_GAP = bytes(_MOVE_BYTES)

Texts = Sequence[list[str]]
Styles = Sequence[list[Style]]


class Scroll(NamedTuple):
    """Rows ``top`` to ``bottom - 1`` go up by ``lines``; down when negative."""

    top: int
    bottom: int
    lines: int


def find_scroll(
    old: tuple[Texts, Styles],
    new: tuple[Texts, Styles],
    changed: Sequence[int],
    margins: tuple[int, int] | None,
) -> Scroll | None:
    """The scroll that saves most, if any does.

    :param changed: the rows in which old and new differ, ascending.
    :param margins: the scrolling region in force; another one costs more.
    """
    lines = _likely_distance(old[0], new[0], changed)
    if not lines:
        return None
    rows = len(new[0])
    kept = [
        y
        for y in range(max(0, -lines), min(rows, rows - lines))
        if new[0][y] == old[0][y + lines] and new[1][y] == old[1][y + lines]
    ]
    # Of the rows that fit, those around changed ones.
    kept = [y for y in kept if min(y, y + lines) <= changed[-1] and max(y, y + lines) >= changed[0]]
    if not kept:
        return None
    tight = (min(kept[0], kept[0] + lines), max(kept[-1], kept[-1] + lines) + 1)
    # Blank rows around it belong to what moves: programs that write line by line leave the cursor
    # in one below, and will have moved text into those above soon.
    top, bottom = tight
    while top > 0 and _is_blank(old[0][top - 1], new[0][top - 1]):
        top -= 1
    while bottom < rows and _is_blank(old[0][bottom], new[0][bottom]):
        bottom += 1
    before = {y: _cost(old, new, y, y) for y in changed}
    after: dict[tuple[int | None, int], int] = {}
    best: Scroll | None = None
    best_saving = 0
    for region in (margins or tight, (top, bottom), tight):
        top, bottom = region
        if bottom - top <= abs(lines):
            continue
        saving = -_MOVE_BYTES - abs(lines) - (0 if region == margins else _MARGIN_BYTES)
        for y in range(top, bottom):
            place = (y + lines if top <= y + lines < bottom else None, y)
            if place not in after:
                after[place] = _cost(old, new, *place)
            saving += before.get(y, 0) - after[place]
        if saving > best_saving:
            best, best_saving = Scroll(top, bottom, lines), saving
    return best


def _is_blank(before: list[str], after: list[str]) -> bool:
    return not "".join((*before, *after)).strip()


def _likely_distance(old: Texts, new: Texts, changed: Sequence[int]) -> int:
    """How far most of the text moved up."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for y in range(max(0, changed[0]), len(old)):
        text = "".join(old[y])
        if len(places[text]) < _MOST_PLACES:
            places[text].append(y)
    votes: defaultdict[int, int] = defaultdict(int)
    for y in changed:
        text = "".join(new[y])
        weight = len(text.strip())
        if weight:
            for place in places.get(text, ()):
                votes[place - y] += weight
    votes.pop(0, None)
    return max(votes, key=votes.__getitem__) if votes else 0


def _cost(old: tuple[Texts, Styles], new: tuple[Texts, Styles], source: int | None, y: int) -> int:
    """About how many bytes turn an old row into a new one; ``source`` None: a blank one."""
    texts, styles = new[0][y], new[1][y]
    before, before_styles = (old[0][source], old[1][source]) if source is not None else ([], [])
    is_restyled = styles != before_styles
    if texts == before and not is_restyled:
        return 0
    length = len("".join(texts).rstrip())
    if source is None:
        return length + _MOVE_BYTES if length else 0
    spans = [span for span in bytes(map(ne, texts, before)).split(_GAP) if any(span)]
    different = sum(len(span.strip(b"\0")) for span in spans) + _MOVE_BYTES * len(spans)
    if is_restyled:
        different += sum(map(ne, styles, before_styles))
    # A row that is written anew ends with EL.
    return min(different, length + _MOVE_BYTES + 3)
