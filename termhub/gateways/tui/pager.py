"""A text over the panes, to read and scroll through: a draft, or what a new share is for.

Pure: the text is given, what keys do is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.overlay import LEAVES, draw_frame
from termhub.gateways.tui.text import clipped, wrapped
from termhub.gateways.tui.tree import Rect


class Pager:
    """Lines to read.

    :param lines: clean ones, of any length.
    :param wraps: those that are too long go on in the next row; else they are cut off.
    :param commands: what keys do.
    :param close: called when the person leaves it.
    """

    def __init__(
        self,
        title: str,
        footer: str,
        lines: Sequence[str],
        commands: Mapping[str, Callable[[], None]],
        close: Callable[[], None],
        wraps: bool = True,
    ) -> None:
        self._title = title
        self._footer = footer
        self._lines = lines
        self._commands = commands
        self._close = close
        self._wraps = wraps
        self._top = 0
        self._count = 0
        self._page = 1

    def key(self, name: str, text: str) -> None:
        """Scroll, a command, or leave."""
        steps = {"Up": -1, "k": -1, "C-p": -1, "Down": 1, "j": 1, "C-n": 1}
        steps |= {"PageUp": -self._page, "PageDown": self._page, "Space": self._page}
        steps |= {"Home": -self._count, "g": -self._count, "End": self._count, "G": self._count}
        if name in self._commands:
            self._commands[name]()
        elif name in LEAVES or name == "q":
            self._close()
        else:
            self.wheel(steps.get(name, 0))

    def paste(self, text: str) -> None:
        """Nothing to paste here."""

    def wheel(self, lines: int) -> None:
        """Scroll."""
        self._top = max(0, min(self._top + lines, self._count - self._page))

    def click(self, x: int, y: int) -> None:
        """Nothing to click."""

    def draw(self, canvas: Canvas, area: Rect) -> tuple[int, int] | None:
        """Draw the lines there is room for."""
        x, y, cols, rows = draw_frame(canvas, area, self._title, self._footer)
        room = max(1, cols - 2)
        if self._wraps:
            shown = [part for line in self._lines for part in wrapped(line, room)]
        else:
            shown = [clipped(line, room) for line in self._lines]
        self._count, self._page = len(shown), max(1, rows)
        self.wheel(0)
        for row, line in enumerate(shown[self._top : self._top + rows]):
            canvas.put(x + 1, y + row, line)
        return None
