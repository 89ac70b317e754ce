"""One-line questions in place of the status line: a text to type, or yes or no.

Invariant: a prompt answers once, with what was typed or None when it was given up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.line_editor import LineEditor
from termhub.gateways.tui.text import clipped
from termhub.screen.runs import REVERSE, Style

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
        self.line = LineEditor(text, MAX_CHARACTERS)
        self._answered = answered

    @property
    def text(self) -> str:
        """What stands there."""
        return self.line.text

    def key(self, name: str, text: str) -> bool:
        """A key; whether the prompt is over."""
        if name in GIVES_UP:
            return True
        if name in ("Enter", "C-j", "C-m"):
            self._answered(self.text)
            return True
        self.line.key(name, text)
        return False

    def paste(self, text: str) -> None:
        """Put in a text; only its first line."""
        self.line.paste(text)

    def draw(self, canvas: Canvas, y: int) -> tuple[int, int]:
        """Draw it over a row; where the cursor goes."""
        cols = canvas.cols
        canvas.fill(0, y, cols, 1, PROMPT)
        start = canvas.put(0, y, clipped(f"{self.label} ", max(0, cols - 4)), PROMPT)
        return self.line.draw(canvas, start, y, cols - start, PROMPT), y


class Confirm:
    """Asks yes or no; anything but ``y`` is no.

    :param agreed: called on yes, ``declined`` on no.
    """

    def __init__(
        self,
        question: str,
        agreed: Callable[[], None],
        declined: Callable[[], None] = lambda: None,
    ) -> None:
        self.question = question
        self._agreed = agreed
        self._declined = declined

    def key(self, name: str, text: str) -> bool:
        """A key; the prompt is over."""
        if name in ("y", "Y"):
            self._agreed()
        else:
            self._declined()
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
