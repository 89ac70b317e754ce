"""Shared consoles: one hub, and the people whom a share's links let in.

Everybody is real: guests who took a link, and the owner.  The measured writer is a guest in a
browser.  The others are read by processes of their own that let everybody else go first, as they
would be on machines of their own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import which

from tests.bench.clients import Client, Drainer, PtyClient, TookTooLong, watch
from tests.bench.peers import Unavailable
from tests.bench.peers.hub import USER, HubClient, HubPeer, HubSession
from tests.bench.peers.ssh import Login, make_key
from tests.bench.processes import cpu_seconds
from tests.bench.scale import Scale

LAGGARD_KERNEL_BYTES = 4096
"""What the kernel holds for a slow reader, so that what it has not read is the hub's to hold."""

_SETTLE_SECONDS = 1.5


class Crowd:
    """Those who look on while the writer types.

    :param session: the console that they look at.
    """

    def __init__(self, session: SharedSession, scale: Scale) -> None:
        self._session = session
        self._scale = scale
        self._clients: list[Client] = []
        self._drainers: list[Drainer] = []
        self._expected = 1

    def kinds(self) -> Mapping[str, tuple[int, Callable[[], None]]]:
        """How many there are of each kind, and how they come."""
        return {
            "browsers": (self._scale.browsers, self.add_browsers),
            "ssh": (self._scale.terminals, self.add_terminals),
            "lagging": (self._scale.laggards, self.add_laggards),
        }

    def add_all(self) -> None:
        """Everybody comes."""
        for _count, add in self.kinds().values():
            add()

    def add_browsers(self) -> None:
        """The owner, another writer, and guests who look on; all in browsers."""
        session = self._session
        others = [lambda: session.guest("observer")] * (self._scale.browsers - 2)
        self._come([session.owner, lambda: session.guest("writer"), *others])

    def add_terminals(self) -> None:
        """The owner, another writer, and guests who look on; all by ssh."""
        session = self._session
        others = [lambda: session.guest_by_ssh("observer")] * (self._scale.terminals - 2)
        self._come([session.owner_by_ssh, lambda: session.guest_by_ssh("writer"), *others])

    def add_laggards(self) -> None:
        """Guests whose browsers read slowly."""
        session, slow = self._session, LAGGARD_KERNEL_BYTES
        guests = [lambda: session.guest("observer", slow)] * self._scale.laggards
        self._come(guests, self._scale.laggard_bytes)

    def _come(self, ways: Sequence[Callable[[], Client]], pace: int = 0) -> None:
        clients = []
        for way in ways:
            clients.append(way())
            self._clients.append(clients[-1])
            self._session.read()
        self._expected += len(clients)
        self._drainers.append(Drainer(clients, pace=pace, is_polite=True))
        self.check()
        end = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < end:
            self._session.read()
            time.sleep(0.05)

    def check(self) -> None:
        """All of them are there.

        :raises TookTooLong: when some are missing.
        """
        end = time.monotonic() + 20
        while (count := self._session.viewers()) != self._expected:
            if time.monotonic() > end:
                raise TookTooLong(f"{count} viewers are there instead of {self._expected}")
            self._session.read()
            time.sleep(0.1)

    def cpu_seconds(self) -> float:
        """CPU time that their clients have used."""
        pids = [drainer.pid for drainer in self._drainers]
        return cpu_seconds(pids + [client.pid for client in self._clients if isinstance(client, PtyClient)])

    def leave(self) -> None:
        """Everybody goes."""
        for drainer in self._drainers:
            drainer.stop()
        for client in self._clients:
            client.close()


class SharedSession:
    """One console that is shared by links.

    :param login: how the owner comes by ssh.
    """

    def __init__(self, hub: HubPeer, login: Login, argv: Sequence[str]) -> None:
        self._hub = hub
        self._login = login
        self._session = hub.open(argv)
        self._clients: list[HubClient] = []
        path = f"/consoles/{self._session.console}/shares"
        self._links = {
            role: str(hub.request("POST", path, {"role": role})["url"]).rpartition("/")[2]
            for role in ("observer", "writer")
        }

    def connect(self) -> HubClient:
        """A guest who may type, in a browser."""
        client = self.guest("writer")
        self._clients.append(client)
        return client

    def read(self) -> None:
        """Have the writer read what has come: nobody would wait for ever for who does not."""
        for client in self._clients:
            client.read()

    def owner(self) -> HubClient:
        """The owner in a browser."""
        return self._session.connect()

    def guest(self, role: str, receive_bytes: int = 0) -> HubClient:
        """Somebody without an account takes a link in a browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self._hub.port, timeout=60)
        with contextlib.closing(connection):
            body = json.dumps({"token": self._links[role], "name": "guest"})
            connection.request("POST", "/api/v1/shares/take", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"taking a link: {answer.status} {said[:500]!r}")
            cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        port, console = self._hub.port, self._session.console
        return HubClient(port, console, ("Cookie", cookie), receive_bytes=receive_bytes)

    def owner_by_ssh(self) -> PtyClient:
        """The owner in a terminal."""
        return self._shown(
            PtyClient(self._login.command("attach", self._session.console, terminal=True), is_polite=True)
        )

    def guest_by_ssh(self, role: str) -> PtyClient:
        """Somebody without an account takes a link in a terminal."""
        login = Login(self._login.folder, self._links[role], self._login.port)
        client = PtyClient(login.guest_command(), is_polite=True)
        watch(client, b"Your name")
        client.send(b"\r")
        return self._shown(client)

    def _shown(self, client: PtyClient) -> PtyClient:
        watch(client, b"\x1b[H\x1b[2J")  # the terminal UI begins to draw
        return client

    def viewers(self) -> int:
        """How many look at it now."""
        found = self._hub.request("GET", f"/consoles/{self._session.console}")
        return int(str(found["viewers"]))

    def end(self) -> None:
        for client in self._clients:
            client.close()
        self._session.end()


class SharedPeer:
    """A hub with one shared console at a time.

    :param has_crowd: others look on.
    """

    section = "shared"
    keeps = True
    shares = True

    def __init__(self, name: str, folder: Path, *, has_crowd: bool) -> None:
        self.name = name
        self.has_crowd = has_crowd
        self._folder = folder
        self._hub = HubPeer(name, folder, engine="auto", ssh="127.0.0.1:0")
        self._login = Login(folder, USER, 0)

    def start(self) -> None:
        if not which("ssh"):
            raise Unavailable("ssh is not on PATH")
        self._hub.start()
        make_key(self._folder / "id")
        self._hub.run("key", "add", str(self._folder / "id.pub"), "--user", USER)
        self._login = Login(self._folder, USER, self._hub.ssh_port)

    def stop(self) -> None:
        self._hub.stop()

    def open(self, argv: Sequence[str]) -> SharedSession:
        return SharedSession(self._hub, self._login, argv)

    def open_python(self) -> HubSession:
        return self._hub.open_python()

    def processes(self) -> Mapping[str, set[int]]:
        return self._hub.processes()
