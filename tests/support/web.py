"""The web gateway on loopback with consoles that only remember what they were asked."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from sandbox.guest import frames
from termhub.accounts import Shares, manage
from termhub.config import GuestsSettings, Settings
from termhub.errors import BadRequest, ConsoleError, NameTaken, NotAllowed
from termhub.gateways.web import Services, make_site
from termhub.hub.administration import Administration
from termhub.hub.consoles import NewConsole
from termhub.hub.directory import Directory
from termhub.hub.export import Exports
from termhub.hub.invitations import invitation
from termhub.hub.metering import Metering, Reports
from termhub.hub.node import NodeLoad
from termhub.hub.removal import Removals
from termhub.hub.viewers import Client
from termhub.store import ConsoleRecord, Database, User
from tests.support.administration import ConsolesOfHub, FakeFigures, FakeLauncher
from tests.support.folders import temporary_folder
from tests.support.metering import FakeHooks
from tests.support.stores import AccountsOfTest, InlineStore, PlainPasswords


@attrs.frozen
class FakeCursor:
    x: int
    y: int


@attrs.frozen
class FakeScreen:
    lines: list[str]
    cursor: FakeCursor
    cols: int
    rows: int
    offset: int
    title: str


class FakeViewer:
    """Says HELLO, and acknowledges input."""

    def __init__(self, console: FakeConsole, client: Client, user: User, role: str, hello: Any) -> None:
        if not isinstance(hello.get("viewer"), str):
            raise BadRequest("HELLO: viewer is missing.", "bad_hello")
        self.console, self.client, self.user, self.role, self.hello = console, client, user, role, hello
        self.received: list[frames.Frame] = []
        self.left: Deferred[str] = Deferred()
        self.on_frame: Callable[[frames.Frame], None] | None = None
        console.viewers.append(self)  # before its client can know that it is there
        client.send(
            frames.encode_json(
                frames.HELLO,
                frames.CONSOLE,
                {
                    "version": 1,
                    "console": console.describe(),
                    "role": role,
                    "windows": [],
                    "policy": "latest",
                },
            )
        )

    def receive(self, frame: frames.Frame) -> None:
        self.received.append(frame)
        if self.on_frame is not None:
            self.on_frame(frame)
        if frame.type == frames.INPUT:
            viewer, sequence, data = frames.parse_input(frame.payload)
            self.console.typed += data
            self.client.send(frames.accepted(frame.window, viewer, sequence + len(data)))
        elif frame.type == frames.ACK:
            frames.parse_ack(frame.payload)
        elif frame.type == frames.RESIZE:
            frames.parse_resize(frame.payload)
        elif frame.type == frames.REQUEST:
            request = frames.parse_json(frame.payload)
            self.client.send(
                frames.encode_json(frames.REPLY, frames.CONSOLE, {"id": request.get("id"), "ok": True})
            )
        else:
            raise frames.FrameError(f"{frames.NAMES[frame.type]} is not a client's to send")

    def detach(self, reason: str) -> None:
        self.console.viewers.remove(self)
        self.left.callback(reason)


class FakeConsole:
    """A console without a program."""

    def __init__(self, id: str, owner: int, new: NewConsole) -> None:
        self.id, self.owner, self.new = id, owner, new
        self.name = new.name or id
        self.program, self.image = new.program or "python", new.image or "3.11"
        self.created, self.last_activity, self.active_at = 1.5, 2.5, 0.5
        self.is_prepared = False
        self.state = "running"
        self.reason: str | None = None
        self.viewers: list[FakeViewer] = []
        self.attached: Deferred[FakeViewer] = Deferred()
        self.typed = bytearray()
        self.printed = b""
        self.asked: list[tuple[Any, ...]] = []
        self.window_numbers = [0]
        self.hold: Deferred[None] | None = None  # what input waits for
        self.only_owners_type = False
        self.output_waits: list[Deferred[None]] = []

    @property
    def has_ended(self) -> bool:
        return self.state == "ended"

    @property
    def windows(self) -> Any:
        return {}

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "reason": self.reason,
            "program": self.new.program or "python",
            "image": self.new.image or "3.11",
            "isolation": "none: a test",
            "created": 1.5,
            "ended": None,
            "last_activity": 2.5,
            "viewers": len(self.viewers),
            "policy": "latest",
            "windows": [
                {
                    "window": number,
                    "argv": ["python"],
                    "offset": len(self.printed),
                    "cols": self.new.cols,
                    "rows": self.new.rows,
                    "title": "a title",
                    "exit": None,
                }
                for number in self.window_numbers
            ],
        }

    def attach(self, client: Client, user: User, role: str, hello: object) -> FakeViewer:
        viewer = FakeViewer(self, client, user, role, hello)
        waiting, self.attached = self.attached, Deferred()
        waiting.callback(viewer)
        return viewer

    def _check(self, window: int) -> None:
        if window not in self.window_numbers:
            raise BadRequest(f"There is no window {window}.", "no_such_window")
        if self.state == "ended":
            raise ConsoleError("The console has ended.", "ended")

    async def open_window(self, program: str | None, argv: list[str] | None, cols: int, rows: int) -> int:
        self.asked.append(("open", program, argv, cols, rows))
        self.window_numbers.append(self.window_numbers[-1] + 1)
        return self.window_numbers[-1]

    async def close_window(self, window: int) -> None:
        self._check(window)
        self.window_numbers.remove(window)

    async def signal(self, name: str, window: int) -> None:
        self._check(window)
        self.asked.append(("signal", name, window))

    async def text(self, window: int, scrollback: int) -> FakeScreen:
        self._check(window)
        return FakeScreen(["history"] * scrollback + [">>> "], FakeCursor(4, 0), 80, 24, 4, "a title")

    async def output(self, window: int, since: int, wait_seconds: float, limit: int) -> tuple[int, bytes]:
        self._check(window)
        if wait_seconds and since >= len(self.printed):
            wait: Deferred[None] = Deferred(lambda waiting: self.output_waits.remove(waiting))
            self.output_waits.append(wait)
            await wait
        return since, self.printed[since : since + limit]

    def print(self, data: bytes) -> None:
        self.printed += data
        waits, self.output_waits = self.output_waits, []
        for wait in waits:
            wait.callback(None)

    async def input(self, user: User, role: str, window: int, data: bytes) -> None:
        self._check(window)
        if self.hold is not None:
            await self.hold
        self.typed += data

    def check_may_act(self, user: User, role: str) -> None:
        if self.only_owners_type and role != "owner":
            raise NotAllowed("Only owners type here now.", "not_in_control")

    def resize(self, number: int, cols: int, rows: int) -> None:
        self._check(number)
        self.asked.append(("resize", number, cols, rows))


class FakeConsoles:
    """The consoles of everybody; who may do what in them is for the hub's own directory to say."""

    def __init__(self, database: Database, shares: Shares) -> None:
        self._database = database
        self._shares = shares
        self._directory: Any = Directory(shares)
        self.all: dict[str, FakeConsole] = self._directory.consoles
        self.get, self.role_of = self._directory.get, self._directory.role_of
        self.of, self.shared = self._directory.of, self._directory.shared
        self.owner_name = self._directory.owner_name

    async def create(self, user: User, new: NewConsole) -> FakeConsole:
        if any(console.name == new.name for console in self.of(user)):
            raise NameTaken(f"You already have a console named {new.name}.")
        return self.add(user, new)

    def add(self, user: User, new: NewConsole) -> FakeConsole:
        console = FakeConsole(f"c-{len(self.all):0>10}", user.number, new)
        self._database.add_console(
            ConsoleRecord(console.id, user.number, console.name, "python", "3.11", 1.5)
        )
        self._directory.owner_names[user.number] = user.name
        self.all[console.id] = console
        return console

    async def rename(self, console: Any, name: str) -> None:
        self._database.rename_console(console.id, name)
        console.name = name

    async def end(self, console: Any, reason: str) -> None:
        console.state, console.reason = "ended", reason

    async def remove(self, console: Any) -> None:
        del self.all[console.id]
        self._database.remove_console(console.id)
        self._shares.console_removed(console.id)


@attrs.frozen
class Response:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class WebTestCase(TestCase):
    """A site on loopback, with the users alice and bob; calls are made in threads."""

    timeout = 120
    guests = GuestsSettings()

    def setUp(self) -> None:
        self.database = Database(temporary_folder(self) / "termhub.db")
        self.addCleanup(self.database.close)
        self.alice = self.database.add_user("alice", 1.0, "default", "alice's password")
        self.bob = self.database.add_user("bob", 1.0, "default", "bob's password")
        self.token = manage.create_token(self.database, "alice")[1]
        self.bobs_token = manage.create_token(self.database, "bob")[1]
        self.static = temporary_folder(self) / "static"
        store, passwords, clock = InlineStore(self.database), PlainPasswords(), reactor
        made = AccountsOfTest(store, clock, passwords, manage.time.time)
        self.accounts, self.shares, self.watch = made.accounts, made.shares, made.watch
        self.visitors = made.visitors(self.guests)
        self.successResultOf(Deferred.fromCoroutine(self.shares.start()))
        self.addCleanup(self.shares.stop)
        self.successResultOf(Deferred.fromCoroutine(self.watch.start()))
        self.addCleanup(self.watch.stop)
        self.consoles = FakeConsoles(self.database, self.shares)
        self._look_after_it(store, passwords, made)
        self.ended: list[str] = []
        self.watch.on_access_ended(self._access_ended)
        self.comings: list[tuple[str, str]] = []
        self.ssh_address: str | None = None
        self.addresses: dict[str, str] = {"web": "https://hub.example/"}
        services = Services(
            self.consoles,
            self.accounts,
            self.shares,
            made.audit,
            self.visitors,
            self._images,
            "1.2.3",
            exports=self.exports,
            removals=self.removals,
            admin=self.admin,
            reports=self.reports,
            address=lambda: self.addresses["web"],
            invitation=lambda token: invitation(token, self.addresses),
            logged_in=lambda user: self.comings.append(("in", user.name)),
            logged_out=lambda user: self.comings.append(("out", user.name)),
            ssh_address=lambda: self.ssh_address,
        )
        self.site = make_site(services, reactor, **self.site_options())
        self.connections: list[Deferred[None]] = []
        self.addCleanup(lambda: DeferredList(self.connections))
        self.site.buildProtocol = self._watched(self.site.buildProtocol)
        self.port = reactor.listenTCP(0, self.site, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(self.port.stopListening)
        self.address: int = self.port.getHost().port
        self.origin = f"http://127.0.0.1:{self.address}"

    def _look_after_it(self, store: Any, passwords: Any, made: AccountsOfTest) -> None:
        """What administrators use, and what removes and exports accounts."""
        self.hub_consoles: Any = ConsolesOfHub(self.consoles, store)
        self.launcher: Any = FakeLauncher()
        self.figures: Any = FakeFigures()
        now = manage.time.time
        self.metering = Metering(
            Settings(),
            store,
            self.hub_consoles,
            self.launcher,
            FakeHooks(),
            reactor,
            now,  # type: ignore[arg-type]
        )
        self.metering.plans.users.update({user.number: user for user in self.database.users()})
        self.reports = Reports(self.metering, store, self.hub_consoles)
        self.exports = Exports(store, self.hub_consoles, self.shares, now)
        self.removals = Removals(
            store, self.hub_consoles, self.shares, self.launcher, self.watch, made.audit, now
        )
        self.addCleanup(self.removals.stop)
        self.admin = Administration(
            store,
            self.accounts,
            passwords,
            self.hub_consoles,
            self.removals,
            self.figures,
            made.audit,
            self._load,
            lambda: "none: a test",
            now,
        )

    async def _load(self) -> NodeLoad:
        return NodeLoad(2, (0.5, 0.25, 0.0), 1 << 33, 1 << 32, 1 << 40, 1 << 39)

    def _watched(self, build: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Every connection of the site is over at the end of a test: it is waited for."""

        def build_watched(address: Any) -> Any:
            protocol = build(address)
            make = protocol.makeConnection

            def make_watched(transport: Any) -> None:
                gone: Deferred[None] = Deferred()
                self.connections.append(gone)
                lose = transport.connectionLost

                def lost(reason: Any) -> None:
                    lose(reason)
                    gone.callback(None)

                transport.connectionLost = lost
                make(transport)

            protocol.makeConnection = make_watched
            return protocol

        return build_watched

    def site_options(self) -> dict[str, Any]:
        return {"static_folder": self.static}

    async def _images(self) -> list[dict[str, Any]]:
        return [{"name": "3.11", "version": "3.11.2", "source": "system", "programs": ["python", "bash"]}]

    async def _access_ended(self, user: User) -> None:
        self.ended.append(user.name)

    def console(self, name: str = "main", owner: User | None = None) -> FakeConsole:
        return self.consoles.add(owner or self.alice, NewConsole(name=name))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Deferred[Response]:
        """One request to the REST API, as alice with a token unless told otherwise."""
        sent = dict(headers or {})
        given = self.token if token is None else token
        if given:
            sent.setdefault("Authorization", f"Bearer {given}")
        data = raw if body is None else json.dumps(body).encode()
        return self.http(method, "/api/v1" + path, data, sent)

    def http(
        self, method: str, target: str, data: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Deferred[Response]:
        """One request as it is."""

        def request() -> Response:
            connection = http.client.HTTPConnection("127.0.0.1", self.address, timeout=60)
            try:
                connection.request(method, target, data, headers or {})
                response = connection.getresponse()
                return Response(response.status, response.headers, response.read())
            finally:
                connection.close()

        return deferToThread(request)

    def raw(self, data: bytes | str) -> Deferred[bytes]:
        """What the site answers to these bytes, and an end of file, until it closes the connection."""
        sent = data.encode() if isinstance(data, str) else data

        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", self.address), timeout=60) as connection:
                try:
                    connection.sendall(sent)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # it has closed already, after an answer
                answer = b""
                while chunk := connection.recv(65536):
                    answer += chunk
                return answer

        return deferToThread(talk)
