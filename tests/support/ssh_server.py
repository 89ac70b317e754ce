"""An ssh gateway in a process of its own, with a terminal UI that is a few lines of text.

Run as a program, it serves until its standard input ends; a line ``accept CODE`` there adds the
key that was offered by that code to alice's account.  :class:`SshServer` runs it for a test.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
PASSWORD = "alice's password"


class SshServer:
    """The process; ``alice`` has :data:`PASSWORD` and every ``*.pub`` in the folder.

    :param folder: where it keeps its things.
    """

    def __init__(self, folder: Path, **settings: int) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "tests.support.ssh_server", str(folder), json.dumps(settings)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
        )
        told = self.say()
        self.port: int = told["port"]
        self.fingerprint: str = told["fingerprint"]
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {told['key']}\n")

    def say(self, line: str | None = None) -> Any:
        """Tell it something; its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if line is not None:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the ssh server has ended"
        return json.loads(answer)

    def stop(self) -> None:
        """End it, and its connections."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()

    def options(self, key: str | None = None, user: str = "console") -> list[str]:
        """What OpenSSH's programs are told to reach it, host and user included."""
        options = [
            *("-F", "none"),
            *("-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}"),
            *("-o", "StrictHostKeyChecking=yes"),
            *("-o", "IdentitiesOnly=yes"),
            *("-o", "IdentityAgent=none"),
            *("-o", f"Port={self.port}"),
        ]
        identity = "none" if key is None else str(self.folder / key)
        return [*options, "-o", f"IdentityFile={identity}", f"{user}@127.0.0.1"]


class TextUI:
    """Says what it is told, a line each; q ends it with status 7, f writes 60 kB."""

    def __init__(self, user: Any, terminal: Any, transport: Any, start: Any) -> None:
        self._transport = transport
        self._to_flood = 0
        name = "-" if start.console is None else start.console.name
        self._hello = f"ui {user.name} {terminal.term} {terminal.cols}x{terminal.rows} {terminal.lang} {name}"

    def begin(self) -> None:
        self._say(self._hello)

    def receive(self, data: bytes) -> None:
        if data == b"q":
            self._transport.finish(7, "[over]")
        elif data == b"f":
            self._to_flood = 5
            self.drained()
        else:
            self._say(f"typed {data!r}")

    def resized(self, cols: int, rows: int) -> None:
        self._say(f"size {cols}x{rows}")

    def signal(self, name: str) -> None:
        self._say(f"signal {name}")

    def drained(self) -> None:
        while self._to_flood and self._transport.is_clear:
            self._to_flood -= 1
            self._transport.write(b"flood " * 2000 + b"\r\n")

    def finish(self, words: str, status: int = 0) -> None:
        self._transport.finish(status, words)

    def lost(self, reason: str) -> None:
        self._to_flood = 0

    def _say(self, text: str) -> None:
        self._transport.write(f"{text}\r\n".encode())


def main() -> None:
    """Serve."""
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred
    from twisted.internet.stdio import StandardIO
    from twisted.protocols.basic import LineOnlyReceiver
    from twisted.python.failure import Failure

    from termhub.config import SshSettings
    from termhub.gateways.ssh import Services, make_gateway
    from termhub.gateways.ssh import transport as transport_module
    from termhub.store import Database
    from tests.support.ssh_memory import Directory
    from tests.support.stores import AccountsOfTest, InlineStore

    reactor: Any = installed
    folder, wanted = Path(sys.argv[1]), json.loads(sys.argv[2])
    transport_module.REKEY_BYTES = wanted.pop("rekey_bytes", transport_module.REKEY_BYTES)
    database = Database(folder / "termhub.db")
    alice = database.add_user("alice", time.time(), "default", PASSWORD)
    made = AccountsOfTest(InlineStore(database), reactor, now=time.time)
    accounts = made.accounts
    consoles: Any = Directory(database, made.shares)
    demo = consoles.add(alice, "demo")
    demo.printed = b"".join(b"line %07d\r\n" % number for number in range(400_000))
    services = Services(consoles, accounts, TextUI, lambda: "http://hub.example/", time.time)
    settings = SshSettings(**{"connections_per_address": 300, **wanted})
    gateway = make_gateway(services, settings, folder / "host_key", reactor)

    def answer(value: Any) -> None:
        if isinstance(value, Failure):
            value = {"error": value.getErrorMessage()}  # type: ignore[no-untyped-call]
        print(json.dumps(value), flush=True)

    class Orders(LineOnlyReceiver):
        delimiter = b"\n"

        def lineReceived(self, line: bytes) -> None:
            word, _, code = line.decode().partition(" ")
            if word == "accept":
                accepted = Deferred.fromCoroutine(accounts.keyring.accept_offer(alice, code, "", "127.0.0.1"))
                accepted.addCallback(lambda key: {"fingerprint": key.fingerprint}).addBoth(answer)

        def connectionLost(self, reason: Any = None) -> None:
            gateway.stop().addBoth(lambda _: reactor.stop())

    async def begin() -> dict[str, Any]:
        for path in sorted(folder.glob("*.pub")):
            if not path.name.startswith("unknown"):
                await accounts.keyring.add(alice, path.read_text())
        port = reactor.listenTCP(0, gateway, interface="127.0.0.1")
        key = gateway.publicKeys[b"ssh-ed25519"].toString("openssh").decode()
        return {"port": port.getHost().port, "fingerprint": gateway.fingerprint, "key": key}

    StandardIO(Orders())
    Deferred.fromCoroutine(begin()).addBoth(answer)
    reactor.run()
    database.close()


if __name__ == "__main__":
    main()
