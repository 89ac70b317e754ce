"""An ssh connection in memory: the gateway's end, and a client that a test plays by hand."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.conch.ssh import transport as conch
from twisted.conch.ssh.keys import Key
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from termhub.accounts import Shares
from termhub.config import SshSettings
from termhub.errors import BadRequest, NotAllowed
from termhub.gateways.ssh.gateway import SshGateway
from termhub.gateways.ssh.job import PersonTerminal, Services
from termhub.gateways.ssh.packets import Reader, boolean, string, u32
from termhub.gateways.ssh.transport import Transport
from termhub.gateways.tui.interface import Start
from termhub.hub.consoles import NewConsole
from termhub.hub.host_messages import Cursor, ScreenText
from termhub.hub.invitations import Invitation, invitation
from termhub.store import ConsoleRecord, Database, Role, User

from .folders import temporary_folder
from .stores import AccountsOfTest, InlineStore, PlainPasswords
from .web import FakeConsole, FakeConsoles

HOST_KEY = Key(Ed25519PrivateKey.generate())
ADDRESS = "192.0.2.7"

SERVICE_REQUEST, SERVICE_ACCEPT = 5, 6
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER = 50, 51, 52, 53
INFO_REQUEST, INFO_RESPONSE = 60, 61
CHANNEL_OPEN, CHANNEL_DATA, CHANNEL_EOF, CHANNEL_CLOSE, CHANNEL_REQUEST = 90, 94, 96, 97, 98


class FakeTcp(StringTransport):
    """A socket whose other end may stop reading."""

    def __init__(self) -> None:
        super().__init__()
        self.is_stuck = False
        self.aborting = False
        self.dataBuffer = b""

    def abortConnection(self) -> None:
        self.aborting = True
        super().abortConnection()

    def write(self, data: bytes) -> None:
        if self.is_stuck:
            self.dataBuffer += data
        else:
            super().write(data)

    def release(self) -> None:
        """The other end reads again."""
        self.is_stuck = False
        waiting, self.dataBuffer = self.dataBuffer, b""
        super().write(waiting)
        if self.producer is not None:
            self.producer.resumeProducing()

    def take(self) -> bytes:
        data = self.value()
        self.clear()
        return data


class RawClient(conch.SSHClientTransport):
    """Exchanges keys by itself, and leaves everything else to the test."""

    def __init__(self) -> None:
        self.supportedKeyExchanges = [b"curve25519-sha256"]
        self.supportedPublicKeys = [b"ssh-ed25519"]
        self.packets: list[tuple[int, bytes]] = []
        self.disconnected: tuple[int, str] | None = None
        self.is_secure = False
        self.exchanges = 0

    def verifyHostKey(self, hostKey: bytes, fingerprint: bytes) -> Deferred[int]:
        return succeed(1)

    def connectionSecure(self) -> None:
        self.is_secure = True

    def _newKeys(self) -> None:
        self.exchanges += 1
        super()._newKeys()  # type: ignore[no-untyped-call]

    def dispatchMessage(self, messageNum: int, payload: bytes) -> None:
        if messageNum == SERVICE_ACCEPT or messageNum >= 50:
            self.packets.append((messageNum, payload))
        else:
            super().dispatchMessage(messageNum, payload)  # type: ignore[no-untyped-call]

    def send(self, kind: int, payload: bytes = b"") -> None:
        """Send a packet."""
        self.sendPacket(kind, payload)  # type: ignore[no-untyped-call]

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        self.disconnected = reasonCode, description.decode()


class Line:
    """One connection; nothing moves but in :meth:`pump`.

    :param client: the client's protocol; None for one that the test plays by bytes.
    """

    def __init__(self, gateway: SshGateway, client: RawClient | None) -> None:
        server = gateway.buildProtocol(IPv4Address("TCP", ADDRESS, 1234))
        assert server is not None
        self.server: Transport = server
        self.tcp = FakeTcp()
        self.client = client
        self.client_tcp = StringTransport()
        self.is_lost = False
        self.server.makeConnection(self.tcp)
        if client is not None:
            client.makeConnection(self.client_tcp)

    def pump(self) -> None:
        """Move bytes until there are none to move."""
        while True:
            outward = self.tcp.take()
            if outward and self.client is not None and not self.client_tcp.disconnecting:
                self.client.dataReceived(outward)
            inward = self.client_tcp.value()
            self.client_tcp.clear()
            is_reading = self.tcp.producerState == "producing"
            if inward and is_reading and not self.tcp.disconnecting:
                self.server.dataReceived(inward)
            elif inward and not self.is_lost and not is_reading:
                self.client_tcp.write(inward)  # waits in the socket
                inward = b""
            if not outward and not inward:
                break
        if self.tcp.disconnecting and not self.is_lost:
            self.lose()

    def lose(self) -> None:
        """The connection is gone."""
        if not self.is_lost:
            self.is_lost = True
            self.server.connectionLost(Failure(ConnectionDone()))  # type: ignore[no-untyped-call]


class FakeUI:
    """A terminal UI that a test plays by hand."""

    def __init__(self, user: User, terminal: PersonTerminal, transport: Any, start: Start) -> None:
        self.user, self.terminal, self.transport, self.start = user, terminal, transport, start
        self.received = b""
        self.events: list[Any] = []

    def begin(self) -> None:
        self.events.append("begin")

    def receive(self, data: bytes) -> None:
        self.received += data

    def resized(self, cols: int, rows: int) -> None:
        self.events.append((cols, rows))

    def signal(self, name: str) -> None:
        self.events.append(name)

    def drained(self) -> None:
        self.events.append("drained")

    def finish(self, words: str, status: int = 0) -> None:
        self.transport.finish(status, words)

    def lost(self, reason: str) -> None:
        self.events.append("lost")


class ScreenConsole(FakeConsole):
    """A console that also shows what it has printed, alive or not."""

    @property
    def has_ended(self) -> bool:
        return self.state == "ended"

    @property
    def windows(self) -> list[int]:
        return self.window_numbers

    async def text(self, window: int, scrollback: int = 0) -> ScreenText:
        if window not in self.window_numbers:
            raise BadRequest(f"There is no window {window}.", "no_such_window")
        return ScreenText([">>> ", "", ""], Cursor(4, 0), 80, 24, len(self.printed), "a title")


ADDRESSES = {"web": "http://hub.example/", "ssh": "ssh -p 2222 console@hub.example"}


class Directory(FakeConsoles):
    """Consoles of an ssh gateway's tests; what is shared of them is real."""

    def __init__(self, database: Database, shares: Shares) -> None:
        super().__init__(database, shares)
        self.shares = shares
        self._made = 0
        self.came: list[str] = []
        self.ran: list[tuple[str, list[str], Any]] = []
        self.run: Callable[[Any], Any] = lambda owner: FakeStream(owner)

    def logged_in(self, user: User) -> None:
        self.came.append(user.name)

    async def run_for_files(self, user: User, owner: Any, argv: list[str]) -> Any:
        self.ran.append((user.name, list(argv), owner))
        return self.run(owner)

    async def create(self, user: User, new: NewConsole) -> FakeConsole:
        if user.is_guest:
            raise NotAllowed("Guests cannot have consoles of their own.")
        return await super().create(user, new)

    def add(self, user: User, new: NewConsole | str) -> ScreenConsole:
        wanted = NewConsole(name=new) if isinstance(new, str) else new
        self._made += 1
        console = ScreenConsole(f"c-{self._made:0>10}", user.number, wanted)
        self._database.add_console(
            ConsoleRecord(console.id, user.number, console.name, "python", "3.11", 1.5)
        )
        self._directory.owner_names[user.number] = user.name
        self.all[console.id] = console
        return console

    def invitation(self, token: str) -> Invitation:
        return invitation(token, ADDRESSES)


class FakeStream:
    """A program on pipes that a test plays by hand."""

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.room = 1000
        self.written = b""
        self.given_back = 0
        self.is_ended = False
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert len(data) <= self.room
        assert not self.is_ended
        self.room -= len(data)
        self.written += data

    def take(self, count: int) -> None:
        """The program reads so much."""
        self.room += count
        self.owner.stream_drained()

    def end(self) -> None:
        self.is_ended = True

    def consumed(self, count: int) -> None:
        self.given_back += count

    def close(self) -> None:
        self.is_closed = True


class MemoryCase(TestCase):
    """A gateway with the user alice, without sockets and with a clock of its own."""

    settings = SshSettings()
    link = "http://hub.example/"

    def setUp(self) -> None:
        self.clock = Clock()
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.addCleanup(self.database.close)
        self.alice = self.database.add_user("alice", 1.0, "default", "alice's password")
        self.passwords = PlainPasswords()
        store = InlineStore(self.database)
        made = AccountsOfTest(store, self.clock, self.passwords)
        self.accounts, self.shares, self.watch = made.accounts, made.shares, made.watch
        self.consoles = Directory(self.database, self.shares)
        self.uis: list[FakeUI] = []
        services: Any = Services(self.consoles, self.accounts, self._make_ui, lambda: self.link, lambda: 0.0)
        self.gateway = SshGateway(services, self.settings, HOST_KEY, self.clock)

    def share(self, console: ScreenConsole, role: Role = "observer", **values: Any) -> tuple[str, str]:
        """Share a console of alice; the share's id, and the token of a link."""
        shared = self.shares.create(console.id, self.alice, role, **values)
        share, token = self.successResultOf(ensureDeferred(shared))
        return share.id, token or ""

    def _make_ui(self, user: User, terminal: PersonTerminal, transport: Any, start: Start) -> FakeUI:
        self.uis.append(FakeUI(user, terminal, transport, start))
        return self.uis[-1]

    def connect(self) -> Line:
        """A client that has exchanged keys."""
        line = Line(self.gateway, RawClient())
        self.addCleanup(line.lose)
        line.pump()
        assert line.client is not None
        assert line.client.is_secure
        return line

    def ask_login(self, line: Line) -> RawClient:
        """Start the login service."""
        client = line.client
        assert client is not None
        client.send(SERVICE_REQUEST, string("ssh-userauth"))
        line.pump()
        assert client.packets.pop()[0] == SERVICE_ACCEPT
        return client

    def log_in(self, line: Line, name: str = "alice") -> RawClient:
        """Log in with a password."""
        client = self.ask_login(line)
        request(client, name, "password", boolean(False) + string(f"{name}'s password"))
        line.pump()
        assert client.packets.pop()[0] == USERAUTH_SUCCESS, client.packets
        return client

    def open_channel(self, line: Line, window: int = 1 << 20, most_packet: int = 32768) -> int:
        """Open a session channel; its number."""
        client = line.client
        assert client is not None
        opened = string("session") + u32(5) + u32(window) + u32(most_packet)
        client.send(CHANNEL_OPEN, opened)
        line.pump()
        kind, packet = client.packets.pop()
        assert kind == 91, (kind, packet)
        reader = Reader(packet)
        assert reader.u32() == 5
        return reader.u32()

    def run_command(
        self, line: Line, command: str, *, with_terminal: bool = False, typed: bytes | None = None
    ) -> tuple[int | str, str, str]:
        """Run a command on a channel of its own; its exit status, and what it printed.

        :param typed: what is sent to it, up to the end of its input; None: nothing, and no end.
        """
        client, channel = line.client, self.open_channel(line)
        assert client is not None
        if with_terminal:
            channel_request(client, channel, "pty-req", pty(), wants_answer=False)
        channel_request(client, channel, "exec", string(command), wants_answer=False)
        if typed is not None:
            client.send(CHANNEL_DATA, u32(channel) + string(typed))
            client.send(CHANNEL_EOF, u32(channel))
        line.pump()
        packets, client.packets[:] = list(client.packets), []
        client.send(CHANNEL_CLOSE, u32(channel))  # a connection has few channels at a time
        line.pump()
        (status,) = exits(packets)
        return status, outputs(packets).decode(), outputs(packets, stderr=True).decode()


def request(client: RawClient, name: str | bytes, method: str, rest: bytes = b"") -> None:
    """Send a USERAUTH_REQUEST."""
    head = string(name) + string("ssh-connection") + string(method)
    client.send(USERAUTH_REQUEST, head + rest)


def channel_request(
    client: RawClient, channel: int, kind: str, rest: bytes = b"", wants_answer: bool = True
) -> None:
    """Send a CHANNEL_REQUEST."""
    packet = u32(channel) + string(kind) + boolean(wants_answer) + rest
    client.send(CHANNEL_REQUEST, packet)


def pty(term: str = "xterm", cols: int = 80, rows: int = 24) -> bytes:
    """What a ``pty-req`` says."""
    return string(term) + u32(cols) + u32(rows) + u32(0) + u32(0) + string(b"\0")


def outputs(packets: list[tuple[int, bytes]], stderr: bool = False) -> bytes:
    """What came on a channel's stdout, or stderr."""
    if stderr:
        return b"".join(packet[12:] for kind, packet in packets if kind == 95)
    return b"".join(packet[8:] for kind, packet in packets if kind == 94)


def exits(packets: list[tuple[int, bytes]]) -> list[int | str]:
    """The exit statuses and exit signals that came."""
    found: list[int | str] = []
    for kind, packet in packets:
        if kind == CHANNEL_REQUEST:
            reader = Reader(packet)
            reader.u32()
            name = reader.name()
            reader.boolean()
            if name == "exit-status":
                found.append(reader.u32())
            elif name == "exit-signal":
                found.append(reader.name())
    return found


def unpack_u32(packet: bytes, offset: int = 0) -> int:
    (number,) = struct.unpack_from(">L", packet, offset)
    return int(number)
