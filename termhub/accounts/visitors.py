"""Accounts for visitors without one: made at the door, and gone with all they have when their time is over.

A visitor is known by the login of one browser and by nothing else, so an account without one is of no
more use to anybody and goes too.  Invariant: there are at most so many as the settings say.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Awaitable, Callable

from twisted.logger import Logger

from termhub.config import GuestsSettings
from termhub.errors import NotAllowed, TermhubError, TooMany
from termhub.store import GUEST_PLAN, Store, User

from .attempts import Attempts, address_key
from .audit import Audit
from .credentials import Link
from .identity import DAY_SECONDS
from .secret import LINK, hash_secret, new_secret
from .watch import Watch

AT_ONCE, COMING_SECONDS = 3, 600.0
"""Visitors that may come from an address at once, and the time for one more."""

LOGIN_SECONDS = 60.0
"""A visitor's account waits so long for its browser."""

_log = Logger()


class Visitors:
    """The visitors of a hub.

    :param settings: whether they may come, and how many.
    :param lifetime_seconds: how long an account stays; 0: a day.
    :param seconds: a clock that never goes back, for the limits on attempts.
    :param now: seconds since 1970.
    :param remove: removes an account with all that it has.
    """

    def __init__(
        self,
        store: Store,
        settings: GuestsSettings,
        lifetime_seconds: float,
        seconds: Callable[[], float],
        now: Callable[[], float],
        watch: Watch,
        audit: Audit,
        remove: Callable[[User], Awaitable[object]],
    ) -> None:
        self._store = store
        self._settings = settings
        self._lifetime_seconds = lifetime_seconds or DAY_SECONDS
        self._now = now
        self._audit = audit
        self._remove = remove
        self._here: dict[int, User] = {}
        self._coming = 0
        self._by_address = Attempts(
            seconds, burst=AT_ONCE, refill_seconds=COMING_SECONDS, what="visitors", code="too_many_visitors"
        )
        watch.on_round(self._look)

    @property
    def are_welcome(self) -> bool:
        """Whether visitors may come."""
        return self._settings.enabled

    async def start(self) -> None:
        """Know those who came before."""
        self._here = {user.number: user for user in await self._store.users() if user.is_visitor}

    async def admit(self, address: str) -> Link:
        """Make an account for a visitor; what is returned logs in to it once.

        :param address: where they come from.
        :raises NotAllowed: when the hub has no visitors.
        :raises TooMany: when there are as many as there may be, or too many came from this address.
        """
        if not self.are_welcome:
            raise NotAllowed("This hub has no visitors: log in with an account.", "no_visitors")
        if len(self._here) + self._coming >= self._settings.most:
            raise TooMany(
                "There are as many visitors as there may be. Try again later, or log in with an account.",
                "too_many_visitors",
                60.0,
            )
        self._by_address.spend(address_key(address))
        self._coming += 1
        try:
            now, secret = self._now(), new_secret(LINK)
            user = await self._store.add_user(
                _new_name(), now, GUEST_PLAN, expires=now + self._lifetime_seconds
            )
            self._here[user.number] = user
            await self._store.add_link(user.number, hash_secret(secret), now, now + LOGIN_SECONDS)
        finally:
            self._coming -= 1
        self._audit.note(None, "visitor.add", user.name, {"expires": user.expires}, address)
        return Link(secret)

    async def _look(self, elsewhere: bool) -> None:
        for user in list(self._here.values()):
            if await self._is_over(user):
                try:
                    await self._remove(user)
                except TermhubError as error:
                    _log.warn("{user} cannot be removed yet: {why}", user=user.name, why=error.message)
                else:
                    del self._here[user.number]

    async def _is_over(self, user: User) -> bool:
        now = self._now()
        if user.expires is not None and user.expires <= now:
            return True
        return now - user.created > LOGIN_SECONDS and not await self._store.sessions(user.number)


def _new_name() -> str:
    return "guest-" + base64.b32encode(secrets.token_bytes(4)).decode().lower()[:6]
