"""Terminal screens: a program's output in, its state out, as text, as rows or as one keyframe.

Two engines stand behind the one interface: ``ghostty`` (libghostty-vt, fast, the extra
``termhub[fast]``) and ``pyte`` (pure Python, runs everywhere).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from termhub.screen.interface import Cursor, History, Modes, Screen, ScreenEvent, TextRow, clamp_size

__all__ = [
    "Cursor",
    "Engine",
    "History",
    "Modes",
    "Screen",
    "ScreenEvent",
    "TextRow",
    "clamp_size",
    "engines",
    "open_screen",
]

Engine = Literal["auto", "ghostty", "pyte"]


def engines() -> tuple[str, ...]:
    """The engines that can be used here, best first."""
    return ("ghostty", "pyte") if find_spec("pyghostty") is not None else ("pyte",)


def open_screen(cols: int, rows: int, *, scrollback: int = 10_000, engine: str = "auto") -> Screen:
    """Make an empty screen.

    :param cols: width in cells, brought within 2 to 1000.
    :param rows: height in cells, brought within 1 to 500.
    :param scrollback: most lines of history kept.
    :param engine: ``ghostty``, ``pyte``, or ``auto`` for the best there is.
    :raises ValueError: when the engine is unknown or not installed.
    """
    available = engines()
    chosen = available[0] if engine == "auto" else engine
    cols, rows = clamp_size(cols, rows)
    scrollback = max(0, scrollback)
    if chosen == "ghostty" and "ghostty" in available:
        from termhub.screen.ghostty_screen import GhosttyScreen

        return GhosttyScreen(cols, rows, scrollback)
    if chosen == "pyte":
        from termhub.screen.pyte_screen import PyteScreen

        return PyteScreen(cols, rows, scrollback)
    if chosen == "ghostty":
        raise ValueError("The screen engine 'ghostty' needs pyghostty: pip install 'termhub[fast]'")
    raise ValueError(f"There is no screen engine {engine!r}; there are: auto, ghostty, pyte")
