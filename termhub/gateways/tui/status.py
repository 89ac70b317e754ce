"""The status line: the console, its windows as tabs, what is to know, and the time.

Pure: from a :class:`Status` to cells of the canvas.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from termhub.gateways.tui.canvas import Canvas
from termhub.gateways.tui.text import clean, clipped, padded
from termhub.screen.runs import BOLD, PALETTE, REVERSE, Style, count_cells

BAR = Style(attrs=REVERSE)
CURRENT = Style(attrs=BOLD)
SHOWN = Style(attrs=REVERSE | BOLD)
WARNING = Style(fg=PALETTE | 3, attrs=REVERSE)

TITLE_CELLS = 20
LEAST_TAB_CELLS = 12
"""Room for tabs that notes on the right leave them."""


@attrs.frozen
class Tab:
    """A window in the status line."""

    number: int
    title: str
    is_current: bool = False
    is_shown: bool = False
    is_zoomed: bool = False
    has_activity: bool = False
    has_bell: bool = False
    has_silence: bool = False
    has_finished: bool = False
    has_exited: bool = False

    @property
    def words(self) -> str:
        """Number, title and marks: ``*`` current, ``Z`` zoomed, ``#`` activity, ``!`` bell, ``~`` silence,
        ``+`` a command has ended, ``x`` exited."""
        marks = (
            (self.is_current, "*"),
            (self.is_zoomed, "Z"),
            (self.has_activity, "#"),
            (self.has_bell, "!"),
            (self.has_silence, "~"),
            (self.has_finished, "+"),
            (self.has_exited, "x"),
        )
        return f"{self.number}:{clipped(self.title, TITLE_CELLS)}" + "".join(
            mark for is_set, mark in marks if is_set
        )


@attrs.frozen
class Status:
    """What the line says.

    :param notes: on the right, the most important first; what has no room is left out.
    :param message: in place of everything else, for a moment.
    """

    name: str
    tabs: Sequence[Tab] = ()
    notes: Sequence[str] = ()
    warning: str = ""
    clock: str = ""
    message: str = ""


TabPlace = tuple[range, int]
"""The columns of a tab, and its window."""


def draw_status(canvas: Canvas, y: int, status: Status) -> list[TabPlace]:
    """Draw the line over the whole width of the canvas.

    :returns: where the tabs are.
    """
    cols = canvas.cols
    if status.message:
        canvas.put(0, y, padded(f" {status.message}", cols), WARNING)
        return []
    canvas.fill(0, y, cols, 1, BAR)
    name = clipped(f"[{status.name}]", cols)
    canvas.put(0, y, name, BAR)
    start = count_cells(name) + 1
    end = _draw_right(canvas, y, status, start)
    return _draw_tabs(canvas, y, status.tabs, start, end)


def _draw_right(canvas: Canvas, y: int, status: Status, start: int) -> int:
    """The notes; the column they begin at."""
    end = canvas.cols
    parts = [(note, BAR) for note in (status.clock, *reversed(status.notes)) if note]
    if status.warning:
        parts.append((status.warning, WARNING))
    # The most important stand leftmost and are chosen first.
    room = canvas.cols - start - min(LEAST_TAB_CELLS, sum(count_cells(tab.words) + 1 for tab in status.tabs))
    chosen = set()
    for index in [*range(len(parts) - 1, 0, -1), 0] if parts else []:
        cells = count_cells(clean(parts[index][0])) + 1
        if cells <= room:
            chosen.add(index)
            room -= cells
    for index, (words, style) in enumerate(parts):
        if index in chosen:
            end -= count_cells(clean(words)) + 1
            canvas.put(end, y, f" {clean(words)}", style)
    return end


def _draw_tabs(canvas: Canvas, y: int, tabs: Sequence[Tab], start: int, end: int) -> list[TabPlace]:
    """As many tabs as there is room for, the current one among them; where they are."""
    places: list[TabPlace] = []
    room = end - start
    widths = [count_cells(tab.words) + 1 for tab in tabs]
    current = next((index for index, tab in enumerate(tabs) if tab.is_current), 0)
    first = 0
    while first < current and sum(widths[first : current + 1]) + (2 if first else 0) > room:
        first += 1
    x = start
    if first and x + 2 <= end:
        x += canvas.put(x, y, "< ", BAR)
    for index in range(first, len(tabs)):
        left = end - x
        is_cut = widths[index] > left or (index + 1 < len(tabs) and widths[index] + 1 > left)
        if is_cut and index != current:
            if left >= 1:
                canvas.put(x, y, ">", BAR)
            break
        tab = tabs[index]
        style = CURRENT if tab.is_current else SHOWN if tab.is_shown else BAR
        cells = canvas.put(x, y, clipped(tab.words, left), style)
        places.append((range(x, x + cells), tab.number))
        x = min(x + cells + 1, end)
    return places
