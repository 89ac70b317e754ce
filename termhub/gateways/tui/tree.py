"""How a screen is split into panes: a tree of rows and columns, and where each pane lies.

A leaf is a window; a split lays its parts side by side or one below the other, with a border of
one cell between two.  Sizes are weights, so that a tree fits any screen.  Values and functions
only.

Invariant: a split has at least two parts, and none of them is a split in the same direction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import attrs

Direction = Literal["left", "right", "up", "down"]

LEAST_COLS, LEAST_ROWS = 2, 1
"""What a pane needs at least."""

SPLIT_COLS, SPLIT_ROWS = 5, 3
"""What a pane needs at least to be split."""


class Rect(NamedTuple):
    """Part of a screen, in cells."""

    x: int
    y: int
    cols: int
    rows: int

    def holds(self, x: int, y: int) -> bool:
        """Whether the cell lies in it."""
        return self.x <= x < self.x + self.cols and self.y <= y < self.y + self.rows


@attrs.frozen
class Part:
    """One part of a split, and its share."""

    node: Node
    weight: float


@attrs.frozen
class Split:
    """Parts side by side, or one below the other."""

    side_by_side: bool
    parts: tuple[Part, ...]


Node = int | Split
"""A window's number, or a split."""


class Border(NamedTuple):
    """The cells between two parts of a split.

    :param path: where the split is: the index of a part at each level from the root.
    :param part: the index of the part before the border.
    :param extent: what both parts can share, in cells along the split: (first cell, length).
    """

    rect: Rect
    side_by_side: bool
    path: tuple[int, ...]
    part: int
    extent: tuple[int, int]


def windows(node: Node) -> list[int]:
    """The windows of a tree, in the order they are laid out."""
    if isinstance(node, int):
        return [node]
    return [window for part in node.parts for window in windows(part.node)]


def split(node: Node, window: int, new: int, side_by_side: bool) -> Node:
    """The tree with ``new`` behind ``window``, which gives it half of its place."""
    if isinstance(node, int):
        if node != window:
            return node
        return Split(side_by_side, (Part(node, 1.0), Part(new, 1.0)))
    parts: list[Part] = []
    for part in node.parts:
        if part.node == window and node.side_by_side == side_by_side:
            parts += [Part(window, part.weight / 2), Part(new, part.weight / 2)]
        else:
            parts.append(attrs.evolve(part, node=split(part.node, window, new, side_by_side)))
    return Split(node.side_by_side, tuple(parts))


def without(node: Node, window: int) -> Node | None:
    """The tree without a window, whose place goes to its neighbours; None when nothing is left."""
    if isinstance(node, int):
        return None if node == window else node
    parts: list[Part] = []
    for part in node.parts:
        left = without(part.node, window)
        if isinstance(left, Split) and left.side_by_side == node.side_by_side:
            whole = sum(inner.weight for inner in left.parts)
            parts += [Part(inner.node, part.weight * inner.weight / whole) for inner in left.parts]
        elif left is not None:
            parts.append(Part(left, part.weight))
    if not parts:
        return None
    return parts[0].node if len(parts) == 1 else Split(node.side_by_side, tuple(parts))


def fits(node: Node, rect: Rect) -> bool:
    """Whether every pane gets a place that can be seen."""
    cols, rows = _least(node)
    return cols <= rect.cols and rows <= rect.rows


def places(node: Node, rect: Rect) -> dict[int, Rect]:
    """Where each window lies; the tree must fit."""
    if isinstance(node, int):
        return {node: rect}
    found: dict[int, Rect] = {}
    for part, inner in zip(node.parts, _inner(node, rect), strict=True):
        found.update(places(part.node, inner))
    return found


def borders(node: Node, rect: Rect, path: tuple[int, ...] = ()) -> Iterator[Border]:
    """All borders between panes; the tree must fit."""
    if isinstance(node, int):
        return
    inner = _inner(node, rect)
    for index, (part, place) in enumerate(zip(node.parts, inner, strict=True)):
        yield from borders(part.node, place, (*path, index))
        if index + 1 < len(inner):
            after = inner[index + 1]
            if node.side_by_side:
                where = Rect(place.x + place.cols, place.y, 1, place.rows)
                extent = (place.x, place.cols + 1 + after.cols)
            else:
                where = Rect(place.x, place.y + place.rows, place.cols, 1)
                extent = (place.y, place.rows + 1 + after.rows)
            yield Border(where, node.side_by_side, path, index, extent)


def moved(node: Node, rect: Rect, border: Border, position: int) -> Node:
    """The tree with a border at another column or row, as near as the panes allow."""
    return _moved(node, rect, border, position, border.path)


def _moved(node: Node, rect: Rect, border: Border, position: int, path: tuple[int, ...]) -> Node:
    if isinstance(node, int):
        return node
    inner = _inner(node, rect)
    parts = list(node.parts)
    if path:
        index = path[0]
        changed = _moved(parts[index].node, inner[index], border, position, path[1:])
        parts[index] = attrs.evolve(parts[index], node=changed)
        return attrs.evolve(node, parts=tuple(parts))
    lengths = [_length(place, node.side_by_side) for place in inner]
    index = border.part
    least = [_least(part.node)[0 if node.side_by_side else 1] for part in parts[index : index + 2]]
    both = lengths[index] + lengths[index + 1]
    before = max(least[0], min(position - border.extent[0], both - least[1]))
    lengths[index], lengths[index + 1] = before, both - before
    # From here on the lengths as they are: only these two parts change.
    sized = (attrs.evolve(part, weight=float(length)) for part, length in zip(parts, lengths, strict=True))
    return attrs.evolve(node, parts=tuple(sized))


def border_of(node: Node, rect: Rect, window: int, direction: Direction) -> Border | None:
    """The border that moves when a pane grows in a direction: the one there, else the opposite one."""
    side_by_side = direction in ("left", "right")
    own = places(node, rect)[window]
    touching: dict[bool, Border] = {}
    for border in borders(node, rect):
        if border.side_by_side != side_by_side:
            continue
        line, start, length = _along(border.rect, side_by_side)
        first, across, extent = _along(own, side_by_side)
        if not (start <= across and across + extent <= start + length):
            continue
        if line == first + _length(own, side_by_side):
            touching[True] = border
        elif line == first - 1:
            touching[False] = border
    ahead = direction in ("right", "down")
    return touching.get(True) or touching.get(False) if ahead else touching.get(False) or touching.get(True)


def neighbour(found: dict[int, Rect], window: int, direction: Direction, recent: list[int]) -> int | None:
    """The pane beside another; of several the one used last, and around the edge when there is none.

    :param recent: windows in the order of their last use.
    """
    own = found[window]
    side_by_side = direction in ("left", "right")
    ahead = direction in ("right", "down")
    first, across, extent = _along(own, side_by_side)
    beyond = [
        (other, rect)
        for other, rect in found.items()
        if other != window and _overlap(_along(rect, side_by_side)[1:], (across, extent))
    ]

    def distance(rect: Rect) -> int:
        start = _along(rect, side_by_side)[0]
        if ahead:
            return start - (first + _length(own, side_by_side))
        return first - (start + _length(rect, side_by_side))

    near = [(other, rect) for other, rect in beyond if distance(rect) == 1]
    if not near and beyond:
        # Around the edge: the panes farthest on the other side.
        edge = min(distance(rect) for _, rect in beyond)
        near = [(other, rect) for other, rect in beyond if distance(rect) == edge]
    order = {number: place for place, number in enumerate(recent)}
    return max((other for other, _ in near), key=lambda other: order.get(other, -1), default=None)


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[0] + other[1] and other[0] < one[0] + one[1]


def _along(rect: Rect, side_by_side: bool) -> tuple[int, int, int]:
    """Its place along the direction, then its place and length across it."""
    return (rect.x, rect.y, rect.rows) if side_by_side else (rect.y, rect.x, rect.cols)


def _length(rect: Rect, side_by_side: bool) -> int:
    return rect.cols if side_by_side else rect.rows


def _least(node: Node) -> tuple[int, int]:
    if isinstance(node, int):
        return LEAST_COLS, LEAST_ROWS
    cols, rows = zip(*(_least(part.node) for part in node.parts), strict=True)
    lines = len(node.parts) - 1
    return (sum(cols) + lines, max(rows)) if node.side_by_side else (max(cols), sum(rows) + lines)


def _inner(node: Split, rect: Rect) -> list[Rect]:
    """The places of a split's parts."""
    axis = 0 if node.side_by_side else 1
    room = _length(rect, node.side_by_side) - (len(node.parts) - 1)
    least = [_least(part.node)[axis] for part in node.parts]
    lengths = _shared(room, [part.weight for part in node.parts], least)
    found, at = [], _along(rect, node.side_by_side)[0]
    for length in lengths:
        if node.side_by_side:
            found.append(Rect(at, rect.y, length, rect.rows))
        else:
            found.append(Rect(rect.x, at, rect.cols, length))
        at += length + 1
    return found


def _shared(room: int, weights: list[float], least: list[int]) -> list[int]:
    """``room`` cells shared out by weight, none less than its least."""
    whole = sum(weights)
    ends, total = [], 0.0
    for weight in weights:
        total += weight
        ends.append(round(room * total / whole))
    lengths = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    for index, length in enumerate(lengths):
        missing = least[index] - length
        while missing > 0:
            richest = max(range(len(lengths)), key=lambda other: lengths[other] - least[other])
            taken = min(missing, max(1, lengths[richest] - least[richest]))
            lengths[richest] -= taken
            lengths[index] += taken
            missing -= taken
    return lengths
