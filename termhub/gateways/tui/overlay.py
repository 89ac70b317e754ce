"""Screens that lie over the panes: what they have in common, and the help.

Pure: keys in, cells out; what they cause they call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from termhub.gateways.tui.bindings import Preset, help_rows
from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.history import HELP as COPY_KEYS
from termhub.gateways.tui.text import clipped, padded, wrapped
from termhub.gateways.tui.tree import Rect
from termhub.screen.runs import BOLD, DEFAULT_STYLE, FAINT, REVERSE, Style

TITLE = Style(attrs=REVERSE)
HEADING = Style(attrs=BOLD)
QUIET = Style(attrs=FAINT)
CHOSEN = Style(attrs=REVERSE)

LEAVES = frozenset({"Escape", "C-c", "C-g"})


class Overlay(Protocol):
    """A screen over the panes."""

    def key(self, name: str, text: str) -> None:
        """A key, by the name of :func:`~.bindings.key_name`, and the text it types."""

    def paste(self, text: str) -> None:
        """Pasted text."""

    def wheel(self, lines: int) -> None:
        """The mouse wheel; negative lines are up."""

    def click(self, x: int, y: int) -> None:
        """A mouse button, at a cell of the screen."""

    def draw(self, canvas: Canvas, area: Rect) -> tuple[int, int] | None:
        """Draw it over part of the screen; where the cursor goes, if anywhere."""


TALL_ROWS = 9
"""From so many rows on a footer may take several of them."""


def draw_frame(canvas: Canvas, area: Rect, title: str, footer: str) -> Rect:
    """Clear an area, with a title above and a footer below; the rectangle between them."""
    x, y, cols, rows = area
    canvas.fill(x, y, cols, rows, DEFAULT_STYLE)
    if rows < 3:
        return area
    canvas.put(x, y, padded(f" {title}", cols), TITLE)
    lines = [footer] if rows < TALL_ROWS else wrapped(footer, max(1, cols - 2))[: rows // 4]
    for at, line in enumerate(lines, rows - len(lines)):
        canvas.put(x, y + at, clipped(f" {line}", cols), QUIET)
    return Rect(x, y + 1, cols, rows - 1 - len(lines))


class Help:
    """The keys there are, to scroll through.

    :param close: called when the person leaves it.
    """

    def __init__(self, preset: Preset, lines: Sequence[str], close: Callable[[], None]) -> None:
        self._rows: list[tuple[str, str]] = [
            *help_rows(preset),
            ("", ""),
            ("Copy mode", ""),
            *COPY_KEYS,
            ("", ""),
            *(("", line) for line in lines),
        ]
        self._close = close
        self._top = 0
        self._page = 10

    def key(self, name: str, text: str) -> None:
        """Scroll, or leave."""
        steps = {
            "Up": -1,
            "k": -1,
            "C-p": -1,
            "Down": 1,
            "j": 1,
            "C-n": 1,
            "Enter": 1,
            "PageUp": -self._page,
            "PageDown": self._page,
            "Space": self._page,
            "Home": -len(self._rows),
            "g": -len(self._rows),
            "End": len(self._rows),
            "G": len(self._rows),
        }
        if name in LEAVES or name == "q":
            self._close()
        else:
            self.wheel(steps.get(name, 0))

    def paste(self, text: str) -> None:
        """Nothing to paste here."""

    def wheel(self, lines: int) -> None:
        """Scroll."""
        self._top = max(0, min(self._top + lines, len(self._rows) - self._page))

    def click(self, x: int, y: int) -> None:
        """Nothing to click."""

    def draw(self, canvas: Canvas, area: Rect) -> tuple[int, int] | None:
        """Draw the rows there is room for."""
        inner = draw_frame(canvas, area, "Keys", "arrows and page keys scroll, q closes")
        self._page = max(1, inner.rows)
        self.wheel(0)
        keys_cols = min(22, inner.cols // 2)
        for row, (keys, words) in enumerate(self._rows[self._top : self._top + inner.rows]):
            y = inner.y + row
            canvas.put(inner.x, y, clipped(f" {keys}", keys_cols if words else inner.cols), HEADING)
            start = keys_cols + 1 if keys else 1
            canvas.put(inner.x + start, y, clipped(words, inner.cols - start))
        return None
