"""termhub over its WebSocket: what the browser client speaks, frame by frame."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from struct import Struct
from urllib.parse import urlsplit

from sandbox.guest import frames
from tests.bench.clients import COLS, READ_BYTES, ROWS, environment
from tests.bench.peers import Unavailable
from tests.bench.peers.server import Server
from tests.bench.processes import comm, descendants
from tests.bench.programs import PYTHON
from tests.bench.websocket import WebSocket

USER = "bench"
"""Whose consoles are measured."""

_SETTINGS = """\
[plans.pro]
consoles = 5000

[consoles]
kept_ended = 0

[screen]
engine = "{engine}"
"""

_LISTEN = ("--web", "127.0.0.1:0", "--telnet", "off", "--ssh")

_REUSE_SECONDS = 5.0
"""How long a connection is used again; the hub closes one that nobody uses."""

_OFFSET = Struct(">Q")
_RESET = b"\x18\x1bc"


class HubClient:
    """One viewer: acknowledges what it has read, and starts anew with each keyframe.

    :param credential: the header that says who it is.
    :param receive_bytes: what the kernel may hold for it; 0 for as much as it likes.
    """

    def __init__(
        self, port: int, console: str, credential: tuple[str, str], *, receive_bytes: int = 0
    ) -> None:
        self._socket = WebSocket(
            "127.0.0.1",
            port,
            f"/api/v1/consoles/{console}/attach",
            subprotocol="termhub.v1",
            headers=[credential],
        )
        if receive_bytes:
            self._socket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._viewer = os.urandom(8)
        self._sequence = 0
        self._end = 0
        self._stale = True
        self._continued = False
        self.skips = 0
        """How often output was skipped for a keyframe."""
        hello = {
            "version": frames.VERSION,
            "viewer": self._viewer.hex(),
            "cols": COLS,
            "rows": ROWS,
            "windows": {"0": None},
        }
        self._socket.send(frames.encode_json(frames.HELLO, frames.CONSOLE, hello))

    @property
    def received(self) -> int:
        return self._socket.received

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        self._socket.send(frames.input_(0, int.from_bytes(self._viewer, "big"), self._sequence, data))
        self._sequence += len(data)

    def read(self, limit: int = READ_BYTES) -> bytes:
        output: list[bytes] = []
        for message in self._socket.messages(limit):
            position = 0
            while position < len(message):
                kind, _window, length = frames.HEADER.unpack_from(message, position)
                start = position + frames.HEADER.size
                position = start + length
                if kind == frames.OUTPUT:
                    self._output(
                        _OFFSET.unpack_from(message, start)[0], message[start + 8 : position], output
                    )
                elif kind == frames.KEYFRAME:
                    self._keyframe(message[start:position], output)
        if not output:
            return b""
        self._socket.send(frames.ack(0, self._end))
        return b"".join(output)

    def _output(self, offset: int, data: bytes, output: list[bytes]) -> None:
        if offset > self._end and not self._stale:
            self._stale = True
            self.skips += 1
        if self._stale:
            return
        if offset < self._end:
            data = data[self._end - offset :]
        self._end += len(data)
        output.append(data)

    def _keyframe(self, payload: bytes, output: list[bytes]) -> None:
        self._end, _cols, _rows, data = frames.parse_keyframe(payload)
        output.append(data if self._continued else _RESET + data)
        self._continued = frames.keyframe_continues(payload)
        self._stale = False

    def close(self) -> None:
        self._socket.close()


class HubSession:
    """One console."""

    def __init__(self, peer: HubPeer, body: Mapping[str, object]) -> None:
        self._peer = peer
        self.console = str(peer.request("POST", "/consoles", body)["id"])

    def connect(self) -> HubClient:
        return HubClient(self._peer.port, self.console, self._peer.credential)

    def end(self) -> None:
        self._peer.request("DELETE", f"/consoles/{self.console}")


class HubPeer:
    """A hub of our own, with its launcher, hosts and sandboxes.

    :param folder: its data; made if need be.
    :param engine: the screen's engine.
    :param ssh: where it listens for ssh clients.
    """

    section = "web"
    keeps = True
    shares = True

    def __init__(self, name: str, folder: Path, engine: str, ssh: str = "off") -> None:
        self.name = name
        self._folder = folder
        self._data = folder / "data"
        self._engine = engine
        self._ssh = ssh
        self._server: Server | None = None
        self._http: http.client.HTTPConnection | None = None
        self._asked = 0.0
        self.port = 0
        self.ssh_port = 0
        self.token = ""

    def _command(self, *arguments: str) -> list[str]:
        program = Path(sys.executable).with_name("termhub")
        if not program.exists():
            raise Unavailable("termhub is not installed beside this Python")
        return [str(program), *arguments]

    def start(self) -> None:
        program = self._command("--version")
        subprocess.run(program, check=True, capture_output=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._folder / "config.toml"
        settings.write_text(self.settings())
        self._server = Server(
            self._command("up", "--config", str(settings), "--data", str(self._data), *_LISTEN, self._ssh),
            self._folder / "log",
        )
        self.port = urlsplit(self._server.line("web  ").split()[1]).port or 0
        if self._ssh != "off":
            command = self._server.line("ssh  ").split()
            self.ssh_port = int(command[command.index("-p") + 1])
        self.run("user", "add", USER, "--no-password", "--plan", "pro")
        self.token = self.run("token", "create", "--user", USER).split()[-1]

    def settings(self) -> str:
        """The hub's settings (TOML)."""
        return _SETTINGS.format(engine=self._engine)

    @property
    def credential(self) -> tuple[str, str]:
        """The header by which the consoles' owner is known."""
        return ("Authorization", f"Bearer {self.token}")

    def run(self, *arguments: str) -> str:
        """What a command of termhub prints, run beside the hub."""
        done = subprocess.run(
            self._command(*arguments, "--data", str(self._data)),
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            env=environment(),
        )
        return done.stdout.strip()

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        credential: tuple[str, str] | None = None,
    ) -> dict[str, object]:
        """One REST call; the JSON of its answer, empty when there is none.

        :param credential: the header that says who asks; None: the consoles' owner.
        """
        answer = self.answer(method, path, body, credential or self.credential)
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text) if text else {}

    def answer(
        self, method: str, path: str, body: Mapping[str, object] | None, credential: tuple[str, str]
    ) -> http.client.HTTPResponse:
        """One REST call; the head of its answer, to be read before the next."""
        if self._http is not None and time.monotonic() - self._asked > _REUSE_SECONDS:
            self._http.close()
            self._http = None
        self._asked = time.monotonic()
        if self._http is None:
            self._http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        same = ("Sec-Fetch-Site", "same-origin")
        headers = dict([credential, same, ("Content-Type", "application/json")])
        content = None if body is None else json.dumps(body)
        self._http.request(method, f"/api/v1{path}", content, headers)
        return self._http.getresponse()

    def stop(self) -> None:
        if self._http is not None:
            self._http.close()
        if self._server is not None:
            self._server.stop()
            self.run("down", "--all")

    def open(self, argv: Sequence[str]) -> HubSession:
        return HubSession(self, {"program": "script", "argv": list(argv), "cols": COLS, "rows": ROWS})

    def open_python(self) -> HubSession:
        """A fresh console; never the one that is prepared, because that has no command line."""
        return self.open((PYTHON,))

    def log_in(self) -> None:
        """Log in as a browser does: the hub then prepares a console for its user."""
        link = self.run("user", "link", USER).split()[-1]
        self.request("POST", "/login", {"link": link.rpartition("=")[2]})

    def open_prepared(self) -> HubSession:
        """What a person gets who asks for a console: the one that is prepared for them."""
        return HubSession(self, {"program": "python", "cols": COLS, "rows": ROWS})

    def processes(self) -> Mapping[str, set[int]]:
        consoles = self._data / "run" / "consoles"
        hosts = {_pid(path) for path in consoles.glob("*/host.lock")} - {0}
        agents = set()
        for path in consoles.glob("*/sandbox.json"):
            with contextlib.suppress(OSError, ValueError):
                agents.add(int(json.loads(path.read_text())["pid"]))
        launcher = _pid(self._data / "run" / "launcher.lock")
        programs = descendants(agents)
        hub = _pid(self._data / "hub.pid")
        others = descendants([launcher]) - hosts - agents - programs
        return {
            "hub": {hub},
            "launcher": {launcher} | {pid for pid in others if comm(pid) != "bwrap"},
            "hosts": hosts,
            "bwrap": {pid for pid in others if comm(pid) == "bwrap"},
            "agents": agents,
            "programs": programs,
        }


def _pid(path: Path) -> int:
    """The pid in a lock file; 0 when there is none."""
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 0
