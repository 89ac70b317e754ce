"""What programs ask of a console's owner, until it is answered or too late.

Invariant: at most :data:`MOST`; each has a timer.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.gateways.tui.company import ASK_SECONDS, Ask
from termhub.gateways.tui.timers import Timers

MOST = 8


class Asks:
    """The questions that wait for this person.

    :param changed: called when there is one more or less.
    """

    def __init__(self, timers: Timers, changed: Callable[[], None]) -> None:
        self._waiting: dict[str, Ask] = {}
        self._timers = timers
        self._changed = changed

    @property
    def first(self) -> Ask | None:
        """The one that waits longest."""
        return next(iter(self._waiting.values()), None)

    def add(self, ask: Ask) -> bool:
        """A program asks; False when so many wait that this one has to be asked again."""
        if len(self._waiting) >= MOST:
            return False
        self._waiting[ask.id] = ask
        self._timers.later(f"ask {ask.id}", ASK_SECONDS, lambda: self.answered(ask.id))
        self._changed()
        return True

    def answered(self, id: str) -> None:
        """One of them waits no longer."""
        self._timers.cancel(f"ask {id}")
        if self._waiting.pop(id, None) is not None:
            self._changed()

    def forget(self) -> None:
        """Another console is shown."""
        for id in list(self._waiting):
            self.answered(id)
