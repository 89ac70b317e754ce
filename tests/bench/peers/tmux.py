"""tmux with its own client on a PTY: what a person has who is logged in to the machine."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which

from tests.bench.clients import COLS, ROWS, PtyClient, environment
from tests.bench.peers import Unavailable
from tests.bench.processes import descendants
from tests.bench.programs import PYTHON

_SETTINGS = """\
set -g status {status}
set -g history-limit 10000
set -g escape-time 0
set -g default-terminal xterm-256color
set -g exit-empty off
set -g window-size latest
"""


class TmuxServer:
    """A tmux server of our own, on a socket of our own.

    :param status: whether its clients show the status line.
    """

    def __init__(self, folder: Path, *, status: bool = False) -> None:
        self._folder = folder
        self._status = "on" if status else "off"
        self._numbers = itertools.count(1)
        self.socket = folder / "socket"
        self.pid = 0

    def start(self) -> None:
        """Start it.

        :raises Unavailable: without tmux.
        """
        if not which("tmux"):
            raise Unavailable("tmux is not on PATH")
        self._folder.mkdir(parents=True, exist_ok=True)
        settings = self._folder / "tmux.conf"
        settings.write_text(_SETTINGS.format(status=self._status))
        self.run("-f", str(settings), "start-server")
        self.pid = int(self.run("display-message", "-p", "#{pid}"))

    def run(self, *arguments: str) -> str:
        """What a tmux command prints."""
        done = subprocess.run(
            self.command(*arguments), capture_output=True, text=True, check=True, env=environment()
        )
        return done.stdout

    def command(self, *arguments: str) -> list[str]:
        """The command line of a tmux command for this server."""
        return ["tmux", "-S", str(self.socket), "-u", *arguments]

    def open(self, argv: Sequence[str]) -> str:
        """A new detached session; its name."""
        name = f"s{next(self._numbers)}"
        self.run("new-session", "-d", "-s", name, "-x", str(COLS), "-y", str(ROWS), "--", *argv)
        return name

    def stop(self) -> None:
        """End it and all its sessions."""
        if self.pid:
            subprocess.run(self.command("kill-server"), capture_output=True, check=False)
            self.pid = 0


class TmuxSession:
    """One tmux session."""

    def __init__(self, server: TmuxServer, name: str) -> None:
        self._server = server
        self.name = name
        self._clients: list[PtyClient] = []

    def connect(self) -> PtyClient:
        client = PtyClient(self._server.command("attach-session", "-t", f"={self.name}"))
        self._clients.append(client)
        return client

    def end(self) -> None:
        subprocess.run(
            self._server.command("kill-session", "-t", f"={self.name}"), capture_output=True, check=False
        )
        for client in self._clients:
            client.close()


class TmuxPeer:
    """See the module."""

    name = "tmux"
    section = "web"
    keeps = True
    shares = True

    def __init__(self, folder: Path) -> None:
        self._server = TmuxServer(folder)
        self._sessions: list[TmuxSession] = []

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        for session in self._sessions:
            for client in session._clients:
                client.close()
        self._server.stop()

    def open(self, argv: Sequence[str]) -> TmuxSession:
        session = TmuxSession(self._server, self._server.open(argv))
        self._sessions.append(session)
        return session

    def open_python(self) -> TmuxSession:
        return self.open((PYTHON,))

    def processes(self) -> Mapping[str, set[int]]:
        clients = {
            client.pid for session in self._sessions for client in session._clients if client.fileno() >= 0
        }
        return {
            "tmux": {self._server.pid},
            "clients": clients,
            "programs": descendants([self._server.pid]),
        }
