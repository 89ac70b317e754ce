"""Draining: a hub that is to be emptied takes no new consoles; those there are go on.

It is noted in the store, so that a hub that is started again is still drained.
"""

from __future__ import annotations

from collections.abc import Callable

from termhub.errors import NotNow
from termhub.store import Store

RETRY_SECONDS = 300.0
"""After so long who was refused may ask again."""

_NAME = "draining"


class Drain:
    """Whether new consoles are taken.

    :param now: seconds since 1970.
    """

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self.since: float | None = None
        """Since when it drains, seconds since 1970; None: it does not."""

    async def start(self) -> None:
        """Be as the last hub was."""
        noted = await self._store.hub_state(_NAME)
        self.since = None if noted is None else float(noted)

    async def set(self, draining: bool) -> bool:
        """Drain, or no longer; whether that is a change."""
        if draining == (self.since is not None):
            return False
        since = self._now() if draining else None
        await self._store.set_hub_state(_NAME, None if since is None else repr(since))
        self.since = since
        return True

    def check(self) -> None:
        """See to it that a new console may begin.

        :raises NotNow: while it drains.
        """
        if self.since is not None:
            raise NotNow(
                "This hub is being drained for maintenance: it starts no new consoles. "
                "Those that run go on; try again later.",
                "draining",
                RETRY_SECONDS,
            )
