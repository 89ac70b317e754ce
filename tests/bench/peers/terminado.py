"""terminado: the terminals of Jupyter, on Tornado."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.clients import COLS, READ_BYTES, ROWS
from tests.bench.peers.http import post
from tests.bench.peers.server import Server
from tests.bench.processes import descendants
from tests.bench.programs import PYTHON
from tests.bench.websocket import TEXT, WebSocket


class TerminadoClient:
    """Speaks terminado's JSON messages."""

    def __init__(self, port: int, name: str) -> None:
        self._socket = WebSocket("127.0.0.1", port, f"/terminals/{name}")
        self._send("set_size", ROWS, COLS)

    def _send(self, *message: object) -> None:
        self._socket.send(json.dumps(message).encode(), TEXT)

    @property
    def received(self) -> int:
        return self._socket.received

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        self._send("stdin", data.decode())

    def read(self, limit: int = READ_BYTES) -> bytes:
        output = []
        for message in self._socket.messages(limit):
            kind, *values = json.loads(message)
            if kind == "stdout":
                output.append(values[0])
        return "".join(output).encode()

    def close(self) -> None:
        self._socket.close()


class TerminadoSession:
    """One named terminal."""

    def __init__(self, port: int, argv: Sequence[str]) -> None:
        self._port = port
        self._name = post(port, "/open", json.dumps(argv).encode()).decode()
        self._clients: list[TerminadoClient] = []

    def connect(self) -> TerminadoClient:
        client = TerminadoClient(self._port, self._name)
        self._clients.append(client)
        return client

    def end(self) -> None:
        post(self._port, f"/end/{self._name}")
        for client in self._clients:
            client.close()


class TerminadoPeer:
    """See the module."""

    name = "terminado"
    section = "web"
    keeps = True
    shares = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Server | None = None
        self._port = 0

    def start(self) -> None:
        self._server = Server(
            [sys.executable, "-m", "tests.bench.servers.terminado_server"], self._folder / "log"
        )
        self._port = int(self._server.line("port ").split()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()

    def open(self, argv: Sequence[str]) -> TerminadoSession:
        return TerminadoSession(self._port, argv)

    def open_python(self) -> TerminadoSession:
        return self.open((PYTHON,))

    def processes(self) -> Mapping[str, set[int]]:
        if self._server is None:
            return {}
        return {"server": {self._server.pid}, "programs": descendants([self._server.pid])}
