"""A line of text that is being typed, with the keys that edit it.

Invariant: the text is clean, no longer than it may be, and the place lies within it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.text import clean, clipped
from termhub.screen.runs import DEFAULT_STYLE, Style, count_cells


class LineEditor:
    """One line.

    :param text: what stands there at first; the cursor is behind it.
    :param most: characters it can have.
    """

    def __init__(self, text: str, most: int) -> None:
        self._most = most
        self.text = clean(text)[:most]
        self.place = len(self.text)

    def key(self, name: str, text: str) -> None:
        """A key that edits, or types something."""
        edit = _EDITS.get(name)
        if edit is not None:
            self.text, self.place = edit(self.text, self.place)
        elif text and not name.startswith(("C-", "M-")):
            self.paste(text)

    def paste(self, text: str) -> None:
        """Put in a text; only its first line."""
        line = clean(text.splitlines()[0]) if text.splitlines() else ""
        line = line[: self._most - len(self.text)]
        self.text = self.text[: self.place] + line + self.text[self.place :]
        self.place += len(line)

    def draw(self, canvas: Canvas, x: int, y: int, cols: int, style: Style = DEFAULT_STYLE) -> int:
        """Draw as much of it as there is room for, the cursor's place among it; the cursor's column."""
        before = self.text[: self.place]
        while before and count_cells(before) >= cols:
            before = before[1:]
        shown = before + self.text[self.place :]
        canvas.put(x, y, clipped(shown, cols), style)
        return min(x + cols - 1, x + count_cells(before))


def _delete_word(text: str, place: int) -> tuple[str, int]:
    start = len(text[:place].rstrip())
    while start and not text[start - 1].isspace():
        start -= 1
    return text[:start] + text[place:], start


_Edit = Callable[[str, int], tuple[str, int]]

_EDITS: Mapping[str, _Edit] = {
    "Left": lambda text, place: (text, max(0, place - 1)),
    "Right": lambda text, place: (text, min(len(text), place + 1)),
    "Home": lambda text, place: (text, 0),
    "End": lambda text, place: (text, len(text)),
    "C-a": lambda text, place: (text, 0),
    "C-e": lambda text, place: (text, len(text)),
    "C-b": lambda text, place: (text, max(0, place - 1)),
    "C-f": lambda text, place: (text, min(len(text), place + 1)),
    "Backspace": lambda text, place: (text[: max(0, place - 1)] + text[place:], max(0, place - 1)),
    "C-h": lambda text, place: (text[: max(0, place - 1)] + text[place:], max(0, place - 1)),
    "Delete": lambda text, place: (text[:place] + text[place + 1 :], place),
    "C-d": lambda text, place: (text[:place] + text[place + 1 :], place),
    "C-u": lambda text, place: (text[place:], 0),
    "C-k": lambda text, place: (text[:place], place),
    "C-w": _delete_word,
}
