"""ssh: OpenSSH's own client on a PTY, to termhub or to OpenSSH's server with tmux behind it.

Both servers listen on the loopback address and know one key; the client is the same for both.
"""

from __future__ import annotations

import os
import pwd
import shlex
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from tests.bench.clients import PtyClient
from tests.bench.peers import Unavailable
from tests.bench.peers.hub import USER, HubPeer, HubSession
from tests.bench.peers.server import Server
from tests.bench.peers.tmux import TmuxServer
from tests.bench.processes import comm, descendants
from tests.bench.programs import PYTHON

SECTION = "ssh"

_SSHD_SETTINGS = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/id.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 500
UseDNS no
PrintMotd no
SetEnv HOME={folder}
PrintLastLog no
"""
"""The home is an empty one: what a person's shell does at the start is not what is measured."""

_SEPARATION = Path("/run/sshd")
"""Where sshd locks up its part that speaks to strangers; the system makes it when it starts its own."""


@dataclass(frozen=True)
class Login:
    """How a person gets in.

    :param folder: where the key lies, as ``id`` and ``id.pub``.
    """

    folder: Path
    user: str
    port: int

    def command(self, *words: str, terminal: bool) -> list[str]:
        """The command line of a client that runs ``words`` at the other end."""
        where = ["-i", str(self.folder / "id"), "-o", "IdentitiesOnly=yes"]
        return self._client("-tt" if terminal else "-T", *where, self._host, *words)

    def guest_command(self) -> list[str]:
        """The command line of a client without a key, whose user is asked who they are."""
        return self._client("-tt", "-o", "PubkeyAuthentication=no", self._host)

    @property
    def _host(self) -> str:
        return f"{self.user}@127.0.0.1"

    def _client(self, *words: str) -> list[str]:
        settings = (
            "UserKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=no",
            "IdentityAgent=none",
            "LogLevel=ERROR",
            # Both servers can do this one; OpenSSH's own first choice takes two hundred milliseconds.
            "KexAlgorithms=curve25519-sha256",
        )
        options = [word for setting in settings for word in ("-o", setting)]
        return ["ssh", "-F", "none", "-e", "none", *options, "-p", str(self.port), *words]


def make_key(path: Path) -> None:
    """A key pair in ``path`` and ``path.pub``."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class SshTmuxSession:
    """A tmux session; each of its clients is a ``tmux attach`` that sshd starts."""

    def __init__(self, login: Login, server: TmuxServer, argv: Sequence[str]) -> None:
        self._login = login
        self._tmux = server
        self._name = server.open(argv)
        self._clients: list[PtyClient] = []

    def connect(self) -> PtyClient:
        attach = shlex.join(self._tmux.command("attach-session", "-t", f"={self._name}"))
        client = PtyClient(self._login.command(attach, terminal=True))
        self._clients.append(client)
        return client

    def end(self) -> None:
        subprocess.run(
            self._tmux.command("kill-session", "-t", f"={self._name}"), capture_output=True, check=False
        )
        for client in self._clients:
            client.close()


class SshTmuxPeer:
    """What people run today when a terminal has to outlive the connection to it."""

    name = "ssh + tmux"
    section = SECTION
    keeps = True
    shares = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tmux = TmuxServer(folder, status=True)
        self._server: Server | None = None
        self._login = Login(folder, pwd.getpwuid(os.getuid()).pw_name, 0)

    def start(self) -> None:
        sshd = which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
        if sshd is None or not which("ssh"):
            raise Unavailable("ssh and sshd are not on PATH")
        self._tmux.start()
        self._folder.chmod(0o700)
        make_key(self._folder / "host_key")
        make_key(self._folder / "id")
        if os.getuid() == 0:
            _SEPARATION.mkdir(mode=0o755, exist_ok=True)
        port = free_port()
        settings = self._folder / "sshd_config"
        settings.write_text(_SSHD_SETTINGS.format(port=port, folder=self._folder))
        self._server = Server([sshd, "-D", "-e", "-f", str(settings)], self._folder / "log")
        self._server.line("Server listening")
        self._login = Login(self._folder, self._login.user, port)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._tmux.stop()

    def open(self, argv: Sequence[str]) -> SshTmuxSession:
        return SshTmuxSession(self._login, self._tmux, argv)

    def open_python(self) -> SshTmuxSession:
        return self.open((PYTHON,))

    def listing(self) -> list[str]:
        """The command line that logs in, lists the sessions and leaves."""
        return self._login.command(shlex.join(self._tmux.command("list-sessions")), terminal=False)

    def processes(self) -> Mapping[str, set[int]]:
        server = self._server.pid if self._server is not None else 0
        started = descendants([server])
        daemons = {pid for pid in started if comm(pid).startswith("sshd")}
        return {
            "sshd": {server} | daemons,
            "tmux": {self._tmux.pid},
            "clients": started - daemons,
            "programs": descendants([self._tmux.pid]),
        }


class SshHubSession:
    """A console; each of its clients is a login that attaches to it."""

    def __init__(self, login: Login, session: HubSession) -> None:
        self._login = login
        self._session = session
        self._clients: list[PtyClient] = []

    def connect(self) -> PtyClient:
        client = PtyClient(self._login.command("attach", self._session.console, terminal=True))
        self._clients.append(client)
        return client

    def end(self) -> None:
        self._session.end()
        for client in self._clients:
            client.close()


class SshHubPeer:
    """termhub's gateway for ssh, with the terminal UI as people first see it."""

    name = "termhub ssh"
    section = SECTION
    keeps = True
    shares = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._hub = HubPeer(self.name, folder, engine="auto", ssh="127.0.0.1:0")
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

    def open(self, argv: Sequence[str]) -> SshHubSession:
        return SshHubSession(self._login, self._hub.open(argv))

    def open_python(self) -> SshHubSession:
        return SshHubSession(self._login, self._hub.open_python())

    def listing(self) -> list[str]:
        """The command line that logs in, lists the consoles and leaves."""
        return self._login.command("ls", terminal=False)

    def processes(self) -> Mapping[str, set[int]]:
        return self._hub.processes()


SshPeer = SshTmuxPeer | SshHubPeer
