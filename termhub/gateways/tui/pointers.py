"""Where the others look, and what they point at: their selections, drawn into our panes.

Rows count from the first row of the live screen, as the hub tells them; negative ones are history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

from termhub.gateways.tui.people import NAME_CHARACTERS
from termhub.gateways.tui.text import told
from termhub.screen.runs import PALETTE, Style

_COLOURS = (6, 5, 2, 3, 4)
"""Backgrounds that black text can be read on, in the order of the palette's usual shades."""

Cell = tuple[int, int]
"""A row and a column."""


class Pointer(NamedTuple):
    """What one of the others looks at.

    :param back: how many lines above its live place.
    :param start: the first cell selected and ``end`` the one behind the last; None: nothing is.
    """

    id: str
    person: str
    name: str
    window: int
    back: int = 0
    start: Cell | None = None
    end: Cell | None = None

    @property
    def style(self) -> Style:
        """The colours of this person's selections, the same for everybody who sees them."""
        return Style(fg=PALETTE | 0, bg=PALETTE | _COLOURS[crc32(self.person.encode()) % len(_COLOURS)])

    def marked(self, row: int, cols: int) -> tuple[int, int] | None:
        """The cells of a row that are selected, from and to (not included)."""
        if self.start is None or self.end is None or not self.start[0] <= row <= self.end[0]:
            return None
        left = self.start[1] if row == self.start[0] else 0
        right = min(self.end[1], cols) if row == self.end[0] else cols
        return (left, right) if left < right else None


class Pointers:
    """The latest of each of the others' attachments.

    Invariant: at most as many as there are people listed, and :data:`MOST`.
    """

    MOST = 64

    def __init__(self) -> None:
        self._latest: dict[str, Pointer] = {}

    def heard(self, event: Mapping[str, Any]) -> Pointer:
        """Take note of a ``looks`` event."""
        start, end = event.get("from"), event.get("to")
        is_marked = start is not None and end is not None
        pointer = Pointer(
            str(event["id"]),
            str(event["person"]),
            told(str(event["name"]), NAME_CHARACTERS),
            int(event["window"]),
            int(event["back"]),
            _cell(start) if is_marked else None,
            _cell(end) if is_marked else None,
        )
        self._latest.pop(pointer.id, None)
        self._latest[pointer.id] = pointer
        if len(self._latest) > self.MOST:
            del self._latest[next(iter(self._latest))]
        return pointer

    def of(self, id: str) -> Pointer | None:
        """What one attachment looks at, if it said so."""
        return self._latest.get(id)

    def of_person(self, person: str) -> Pointer | None:
        """What somebody looked at last, at whichever of their attachments."""
        return next((each for each in reversed(self._latest.values()) if each.person == person), None)

    def keep(self, ids: set[str]) -> None:
        """Only these are still here."""
        self._latest = {id: pointer for id, pointer in self._latest.items() if id in ids}

    def in_window(self, window: int) -> list[Pointer]:
        """Those with something selected in a window."""
        return [each for each in self._latest.values() if each.window == window and each.start is not None]


def _cell(value: Any) -> Cell:
    row, col = value
    return int(row), int(col)
