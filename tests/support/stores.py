"""A store and passwords that answer at once, for tests without threads."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from twisted.internet import reactor

from termhub.accounts import Passwords
from termhub.errors import TooMany
from termhub.store import AsyncStore, Database

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
