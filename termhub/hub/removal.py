"""Removing accounts and all that they have, while the hub runs.

In order: the account is closed and the removal noted, in one step of the store; who is connected is sent
away; its consoles end and are removed, prepared and hidden ones too; the launcher deletes its home; and
the record goes.  What was used stays, for the bill, and so does what was done (the audit log).

Invariant: what was begun is carried through, by the next hub if need be: whoever begins one, also a
command beside the hub, only notes it.  Nothing of an account that is being removed can be used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from termhub.accounts import Audit, Shares, Watch
from termhub.errors import TermhubError
from termhub.store import Removal, Store, User

_log = Logger()


class _Consoles(Protocol):
    async def remove_all(self, owner: int) -> None:
        """Remove all consoles of an account; it gets none from now on."""


class _Launcher(Protocol):
    async def request(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Its reply; raises TermhubError."""


class Removals:
    """Carries removals through.

    :param watch: tells when to look for those that were begun beside the hub, or could not be finished.
    :param now: seconds since 1970.
    """

    def __init__(
        self,
        store: Store,
        consoles: _Consoles,
        shares: Shares,
        launcher: _Launcher,
        watch: Watch,
        audit: Audit,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._consoles = consoles
        self._shares = shares
        self._launcher = launcher
        self._watch = watch
        self._audit = audit
        self._now = now
        self._is_behind = True
        self._under_way: set[int] = set()
        self._is_stopped = False
        watch.on_round(self._look)

    def start(self) -> None:
        """Go on with what an earlier hub began."""
        Deferred.fromCoroutine(self._look(True)).addErrback(self._failed)

    def stop(self) -> None:
        """Begin no more; the next hub goes on."""
        self._is_stopped = True

    async def remove(self, user: User, by: User | None = None, address: str = "") -> None:
        """Remove an account and all that it has, unless that was begun already.

        When this returns it is closed for good.  What could not be removed now, because the launcher is
        away for example, is tried again until it is gone.

        :param by: who wants it; None: the hub itself.
        :param address: where they come from.
        :raises NotAllowed: when nobody would be left to look after the hub.
        """
        name = "" if by is None else by.name
        if not await self._store.begin_removal(user.number, self._now(), name):
            return
        self._is_behind = True
        self._audit.note(by, "user.remove", user.name, address=address)
        await self._shares.reload()
        await self._watch.access_ended(user)
        await self._carry_through(Removal(user.number, user.name, name))

    async def _carry_through(self, removal: Removal) -> None:
        number = removal.user
        if number in self._under_way:
            return
        self._under_way.add(number)
        try:
            await self._consoles.remove_all(number)
            await self._launcher.request("forget_user", number=number)
            await self._store.end_removal(number)
            # Who wanted it once more: a hub that is killed at the beginning may not have noted that.
            self._audit.note(None, "user.removed", removal.name, {"by": removal.by})
        except TermhubError as error:
            _log.warn(
                "{user} is not removed yet, it will be tried again: {why}",
                user=removal.name,
                why=error.message,
            )
        else:
            _log.info("{user} is removed, with all consoles and files", user=removal.name)
        finally:
            self._under_way.discard(number)

    async def _look(self, elsewhere: bool) -> None:
        if self._is_stopped or not (elsewhere or self._is_behind):
            return
        pending = await self._store.removals()
        self._is_behind = bool(pending)
        if pending and elsewhere:
            await self._shares.reload()
        for removal in pending:
            await self._carry_through(removal)

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, TermhubError):
            _log.warn("Removals cannot be looked for: {why}", why=failure.value.message)
        elif not self._is_stopped:
            _log.failure("Removing an account failed", failure)
