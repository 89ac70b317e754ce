"""Which windows the hub shows drawn, in step with the panes.

Panes may change faster than a host answers, and a client may have but so many requests under way.
So each window has at most one, and the last state of it that is wanted is asked for when that is
answered; what was wanted in between never mattered.

Invariant: once all is answered, every window is asked for as it was wanted last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from termhub.gateways.tui.client import Answered

MOST_ASKED = 8
"""Requests under way; the hub allows a viewer 32, for everything."""


class Viewport(NamedTuple):
    """How a window is to be shown: the size of its viewport, and how far back it is."""

    cols: int
    rows: int
    back: int


class Viewports:
    """The viewports of one session.

    :param view: asks for a window, and is given what to call with the answer.
    :param unview: asks for it no longer, likewise.
    """

    def __init__(
        self,
        view: Callable[[int, Viewport, Answered], None],
        unview: Callable[[int, Answered], None],
    ) -> None:
        self._view = view
        self._unview = unview
        self._wanted: dict[int, Viewport | None] = {}
        self._due: dict[int, None] = {}
        self._asked: set[int] = set()
        self._waiters: dict[int, list[Answered]] = {}
        self._is_asking = False

    def want(self, window: int, viewport: Viewport, answered: Answered | None = None) -> None:
        """Show a window so, drawn anew.

        :param answered: called with the answer to this or to what is wanted after it.
        """
        self._wanted[window] = viewport
        if answered is not None:
            self._waiters.setdefault(window, []).append(answered)
        self._due[window] = None
        self._ask()

    def leave(self, window: int) -> None:
        """Show a window no longer."""
        self._wanted[window] = None
        self._waiters.pop(window, None)
        self._due[window] = None
        self._ask()

    def forget(self, window: int) -> None:
        """A window is gone."""
        for known in (self._wanted, self._due, self._waiters):
            known.pop(window, None)

    def _ask(self) -> None:
        if self._is_asking:  # an answer came at once
            return
        self._is_asking = True
        try:
            while len(self._asked) < MOST_ASKED:
                window = next((window for window in self._due if window not in self._asked), None)
                if window is None:
                    break
                del self._due[window]
                self._asked.add(window)
                self._ask_for(window)
        finally:
            self._is_asking = False

    def _ask_for(self, window: int) -> None:
        def answered(reply: dict[str, Any]) -> None:
            self._answered(window, reply)

        viewport = self._wanted[window]
        if viewport is None:
            self._unview(window, answered)
        else:
            self._view(window, viewport, answered)

    def _answered(self, window: int, reply: dict[str, Any]) -> None:
        self._asked.discard(window)
        if window not in self._due:
            for waiter in self._waiters.pop(window, []):
                waiter(reply)
        self._ask()
