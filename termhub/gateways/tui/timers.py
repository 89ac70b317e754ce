"""What is to happen in a while, by name.

Invariant: a name has at most one timer.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.hub.clock import Clock, DelayedCall


class Timers:
    """The timers of one person's terminal."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._timers: dict[str, DelayedCall] = {}

    def later(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        """Call something once, in a while; only the last call of a name counts."""
        self.cancel(name)

        def due() -> None:
            del self._timers[name]
            call()

        self._timers[name] = self._clock.callLater(seconds, due)

    def is_set(self, name: str) -> bool:
        """Whether something is to be called by this name."""
        return name in self._timers

    def cancel(self, name: str) -> None:
        """Do not call what was to be called by this name."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def stop(self) -> None:
        """Call nothing any more."""
        for name in list(self._timers):
            self.cancel(name)
