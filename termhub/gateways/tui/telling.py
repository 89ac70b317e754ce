"""Tells the others where this person looks and what is selected, for those who follow or are pointed at.

Invariant: once it is quiet, what was told last is how it is; and it is told at most ten times a second.
"""

from __future__ import annotations

from typing import Any

from termhub.gateways.tui.session import Session
from termhub.gateways.tui.timers import Timers

TELL_SECONDS = 0.12


class Telling:
    """What one session tells of its view."""

    def __init__(self, session: Session, timers: Timers) -> None:
        self._session = session
        self._timers = timers
        self._told: dict[str, Any] | None = None

    def tell(self) -> None:
        """The view may have changed."""
        session = self._session
        if not session.is_greeted or session.has_ended or session.company.is_alone:
            return
        look = self._look()
        if look is None or look == self._told or self._timers.is_set("look"):
            return
        self._told = look
        self._timers.later("look", TELL_SECONDS, self.tell)
        session.request("look", **look)

    def _look(self) -> dict[str, Any] | None:
        pane = self._session.focused
        if pane is None:
            return None
        look: dict[str, Any] = {"window": pane.window, "back": 0, "from": None, "to": None}
        history = pane.history
        if history is None:
            return look
        look["back"] = history.back
        selection = history.selection
        if selection is not None:
            (top, left), (bottom, right) = selection
            cols = pane.size[0] if pane.size is not None else pane.place.cols
            # Where the window is larger, the pane begins somewhere in it.
            first = pane.origin[0]
            look["from"] = [top - pane.lines, min(first + left, cols)]
            look["to"] = [bottom - pane.lines, min(first + right + 1, cols)]
        return look
