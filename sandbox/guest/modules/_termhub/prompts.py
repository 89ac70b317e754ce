"""Prompt marks (OSC 133), so that termhub knows where a command begins and ends.

``A`` says that a prompt follows, ``C`` that a command begins, ``D`` that it has ended.
The marks are written beside the prompt and never into it: it stays the text it was, of
the same width, and line editing may draw it again without another mark.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Marks:
    """Writes the marks of one interpreter."""

    def __init__(self) -> None:
        self._began = False  # a command that has not been said to have ended
        self._error: "Any" = None

    def prompt(self) -> None:
        """A prompt is about to be shown."""
        mark = ""
        error = getattr(sys, "last_value", None)
        if self._began:
            mark = "\x1b]133;D;%d\a" % (error is not self._error)
        self._began, self._error = True, error  # whatever comes next, unless another prompt does
        self._write(mark + "\x1b]133;A\a")

    def command(self) -> None:
        """A command is about to run."""
        self._began = True
        self._write("\x1b]133;C\a")

    def _write(self, mark: str) -> None:
        try:
            sys.stdout.flush()
            os.write(1, mark.encode())
        except (AttributeError, OSError, ValueError):
            pass  # no such terminal any more


class Prompt(str):
    """A prompt that writes its mark when the interpreter is about to show it."""

    marks: Marks

    def __str__(self) -> str:
        self.marks.prompt()
        return str.__str__(self)


def mark() -> None:
    """Mark the prompts of the interactive interpreter of this program."""
    if can_mark() and not _mark_new_interpreter():
        _mark_prompt()


def can_mark() -> bool:
    """Whether there is a terminal that can be told more than text."""
    return os.isatty(0) and os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb"


def _mark_prompt() -> None:
    """The interpreter asks ``sys.ps1`` for its text each time it shows it."""
    text = getattr(sys, "ps1", ">>> ")
    if type(text) is str:  # what is more than a text has ideas of its own
        prompt = Prompt(text)
        prompt.marks = Marks()
        sys.ps1 = prompt


def _mark_new_interpreter() -> bool:
    """The interpreter of Python 3.13 and later draws its prompt many times, but asks once."""
    if sys.version_info < (3, 13) or os.environ.get("PYTHON_BASIC_REPL"):
        return False
    try:
        from _pyrepl import main, simple_interact  # type: ignore[import-not-found]

        if not main.CAN_USE_PYREPL:
            return False
        ask = simple_interact.multiline_input
    except (ImportError, AttributeError):
        return False
    marks = Marks()

    def multiline_input(*arguments: "Any", **options: "Any") -> "Any":
        marks.prompt()
        answer = ask(*arguments, **options)
        marks.command()
        return answer

    simple_interact.multiline_input = multiline_input
    return True
