"""A store that answers at once, for tests without threads."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from twisted.internet import reactor

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
