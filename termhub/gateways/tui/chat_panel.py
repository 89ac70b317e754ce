"""The chat over part of the panes: the last messages, and a line to write.

Pure: what is written is given away.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.chat import SAY_CHARACTERS, Chat
from termhub.gateways.tui.line_editor import LineEditor
from termhub.gateways.tui.overlay import LEAVES, QUIET, TITLE
from termhub.gateways.tui.text import padded
from termhub.gateways.tui.tree import Rect
from termhub.screen.runs import DEFAULT_STYLE

LEAST_ROWS = 12
"""Of a screen that has room for the panes beside the panel."""


class ChatPanel:
    """Messages, and a line to write.

    :param say: called with what was written.
    :param older: called when the person scrolls beyond what is known.
    :param close: called when the person leaves it.
    """

    def __init__(
        self, chat: Chat, say: Callable[[str], None], older: Callable[[], None], close: Callable[[], None]
    ) -> None:
        self._chat = chat
        self._say = say
        self._older = older
        self._close = close
        self._line = LineEditor("", SAY_CHARACTERS)
        self._up = 0
        self._wrapped: dict[int, list[str]] = {}
        self._wrapped_cols = 0
        self._most_up = 0
        self._page = 1

    def place(self, area: Rect, cursor_row: int) -> Rect:
        """The part of the screen it takes: the half that the program's cursor is not in.

        :param cursor_row: of the screen.
        """
        if area.rows < LEAST_ROWS:
            return area
        rows = area.rows // 2 - 1
        is_low = cursor_row - area.y >= rows
        return Rect(area.x, area.y if is_low else area.y + area.rows - rows, area.cols, rows)

    def key(self, name: str, text: str) -> None:
        """Write, send, scroll, or leave."""
        steps = {"Up": 1, "Down": -1, "PageUp": self._page, "PageDown": -self._page}
        if name in LEAVES:
            self._close()
        elif name in ("Enter", "C-j", "C-m"):
            words, self._line = self._line.text.strip(), LineEditor("", SAY_CHARACTERS)
            self._up = 0
            if words:
                self._say(words)
        elif name in steps:
            self._scroll(steps[name])
        else:
            self._line.key(name, text)

    def paste(self, text: str) -> None:
        """Put in a text; its lines become one."""
        self._line.paste(" ".join(text.splitlines()))

    def wheel(self, lines: int) -> None:
        """Scroll; negative lines are up."""
        self._scroll(-lines)

    def _scroll(self, lines: int) -> None:
        if lines > 0 and self._up + lines > self._most_up and self._chat.has_more:
            self._older()
        self._up = max(0, min(self._up + lines, self._most_up))

    def click(self, x: int, y: int) -> None:
        """Nothing to click."""

    def _lines(self, cols: int) -> list[str]:
        """All messages as lines; each is broken into them once."""
        if cols != self._wrapped_cols:
            self._wrapped, self._wrapped_cols = {}, cols
        known = self._wrapped
        self._wrapped = {
            message.number: known.get(message.number) or message.lines(cols)
            for message in self._chat.messages
        }
        return [line for lines in self._wrapped.values() for line in lines]

    def draw(self, canvas: Canvas, area: Rect) -> tuple[int, int] | None:
        """Draw the messages that there is room for, and the line."""
        x, y, cols, rows = area
        canvas.fill(x, y, cols, rows, DEFAULT_STYLE)
        if rows > 2:
            canvas.put(x, y, padded(" Chat · Enter says it · arrows scroll · Escape back", cols), TITLE)
            y, rows = y + 1, rows - 1
        lines = self._lines(max(1, cols - 2))
        room = max(0, rows - 1)
        self._page, self._most_up = max(1, room), max(0, len(lines) - room)
        self._up = min(self._up, self._most_up)
        end = len(lines) - self._up
        shown = lines[max(0, end - room) : end] if room else []
        for row, line in enumerate(shown):
            canvas.put(x + 1, y + room - len(shown) + row, line)
        if not lines and room:
            canvas.put(x + 1, y + room - 1, "Nobody has said anything yet."[: cols - 1], QUIET)
        label = canvas.put(x, y + room, "> ", QUIET)
        return self._line.draw(canvas, x + label, y + room, cols - label), y + room
