"""A list over the panes, with keys for what can be done with the chosen row: people, shares, drafts.

Pure: the rows are given, what is done with one is called.

Invariant: the chosen row is one of those there are, or there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.overlay import CHOSEN, LEAVES, QUIET, draw_frame
from termhub.gateways.tui.text import clipped, padded
from termhub.gateways.tui.tree import Rect
from termhub.screen.runs import DEFAULT_STYLE, count_cells


class Choice(NamedTuple):
    """One row.

    :param key: what it stands for, ``name`` what it is called, ``about`` what else is said on the right.
    """

    key: str
    name: str
    about: str = ""


class Choices:
    """A list to choose from.

    :param rows: gives the rows there are now.
    :param commands: what keys do with the chosen row's key; called with an empty string without one.
    :param close: called when the person leaves it.
    :param empty: what stands there when there are no rows.
    """

    def __init__(
        self,
        title: Callable[[], str],
        footer: str,
        rows: Callable[[], Sequence[Choice]],
        commands: Mapping[str, Callable[[str], None]],
        close: Callable[[], None],
        empty: str = "",
    ) -> None:
        self._title = title
        self._footer = footer
        self._rows = rows
        self._commands = commands
        self._close = close
        self._empty = empty
        self._place = 0
        self._key = ""
        self._first = 0
        self._area = Rect(0, 0, 0, 0)

    @property
    def key_chosen(self) -> str:
        """What the chosen row stands for; empty when there is none."""
        self._settle(0)
        return self._key

    def _settle(self, step: int) -> None:
        keys = [row.key for row in self._rows()]
        if self._key in keys:
            self._place = keys.index(self._key)
        self._place = max(0, min(self._place + step, len(keys) - 1))
        self._key = keys[self._place] if keys else ""

    def key(self, name: str, text: str) -> None:
        """Move, a command, or leave."""
        page = max(1, self._area.rows)
        steps = {"Up": -1, "C-p": -1, "k": -1, "Down": 1, "C-n": 1, "j": 1, "Tab": 1}
        steps |= {"PageUp": -page, "PageDown": page, "Home": -(1 << 20), "End": 1 << 20}
        if name in self._commands:
            self._commands[name](self.key_chosen)
        elif name in steps:
            self._settle(steps[name])
        elif name in LEAVES or name == "q":
            self._close()

    def paste(self, text: str) -> None:
        """Nothing to paste here."""

    def wheel(self, lines: int) -> None:
        """Move."""
        self._settle((lines > 0) - (lines < 0))

    def click(self, x: int, y: int) -> None:
        """Choose a row; the row that is chosen, as Enter does."""
        rows = self._rows()
        row = self._first + y - self._area.y
        if not self._area.holds(x, y) or row >= len(rows):
            return
        if rows[row].key == self._key:
            self.key("Enter", "")
        else:
            self._key = rows[row].key

    def draw(self, canvas: Canvas, area: Rect) -> tuple[int, int] | None:
        """Draw the rows around the chosen one."""
        x, y, cols, count = self._area = draw_frame(canvas, area, self._title(), self._footer)
        self._settle(0)
        rows = self._rows()
        self._first = max(0, min(self._first, self._place, len(rows) - count))
        self._first = max(self._first, self._place - count + 1)
        for at, row in enumerate(rows[self._first : self._first + count]):
            style = CHOSEN if row.key == self._key else DEFAULT_STYLE
            name = clipped(f" {row.name}", cols)
            about = clipped(row.about, cols - count_cells(name) - 3)
            gap = max(0, cols - count_cells(name) - count_cells(about) - 1)
            canvas.put(x, y + at, padded(f"{name}{' ' * gap}{about}", cols), style)
        if not rows:
            canvas.put(x, y, clipped(f" {self._empty}", cols), QUIET)
        return None
