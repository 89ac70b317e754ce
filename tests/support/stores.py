"""A store and passwords that answer at once, for tests without threads."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet import reactor

from termhub.accounts import Accounts, Audit, Passwords, Shares, Visitors, Watch
from termhub.config import GuestsSettings
from termhub.errors import TooMany
from termhub.store import AsyncStore, Database, Store, User

P = ParamSpec("P")
R = TypeVar("R")


class InlineStore(AsyncStore):
    """Runs each call where it is made."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, reactor)  # type: ignore[arg-type]

    async def _run(
        self, method: Callable[Concatenate[Database, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return method(self._database, *args, **kwargs)


class PlainPasswords(Passwords):
    """Compares with the stored text; the tests of passwords are elsewhere."""

    def __init__(self) -> None:
        super().__init__(reactor)  # type: ignore[arg-type]
        self.asked: list[str | None] = []
        self.busy = False

    async def hash(self, password: str, what: str = "password") -> str:
        return password

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.asked.append(password_hash)
        if self.busy:
            raise TooMany("busy", "busy")
        return password_hash is not None and password_hash == password


class AccountsOfTest:
    """Accounts and shares over a store, with what they stand on.

    :param clock: a test's, or the reactor.
    :param now: seconds since 1970; None: the clock's.
    """

    def __init__(
        self,
        store: Store,
        clock: Any,
        passwords: Passwords | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        now = now or clock.seconds
        passwords = passwords or PlainPasswords()
        self.watch = Watch(store, clock)
        self.audit = Audit(store, now)
        self.accounts = Accounts(store, passwords, clock.seconds, now, self.watch, self.audit)
        self.shares = Shares(store, passwords, clock, now, self.watch, self.audit)
        self.gone: list[str] = []
        self._store, self._clock, self._now = store, clock, now

    def visitors(self, settings: GuestsSettings, lifetime_seconds: float = 3600.0) -> Visitors:
        """Visitors whose accounts are only forgotten."""

        async def remove(user: User) -> None:
            await self._store.end_removal(user.number)
            self.gone.append(user.name)

        return Visitors(
            self._store,
            settings,
            lifetime_seconds,
            self._clock.seconds,
            self._now,
            self.watch,
            self.audit,
            remove,
        )
