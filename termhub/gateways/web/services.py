"""What the web gateway needs of the rest of termhub, as types.

The hub provides it; tests provide small ones of their own.  Nothing here runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from sandbox.guest.frames import Frame
from termhub.accounts import Accounts, Audit, Shares, Visitors
from termhub.hub.administration import Administration
from termhub.hub.consoles import NewConsole
from termhub.hub.export import Exports
from termhub.hub.invitations import Invitation
from termhub.hub.metering import Reports
from termhub.hub.removal import Removals
from termhub.hub.viewers import Client
from termhub.store import Role, User


class Viewer(Protocol):
    """An attached client, as the gateway sees it."""

    def receive(self, frame: Frame) -> None:
        """A frame of the client; raises FrameError for one that is not usable."""

    def detach(self, reason: str) -> None:
        """The client is gone."""


class Screen(Protocol):
    """What a window shows, as text."""

    @property
    def lines(self) -> Sequence[str]:
        """Its rows, after the history asked for."""

    @property
    def cursor(self) -> Cursor:
        """Where the cursor is."""

    @property
    def cols(self) -> int:
        """Columns."""

    @property
    def rows(self) -> int:
        """Rows."""

    @property
    def offset(self) -> int:
        """The output up to here is shown."""

    @property
    def title(self) -> str:
        """The title its program gave it."""


class Cursor(Protocol):
    """Where a cursor is; both count from 0."""

    @property
    def x(self) -> int:
        """The column."""

    @property
    def y(self) -> int:
        """The row of the screen."""


class Console(Protocol):
    """One console of a user."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def state(self) -> str:
        """``ended`` once it has."""

    def describe(self) -> dict[str, Any]:
        """What REST and HELLO say about it; see :class:`~.schemas.ConsoleInfo`."""

    def attach(self, client: Client, user: User, role: Role, hello: object) -> Viewer:
        """A new viewer; it is sent HELLO and what it asked for."""

    async def open_window(self, program: str | None, argv: list[str] | None, cols: int, rows: int) -> int:
        """Open a window; returns its number."""

    async def close_window(self, window: int) -> None:
        """Hang up a window's programs and forget it."""

    async def signal(self, name: str, window: int) -> None:
        """Signal the foreground programs of a window."""

    async def text(self, window: int, scrollback: int) -> Screen:
        """What a window shows."""

    async def output(self, window: int, since: int, wait_seconds: float, limit: int) -> tuple[int, bytes]:
        """Output from ``since`` on, and the offset of its first byte."""

    async def input(self, user: User, role: Role, window: int, data: bytes) -> None:
        """Write all of ``data`` to the window's terminal."""

    def check_may_act(self, user: User, role: Role) -> None:
        """Raises NotAllowed when the user may not change what runs: only somebody else types just now."""

    def resize(self, number: int, cols: int, rows: int) -> None:
        """Give a window another size."""


class Consoles(Protocol):
    """The directory of consoles."""

    async def create(self, user: User, new: NewConsole) -> Console:
        """Start a console."""

    def get(self, user: User, key: str, at_least: Role) -> Console:
        """A console in which the user has a role; raises NoSuchConsole, and NotAllowed for a lesser role."""

    def role_of(self, user: User, console: Console) -> Role | None:
        """What the user may do in it just now."""

    def of(self, user: User) -> Sequence[Console]:
        """The user's own consoles, oldest first."""

    def shared(self, user: User) -> Sequence[Console]:
        """The consoles of others that are shared with the user, oldest first."""

    def owner_name(self, console: Console) -> str:
        """The name of the account that a console belongs to."""

    async def rename(self, console: Console, name: str) -> None:
        """Give a console another name; raises NameTaken."""

    async def end(self, console: Console, reason: str) -> None:
        """End its programs; it stays listed."""

    async def remove(self, console: Console) -> None:
        """Forget it."""


def _nothing(user: User) -> None:
    """Nobody wants to know."""


def _no_address() -> str | None:
    """Nothing serves it."""
    return None


def _root() -> str:
    """The address of whoever asks."""
    return "/"


def _no_invitation(token: str) -> Invitation:
    """Nothing serves links."""
    return Invitation(None, None)


@attrs.frozen
class Services:
    """Everything the routes use.

    :param invitation: what to give to people so that they come by a link, from its token.
    :param logged_in: told of a user who has logged in or come back.
    :param logged_out: told of a user who has logged out.
    :param audit: what is done is noted there.
    :param visitors: makes accounts for visitors without one.
    :param exports: hands users everything that they have.
    :param removals: removes accounts with all that they have.
    :param admin: what those do who look after the hub.
    :param reports: tells of plans, limits and usage.
    :param address: where people reach the web, with a ``/`` at its end.
    :param ssh_address: the command that connects by ssh, such as ``ssh -p 2222 console@host``.
    """

    consoles: Consoles
    accounts: Accounts
    shares: Shares
    audit: Audit
    visitors: Visitors
    images: Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
    version: str
    exports: Exports
    removals: Removals
    admin: Administration
    reports: Reports
    invitation: Callable[[str], Invitation] = _no_invitation
    logged_in: Callable[[User], None] = _nothing
    logged_out: Callable[[User], None] = _nothing
    address: Callable[[], str] = _root
    ssh_address: Callable[[], str | None] = _no_address

    def login_link(self, secret: str) -> str:
        """The address that logs in by a link with this secret."""
        return f"{self.address()}#login={secret}"
