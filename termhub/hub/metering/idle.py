"""Since when consoles are idle: nobody looks, nothing is printed or typed, and no CPU time is used.

CPU time is looked at every few seconds; what a REPL uses that only waits is none.  Where the
kernel does not tell, a console counts as busy, so that silent work is never ended.  Pure.

Nothing of it outlives the hub: after a restart a console has been busy just now.
"""

from __future__ import annotations

from collections.abc import Collection

QUIET_CPU_SECONDS = 0.02
QUIET_SECONDS = 10.0
"""So much CPU time in so long is no work: what an interpreter uses that waits."""


class Idleness:
    """When each console was last found busy."""

    def __init__(self) -> None:
        self._busy: dict[str, float] = {}
        self._worked: dict[str, float] = {}
        self._measured: dict[str, tuple[float, float]] = {}

    def look(
        self, console: str, cpu_seconds: float | None, is_watched: bool, active_at: float, at: float
    ) -> float:
        """A sample has come; the seconds that the console has been idle.

        :param cpu_seconds: what it has used since it began.
        :param active_at: when something was last printed or typed.
        :param at: the time, from any start.
        """
        if self._works(console, cpu_seconds, at):
            self._worked[console] = at
        last = max(self._worked.get(console, at), self._busy.get(console, active_at), active_at)
        self._busy[console] = at if is_watched else last
        return at - self._busy[console]

    def _works(self, console: str, cpu_seconds: float | None, at: float) -> bool:
        before, since = self._measured.get(console, (None, at))
        works = cpu_seconds is None or before is None or cpu_seconds - before > QUIET_CPU_SECONDS
        if cpu_seconds is not None and (works or at - since >= QUIET_SECONDS):
            self._measured[console] = (cpu_seconds, at)
        return works

    def busy_at(self, console: str) -> float | None:
        """When a console was last found busy; None: it was not looked at yet."""
        return self._busy.get(console)

    def worked_at(self, console: str) -> float | None:
        """When a sample last found that a console used CPU time, or could not say; None: never."""
        return self._worked.get(console)

    def keep(self, consoles: Collection[str]) -> None:
        """Forget all but these."""
        kept = set(consoles)
        for each in (self._busy, self._worked, self._measured):
            for console in each.keys() - kept:
                del each[console]
