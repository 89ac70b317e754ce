"""One-line questions in place of the status line: a text to type, or yes or no.

Invariant: a prompt answers once, with what was typed or None when it was given up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.text import clean, clipped
from termhub.screen.runs import REVERSE, Style, count_cells

PROMPT = Style(attrs=REVERSE)
MAX_CHARACTERS = 500

GIVES_UP = frozenset({"Escape", "C-c", "C-g"})


class Prompt(Protocol):
    """A question that waits for its answer."""

    def key(self, name: str, text: str) -> bool:
        """A key; whether the prompt is over."""

    def paste(self, text: str) -> None:
        """Pasted text."""

    def draw(self, canvas: Canvas, y: int) -> tuple[int, int]:
        """Draw it over a row; where the cursor goes."""


class TextPrompt:
    """Asks for a text.

    :param label: the question.
    :param text: what stands there at first.
    :param answered: called with the text; not called when it is given up.
    """

    def __init__(self, label: str, text: str, answered: Callable[[str], None]) -> None:
        self.label = label
        self.text = clean(text)[:MAX_CHARACTERS]
        self.place = len(self.text)
        self._answered = answered

    def key(self, name: str, text: str) -> bool:
        """A key; whether the prompt is over."""
        if name in GIVES_UP:
            return True
        if name in ("Enter", "C-j", "C-m"):
            self._answered(self.text)
            return True
        edit = _EDITS.get(name)
        if edit is not None:
            self.text, self.place = edit(self.text, self.place)
        elif text and not name.startswith(("C-", "M-")):
            self.paste(text)
        return False

    def paste(self, text: str) -> None:
        """Put in a text; only its first line."""
        line = clean(text.splitlines()[0]) if text.splitlines() else ""
        line = line[: MAX_CHARACTERS - len(self.text)]
        self.text = self.text[: self.place] + line + self.text[self.place :]
        self.place += len(line)

    def draw(self, canvas: Canvas, y: int) -> tuple[int, int]:
        """Draw it over a row; where the cursor goes."""
        cols = canvas.cols
        canvas.fill(0, y, cols, 1, PROMPT)
        start = canvas.put(0, y, clipped(f"{self.label} ", max(0, cols - 4)), PROMPT)
        before = self.text[: self.place]
        while before and start + count_cells(before) >= cols:
            before = before[1:]
        shown = before + self.text[self.place :]
        canvas.put(start, y, clipped(shown, cols - start), PROMPT)
        return min(cols - 1, start + count_cells(before)), y


class Confirm:
    """Asks yes or no; anything but ``y`` is no.

    :param agreed: called on yes.
    """

    def __init__(self, question: str, agreed: Callable[[], None]) -> None:
        self.question = question
        self._agreed = agreed

    def key(self, name: str, text: str) -> bool:
        """A key; the prompt is over."""
        if name in ("y", "Y"):
            self._agreed()
        return True

    def paste(self, text: str) -> None:
        """Nothing in a paste is an answer."""

    def draw(self, canvas: Canvas, y: int) -> tuple[int, int]:
        """Draw it over a row; where the cursor goes."""
        canvas.fill(0, y, canvas.cols, 1, PROMPT)
        answers = " (y/n) "
        room = max(0, canvas.cols - len(answers) - 1)
        x = canvas.put(0, y, clipped(self.question, room), PROMPT)
        x += canvas.put(x, y, answers, PROMPT)
        return min(canvas.cols - 1, x), y


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
