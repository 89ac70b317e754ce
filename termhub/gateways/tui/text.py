"""Text in cells: without what would steer a terminal, and cut to a width."""

from __future__ import annotations

from termhub.hub.host_messages import seen
from termhub.screen.runs import count_cells, split_cells


def clean(text: str) -> str:
    """The text with anything that steers a terminal replaced."""
    return text if text.isascii() and text.isprintable() else seen(text)


def clipped(text: str, cols: int) -> str:
    """Clean text of at most ``cols`` cells; ``…`` where some was cut off."""
    text = clean(text)
    if count_cells(text) <= cols:
        return text
    if cols <= 0:
        return ""
    kept = split_cells(text)[:cols]
    # The cell for the dots must not be the left half of a wide character cut in two.
    last = len(kept) - 1
    if kept[last] == "" and last:
        last -= 1
    return "".join(kept[:last]) + "…"


def padded(text: str, cols: int) -> str:
    """Clean text of exactly ``cols`` cells."""
    text = clipped(text, cols)
    return text + " " * (cols - count_cells(text))


def counted(number: int, noun: str) -> str:
    """A number of things, as ``1 character`` or ``2 characters``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
