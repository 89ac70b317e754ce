"""The lines between panes."""

from __future__ import annotations

from collections.abc import Mapping

from termhub.gateways.tui import tree
from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.tree import Node, Rect
from termhub.screen.drawing import FAINT, PALETTE, Style

PLAIN = Style(attrs=FAINT)
ACTIVE = Style(fg=PALETTE | 2)

_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8

_LINES: Mapping[int, str] = {
    _UP | _DOWN: "│",
    _UP: "│",
    _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _LEFT: "─",
    _RIGHT: "─",
    _UP | _DOWN | _LEFT: "┤",
    _UP | _DOWN | _RIGHT: "├",
    _LEFT | _RIGHT | _UP: "┴",
    _LEFT | _RIGHT | _DOWN: "┬",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}


def draw_borders(canvas: Canvas, node: Node, area: Rect, focus: int | None) -> None:
    """Draw the lines between a tree's panes, those around the focused one in colour."""
    upright: set[tuple[int, int]] = set()
    level: set[tuple[int, int]] = set()
    for border in tree.borders(node, area):
        x, y, cols, rows = border.rect
        cells = upright if border.side_by_side else level
        cells.update((column, row) for column in range(x, x + cols) for row in range(y, y + rows))
    own = tree.places(node, area).get(focus) if focus is not None else None
    for x, y in upright | level:
        sides = 0
        if (x, y) in upright:
            sides |= _UP | _DOWN
        if (x, y) in level:
            sides |= _LEFT | _RIGHT
        sides |= _LEFT if (x - 1, y) in level else 0
        sides |= _RIGHT if (x + 1, y) in level else 0
        sides |= _UP if (x, y - 1) in upright else 0
        sides |= _DOWN if (x, y + 1) in upright else 0
        is_near = own is not None and Rect(own.x - 1, own.y - 1, own.cols + 2, own.rows + 2).holds(x, y)
        canvas.put(x, y, _LINES[sides], ACTIVE if is_near else PLAIN)
