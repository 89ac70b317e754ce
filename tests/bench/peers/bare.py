"""A bare Twisted WebSocket: what termhub would be without screens, journals and sandboxes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.clients import READ_BYTES
from tests.bench.peers.http import post
from tests.bench.peers.server import Server
from tests.bench.processes import descendants
from tests.bench.programs import PYTHON
from tests.bench.websocket import WebSocket


class BareClient:
    """Terminal bytes in binary messages, nothing around them."""

    def __init__(self, port: int, name: str) -> None:
        self._socket = WebSocket("127.0.0.1", port, f"/terminals/{name}")

    @property
    def received(self) -> int:
        return self._socket.received

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        self._socket.send(data)

    def read(self, limit: int = READ_BYTES) -> bytes:
        return b"".join(self._socket.messages(limit))

    def close(self) -> None:
        self._socket.close()


class BareSession:
    """A program; it starts with its first client, so that nothing it says is missed."""

    def __init__(self, port: int, argv: Sequence[str]) -> None:
        self._port = port
        self._argv = argv
        self._name = ""
        self._clients: list[BareClient] = []

    def connect(self) -> BareClient:
        if not self._name:
            self._name = post(self._port, "/open", json.dumps(self._argv).encode()).decode()
        client = BareClient(self._port, self._name)
        self._clients.append(client)
        return client

    def end(self) -> None:
        if self._name:
            post(self._port, f"/end/{self._name}")
        for client in self._clients:
            client.close()


class BarePeer:
    """See the module."""

    name = "bare ws"
    section = "web"
    keeps = False
    shares = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Server | None = None
        self._port = 0

    def start(self) -> None:
        self._server = Server([sys.executable, "-m", "tests.bench.servers.bare_server"], self._folder / "log")
        self._port = int(self._server.line("port ").split()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def open(self, argv: Sequence[str]) -> BareSession:
        return BareSession(self._port, argv)

    def open_python(self) -> BareSession:
        return self.open((PYTHON,))

    def processes(self) -> Mapping[str, set[int]]:
        if self._server is None:
            return {}
        return {"server": {self._server.pid}, "programs": descendants([self._server.pid])}
