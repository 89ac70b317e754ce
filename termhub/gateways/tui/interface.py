"""What the terminal UI needs of the world around it, as types.

A gateway (ssh, telnet) provides it; tests provide small ones of their own.  Nothing here runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol

import attrs

from termhub.gateways.tui.memory import Memory
from termhub.gateways.tui.turns import Turns
from termhub.hub.clock import Clock
from termhub.hub.console import Console
from termhub.hub.consoles import NewConsole
from termhub.hub.invitations import Invitation
from termhub.store import Role, Share, User


class Transport(Protocol):
    """The way to the person's terminal."""

    def write(self, data: bytes) -> None:
        """Send bytes to the terminal, in order."""

    @property
    def is_clear(self) -> bool:
        """Whether everything written has left this process.

        The UI draws only then; else it waits for :meth:`TerminalUI.drained`.
        """

    def pause_input(self) -> None:
        """Read no more from the terminal until :meth:`resume_input`."""

    def resume_input(self) -> None:
        """Read from the terminal again."""

    def finish(self, status: int, words: str) -> None:
        """The UI is over, and the terminal as it was before.

        :param status: an exit status.
        :param words: why, one line for the normal screen, such as ``[detached from demo]``.
        """


class UI(Protocol):
    """The terminal UI, as a gateway sees it; :class:`~.ui.TerminalUI` is one."""

    def begin(self) -> None:
        """Draw, and take input."""

    def receive(self, data: bytes) -> None:
        """What the person's terminal sent."""

    def resized(self, cols: int, rows: int) -> None:
        """The person's terminal has another size."""

    def signal(self, name: str) -> None:
        """Send a signal, such as ``SIGTERM``, to what runs in front."""

    def drained(self) -> None:
        """Everything written has left this process."""

    def finish(self, words: str, status: int = 0) -> None:
        """Give the terminal back, with these words on it, and end."""

    def lost(self, reason: str) -> None:
        """The person's terminal is gone."""


class Directory(Protocol):
    """The consoles of this hub; :class:`termhub.hub.consoles.Consoles` is one."""

    def of(self, user: User) -> list[Console]:
        """The user's own consoles, oldest first, ended ones too."""

    def shared(self, user: User) -> list[Console]:
        """The consoles of others that are shared with the user, likewise."""

    def role_of(self, user: User, console: Console) -> Role | None:
        """What the user may do in a console just now; None: nothing."""

    def owner_name(self, console: Console) -> str:
        """The name of the account that a console belongs to."""

    def invitation(self, token: str) -> Invitation:
        """How one comes by the link with this token."""

    async def create(self, user: User, new: NewConsole) -> Console:
        """Start a console; raises TermhubError."""

    async def rename(self, console: Console, name: str) -> None:
        """Give a console another name; raises BadRequest, NameTaken."""

    async def end(self, console: Console, reason: str = "ended by its owner") -> None:
        """End a console's programs."""

    async def remove(self, console: Console) -> None:
        """End a console if it lives, and forget it."""


class SettingsStore(Protocol):
    """Where a user's settings are kept; :class:`termhub.store.Store` is one."""

    async def settings(self, user: int) -> dict[str, Any]:
        """The settings of the user with this number; empty where none were made."""

    async def set_settings(self, user: int, settings: dict[str, Any]) -> None:
        """Replace them."""


class Shares(Protocol):
    """Who lets whom into consoles; :class:`termhub.accounts.Shares` is one.

    It does not ask whether whoever calls may: the UI does, each time.
    """

    async def create(
        self,
        console: str,
        by: User,
        role: Role,
        *,
        user: str | None = None,
        seconds: float = 86400.0,
        uses: int | None = None,
        passphrase: str | None = None,
    ) -> tuple[Share, str | None]:
        """Share a console; the share, and a link's token; raises TermhubError."""

    async def of(self, console: str) -> list[Share]:
        """The shares of a console."""

    async def revoke(self, console: str, share: str, by: User) -> None:
        """End a share; raises BadRequest."""

    async def set_role(self, console: str, member: int, role: Role) -> None:
        """Give a member another role; raises BadRequest."""

    async def remove(self, console: str, member: int) -> None:
        """Send a member away; raises BadRequest."""


@attrs.frozen
class Services:
    """What all sessions of a gateway share; made once for each gateway.

    :param now: the wall clock, seconds since 1970.
    :param link: the hub's web address, or an empty string.
    :param memory: what is remembered between a user's sessions.
    :param turns: when whose terminal is painted.
    :param shares: None where consoles cannot be shared.
    """

    consoles: Directory
    store: SettingsStore
    clock: Clock
    now: Callable[[], float]
    via: Literal["ssh", "telnet"] = "ssh"
    link: Callable[[], str] = lambda: ""
    memory: Memory = attrs.field(factory=Memory)
    turns: Turns = attrs.field(factory=Turns)
    shares: Shares | None = None


@attrs.frozen
class Start:
    """What to show first.

    :param console: None for the one used last, or a new one when there is none.
    :param read_only: look on, type nothing.
    :param detach_others: send the console's other viewers away.
    """

    console: Console | None = None
    read_only: bool = False
    detach_others: bool = False
