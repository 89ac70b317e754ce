"""A frozen screen of the engine ``ghostty``: a second terminal whose viewport moves over the lines."""

from __future__ import annotations

from termhub.screen.ghostty_runs import read_rows
from termhub.screen.ghostty_terminal import RenderState, Terminal
from termhub.screen.runs import Run


class GhosttyHistory:
    """See :class:`~termhub.screen.interface.History`.

    :param terminal: a copy that nobody else uses.
    :param history_lines: how many of the lines it has above its screen count.
    """

    def __init__(self, terminal: Terminal, cols: int, rows: int, history_lines: int) -> None:
        self.cols, self.rows = cols, rows
        self._terminal = terminal
        self._render = RenderState()
        self._above = terminal.history_rows
        self.history_lines = min(history_lines, self._above)
        self._first = self._above - self.history_lines

    def runs(self, lines: range, x: int = 0, width: int | None = None) -> list[list[Run]]:
        """What stands in part of some lines."""
        start = max(0, x)
        end = self.cols if width is None else min(self.cols, x + width)
        found: list[list[Run]] = []
        line = lines.start + self._first
        last = min(lines.stop + self._first, self._above + self.rows)
        while line < last:
            top = min(line, self._above)
            self._terminal.show(top)
            self._render.update(self._terminal)
            rows = range(line - top, min(last - top, self.rows))
            found += read_rows(self._render, rows, start, end)
            line += len(rows)
        return found + [[] for _ in range(len(lines) - len(found))]

    def text(self) -> list[str]:
        """All lines without attributes."""
        lines = self.history_lines + self.rows
        found = self._format(0, 0, self.cols - 1, lines - 1, unwrap=False).split("\n")
        return [line.rstrip() for line in found] + [""] * (lines - len(found))

    def copy(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text from one cell to another."""
        text = self._format(start[1], start[0], end[1], end[0], unwrap=True)
        return "\n".join(line.rstrip() for line in text.split("\n"))

    def close(self) -> None:
        """Free the terminal."""
        self._render.close()
        self._terminal.close()

    def _format(self, x0: int, line0: int, x1: int, line1: int, *, unwrap: bool) -> str:
        selection = self._terminal.selection(
            x0, line0 + self._first, x1, line1 + self._first, in_history=True
        )
        return self._terminal.format(selection, plain=True, unwrap=unwrap).decode("utf-8", "replace")
