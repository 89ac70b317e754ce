"""What changes about accounts, and who wants to know.

What is done in this process is told at once; what another process has done to the store, such as
``termhub user suspend``, within :data:`CHECK_SECONDS`: there is one look at the store for everybody.
Invariant: a listener that fails keeps no other from being told.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from termhub.errors import TermhubError
from termhub.store import Store, User

CHECK_SECONDS = 10.0
"""How often is looked."""

Round = Callable[[bool], Awaitable[object]]
"""Called in every round, with whether another process has changed anything in the store."""

AccessEnded = Callable[[User], Awaitable[object]]
"""Called when a login, token or key of a user is worth nothing any more."""

AccountChanged = Callable[[User, User], Awaitable[object]]
"""Called when an account has another plan, looks after the hub, or no longer, or may or may not be used;
with how it was and how it is."""

_log = Logger()


class Watch:
    """Looks after changes.

    :param clock: the reactor, for the time.
    """

    def __init__(self, store: Store, clock: Any) -> None:
        self._store = store
        self._number: int | None = None
        self._users: dict[int, User] = {}
        self._rounds: list[Round] = []
        self._accesses: list[AccessEnded] = []
        self._accounts: list[AccountChanged] = []
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    async def start(self) -> None:
        """See how everything is, and look regularly from now on."""
        self._number = await self._store.changes()
        self._users = {user.number: user for user in await self._store.users()}
        self._loop.start(CHECK_SECONDS, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def on_round(self, listener: Round) -> None:
        """Call ``listener`` every :data:`CHECK_SECONDS`."""
        self._rounds.append(listener)

    def on_access_ended(self, listener: AccessEnded) -> None:
        """Call ``listener`` when somebody's credentials are worth nothing any more."""
        self._accesses.append(listener)

    def on_account_changed(self, listener: AccountChanged) -> None:
        """Call ``listener`` when what an account may do has changed."""
        self._accounts.append(listener)

    async def access_ended(self, user: User) -> None:
        """Tell that credentials of a user are worth nothing any more; over when everybody has acted."""
        for listener in list(self._accesses):
            await _told(listener(user))

    async def account_changed(self, before: User, after: User) -> None:
        """Tell that an account has changed; over when everybody has acted."""
        self._users[after.number] = after
        for listener in list(self._accounts):
            await _told(listener(before, after))

    async def look(self) -> None:
        """One round."""
        has_changed = False
        try:
            number = await self._store.changes()
            has_changed = number != self._number
            if has_changed:
                await self._look_at_users()
            self._number = number
        except TermhubError as error:
            _log.warn("The store cannot be looked at: {why}", why=error.message)
        except Exception:  # noqa: BLE001 - logged; the next round looks again
            _log.failure("Looking at the store failed")
        for listener in list(self._rounds):
            await _told(listener(has_changed))

    async def _look_at_users(self) -> None:
        known, users = self._users, await self._store.users()
        self._users = {user.number: user for user in users}
        for user in users:
            before = known.get(user.number)
            if before is not None and _standing(before) != _standing(user):
                await self.account_changed(before, user)


def _standing(user: User) -> tuple[object, ...]:
    return user.plan, user.is_admin, user.suspended, user.expires


async def _told(telling: Awaitable[object]) -> None:
    try:
        await telling
    except TermhubError as error:
        _log.warn("A change of the accounts could not be followed: {why}", why=error.message)
    except Exception:  # noqa: BLE001 - logged; the others are told all the same
        _log.failure("Following a change of the accounts failed")
