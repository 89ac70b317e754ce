"""Consoles started ahead of their use, so that a new one is there at once.

One for each user who is logged in, with the default program and image.  It is hidden until it is
claimed; then another is prepared.  One that nobody claims is ended after a while.

Invariant: at most one for each user and ``total`` for all, also while they are being made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.errors import TermhubError
from termhub.hub.clock import Clock, DelayedCall
from termhub.hub.console import Console
from termhub.store import User

RENEW_SECONDS = 1.0
"""How long after a claim the next is prepared, so as not to compete with the first prompt."""

_log = Logger()


class Prepared:
    """The prepared consoles.

    :param make: makes one for a user.
    :param end: ends one for good.
    :param total: most of all users.
    :param idle_seconds: how long one waits to be claimed.
    """

    def __init__(
        self,
        make: Callable[[User], Awaitable[Console]],
        end: Callable[[Console], Awaitable[None]],
        clock: Clock,
        total: int,
        idle_seconds: float,
    ) -> None:
        self._make = make
        self._end = end
        self._clock = clock
        self._total = total
        self._idle_seconds = idle_seconds
        self._ready: dict[int, Console] = {}
        self._making: set[int] = set()
        self._timers: dict[int, DelayedCall] = {}

    def want(self, user: User) -> None:
        """Have one ready for this user, if there is room; the one there is stays longer."""
        number = user.number
        if number in self._ready:
            self._set_timer(number, self._idle_seconds, self._expired, number)
        elif number not in self._making and len(self._ready) + len(self._making) < self._total:
            self._making.add(number)
            made = Deferred.fromCoroutine(self._prepare(user))
            made.addErrback(self._failed)

    def adopt(self, console: Console) -> bool:
        """Take over one that an earlier hub prepared; False when its owner has one."""
        if console.owner in self._ready:
            return False
        self._ready[console.owner] = console
        self._set_timer(console.owner, self._idle_seconds, self._expired, console.owner)
        return True

    def claim(self, user: User, program: str, image: str) -> Console | None:
        """The user's prepared console, if it is what is wanted; another follows."""
        console = self._ready.get(user.number)
        if console is None or console.state != "running":
            return None
        if (console.program, console.image) != (program, image):
            return None
        del self._ready[user.number]
        self._set_timer(user.number, RENEW_SECONDS, self.want, user)
        return console

    def drop(self, number: int) -> None:
        """The user of this number has logged out: end what is prepared."""
        self._cancel_timer(number)
        console = self._ready.pop(number, None)
        if console is not None:
            Deferred.fromCoroutine(self._discard(console)).addErrback(self._failed)

    def gone(self, console: Console) -> bool:
        """A console has ended; whether it was a prepared one."""
        if self._ready.get(console.owner) is not console:
            return False
        del self._ready[console.owner]
        self._cancel_timer(console.owner)
        return True

    def stop(self) -> None:
        """Prepare nothing more; what is prepared stays for the next hub."""
        for number in list(self._timers):
            self._cancel_timer(number)
        self._total = 0

    async def _prepare(self, user: User) -> None:
        try:
            console = await self._make(user)
        except TermhubError as error:
            _log.warn("Nothing is prepared for {user}: {why}", user=user.name, why=error.message)
            return
        finally:
            self._making.discard(user.number)
        if self._total and not console.has_ended and user.number not in self._ready:
            self._ready[user.number] = console
            self._set_timer(user.number, self._idle_seconds, self._expired, user.number)

    async def _discard(self, console: Console) -> None:
        try:
            await self._end(console)
        except TermhubError as error:
            _log.warn("{console} cannot be ended: {why}", console=console.id, why=error.message)

    def _expired(self, number: int) -> None:
        self.drop(number)

    def _set_timer(self, number: int, seconds: float, call: Callable[..., object], *args: object) -> None:
        self._cancel_timer(number)
        self._timers[number] = self._clock.callLater(seconds, call, *args)

    def _cancel_timer(self, number: int) -> None:
        timer = self._timers.pop(number, None)
        if timer is not None and timer.active():
            timer.cancel()

    def _failed(self, failure: Failure) -> None:
        _log.failure("Preparing a console failed", failure)
