"""The telnet gateway: makes a connection of each that comes, and ends them all when the hub stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from termhub.accounts import Accounts, Admitted, Credentials, GuestPass, Shares
from termhub.config import TelnetSettings
from termhub.gateways.attached import Attached
from termhub.gateways.connections import Connections
from termhub.gateways.guests import Guests
from termhub.gateways.tui.interface import UI, Services, Start
from termhub.gateways.tui.terminal import Terminal
from termhub.gateways.tui.ui import TerminalUI
from termhub.hub.consoles import Consoles
from termhub.hub.viewers import CLOSE_RESTART
from termhub.store import User

from .connection import TelnetConnection

UNTOLD_TYPE = "vt100"
"""What a client has that does not say: hardly any understands less."""

_LANG = {"": "", "utf-8": "C.UTF-8", "other": "C"}
"""What the client's answer to UTF-8 says of its terminal."""

MakeUI = Callable[[User, str | None, str, str, tuple[int, int], TelnetConnection], UI]
"""The UI for a user, the id of the console that a link has let them into, the type and the character set of
the terminal, its size, and the way to it."""


class TelnetGateway(Factory):
    """Listens for telnet clients.

    :param shares: lets in who comes by a link.
    :param make_ui: makes the terminal UI for one of them; raises TermhubError where it cannot show anything.
    :param came: told of a user who has logged in.
    """

    noisy = False

    def __init__(
        self,
        accounts: Accounts,
        shares: Shares,
        settings: TelnetSettings,
        make_ui: MakeUI,
        reactor: Any,
        came: Callable[[User], None],
    ) -> None:
        self.accounts = accounts
        self.shares = shares
        self.settings = settings
        self.make_ui = make_ui
        self.reactor = reactor
        self.connections: set[TelnetConnection] = set()
        self._came = came
        self._attached = Attached(accounts)
        self._guests = Guests(shares)
        self._counted = Connections(settings.connections, settings.connections_per_address)
        self._all_gone: Deferred[None] | None = None

    def buildProtocol(self, address: IAddress | None) -> TelnetConnection:
        """The protocol of a new connection."""
        host = str(getattr(address, "host", ""))
        return TelnetConnection(self, self._counted.take(host), host)

    def logged_in(
        self,
        connection: TelnetConnection,
        user: User,
        console: str | None,
        secret: str | None,
        address: str,
    ) -> None:
        """Somebody has said who they are.

        :param console: the one that a link has let them into.
        :param secret: by which a guest is known.
        """
        credentials: Credentials = Admitted(user) if secret is None else GuestPass(secret)
        self._attached.add(connection, user, credentials)
        if console is not None:
            self._guests.add(connection, user, console)
        else:
            self.accounts.logged_in(user, "telnet, by a password", address)
            self._came(user)

    def lost(self, connection: TelnetConnection) -> None:
        """A connection is over."""
        self.connections.discard(connection)
        self._attached.discard(connection)
        self._guests.discard(connection)
        if not self.connections and self._all_gone is not None:
            self._all_gone.callback(None)
            self._all_gone = None

    def stop(self) -> Deferred[None]:
        """End all connections; fires when they are over, a few seconds later at most."""
        if not self.connections:
            return succeed(None)
        self._all_gone = Deferred()
        for connection in list(self.connections):
            connection.close(CLOSE_RESTART, "The hub restarts; the console goes on.")
        return self._all_gone


def make_gateway(
    services: Services,
    accounts: Accounts,
    consoles: Consoles,
    settings: TelnetSettings,
    reactor: Any,
) -> TelnetGateway:
    """The gateway to listen with, its connections in the terminal UI."""

    def make_ui(
        user: User,
        console: str | None,
        term: str,
        charset: str,
        size: tuple[int, int],
        transport: TelnetConnection,
    ) -> TerminalUI:
        terminal = Terminal.of(term or UNTOLD_TYPE, lang=_LANG[charset])
        start = Start() if console is None else Start(consoles.get(user, console, "observer"))
        return TerminalUI(services, user, terminal, *size, transport, start)

    return TelnetGateway(accounts, consoles.shares, settings, make_ui, reactor, consoles.logged_in)
