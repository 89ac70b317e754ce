"""What a console that people share has behind it: the store of what outlives the hub, and the shares.

One for each console; whatever it does is about that console only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from termhub.accounts import Shares
from termhub.errors import NoSuchConsole
from termhub.hub.invitations import Invitation
from termhub.store import ChatMessage, ControlMode, Role, Store, User


class Backing(Protocol):
    """What a console needs to be shared."""

    async def add_chat(self, time: float, name: str, text: str) -> ChatMessage:
        """Keep what was said; raises NoSuchConsole."""

    async def chat(self, before: int | None, limit: int) -> list[ChatMessage]:
        """The last messages before that number, or of all, the oldest of them first."""

    async def set_control(self, mode: ControlMode) -> None:
        """Keep who may type."""

    def member(self, user: User) -> int | None:
        """The number by which somebody is a member, if they are one."""

    async def grant(self, role: Role, seconds: float, uses: int | None, by: User | None) -> Invitation:
        """Share the console by a link: see :class:`termhub.hub.asks.Grant`."""


class StoredBacking:
    """A :class:`Backing` by the hub's store and shares.

    :param console: its id.
    :param owner: the number of the account whose it is.
    :param invite: how one comes by the link with a token.
    """

    def __init__(
        self, console: str, owner: int, store: Store, shares: Shares, invite: Callable[[str], Invitation]
    ) -> None:
        self._console = console
        self._owner = owner
        self._store = store
        self._shares = shares
        self._invite = invite

    async def add_chat(self, time: float, name: str, text: str) -> ChatMessage:
        """Keep what was said; raises NoSuchConsole."""
        return await self._store.add_chat(self._console, time, name, text)

    async def chat(self, before: int | None, limit: int) -> list[ChatMessage]:
        """The last messages before that number, or of all, the oldest of them first."""
        return await self._store.chat(self._console, before, limit)

    async def set_control(self, mode: ControlMode) -> None:
        """Keep who may type."""
        await self._store.set_control(self._console, mode)

    def member(self, user: User) -> int | None:
        """The number by which somebody is a member, if they are one."""
        return self._shares.member(user, self._console)

    async def grant(self, role: Role, seconds: float, uses: int | None, by: User | None) -> Invitation:
        """Share the console by a link.

        :raises TermhubError: when it cannot be.
        """
        user = by or await self._store.user(self._owner)
        if user is None:
            raise NoSuchConsole("The account of this console is no more.")
        _, token = await self._shares.create(self._console, user, role, seconds=seconds, uses=uses)
        assert token is not None, "a share without a name is a link"
        return self._invite(token)
