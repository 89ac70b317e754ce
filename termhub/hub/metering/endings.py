"""Ends consoles that are idle, too old, or go on filling a home that is only watched.

Who looks at a console keeps it from being idle, and is told before its time is over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import TermhubError
from termhub.hub.console import Console
from termhub.hub.plans import Plans
from termhub.store import User

from . import words
from .idle import Idleness
from .samples import ConsoleFigures

WARNED_SECONDS = 600.0
"""How long before the end of its lifetime those at a console are told; of a short one its last tenth."""

_log = Logger()


class Endings:
    """Decides which consoles to end, and ends them.

    :param end: ends a console, with a reason.
    :param note: told of each that is ended, with a word for the kind: ``idle``, ``lifetime`` or ``home``.
    """

    def __init__(
        self,
        plans: Plans,
        end: Callable[[Console, str], Awaitable[None]],
        note: Callable[[Console, User, str], Awaitable[None]],
    ) -> None:
        self._plans = plans
        self._end = end
        self._note = note
        self._idleness = Idleness()
        self._ending: set[str] = set()

    def look(
        self, consoles: Iterable[Console], figures: Mapping[str, ConsoleFigures], at: float, now: float
    ) -> None:
        """A sample has come: end what has to be ended.

        :param consoles: those that live and are not kept ready for later.
        :param at: the time by the consoles' clock.
        :param now: the time, seconds since 1970.
        """
        seen = []
        for console in consoles:
            seen.append(console.id)
            sampled = figures.get(console.id)
            cpu_seconds = None if sampled is None else sampled.cpu_seconds
            idle_seconds = self._idleness.look(
                console.id, cpu_seconds, bool(console.viewers), console.active_at, at
            )
            user = self._plans.users.get(console.owner)
            if user is None:
                continue
            name, plan = self._plans.name(user), self._plans.of(user)
            if plan.when_idle == "end" and 0 < plan.idle_seconds <= idle_seconds:
                self.end(console, user, words.idle_reason(name, plan), "idle")
            elif plan.lifetime_seconds:
                ends = console.created + plan.lifetime_seconds
                if now >= ends:
                    self.end(console, user, words.lifetime_reason(name, plan), "lifetime")
                elif now >= ends - min(WARNED_SECONDS, plan.lifetime_seconds / 10):
                    console.tell_limit("lifetime", "near", words.lifetime_near(name, plan), ends)
                else:
                    console.tell_limit("lifetime", "ok", "")
            else:
                console.tell_limit("lifetime", "ok", "")
        self._idleness.keep(seen)

    def works(self, console: Console, at: float) -> bool:
        """Whether the last sample found that a console used CPU time, or could not say."""
        return self._idleness.worked_at(console.id) in (None, at)

    def idle_seconds(self, console: Console, at: float) -> float:
        """How long a console has been idle, as far as was seen."""
        if console.viewers:
            return 0.0
        busy_at = self._idleness.busy_at(console.id)
        return 0.0 if busy_at is None else round(max(0.0, at - max(busy_at, console.active_at)), 1)

    def end(self, console: Console, user: User, reason: str, kind: str) -> None:
        """End a console, in its own time."""
        if console.id not in self._ending and not console.has_ended:
            self._ending.add(console.id)
            ended = Deferred.fromCoroutine(self._finish(console, user, reason, kind))
            ended.addErrback(self._failed, console.id)

    async def _finish(self, console: Console, user: User, reason: str, kind: str) -> None:
        try:
            _log.info("{console} of {user} is ended: {why}", console=console.id, user=user.name, why=reason)
            await self._end(console, reason)
            await self._note(console, user, kind)
        finally:
            self._ending.discard(console.id)

    def _failed(self, failure: Failure, console: str) -> None:
        if isinstance(failure.value, TermhubError):
            _log.warn("{console} cannot be ended: {why}", console=console, why=failure.value.message)
        else:
            _log.failure("Ending {console} failed", failure, console=console)
