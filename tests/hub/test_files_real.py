"""Files of users through real file servers in real sandboxes: what works, and where it ends."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.internet import defer, protocol, reactor, threads
from twisted.internet.defer import Deferred

from termhub.errors import ConsoleError
from termhub.hub.files import SFTP_SERVER
from termhub.hub.streams import Stream
from termhub.store import User
from tests.support import sftp as fx
from tests.support.real_hub import Collector, RealHubCase, run
from tests.support.sftp import attributes, sftp, text

MEGABYTES = 200


class FilesTests(RealHubCase):
    async def test_every_operation_of_sftp(self) -> None:
        client = await sftp(self.hub.consoles, self.user)
        home = (await client.ask(fx.REALPATH, text("."))).rest
        self.assertIn(b"/home/user", home)

        await client.put("a", b"hello")
        self.assertEqual(await client.get("a"), b"hello")
        self.assertEqual((await client.stat("a"))["size"], 5)
        await client.ask(fx.SETSTAT, text("a") + attributes(permissions=0o600, time=86400))
        found = await client.stat("a")
        self.assertEqual((found["permissions"] & 0o777, found["mtime"]), (0o600, 86400))
        await client.ask(fx.SETSTAT, text("a") + attributes(size=4))

        handle = text(await client.open("a", fx.FXF_READ | fx.FXF_WRITE))
        self.assertEqual((await client.ask(fx.FSTAT, handle)).attributes()["size"], 4)
        await client.ask(fx.FSETSTAT, handle + attributes(permissions=0o640, time=172800))
        await client.extended("fsync@openssh.com", handle)
        self.assertGreater((await client.extended("fstatvfs@openssh.com", handle)).number(">Q"), 0)
        await client.ask(fx.CLOSE, handle)
        handle = text(await client.open("a", fx.FXF_WRITE | fx.FXF_APPEND))
        await client.ask(fx.WRITE, handle + struct.pack(">Q", 0) + text(b"!"))
        await client.ask(fx.CLOSE, handle)
        self.assertEqual(await client.get("a"), b"hell!")

        await client.ask(fx.MKDIR, text("folder") + attributes(permissions=0o755))
        await client.ask(fx.RENAME, text("a") + text("folder/b"))
        await client.put("c", b"another")
        await client.extended("posix-rename@openssh.com", text("c") + text("folder/b"))
        await client.extended("hardlink@openssh.com", text("folder/b") + text("folder/d"))
        await client.ask(fx.SYMLINK, text("b") + text("folder/link"))  # as OpenSSH has it: target first
        self.assertEqual(await client.list("folder"), {"b", "d", "link"})
        self.assertEqual(await client.get("folder/link"), b"another")
        link = await client.stat("folder/link", fx.LSTAT)
        self.assertTrue(stat.S_ISLNK(link["permissions"]))
        reader = await client.ask(fx.READLINK, text("folder/link"))
        self.assertEqual((reader.number(), reader.string()), (1, b"b"))
        await client.extended("lsetstat@openssh.com", text("folder/link") + attributes(time=86400))
        self.assertEqual((await client.stat("folder/link", fx.LSTAT))["mtime"], 86400)

        await client.extended("statvfs@openssh.com", text("."))
        limits = await client.extended("limits@openssh.com", b"")
        self.assertGreater(limits.number(">Q"), 1 << 17)
        await client.extended("expand-path@openssh.com", text("~"))
        if "copy-data" in client.extensions:  # OpenSSH 9.0 and later
            source = text(await client.open("folder/b", fx.FXF_READ))
            target = text(await client.open("copy", fx.FXF_WRITE | fx.FXF_CREAT))
            span = struct.pack(">QQ", 0, 0)
            await client.extended("copy-data", source + span + target + struct.pack(">Q", 0))
            await client.ask(fx.CLOSE, source)
            await client.ask(fx.CLOSE, target)
            self.assertEqual(await client.get("copy"), b"another")
            await client.ask(fx.REMOVE, text("copy"))

        for name in ("b", "d", "link"):
            await client.ask(fx.REMOVE, text(f"folder/{name}"))
        await client.ask(fx.RMDIR, text("folder"))
        self.assertEqual(await client.refused(fx.STAT, text("folder")), fx.NO_SUCH_FILE)
        assert client.stream is not None
        client.stream.end()
        await client.ended()
        self.assertEqual(client.status, {"code": 0, "said": ""})

    async def test_transfers_share_a_hidden_sandbox_with_the_home_of_the_users_consoles(self) -> None:
        consoles = self.hub.consoles
        running = [Deferred.fromCoroutine(sftp(consoles, self.user)) for _ in range(4)]
        clients = await defer.gatherResults(running)
        for number, client in enumerate(clients):
            await client.put(f"file{number}", b"hello from afar")
        self.assertEqual(len(consoles.all()), 1)
        self.assertEqual(consoles.of(self.user), [])
        self.assertEqual(await clients[0].list("."), {f"file{number}" for number in range(4)})

        console = await self.console(program="bash")
        program = await run(console, "sh", "-c", "cat file3; cp file3 back")
        await program.ended()
        self.assertEqual(program.data, b"hello from afar")
        self.assertEqual(await clients[1].get("back"), b"hello from afar")
        self.assertEqual(consoles.of(self.user), [console])

        for argv, code in ((["nosuch"], "cannot_start"), (["/nowhere/sftp-server"], "not_installed")):
            started = Deferred.fromCoroutine(consoles.run_for_files(self.user, Collector(), argv))
            error = await self.assertFailure(started, ConsoleError)
            self.assertEqual(error.code, code)

    async def test_nothing_of_the_machine_or_of_others_is_reached(self) -> None:
        bob = await self.hub.store.add_user("bob", 0.0, self.user.plan)
        theirs = await sftp(self.hub.consoles, bob)
        await theirs.put("secret", b"bob's")
        secret = self.data / "homes" / str(bob.number) / "secret"
        client = await sftp(self.hub.consoles, self.user)
        back = "/home/user" + "/.." * 12
        paths = [
            str(secret),
            f"{back}{secret}",
            "../secret",
            f"../{bob.number}/secret",
            "/etc/shadow",
            f"{back}/etc/shadow",
            "/proc/1/root/etc/shadow",
            "/proc/self/root/etc/shadow",
            "/proc/1/mem",
            "/root/.ssh",
            str(self.data / "hub"),
            str(self.data / "run"),
        ]
        for number, path in enumerate(paths):
            denied = (fx.NO_SUCH_FILE, fx.PERMISSION_DENIED, fx.FAILURE)
            reading = text(path) + struct.pack(">I", fx.FXF_READ) + attributes()
            self.assertIn(await client.refused(fx.OPEN, reading), denied, path)
            link = f"link{number}"
            await client.ask(fx.SYMLINK, text(path) + text(link))
            reading = text(link) + struct.pack(">I", fx.FXF_READ) + attributes()
            self.assertIn(await client.refused(fx.OPEN, reading), denied, path)
            writing = text(link) + struct.pack(">I", fx.FXF_WRITE | fx.FXF_CREAT) + attributes(0o644)
            code = await client.refused(fx.OPEN, writing)
            self.assertIn(code, denied, path)
        for path in ("/", "/etc", "/usr", "/home"):
            writing = text(f"{path}/new") + struct.pack(">I", fx.FXF_WRITE | fx.FXF_CREAT) + attributes(0o644)
            self.assertIn(await client.refused(fx.OPEN, writing), (fx.PERMISSION_DENIED, fx.FAILURE), path)
        self.assertEqual(await client.list("/home"), {"user"})
        self.assertEqual(await theirs.get("secret"), b"bob's")
        links = await client.list(".")
        self.assertIn("link0", links)

    async def test_new_hub_goes_on_with_the_sandbox_of_the_old_one(self) -> None:
        await sftp(self.hub.consoles, self.user)
        (before,) = [console.id for console in self.hub.consoles.all()]
        await self.hub.stop()
        self.hub = await self.new_hub()
        self.assertEqual(self.hub.consoles.of(self.user), [])
        client = await sftp(self.hub.consoles, self.user)
        await client.put("a", b"again")
        self.assertEqual([console.id for console in self.hub.consoles.all()], [before])

    async def test_large_files_go_and_come_back_whole(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="termhub-sftp-"))
        self.addCleanup(subprocess.run, ["rm", "-rf", str(folder)], check=True)
        piece = os.urandom(1 << 20)
        digest = hashlib.sha256()
        with open(folder / "large", "wb") as file:
            for _ in range(MEGABYTES):
                file.write(piece)
                digest.update(piece)
        relay = Relay(self.hub.consoles, self.user, folder)
        self.addCleanup(relay.stop)
        batch = "put large\nget large back\nchmod 600 large\nls -l large\n"
        status, words = await relay.sftp(batch)
        self.assertEqual(status, 0, words)
        with open(folder / "back", "rb") as file:
            self.assertEqual(hashlib.file_digest(file, "sha256").hexdigest(), digest.hexdigest())
        self.assertIn(str(MEGABYTES << 20), words)


RELAY = """#!{python}
import os, socket, threading
link = socket.socket(socket.AF_UNIX)
link.connect({address!r})
def inward():
    while data := os.read(0, 1 << 16):
        link.sendall(data)
    link.shutdown(socket.SHUT_WR)
threading.Thread(target=inward, daemon=True).start()
while data := link.recv(1 << 16):
    while data:
        data = data[os.write(1, data):]
"""


class Relay:
    """OpenSSH's sftp client, with a hub's stream for its server.

    ``sftp -D COMMAND`` talks to a program instead of ssh: a script that connects to a socket here.
    """

    def __init__(self, consoles: object, user: User, folder: Path) -> None:
        self._folder = folder
        address = str(folder / "socket")
        factory = protocol.Factory.forProtocol(lambda: Channel(consoles, user))  # type: ignore[arg-type]
        self._port = reactor.listenUNIX(address, factory)  # type: ignore[attr-defined]
        self._script = folder / "relay"
        self._script.write_text(RELAY.format(python=sys.executable, address=address))
        self._script.chmod(0o755)

    async def sftp(self, batch: str) -> tuple[int, str]:
        """Exit status and words of a client that does what ``batch`` says."""
        done = await threads.deferToThread(
            subprocess.run,
            ["sftp", "-b", "-", "-D", str(self._script)],
            cwd=self._folder,
            input=batch.encode(),
            capture_output=True,
            timeout=100,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).decode()

    def stop(self) -> Deferred[None]:
        return defer.maybeDeferred(self._port.stopListening)


class Channel(protocol.Protocol):
    """One connection, relayed as a gateway does: with room passed on each way."""

    def __init__(self, consoles: object, user: User) -> None:
        self._consoles, self._user = consoles, user
        self._stream: Stream | None = None
        self._pending = bytearray()
        self._unsent = 0
        self._is_paused = False

    def connectionMade(self) -> None:
        self.transport.registerProducer(self, True)
        started = Deferred.fromCoroutine(self._consoles.run_for_files(self._user, self, SFTP_SERVER))
        started.addCallback(self._started)

    def _started(self, stream: Stream) -> None:
        self._stream = stream
        self.stream_drained()

    def dataReceived(self, data: bytes) -> None:
        self._pending += data
        self.stream_drained()

    def connectionLost(self, reason: object = None) -> None:
        if self._stream is not None:
            self._stream.close()

    def stream_drained(self) -> None:
        if self._stream is not None:
            count = min(self._stream.room, len(self._pending))
            self._stream.write(bytes(self._pending[:count]))
            del self._pending[:count]
        if self._pending:
            self.transport.pauseProducing()
        else:
            self.transport.resumeProducing()

    def stream_data(self, data: bytes) -> None:
        self.transport.write(data)
        self._unsent += len(data)
        self._give_back()

    def stream_ended(self, status: object) -> None:
        self.transport.loseConnection()

    def pauseProducing(self) -> None:
        self._is_paused = True

    def resumeProducing(self) -> None:
        self._is_paused = False
        self._give_back()

    def stopProducing(self) -> None:
        pass

    def _give_back(self) -> None:
        if not self._is_paused and self._stream is not None:
            self._stream.consumed(self._unsent)
            self._unsent = 0
