"""A telnet gateway and its client in memory."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from termhub.accounts import Admitted, Credentials, GuestPass, Identity, Password, Taken, Watch
from termhub.config import TelnetSettings
from termhub.errors import BadRequest, NotAllowed, NotLoggedIn
from termhub.gateways.telnet.connection import TelnetConnection
from termhub.gateways.telnet.gateway import TelnetGateway
from termhub.gateways.telnet.machine import DO, ECHO, IAC, NAWS, SB, SE, TTYPE, WILL
from termhub.store import Role, User

ALICE = User(1, "alice", 1.0, "default", None)
GUEST = User(-1, "guest", 1.0, "guest", None)
TOKEN = "thsh_" + "a" * 32
CONSOLE = "c-aaaaaaaaaa"
SETTLED = bytes((IAC, DO, ECHO, IAC, WILL, NAWS, IAC, WILL, TTYPE, IAC, SB, NAWS, 0, 132, 0, 43, IAC, SE))
SETTLED += bytes((IAC, SB, TTYPE, 0)) + b"XTERM" + bytes((IAC, SE))


class Handle:
    """Takes socket options."""

    def __init__(self) -> None:
        self.options: dict[tuple[int, int], int] = {}

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.options[level, option] = value


class Transport(StringTransport):
    """Keeps what is written until the client reads."""

    def __init__(self) -> None:
        super().__init__()
        self.handle = Handle()
        self.dataBuffer = b""
        self.is_reading = True
        self.is_aborted = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.handle.options[socket.IPPROTO_TCP, socket.TCP_NODELAY] = enabled

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self.handle.options[socket.SOL_SOCKET, socket.SO_KEEPALIVE] = enabled

    def getHandle(self) -> Handle:
        return self.handle

    def write(self, data: bytes) -> None:
        super().write(data)
        if not self.is_reading:
            self.dataBuffer += data

    def abortConnection(self) -> None:
        self.is_aborted = True

    def read(self) -> None:
        """The client reads everything."""
        self.is_reading = True
        self.dataBuffer = b""
        if self.producer is not None:
            self.producer.resumeProducing()

    @property
    def is_paused(self) -> bool:
        return str(self.producerState) == "paused"


class FakeUI:
    """Remembers what it is told."""

    def __init__(
        self,
        user: User,
        console: str | None,
        term: str,
        charset: str,
        size: tuple[int, int],
        transport: TelnetConnection,
    ) -> None:
        self.console = console
        self.user, self.term, self.charset, self.sizes = user, term, charset, [size]
        self.transport = transport
        self.keys = b""
        self.events: list[str] = []

    def begin(self) -> None:
        self.events.append("begin")
        self.transport.write(b"screen\r\n")

    def receive(self, data: bytes) -> None:
        self.keys += data

    def resized(self, cols: int, rows: int) -> None:
        self.sizes.append((cols, rows))

    def drained(self) -> None:
        self.events.append("drained")

    def lost(self, reason: str) -> None:
        self.events.append(f"lost: {reason}")

    def finish(self, words: str, status: int = 0) -> None:
        self.events.append(f"finish: {words}")
        self.transport.write(b"<end>")
        self.transport.finish(status, words)


class FakeShares:
    """One link, :data:`TOKEN`, with the pass-phrase ``sesame``."""

    def __init__(self) -> None:
        self.tried: list[tuple[str, str | None, str]] = []
        self.now: Role | None = "writer"
        self.listeners: list[Callable[[str], None]] = []

    def subscribe(self, listener: Callable[[str], None]) -> None:
        self.listeners.append(listener)

    def role(self, user: User, console: str) -> Role | None:
        assert (user, console) == (GUEST, CONSOLE)
        return self.now

    async def take(
        self, token: str, *, user: User | None, name: str, passphrase: str | None, address: str
    ) -> Taken:
        assert (user, name) == (None, "guest")
        self.tried.append((token, passphrase, address))
        if token != TOKEN:
            raise BadRequest("This link is wrong.", "no_such_share")
        if passphrase != "sesame":
            raise NotAllowed("The pass-phrase is wrong.", "wrong_passphrase")
        return Taken(GUEST, "thg_secret", CONSOLE, "writer")

    def revoke(self) -> None:
        self.now = None
        for listener in self.listeners:
            listener(CONSOLE)


class _Unchanged:
    """A store that nobody else changes."""

    async def changes(self) -> int:
        return 1

    async def users(self) -> list[User]:
        return []


class Telnet:
    """A gateway with one user, alice, whose password is ``right``, one link, and one client."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock()
        self.uis: list[FakeUI] = []
        self.tried: list[tuple[Password, str]] = []
        self.came: list[str] = []
        self.noted: list[tuple[str, str, str]] = []
        self.error: Exception = NotLoggedIn("The name or the password is wrong.")
        self.hold: Deferred[None] | None = None
        self.has_other_password = False
        self.shares = FakeShares()
        store: Any = _Unchanged()
        self.watch = Watch(store, self.clock)
        accounts: Any = self
        shares: Any = self.shares
        self.gateway = TelnetGateway(
            accounts,
            shares,
            TelnetSettings(**settings),
            self.make_ui,
            self.clock,
            lambda user: self.came.append(user.name),
        )
        self.connection, self.transport = self.connect()

    def connect(self, host: str = "127.0.0.1") -> tuple[TelnetConnection, Transport]:
        connection = self.gateway.buildProtocol(IPv4Address("TCP", host, 1234))
        transport = Transport()
        transport.protocol = connection
        connection.makeConnection(transport)
        return connection, transport

    def make_ui(self, *arguments: Any) -> FakeUI:
        self.uis.append(FakeUI(*arguments))
        return self.uis[-1]

    def logged_in(self, user: User, way: str, address: str) -> None:
        self.noted.append((user.name, way, address))

    async def identify(self, credentials: Credentials, address: str) -> Identity:
        if isinstance(credentials, Admitted):
            if self.has_other_password:
                raise NotLoggedIn("Your password has changed.")
            return Identity(credentials.user)
        if isinstance(credentials, GuestPass):
            assert credentials.secret == "thg_secret"
            return Identity(GUEST)
        assert isinstance(credentials, Password)
        self.tried.append((credentials, address))
        if self.hold is not None:
            await self.hold
        if credentials != Password("alice", "right"):
            raise self.error
        return Identity(ALICE)

    def look(self) -> None:
        """The hub looks whether all logins still count."""
        Deferred.fromCoroutine(self.watch.look())

    def types(self, data: bytes) -> None:
        self.connection.dataReceived(data)

    def log_in(self) -> FakeUI:
        self.types(SETTLED + b"alice\rright\r")
        return self.uis[-1]

    @property
    def shown(self) -> bytes:
        """What is shown, without the negotiation."""
        data = self.transport.value()
        shown = b""
        while data:
            before, _, data = data.partition(b"\xff")
            shown += before
            data = data.partition(b"\xff\xf0")[2] if data[:1] == b"\xfa" else data[2:]
        return shown
