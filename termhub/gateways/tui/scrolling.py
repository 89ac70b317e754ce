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
_Screen = tuple[Texts, Styles]


class Scroll(NamedTuple):
    """Rows ``top`` to ``bottom - 1`` go up by ``lines``; down when negative."""

    top: int
    bottom: int
    lines: int


def find_scroll(
    old: _Screen,
    new: _Screen,
    changed: Sequence[int],
    margins: tuple[int, int] | None,
    lines: int = 0,
) -> Scroll | None:
    """The scroll that saves most, if any does.

    :param changed: the rows in which old and new differ, ascending.
    :param margins: the scrolling region in force; another one costs more.
    :param lines: by how many text has probably moved up; 0 when nobody knows.
    """
    rows = len(new[0])
    fitting: list[int] = []
    if lines:
        fitting = _fitting(old, new, lines)
    if not fitting:
        lines = _likely_distance(old[0], new[0], changed)
        fitting = _fitting(old, new, lines) if lines else []
    # Of the rows that fit, those around changed ones.
    kept = [y for y in fitting if min(y, y + lines) <= changed[-1] and max(y, y + lines) >= changed[0]]
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
    costs = _Costs(old, new, changed, lines, fitting)
    regions = {
        region for region in (margins or tight, (top, bottom), tight) if region[1] - region[0] > abs(lines)
    }
    if not regions:
        return None
    prices = {}
    for region in regions:
        change = 0 if region == margins else _MARGIN_BYTES
        prices[region] = _MOVE_BYTES + abs(lines) + change + costs.scrolled(*region)
    best = min(prices, key=lambda region: (prices[region], region != margins, region))
    return Scroll(*best, lines) if costs.is_more_than(prices[best]) else None


class _Costs:
    """What rows cost to draw, each counted only when it matters.

    :param fitting: the rows that are right after a scroll by ``lines``.
    """

    def __init__(
        self, old: _Screen, new: _Screen, changed: Sequence[int], lines: int, fitting: list[int]
    ) -> None:
        self._old, self._new = old, new
        self._changed = changed
        self._lines = lines
        self._fitting = set(fitting)
        self._in_place: dict[int, int] = {}
        self._moved: dict[tuple[int | None, int], int] = {}

    def scrolled(self, top: int, bottom: int) -> int:
        """All rows after a region has scrolled."""
        total = 0
        for y in range(top, bottom):
            place = y + self._lines if top <= y + self._lines < bottom else None
            if place is None or y not in self._fitting:
                if (place, y) not in self._moved:
                    self._moved[place, y] = _cost(self._old, self._new, place, y)
                total += self._moved[place, y]
        return total + sum(self._still(y) for y in self._changed if not top <= y < bottom)

    def is_more_than(self, price: int) -> bool:
        """Whether all rows together cost more without a scroll."""
        if (_MOVE_BYTES + 1) * len(self._changed) > price:
            return True
        total = 0
        for y in self._changed:
            total += self._still(y)
            if total > price:
                return True
        return False

    def _still(self, y: int) -> int:
        if y not in self._in_place:
            self._in_place[y] = _cost(self._old, self._new, y, y)
        return self._in_place[y]


def _fitting(old: _Screen, new: _Screen, lines: int) -> list[int]:
    """The rows that stood ``lines`` rows lower before."""
    rows = len(new[0])
    return [
        y
        for y in range(max(0, -lines), min(rows, rows - lines))
        if new[0][y] == old[0][y + lines] and new[1][y] == old[1][y + lines]
    ]


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


def _cost(old: _Screen, new: _Screen, source: int | None, y: int) -> int:
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
